//! Replies as the lab writes them.

use std::fmt;
use std::str::FromStr;

use crate::words::Dice;

/// A reply of an SMTP host. Where no text is given, words are thrown when it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Three digits.
    pub code: u16,
    /// An enhanced status code, such as `4.7.1`.
    pub enhanced: Option<String>,
    /// What is said; each line becomes a line of the reply.
    pub text: Option<String>,
}

impl Reply {
    /// A reply of this code, with words of the host's own.
    #[must_use]
    pub const fn new(code: u16) -> Self {
        Self { code, enhanced: None, text: None }
    }

    /// With an enhanced status code.
    #[must_use]
    pub fn enhanced(mut self, code: &str) -> Self {
        self.enhanced = Some(code.to_owned());
        self
    }

    /// With this text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Appends the reply, with its line ends, to `out`.
    pub(crate) fn write(&self, dice: &mut Dice, out: &mut Vec<u8>) {
        let thrown;
        let text = match &self.text {
            Some(text) => text.as_str(),
            None => {
                thrown = dice.sentence();
                &thrown
            }
        };
        let lines: Vec<&str> = text.split('\n').collect();
        for (index, line) in lines.iter().enumerate() {
            let mark = if index + 1 == lines.len() { ' ' } else { '-' };
            let code = self.enhanced.as_deref().map(|code| format!("{code} ")).unwrap_or_default();
            out.extend_from_slice(format!("{}{mark}{code}{line}\r\n", self.code).as_bytes());
        }
    }
}

/// A code alone.
impl From<u16> for Reply {
    fn from(code: u16) -> Self {
        Self::new(code)
    }
}

/// A text that is no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadReply(String);

impl fmt::Display for BadReply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "`{}` is no reply: expected a code from 200 to 599, such as `451 4.7.1 later`",
            self.0
        )
    }
}

impl std::error::Error for BadReply {}

/// Reads `451`, `451 4.7.1` or `451 4.7.1 later`.
impl FromStr for Reply {
    type Err = BadReply;

    fn from_str(text: &str) -> Result<Self, BadReply> {
        let (code, rest) = text.split_once(' ').unwrap_or((text, ""));
        let code = code.parse().ok().filter(|code| (200..600).contains(code));
        let mut reply = Self::new(code.ok_or_else(|| BadReply(text.to_owned()))?);
        let mut rest = rest.trim();
        let (first, after) = rest.split_once(' ').unwrap_or((rest, ""));
        let parts: Vec<&str> = first.split('.').collect();
        if parts.len() == 3 && parts.iter().all(|part| part.parse::<u16>().is_ok()) {
            reply = reply.enhanced(first);
            rest = after.trim();
        }
        if !rest.is_empty() {
            reply = reply.text(rest);
        }
        Ok(reply)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn texts_are_read_and_written() {
        let mut dice = Dice::new(1);
        for (text, wire) in [
            ("451 4.7.1 come later", "451 4.7.1 come later\r\n"),
            ("550 gone", "550 gone\r\n"),
            ("220 mx.example.test ESMTP", "220 mx.example.test ESMTP\r\n"),
        ] {
            let mut out = Vec::new();
            text.parse::<Reply>().unwrap().write(&mut dice, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), wire);
        }
        let mut out = Vec::new();
        Reply::new(550).enhanced("5.1.1").text("a\nb").write(&mut dice, &mut out);
        assert_eq!(out, b"550-5.1.1 a\r\n550 5.1.1 b\r\n");
        assert!("x".parse::<Reply>().is_err());
        assert!("99".parse::<Reply>().is_err());
    }

    #[test]
    fn a_reply_without_text_gets_words() {
        let mut out = Vec::new();
        Reply::new(451).write(&mut Dice::new(1), &mut out);
        assert!(out.starts_with(b"451 the ") && out.ends_with(b"\r\n"));
    }
}
