//! Typing lines at a terminal.

use std::io::{self, Write};
use std::path::Path;

use rustyline::completion::{Completer, Pair};
use rustyline::config::Configurer as _;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Helper};

use super::completion::{self, Destinations};
use super::history::{self, History};
use crate::person::{Person, Question};

/// The terminal of a session.
pub(super) struct Editor {
    lines: rustyline::Editor<Completion, DefaultHistory>,
    history: History,
}

/// What became of a line.
pub(super) enum Line {
    /// It was sent.
    Typed(String),
    /// Ctrl-C.
    Dropped,
    /// Ctrl-D, or the terminal is gone.
    End,
}

impl Editor {
    pub(super) fn new(socket: &Path) -> io::Result<Self> {
        let config = Config::builder().completion_type(CompletionType::List).build();
        let mut editor = rustyline::Editor::with_config(config).map_err(io::Error::other)?;
        editor.set_max_history_size(history::LINES).map_err(io::Error::other)?;
        editor
            .set_helper(Some(Completion { words: Words::Commands, destinations: Destinations::of(socket) }));
        let history = History::of_the_user();
        for line in history.lines() {
            editor.add_history_entry(line).map_err(io::Error::other)?;
        }
        Ok(Self { lines: editor, history })
    }

    /// Reads a line of commands; it goes into the history.
    pub(super) fn line(&mut self, prompt: &str) -> io::Result<Line> {
        let line = self.read(prompt, Words::Commands)?;
        if let Line::Typed(line) = &line
            && !line.trim().is_empty()
        {
            self.lines.add_history_entry(line.as_str()).map_err(io::Error::other)?;
            self.history.keep(line);
        }
        Ok(line)
    }

    fn read(&mut self, prompt: &str, words: Words) -> io::Result<Line> {
        if let Some(helper) = self.lines.helper_mut() {
            helper.words = words;
        }
        match self.lines.readline(prompt) {
            Ok(line) => Ok(Line::Typed(line)),
            Err(ReadlineError::Interrupted) => Ok(Line::Dropped),
            Err(ReadlineError::Eof) => Ok(Line::End),
            Err(ReadlineError::Io(error)) => Err(error),
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

impl Person for Editor {
    fn is_there(&self) -> bool {
        true
    }

    fn answer(&mut self, question: Question<'_>, err: &mut dyn Write) -> io::Result<Option<String>> {
        err.write_all(question.lead.as_bytes())?;
        err.flush()?;
        let words = if question.destination { Words::Destinations } else { Words::None };
        match self.read(question.prompt, words)? {
            Line::Typed(answer) => Ok(Some(answer)),
            Line::Dropped | Line::End => Ok(None),
        }
    }
}

/// What Tab completes now.
enum Words {
    Commands,
    Destinations,
    None,
}

struct Completion {
    words: Words,
    destinations: Destinations,
}

impl Completer for Completion {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = &line[..pos];
        let (start, found) = match self.words {
            Words::Commands => completion::of_commands(typed, &self.destinations),
            Words::Destinations => completion::of_destinations(typed, &self.destinations),
            Words::None => (pos, Vec::new()),
        };
        let pair = |word: String| Pair { replacement: format!("{word} "), display: word };
        Ok((start, found.into_iter().map(pair).collect()))
    }
}

impl Hinter for Completion {
    type Hint = String;
}

impl Highlighter for Completion {}
impl Validator for Completion {}
impl Helper for Completion {}
