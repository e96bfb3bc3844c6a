//! What is wrong with a configuration text, and how it is shown to people.
//!
//! A [`Mistake`] points at octets of the text it was found in. Its message says what is wrong, its hint what
//! to write instead; neither repeats a secret, and [`render`] hides the value where one may stand.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::ops::Range;

use super::near::is_secret;

/// One thing that is wrong with a configuration text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Octets of the text that are meant; empty when something is missing.
    pub span: Range<usize>,
    /// Line of the span's start, from 1.
    pub line: usize,
    /// Column of the span's start in characters, from 1.
    pub column: usize,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Shows a mistake with the line it is on:
///
/// ```text
/// error: unknown key `listner` at the top level
///  --> mailreeve.toml:3:1
///   |
/// 3 | listner = 5
///   | ^^^^^^^
///   = help: did you mean `listener`?
/// ```
///
/// `text` is the text that was parsed, `file_name` what to call it. The result ends with a line feed.
pub fn render(mistake: &Mistake, text: &str, file_name: &str) -> String {
    let mut out = format!("error: {}\n", mistake.message);
    let number = mistake.line.to_string();
    let gutter = " ".repeat(number.len());
    let line_start = text.get(..mistake.span.start).and_then(|t| t.rfind('\n')).map_or(0, |at| at + 1);
    let line = text.get(line_start..).and_then(|t| t.lines().next()).unwrap_or("");
    let (shown, marks) = marked(line, mistake, line_start);
    // Writing to a String cannot fail.
    _ = writeln!(out, "{gutter}--> {file_name}:{}:{}", mistake.line, mistake.column);
    _ = writeln!(out, "{gutter} |");
    _ = writeln!(out, "{number} | {shown}");
    _ = writeln!(out, "{gutter} | {marks}");
    if let Some(hint) = &mistake.hint {
        _ = writeln!(out, "{gutter} = help: {hint}");
    }
    out
}

/// Characters of a line that are shown.
const WIDTH: usize = 100;

/// Returns the line made fit for a terminal, and the line of marks below it.
fn marked(line: &str, mistake: &Mistake, line_start: usize) -> (String, String) {
    let from = mistake.span.start - line_start;
    let to = mistake.span.end.saturating_sub(line_start).clamp(from, line.len().max(from));
    let secret = secret_value(line);
    let visible = &line[..secret.unwrap_or(line.len())];
    let (before, marks): (Vec<_>, Vec<_>) =
        line.char_indices().filter(|(at, _)| *at < to).partition(|(at, _)| *at < from);
    // A long line is shown from a little before the mark.
    let skip = before.len().saturating_sub(WIDTH / 2).min(before.len());
    let skip = if line.chars().count() > WIDTH { skip } else { 0 };
    let mut shown: String = visible.chars().skip(skip).take(WIDTH).map(printable).collect();
    if secret.is_some() {
        shown.push_str(" (hidden)");
    }
    let width = marks.len().clamp(1, WIDTH / 2);
    (shown, " ".repeat(before.len() - skip) + &"^".repeat(width))
}

/// Returns where the value of a key begins that may be a secret, whatever the mistake on that line is.
fn secret_value(line: &str) -> Option<usize> {
    let equals = line.match_indices('=').find(|(at, _)| {
        let before = line[..*at].trim_end_matches([' ', '\t', '"', '\'']);
        let key = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-')).next();
        key.is_some_and(is_secret)
    });
    equals.map(|(at, _)| at + 1)
}

/// One column for one character, whatever it is: a terminal must not be steered by a configuration file.
fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control()
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
        {
            '\u{fffd}'
        }
        c => c,
    }
}

/// A mistake before its line is counted.
#[derive(Debug)]
pub(super) struct Note {
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// Something is missing or misplaced: not believed when the text could not be read in full.
    pub(super) doubtful: bool,
}

impl Note {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        let hint = Some(hint.into()).filter(|hint| !hint.is_empty());
        Self { span, message: message.into(), hint, doubtful: false }
    }

    pub(super) fn doubtful(self) -> Self {
        Self { doubtful: true, ..self }
    }
}

/// Where every reader of a part of the text leaves its notes.
#[derive(Debug, Default)]
pub(super) struct Notes(RefCell<Vec<Note>>);

impl Notes {
    pub(super) fn add(&self, note: Note) {
        self.0.borrow_mut().push(note);
    }

    /// Returns the mistakes in the order of the text; `whole` tells that all of the text could be read.
    pub(super) fn into_mistakes(self, text: &str, whole: bool) -> Vec<Mistake> {
        let mut notes = self.0.into_inner();
        notes.retain(|note| whole || !note.doubtful);
        notes.sort_by(|a, b| (a.span.start, &a.message).cmp(&(b.span.start, &b.message)));
        notes.into_iter().map(|note| note.located(text)).collect()
    }
}

impl Note {
    fn located(self, text: &str) -> Mistake {
        let start = text.floor_char_boundary(self.span.start.min(text.len()));
        let end = self.span.end.clamp(start, text.len());
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Mistake {
            span: start..end,
            line: before.bytes().filter(|b| *b == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: self.message,
            hint: self.hint,
        }
    }
}
