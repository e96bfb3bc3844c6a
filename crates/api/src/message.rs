//! Looking into one message: `showmessage`, `oldmessage`.

use serde::{Deserialize, Serialize};

use crate::command::{Argument, Command, Effect, Role, Spec, Text, no_more};
use crate::format::{long_span, visible};
use crate::mid;
use crate::wire::Problem;

/// Shows a message that waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShowMessage {
    /// Which.
    pub mid: u64,
}

/// Shows the header of the oldest message that waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OldMessage {}

/// A message, or its beginning.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MessageReply {
    /// Its number.
    pub mid: u64,
    /// Seconds since it was accepted.
    pub age_s: u64,
    /// Octets of all of it.
    pub size: u64,
    /// Its envelope sender.
    pub sender: String,
    /// What of it is shown. Octets that are no UTF-8 are replaced.
    pub content: String,
    /// More of it is not shown.
    pub cut: bool,
}

impl Command for ShowMessage {
    type Reply = MessageReply;
    const SPEC: Spec = Spec {
        words: "showmessage",
        summary: "shows a message that waits",
        about: "Shows how old the message is, its header and its content. Of a message above 1 MiB the beginning is shown; `archivemessage` saves all of it.",
        arguments: &[Argument { name: "mid", help: "the MID of a message", required: true, choices: &[] }],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/showmessage",
        example: "showmessage 52",
    };
    const LINES: bool = true;

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let (mid, rest) = mid::take(words, &Self::SPEC)?;
        no_more(rest, 0, &Self::SPEC)?;
        Ok(Self { mid })
    }
}

impl Command for OldMessage {
    type Reply = MessageReply;
    const SPEC: Spec = Spec {
        words: "oldmessage",
        summary: "shows the header of the oldest message that waits",
        about: "Shows the age and the header of the message with the lowest MID that waits for delivery.",
        arguments: &[],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/oldmessage",
        example: "oldmessage",
    };
    const LINES: bool = true;

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 0, &Self::SPEC)?;
        Ok(Self {})
    }
}

impl MessageReply {
    /// `MID 52: 1 hour 5 mins 35 secs old`.
    pub fn title(&self) -> String {
        format!("MID {}: {} old", self.mid, long_span(self.age_s))
    }
}

impl Text for MessageReply {
    fn text(&self) -> String {
        let mut out = format!("{}\n\n{}", self.title(), visible(&self.content));
        if !out.ends_with('\n') {
            out.push('\n');
        }
        if self.cut {
            out.push_str("[more of it is not shown]\n");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_shown_with_its_age_and_steers_no_terminal() {
        let reply = MessageReply {
            mid: 52,
            age_s: 3_935,
            size: 40,
            sender: "a@b.example".into(),
            content: "Subject: x\r\n\r\n\u{1b}[2Jhello\tthere".into(),
            cut: true,
        };
        let told = "MID 52: 1 hour 5 mins 35 secs old\n\nSubject: x\n\n\\x1b[2Jhello\tthere\n[more of it is not shown]\n";
        assert_eq!(reply.text(), told);
    }
}
