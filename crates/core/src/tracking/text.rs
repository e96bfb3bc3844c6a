//! The form in which text is compared: decoded (RFC 2047), NFKC, without case, blanks joined, no control
//! characters. And the pieces by which a part of a text is found.
//!
//! [`Pieces`] of a text and those of a pattern agree: a text contains a pattern if, and only if, the pattern's
//! pieces stand in the text one behind the other. A text is put between [`START`] and [`END`] first, so that the
//! same pieces also say how a text begins and ends.

use std::borrow::Cow;

use mail_parser::HeaderValue;
use mail_parser::parsers::MessageStream;
use unicode_normalization::UnicodeNormalization as _;

/// Stands before a text among its pieces.
pub const START: char = '\u{2}';
/// Stands behind a text among its pieces.
pub const END: char = '\u{3}';
/// Characters of a piece.
pub const PIECE: usize = 3;
/// Octets of a text that are searched, of a pattern that are taken.
pub const TEXT_MAX: usize = 1_000;

/// Returns a text in the form in which it is compared.
pub fn folded(text: &str) -> String {
    let text = &text[..text.floor_char_boundary(TEXT_MAX)];
    if text.is_ascii() {
        return joined(text.chars().map(|letter| letter.to_ascii_lowercase()));
    }
    // By way of upper case, for letters that have two lower cases, or one of several letters; compatibility forms
    // again last, for what case has changed.
    let lower = text.nfkc().flat_map(char::to_lowercase);
    let folded = lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    joined(folded.nfkc())
}

/// Returns a pattern in the form in which it is compared; one that was copied out of a header is decoded.
pub fn folded_pattern(text: &str) -> String {
    folded(&decoded(text))
}

/// Decodes encoded words (RFC 2047).
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains("=?") {
        return Cow::Borrowed(text);
    }
    let text = &text[..text.floor_char_boundary(TEXT_MAX)];
    let line = format!("{}\n", text.trim_end());
    match MessageStream::new(line.as_bytes()).parse_unstructured() {
        HeaderValue::Text(decoded) => Cow::Owned(decoded.into_owned()),
        HeaderValue::TextList(parts) => Cow::Owned(parts.join(" ")),
        HeaderValue::Address(_)
        | HeaderValue::DateTime(_)
        | HeaderValue::ContentType(_)
        | HeaderValue::Received(_)
        | HeaderValue::Empty => Cow::Borrowed(text),
    }
}

/// Every run of blanks and control characters becomes one blank; none at the ends.
fn joined(letters: impl Iterator<Item = char>) -> String {
    let mut out = String::new();
    let mut blank = false;
    for letter in letters {
        if letter.is_whitespace() || letter.is_control() {
            blank = !out.is_empty();
            continue;
        }
        if std::mem::take(&mut blank) {
            out.push(' ');
        }
        out.push(letter);
    }
    out
}

/// The pieces of a folded text, each with the place of its first character: [`PIECE`] characters, and two where both
/// belong to a script in which words are that short.
#[derive(Clone, Debug)]
pub struct Pieces {
    letters: Vec<char>,
    at: usize,
    /// The two letters at this place were handed out.
    short_done: bool,
}

impl Pieces {
    /// Cuts a folded text.
    pub fn of(folded: &str) -> Self {
        let letters = std::iter::once(START).chain(folded.chars()).chain([END, END]).collect();
        Self { letters, at: 0, short_done: false }
    }

    /// Writes the next piece into `piece`, instead of what is there, and returns its place.
    pub fn next_into(&mut self, piece: &mut String) -> Option<usize> {
        let window = self.letters.get(self.at..self.at + PIECE)?;
        let short = !self.short_done && window[..2].iter().all(|letter| is_dense(*letter));
        piece.clear();
        piece.extend(&window[..if short { 2 } else { PIECE }]);
        let place = self.at;
        self.short_done = short;
        self.at += usize::from(!short);
        Some(place)
    }
}

/// Tells whether two letters of a script already make a word: Chinese, Japanese, Korean.
pub const fn is_dense(letter: char) -> bool {
    matches!(letter as u32,
        0x1100..=0x11ff | 0x2e80..=0x2fdf | 0x3005..=0x3007 | 0x3040..=0x30ff | 0x3105..=0x312f
        | 0x3130..=0x318f | 0x31a0..=0x31bf | 0x31f0..=0x31ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff
        | 0xa960..=0xa97f | 0xac00..=0xd7ff | 0xf900..=0xfaff | 0x20000..=0x3ffff)
}
