//! Replies put together from bytes that come in any pieces (RFC 5321 4.2).
//!
//! Whatever a peer sends, no more than one reply within [`ReplyLimits`] is kept, and its text is safe to
//! show: control characters are spaces, what is not UTF-8 is U+FFFD. A line with a NUL is no reply: no server means
//! to send one (RFC 5321 2.4), so whoever does is not speaking SMTP. A line ends with LF, with or without
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
    Nul,
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
        if memchr(0, line).is_some() {
            return Err(Malformed::Nul);
        }
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
            Self::Nul => f.write_str("a reply line holds a NUL"),
            Self::MixedCodes { first, then } => write!(f, "a reply has the codes {first} and {then}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ReplyLimits = ReplyLimits { line_octets: 32, lines: 3 };

    /// Reads everything; stops at the first error.
    fn read(input: &[u8], piece: usize) -> Result<Vec<Reply>, Malformed> {
        let mut reader = ReplyReader::default();
        let mut replies = Vec::new();
        for mut part in input.chunks(piece) {
            while !part.is_empty() {
                let (used, reply) = reader.take(part, &LIMITS);
                assert!(used > 0 && reader.partial.len() < LIMITS.line_octets);
                part = &part[used..];
                replies.extend(reply?);
            }
        }
        Ok(replies)
    }

    fn read_any_way(input: &[u8]) -> Result<Vec<Reply>, Malformed> {
        let whole = read(input, input.len());
        for piece in 1..input.len() {
            assert_eq!(read(input, piece), whole, "{} in pieces of {piece}", input.escape_ascii());
        }
        whole
    }

    fn shown(input: &[u8]) -> String {
        match read_any_way(input) {
            Ok(replies) => replies.iter().map(|r| format!("{:?} {:?};", r.enhanced, r.lines)).collect(),
            Err(malformed) => malformed.to_string(),
        }
    }

    #[test]
    fn replies_are_the_same_in_any_pieces() {
        let replies = read_any_way(b"250-one\r\n250 two\r\n354 go\r\n250\r\n250 \r\n").unwrap_or_default();
        let shown: Vec<String> = replies.iter().map(Reply::to_string).collect();
        assert_eq!(shown, ["250 one / two", "354 go", "250 ", "250 "]);
    }

    #[test]
    fn a_line_may_end_without_its_cr_but_not_with_it_alone() {
        assert_eq!(shown(b"250-a\n250 b\n"), "None [\"a\", \"b\"];");
        assert_eq!(shown(b"250 a\r"), "");
    }

    #[test]
    fn one_enhanced_code_is_split_off() {
        assert_eq!(shown(b"250 2.1.5 ok\r\n"), "Some(Enhanced(2, 1, 5)) [\"ok\"];");
        assert_eq!(shown(b"550 5.7.1\r\n"), "Some(Enhanced(5, 7, 1)) [\"\"];");
        assert_eq!(shown(b"550-5.7.1 a\r\n550 5.7.1 b\r\n"), "Some(Enhanced(5, 7, 1)) [\"a\", \"b\"];");
        assert_eq!(shown(b"550-5.7.1 a\r\n550 5.7.2 b\r\n"), "Some(Enhanced(5, 7, 1)) [\"a\", \"5.7.2 b\"];");
    }

    #[test]
    fn what_only_looks_like_an_enhanced_code_is_text() {
        for text in ["4.7.1 no", "5.7 no", "5.7.1.1 no", "5.7.1234 no", "5..1 no", "5.7.1x no", "5.-7.1 no"] {
            assert_eq!(shown(format!("550 {text}\r\n").as_bytes()), format!("None [{text:?}];"));
        }
        assert_eq!(shown(b"354 3.0.0 go\r\n"), "None [\"3.0.0 go\"];");
    }

    #[test]
    fn text_is_made_safe() {
        assert_eq!(shown(b"250 a\x01b\x1b[1m\rc\x7f\r\n"), "None [\"a b [1m c \"];");
        assert_eq!(shown(b"250 \xff \xc2\x9b \xc3\xbc\r\n"), "None [\"\u{fffd}   \u{fc}\"];");
    }

    #[test]
    fn what_is_no_reply_is_told() {
        let cases: [(&[u8], Malformed); 15] = [
            (b"\r\n", Malformed::NoCode),
            (b"25\r\n", Malformed::NoCode),
            (b"199 x\r\n", Malformed::NoCode),
            (b"600 x\r\n", Malformed::NoCode),
            (b"2x0 x\r\n", Malformed::NoCode),
            (b" 250 x\r\n", Malformed::NoCode),
            (b"2500 x\r\n", Malformed::Separator),
            (b"250\tx\r\n", Malformed::Separator),
            (b"250 a\0b\r\n", Malformed::Nul),
            (b"250-\0\r\n250 b\r\n", Malformed::Nul),
            (b"\x00250 a\r\n", Malformed::Nul),
            (b"250-a\r\n550 b\r\n", Malformed::MixedCodes { first: 250, then: 550 }),
            (b"250-a\r\n250-b\r\n250-c\r\n250 d\r\n", Malformed::TooManyLines),
            (b"250 890123456789012345678901\r\n250 8901234567890123456789012345\r\n", Malformed::LineTooLong),
            (b"250 89012345678901234567890123456789", Malformed::LineTooLong),
        ];
        for (input, expected) in cases {
            assert_eq!(read_any_way(input), Err(expected), "{}", input.escape_ascii());
        }
    }

    #[test]
    fn a_line_of_the_limit_is_taken() {
        let line = format!("250 {}\r\n", "x".repeat(LIMITS.line_octets - 6));
        assert_eq!(line.len(), LIMITS.line_octets);
        assert!(read_any_way(line.as_bytes()).is_ok_and(|replies| replies.len() == 1));
    }

    #[test]
    fn a_million_lines_and_a_million_octets_take_no_memory() {
        let mut reader = ReplyReader::default();
        let limits = ReplyLimits::default();
        let lines = (0..1_000_000).find_map(|_| reader.take(b"220-hello\r\n", &limits).1.err());
        assert_eq!(lines, Some(Malformed::TooManyLines));
        let mut reader = ReplyReader::default();
        let octets = (0..1_000_000).find_map(|_| reader.take(b"2", &limits).1.err());
        assert_eq!(octets, Some(Malformed::LineTooLong));
        assert!(reader.partial.capacity() <= 2 * limits.line_octets);
    }
}
