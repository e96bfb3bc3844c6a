//! Replies put together from bytes that come in any pieces (RFC 5321 4.2).
//!
//! Whatever a peer sends, no more than one reply within [`ReplyLimits`] is kept, and its text is safe to
//! show: control characters are spaces, what is not UTF-8 is U+FFFD. A line ends with LF, with or without
//! the CR that should be there: some peers leave it out, and nothing can be smuggled by it in a reply.

use std::fmt;

use memchr::memchr;

use super::settings::ReplyLimits;
use crate::reply::{Enhanced, Reply};

/// The part of a reply that has come in so far.
#[derive(Debug, Default)]
pub(super) struct ReplyReader {
    /// The begin of a line whose end has not come.
    partial: Vec<u8>,
    /// The lines before it.
    begun: Option<Reply>,
}

/// Why bytes are not a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    LineTooLong,
    TooManyLines,
    NoCode,
    Separator,
    MixedCodes { first: u16, then: u16 },
}

impl ReplyReader {
    /// Takes input up to the end of the first reply; returns the octets used, and the reply when it is whole.
    pub(super) fn take(
        &mut self,
        input: &[u8],
        limits: &ReplyLimits,
    ) -> (usize, Result<Option<Reply>, Malformed>) {
        let mut used = 0;
        while let Some(lf) = memchr(b'\n', &input[used..]) {
            let piece = &input[used..=used + lf];
            used += piece.len();
            match self.line(piece, limits) {
                Ok(None) => {}
                whole_or_malformed => return (used, whole_or_malformed),
            }
        }
        let rest = &input[used..];
        if self.partial.len() + rest.len() >= limits.line_octets {
            return (input.len(), Err(Malformed::LineTooLong));
        }
        self.partial.extend_from_slice(rest);
        (input.len(), Ok(None))
    }

    /// Forgets what has begun.
    pub(super) fn clear(&mut self) {
        self.partial.clear();
        self.begun = None;
    }

    /// Tells whether a part of a reply has come in.
    pub(super) fn begun(&self) -> bool {
        !self.partial.is_empty() || self.begun.is_some()
    }

    /// Takes the last piece of a line.
    fn line(&mut self, piece: &[u8], limits: &ReplyLimits) -> Result<Option<Reply>, Malformed> {
        if self.partial.len() + piece.len() > limits.line_octets {
            return Err(Malformed::LineTooLong);
        }
        if self.partial.is_empty() {
            return self.whole_line(piece, limits);
        }
        let mut line = std::mem::take(&mut self.partial);
        line.extend_from_slice(piece);
        let read = self.whole_line(&line, limits);
        line.clear();
        self.partial = line;
        read
    }

    fn whole_line(&mut self, line: &[u8], limits: &ReplyLimits) -> Result<Option<Reply>, Malformed> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (code, more, text) = split(line)?;
        let (enhanced, words) = split_enhanced(code, text);
        let reply = match self.begun.take() {
            None => Reply { code, enhanced, lines: vec![readable(words)] },
            Some(begun) if begun.code != code => {
                return Err(Malformed::MixedCodes { first: begun.code, then: code });
            }
            Some(begun) if begun.lines.len() >= limits.lines => return Err(Malformed::TooManyLines),
            Some(mut begun) => {
                // One enhanced code a reply: a line that has another keeps it in its text.
                let same = begun.enhanced.is_some() && begun.enhanced == enhanced;
                begun.lines.push(readable(if same { words } else { text }));
                begun
            }
        };
        if more {
            self.begun = Some(reply);
            return Ok(None);
        }
        Ok(Some(reply))
    }
}

/// Splits a line into code, "more lines follow" and text. A code alone is a line (RFC 5321 4.2).
fn split(line: &[u8]) -> Result<(u16, bool, &[u8]), Malformed> {
    let [a @ b'2'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] = line else {
        return Err(Malformed::NoCode);
    };
    let code = [a, b, c].into_iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    match rest {
        [] => Ok((code, false, rest)),
        [b' ', text @ ..] => Ok((code, false, text)),
        [b'-', text @ ..] => Ok((code, true, text)),
        [_, ..] => Err(Malformed::Separator),
    }
}

/// Splits an enhanced code off a text. One whose class is not the code's is text (RFC 2034 4).
fn split_enhanced(code: u16, text: &[u8]) -> (Option<Enhanced>, &[u8]) {
    let end = memchr(b' ', text).unwrap_or(text.len());
    let class = match code / 100 {
        class @ (2 | 4 | 5) => class as u8,
        _ => return (None, text),
    };
    let mut numbers = text[..end].split(|b| *b == b'.').map(number);
    match (numbers.next(), numbers.next(), numbers.next(), numbers.next()) {
        (Some(Some(first)), Some(Some(subject)), Some(Some(detail)), None) if first == u16::from(class) => {
            (Some(Enhanced(class, subject, detail)), text.get(end + 1..).unwrap_or_default())
        }
        _ => (None, text),
    }
}

/// One to three digits (RFC 3463 2).
fn number(digits: &[u8]) -> Option<u16> {
    let well_formed = matches!(digits.len(), 1..=3) && digits.iter().all(u8::is_ascii_digit);
    well_formed.then(|| digits.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0')))
}

/// Makes a peer's text safe to keep and show.
fn readable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    match text.chars().any(char::is_control) {
        true => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        false => text.into_owned(),
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineTooLong => f.write_str("a reply line is too long"),
            Self::TooManyLines => f.write_str("a reply has too many lines"),
            Self::NoCode => f.write_str("a reply line does not begin with a code from 200 to 599"),
            Self::Separator => f.write_str("neither a space nor a hyphen follows a reply code"),
            Self::MixedCodes { first, then } => write!(f, "a reply has the codes {first} and {then}"),
        }
    }
}
