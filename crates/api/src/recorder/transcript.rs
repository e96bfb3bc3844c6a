//! `transcript`: what was said in a conversation.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::TcpLine;
use crate::command::{Argument, Command, Effect, Role, Spec, Text, no_more};
use crate::format::{AsOf, thousands};
use crate::mid;
use crate::wire::Problem;

/// Of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TranscriptOf {
    /// An inbound connection.
    Icid(u64),
    /// An outbound connection.
    Dcid(u64),
    /// All that was said about a message.
    Mid(u64),
}

/// Asks what was said.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transcript {
    /// Of what.
    pub of: TranscriptOf,
}

/// What was said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TranscriptReply {
    /// When, and in which zone.
    pub as_of: AsOf,
    /// The conversations, oldest first.
    pub conversations: Vec<ConversationLine>,
    /// How far back anything is kept, microseconds since the epoch.
    pub oldest_us: Option<u64>,
}

/// One conversation, or what of it is about a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationLine {
    /// `ICID` or `DCID`.
    pub kind: String,
    /// Its number.
    pub number: u64,
    /// When it began, microseconds since the epoch.
    pub began_us: u64,
    /// The other end.
    pub peer: String,
    /// Ours.
    pub local: Option<String>,
    /// The listener, or the exchanger's name.
    pub name: String,
    /// The recipient host of an outbound one.
    pub host: Option<String>,
    /// How it ended, when the end is among what is shown.
    pub ended: Option<String>,
    /// The end of its connection, once that has ended.
    pub tcp: Option<TcpLine>,
    /// What was said.
    pub lines: Vec<SaidLine>,
}

/// Who said a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The other end.
    In,
    /// The gateway.
    Out,
    /// Nobody: it is a fact in our words.
    Note,
}

/// One line of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaidLine {
    /// Microseconds after the beginning of the conversation.
    pub after_us: u64,
    /// Who said it.
    pub direction: Direction,
    /// What, or our words for what is not kept.
    pub text: String,
    /// It stands for octets that are not kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

impl Command for Transcript {
    type Reply = TranscriptReply;
    const SPEC: Spec = Spec {
        words: "transcript",
        summary: "shows what was said in a conversation",
        about: "Every SMTP conversation is recorded, both ways, without content and credentials: in their place stands how many octets there were. Those that failed are kept longest. One that goes on is shown up to a second ago; when a connection has ended its last line tells what the kernel knew of it: the round trip, what was sent again, who closed first. `<` is what came, `>` what the gateway said, `-` a fact; times are seconds after the beginning.",
        arguments: &[
            Argument {
                name: "of",
                help: "`icid` or `dcid` for a connection, `mid` for what was said about a message; a number alone is a MID",
                required: true,
                choices: &["icid", "dcid", "mid"],
            },
            Argument {
                name: "number",
                help: "its number, as the log tells it",
                required: true,
                choices: &[],
            },
        ],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/transcript",
        example: "transcript dcid 17",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        if let Some(mid) = words.first().and_then(|word| mid::read(word)) {
            no_more(words, 1, &Self::SPEC)?;
            return Ok(Self { of: TranscriptOf::Mid(mid?) });
        }
        no_more(words, 2, &Self::SPEC)?;
        let problem =
            |what: String| Problem::new(what, "for example: transcript dcid 17, or transcript 52 for a MID");
        let (Some(of), Some(number)) = (words.first(), words.get(1)) else {
            return Err(problem("transcript needs `icid`, `dcid` or `mid` and a number".to_owned()));
        };
        let number = number.parse().map_err(|_| problem(format!("`{number}` is not a number")))?;
        match of.to_ascii_lowercase().as_str() {
            "icid" => Ok(Self { of: TranscriptOf::Icid(number) }),
            "dcid" => Ok(Self { of: TranscriptOf::Dcid(number) }),
            "mid" => Ok(Self { of: TranscriptOf::Mid(number) }),
            other => Err(problem(format!("transcript does not know `{other}`"))),
        }
    }
}

