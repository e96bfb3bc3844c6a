//! Replies: code, enhanced status code and text (RFC 5321 4.2, RFC 2034, RFC 3463).
//!
//! This is the value and how it is written; what is read from a peer is assembled by the client. A reply
//! that is written never breaks the framing, whatever its texts hold.

use std::fmt;
use std::io::Write as _;

/// Octets of one reply line with its CRLF (RFC 5321 4.5.3.1.5).
pub const LINE_OCTETS: usize = 512;

/// An enhanced status code `class.subject.detail` (RFC 3463).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Enhanced(pub u8, pub u16, pub u16);

impl fmt::Display for Enhanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// A whole reply, one or many lines.
///
/// `lines` holds the text without code, separator, enhanced code and line end; at least one line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reply {
    /// The three-digit code, 200 to 599.
    pub code: u16,
    /// The enhanced code, when the reply has one.
    pub enhanced: Option<Enhanced>,
    /// The text of each line.
    pub lines: Vec<String>,
}

/// What a reply code's first digit says (RFC 5321 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// 2yz: done.
    Done,
    /// 3yz: go on.
    Intermediate,
    /// 4yz: not now.
    Transient,
    /// 5yz: never.
    Permanent,
}

impl Reply {
    /// Builds a one-line reply.
    pub fn new(code: u16, enhanced: Enhanced, text: impl Into<String>) -> Self {
        Self { code, enhanced: Some(enhanced), lines: vec![text.into()] }
    }

    /// Builds a one-line reply without an enhanced code (220, 221 greeting forms, 250 to HELO, 354).
    pub fn plain(code: u16, text: impl Into<String>) -> Self {
        Self { code, enhanced: None, lines: vec![text.into()] }
    }

    /// Returns the class that the code's first digit names.
    pub const fn class(&self) -> Class {
        match self.code / 100 {
            2 => Class::Done,
            3 => Class::Intermediate,
            4 => Class::Transient,
            _ => Class::Permanent,
        }
    }

    /// Appends the reply as it goes over the wire to `out`.
    ///
    /// Control characters in texts become spaces, a line that would exceed [`LINE_OCTETS`] is cut, a reply
    /// without lines becomes one line without text.
    pub fn write(&self, out: &mut Vec<u8>) {
        let Some((last, first)) = self.lines.split_last() else {
            return write_line(out, self.code, b' ', self.enhanced, "");
        };
        for line in first {
            write_line(out, self.code, b'-', self.enhanced, line);
        }
        write_line(out, self.code, b' ', self.enhanced, last);
    }
}

/// Appends one reply line; `separator` is `-` when more lines follow, else a space.
pub(crate) fn write_line(
    out: &mut Vec<u8>,
    code: u16,
    separator: u8,
    enhanced: Option<Enhanced>,
    text: &str,
) {
    let start = out.len();
    write_digits(out, code);
    out.push(separator);
    if let Some(enhanced) = enhanced {
        // Writing into a Vec cannot fail.
        let _ = write!(out, "{enhanced} ");
    }
    let room = LINE_OCTETS - "\r\n".len() - (out.len() - start);
    let text = &text.as_bytes()[..text.floor_char_boundary(room.min(text.len()))];
    out.extend(text.iter().map(|b| if b.is_ascii_control() { b' ' } else { *b }));
    out.extend_from_slice(b"\r\n");
}

fn write_digits(out: &mut Vec<u8>, code: u16) {
    debug_assert!((200..600).contains(&code), "{code} is no reply code");
    out.extend([code / 100 % 10, code / 10 % 10, code % 10].map(|digit| b'0' + digit as u8));
}

impl fmt::Display for Reply {
    /// Shows the reply on one line: `550 5.1.1 text / more text`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        write!(f, " {}", self.lines.join(" / "))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn wire(reply: &Reply) -> String {
        let mut out = Vec::new();
        reply.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_line_carries_both_codes() {
        let mut reply = Reply::new(550, Enhanced(5, 7, 1), "No");
        reply.lines.push("Never".to_owned());
        assert_eq!(wire(&reply), "550-5.7.1 No\r\n550 5.7.1 Never\r\n");
        assert_eq!(reply.to_string(), "550 5.7.1 No / Never");
        assert_eq!(wire(&Reply::plain(354, "Go on")), "354 Go on\r\n");
    }

    #[test]
    fn texts_cannot_break_the_framing() {
        let reply = Reply::plain(550, "a\r\n250 ok\0\tb\u{7f}");
        assert_eq!(wire(&reply), "550 a  250 ok  b \r\n");
        let none = Reply { code: 250, enhanced: None, lines: Vec::new() };
        assert_eq!(wire(&none), "250 \r\n");
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        for lead in 0..4 {
            let text = format!("{}{}", "x".repeat(lead), "\u{20ac}".repeat(300));
            let line = wire(&Reply::new(451, Enhanced(4, 3, 0), text));
            assert!(line.len() <= LINE_OCTETS && line.len() > LINE_OCTETS - 4, "{}", line.len());
            assert!(line.ends_with("\u{20ac}\r\n"));
        }
    }

    #[test]
    fn class_is_the_first_digit() {
        let class = |code| Reply::plain(code, "").class();
        assert_eq!(
            [class(250), class(354), class(421), class(554)],
            [Class::Done, Class::Intermediate, Class::Transient, Class::Permanent]
        );
    }
}
