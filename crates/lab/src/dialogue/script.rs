//! The two languages in which conversations are written.
//!
//! Ours, for one client that is connected from the start:
//!
//! ```text
//! # What this conversation shows.
//! S: 220                   a whole reply with this code
//! C: EHLO client.test      a line, sent with CRLF
//! S: 250 PIPELINING        a whole reply with this code, one of whose lines starts with this text
//! ~ 250[ -]SIZE \d+        one line of that reply is of this shape
//! C~ 'x' * 600 + '\n'      bytes, as an expression
//! + 300ms                  for so long nothing comes and the line stays open (ms, s)
//! ! closed                 the peer closes
//! ! close, ! connect, ! starttls     the client does
//! ```
//!
//! The other (`.cmy`) names its clients: `c tcp_connect HOST:PORT`, `c tls_connect HOST:PORT`, `c close`,
//! `c -> line`, `c ~> expression`, `c <- literal line`, `c <~ shape of a line`, `c <... read up to this line`.

use std::fmt;
use std::time::Duration;

use super::expression;
use super::pattern::Pattern;

/// A conversation to be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialogue {
    pub(super) steps: Vec<Step>,
}

/// One line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Its line in the file, from 1.
    pub(super) line: usize,
    /// Which client acts.
    pub(super) actor: String,
    pub(super) action: Action,
}

/// What a client does, or waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Connect; to whom, as the file says.
    Connect {
        to: Option<String>,
        tls: bool,
    },
    Close,
    StartTls,
    Send(Vec<u8>),
    /// A whole reply.
    Reply {
        code: String,
        text: String,
    },
    /// A line of the last reply.
    Shape(Pattern),
    /// The next line.
    Line(Expected),
    /// Lines up to this one.
    UpTo(String),
    Quiet(Duration),
    Closed,
}

/// What one line is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Literal(String),
    Shaped { pattern: Pattern, source: String },
}

/// A file that is no conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadDialogue {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for BadDialogue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for BadDialogue {}

/// The client of our own language.
const CLIENT: &str = "client";

impl Dialogue {
    /// Reads a conversation in our own language.
    ///
    /// # Errors
    /// The first line that makes no sense.
    pub fn parse(text: &str) -> Result<Self, BadDialogue> {
        let mut steps = vec![Step {
            line: 0,
            actor: CLIENT.to_owned(),
            action: Action::Connect { to: None, tls: false },
        }];
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let action = own(line).map_err(|what| BadDialogue { line: index + 1, what })?;
            steps.push(Step { line: index + 1, actor: CLIENT.to_owned(), action });
        }
        Ok(Self { steps })
    }

    /// Reads a conversation in the `.cmy` language.
    ///
    /// # Errors
    /// The first line that makes no sense.
    pub fn parse_cmy(text: &str) -> Result<Self, BadDialogue> {
        let mut steps = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let bad = |what: String| BadDialogue { line: index + 1, what };
            let (actor, rest) =
                line.split_once(' ').ok_or_else(|| bad("a client and an action".to_owned()))?;
            let action = cmy(rest).map_err(bad)?;
            steps.push(Step { line: index + 1, actor: actor.to_owned(), action });
        }
        Ok(Self { steps })
    }
}

fn own(line: &str) -> Result<Action, String> {
    let (mark, rest) = line.split_at(line.find([' ', '\t']).unwrap_or(line.len()));
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    let word = rest.trim();
    match mark {
        "C:" => Ok(Action::Send([rest.as_bytes(), b"\r\n"].concat())),
        "C~" => expression::bytes(rest).map(Action::Send),
        "S:" => {
            let (code, text) = word.split_once(' ').unwrap_or((word, ""));
            if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit()) {
                return Ok(Action::Reply { code: code.to_owned(), text: text.to_owned() });
            }
            Err(format!("`{code}` is no reply code"))
        }
        "~" => Pattern::new(word).map(Action::Shape),
        "+" => duration(word).map(Action::Quiet),
        "!" => match word {
            "closed" => Ok(Action::Closed),
            "close" => Ok(Action::Close),
            "connect" => Ok(Action::Connect { to: None, tls: false }),
            "starttls" => Ok(Action::StartTls),
            other => Err(format!("`{other}` is none of closed, close, connect, starttls")),
        },
        other => Err(format!("`{other}` is none of C: C~ S: ~ + ! #")),
    }
}

fn cmy(rest: &str) -> Result<Action, String> {
    let (mark, rest) = rest.split_at(rest.find([' ', '\t']).unwrap_or(rest.len()));
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    match mark {
        "->" => Ok(Action::Send([rest.as_bytes(), b"\r\n"].concat())),
        "~>" => expression::bytes(rest).map(Action::Send),
        "<-" => Ok(Action::Line(Expected::Literal(rest.to_owned()))),
        "<~" => {
            let pattern = Pattern::new(rest)?;
            Ok(Action::Line(Expected::Shaped { pattern, source: rest.to_owned() }))
        }
        "<..." => Ok(Action::UpTo(rest.to_owned())),
        "tcp_connect" => Ok(Action::Connect { to: Some(rest.trim().to_owned()), tls: false }),
        "tls_connect" => Ok(Action::Connect { to: Some(rest.trim().to_owned()), tls: true }),
        "close" => Ok(Action::Close),
        other => Err(format!("`{other}` is none of -> ~> <- <~ <... tcp_connect tls_connect close")),
    }
}

fn duration(word: &str) -> Result<Duration, String> {
    let digits = word.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| format!("`{word}` is no time, such as 300ms or 2s"))?;
    match &word[digits.len()..] {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        _ => Err(format!("`{word}` needs ms or s")),
    }
}