impl Text for TranscriptReply {
    fn text(&self) -> String {
        let mut out = String::new();
        for conversation in &self.conversations {
            if !out.is_empty() {
                out.push('\n');
            }
            self.one(&mut out, conversation);
        }
        out
    }
}

impl TranscriptReply {
    fn one(&self, out: &mut String, conversation: &ConversationLine) {
        let ConversationLine { kind, number, peer, name, .. } = conversation;
        let began = self.as_of.show(conversation.began_us);
        let _ = writeln!(out, "{kind} {number}, {began}");
        let local = conversation.local.as_deref().unwrap_or("an unknown address");
        let _ = match &conversation.host {
            Some(host) => writeln!(out, "from {local} to {peer} ({name}) for {host}"),
            None => writeln!(out, "from {peer} to {local} ({name})"),
        };
        for line in &conversation.lines {
            let mark = match line.direction {
                Direction::In => '<',
                Direction::Out => '>',
                Direction::Note => '-',
            };
            let seconds = line.after_us / 1_000_000;
            let millis = line.after_us / 1_000 % 1_000;
            let _ = writeln!(out, "{seconds:>6}.{millis:03} {mark} {}", line.text);
        }
        let told = conversation.lines.last().map(|line| line.text.as_str());
        match conversation.ended.as_deref() {
            Some(ended) if told == Some(ended) => {}
            Some(ended) => {
                let _ = writeln!(out, "{:>10} - {ended}", "");
            }
            None => {
                let _ = writeln!(out, "{:>10} - [its end is not recorded: it may go on]", "");
            }
        }
    }
}

impl SaidLine {
    /// Makes the line that stands for octets which are not kept.
    pub fn hidden(after_us: u64, direction: Direction, octets: u64, what: &str) -> Self {
        let noun = if octets == 1 { "octet" } else { "octets" };
        Self { after_us, direction, text: format!("[{} {noun} {what}]", thousands(octets)), hidden: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_shown_with_times_and_marks() {
        let line = |after_us, direction, text: &str| SaidLine {
            after_us,
            direction,
            text: text.to_owned(),
            hidden: false,
        };
        let conversation = ConversationLine {
            kind: "DCID".to_owned(),
            number: 17,
            began_us: 1_597_343_382_000_000,
            peer: "192.0.2.1:25".to_owned(),
            local: Some("192.0.2.9:4711".to_owned()),
            name: "mx1.example.com".to_owned(),
            host: Some("example.com".to_owned()),
            ended: None,
            tcp: None,
            lines: vec![
                line(10_000, Direction::In, "220 mx1.example.com"),
                line(11_000, Direction::Out, "AUTH PLAIN"),
                SaidLine::hidden(11_000, Direction::Out, 24, "of credentials"),
                SaidLine::hidden(12_000, Direction::Out, 12_345, "of content"),
                line(61_012_000, Direction::Note, "timeout"),
            ],
        };
        let as_of = AsOf { at_us: 1_597_343_382_000_000, zone: "UTC".to_owned() };
        let mut reply = TranscriptReply { as_of, conversations: vec![conversation], oldest_us: None };
        insta::assert_snapshot!(reply.text(), @r"
        DCID 17, Thu Aug 13 18:29:42 2020 UTC
        from 192.0.2.9:4711 to 192.0.2.1:25 (mx1.example.com) for example.com
             0.010 < 220 mx1.example.com
             0.011 > AUTH PLAIN
             0.011 > [24 octets of credentials]
             0.012 > [12,345 octets of content]
            61.012 - timeout
                   - [its end is not recorded: it may go on]
        ");
        for (ended, last) in [("timeout", "\n    61.012 - timeout\n"), ("closed", "\n           - closed\n")]
        {
            reply.conversations[0].ended = Some(ended.to_owned());
            assert!(reply.text().ends_with(last), "{}", reply.text());
        }
    }
}
