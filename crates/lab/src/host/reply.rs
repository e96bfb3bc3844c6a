//! Replies as the lab writes them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::words::{Dice, Topic};

/// A reply of an SMTP host. Where no text is given, words are thrown when it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Three digits.
    pub code: u16,
    /// An enhanced status code, such as `4.7.1`.
    pub enhanced: Option<String>,
    /// What the words are about that are thrown where no text is given.
    pub topic: Option<Topic>,
    /// What is said; each line becomes a line of the reply. Behind a topic it ends the sentence.
    pub text: Option<String>,
}

impl Reply {
    /// A reply of this code, with words of the host's own.
    #[must_use]
    pub const fn new(code: u16) -> Self {
        Self { code, enhanced: None, topic: None, text: None }
    }

    /// With an enhanced status code.
    #[must_use]
    pub fn enhanced(mut self, code: &str) -> Self {
        self.enhanced = Some(code.to_owned());
        self
    }

    /// About this, in words of the host's own.
    #[must_use]
    pub const fn about(mut self, topic: Topic) -> Self {
        self.topic = Some(topic);
        self
    }

    /// With this text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Appends the reply to a client at `peer`, with its line ends, to `out`.
    pub(crate) fn write(&self, dice: &mut Dice, peer: IpAddr, out: &mut Vec<u8>) {
        let text = match (self.topic, &self.text) {
            (Some(topic), Some(end)) => format!("{} {end}", dice.remark(topic)),
            (Some(topic), None) => dice.remark(topic),
            (None, Some(text)) => text.clone(),
            (None, None) => dice.sentence(),
        };
        let text = text.replace("{peer}", &peer.to_string());
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

    use std::net::Ipv4Addr;

    use super::*;

    const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn a_topic_has_many_wordings_and_may_have_an_end() {
        let listed = Reply::new(554).enhanced("5.7.1").about(Topic::Listed).text("wren.rbl.test");
        let mut dice = Dice::new(1);
        let said: std::collections::HashSet<Vec<u8>> = (0..50)
            .map(|_| {
                let mut out = Vec::new();
                listed.write(&mut dice, PEER, &mut out);
                assert!(out.starts_with(b"554 5.7.1 ") && out.ends_with(b" wren.rbl.test\r\n"), "{out:?}");
                assert!(!out.contains(&b'{'));
                out
            })
            .collect();
        assert!(said.len() > 1);
    }

    #[test]
    fn texts_are_read_and_written() {
        let mut dice = Dice::new(1);
        for (text, wire) in [
            ("451 4.7.1 come later", "451 4.7.1 come later\r\n"),
            ("550 gone", "550 gone\r\n"),
            ("220 mx.example.test ESMTP", "220 mx.example.test ESMTP\r\n"),
        ] {
            let mut out = Vec::new();
            text.parse::<Reply>().unwrap().write(&mut dice, PEER, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), wire);
        }
        let mut out = Vec::new();
        Reply::new(550).enhanced("5.1.1").text("a\nb").write(&mut dice, PEER, &mut out);
        assert_eq!(out, b"550-5.1.1 a\r\n550 5.1.1 b\r\n");
        assert!("x".parse::<Reply>().is_err());
        assert!("99".parse::<Reply>().is_err());
    }

    #[test]
    fn a_reply_without_text_gets_words() {
        let mut out = Vec::new();
        Reply::new(451).write(&mut Dice::new(1), PEER, &mut out);
        assert!(out.starts_with(b"451 the ") && out.ends_with(b"\r\n"));
    }
}
