//! `showrecipients`: who waits.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::command::{Argument, Command, Effect, Role, Spec, Text, no_more};
use crate::destination::{destination, sender};
use crate::wire::Problem;

/// Which recipients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecipientScope {
    /// All.
    All,
    /// Those of a recipient host.
    Host(String),
    /// Those from an envelope sender.
    From(String),
}

/// Asks for waiting recipients, a page at a time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShowRecipients {
    /// Which.
    pub scope: RecipientScope,
    /// Where the page begins: the `next` of the page before.
    #[serde(default)]
    pub after: Option<(u64, u32)>,
    /// Recipients a page, 1 to 1,000.
    #[serde(default = "page_size")]
    pub limit: usize,
}

const fn page_size() -> usize {
    1_000
}

/// A page of waiting recipients.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShowRecipientsReply {
    /// The rows, by MID and RID.
    pub recipients: Vec<RecipientLine>,
    /// Where the next page begins; none when this is the last.
    pub next: Option<(u64, u32)>,
}

/// One waiting recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientLine {
    /// Message.
    pub mid: u64,
    /// Recipient number.
    pub rid: u32,
    /// Octets.
    pub bytes: u64,
    /// Delivery attempts so far.
    pub attempts: u32,
    /// Envelope sender, empty for reports.
    pub sender: String,
    /// Envelope recipient.
    pub recipient: String,
    /// Subject, when there is one.
    pub subject: Option<String>,
    /// Why it waits, in one sentence.
    pub why: String,
    /// When it is looked at again, microseconds since the epoch.
    pub next_us: Option<u64>,
}

impl Command for ShowRecipients {
    type Reply = ShowRecipientsReply;
    const SPEC: Spec = Spec {
        words: "showrecipients",
        summary: "lists waiting recipients",
        about: "Two lines a recipient: message, size, sender and subject; recipient number, attempts so far and address.",
        arguments: &[
            Argument {
                name: "scope",
                help: "`all`, `host` or `from`",
                required: true,
                choices: &["all", "host", "from"],
            },
            Argument {
                name: "what",
                help: "the recipient host, or the envelope sender",
                required: false,
                choices: &[],
            },
        ],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/recipients",
        example: "showrecipients host example.com",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 2, &Self::SPEC)?;
        let hint = "`all`, `host example.com` or `from user@example.com`";
        let kind = words.first().map(|word| word.to_ascii_lowercase());
        let scope = match (kind.as_deref(), words.get(1)) {
            (Some("all") | None, None) => RecipientScope::All,
            (Some("host"), Some(host)) => RecipientScope::Host(destination(host)?),
            (Some("from"), Some(address)) => RecipientScope::From(sender(address)?),
            (Some("host" | "from"), None) => {
                return Err(Problem::new("showrecipients needs to know whose", hint));
            }
            (Some(other), _) => {
                return Err(Problem::new(format!("showrecipients does not know `{other}`"), hint));
            }
            (None, Some(_)) => return Err(Problem::new("showrecipients needs a scope", hint)),
        };
        Ok(Self { scope, after: None, limit: page_size() })
    }
}

impl Text for ShowRecipientsReply {
    fn text(&self) -> String {
        if self.recipients.is_empty() {
            return "No recipients are waiting.\n".to_owned();
        }
        let mut out = String::from(
            "MID/      Bytes/      Sender/                   Subject\n\
             [RID]     [Atmps]     Recipient\n",
        );
        for row in &self.recipients {
            let sender = format!("<{}>", row.sender);
            let sender = if row.sender.is_empty() { sender.as_str() } else { row.sender.as_str() };
            let subject = row.subject.as_deref().unwrap_or("");
            // What is too long for its column moves the next one on, and never runs into it.
            let first = format!("{:<9} {:<11} {:<25} {}", row.mid, row.bytes, sender, subject);
            let _ = writeln!(out, "{}", first.trim_end());
            let (rid, attempts) = (format!("[{}]", row.rid), format!("[{}]", row.attempts));
            let _ = writeln!(out, "{rid:<9} {attempts:<11} {}", row.recipient);
        }
        if let Some((mid, rid)) = self.next {
            let _ = writeln!(out, "\nMore follow after MID {mid} RID {rid} (--json with `after` for all).");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_apart_however_long_they_are() {
        let row = |mid, rid, sender: &str| RecipientLine {
            mid,
            rid,
            bytes: 999,
            attempts: 1,
            sender: sender.to_owned(),
            recipient: "b@example.net".to_owned(),
            subject: Some("a letter".to_owned()),
            why: String::new(),
            next_us: None,
        };
        let recipients = vec![
            row(7, 0, ""),
            row(8, 0, "exactly.25.char@example.x"),
            row(1_234_567_890, u32::MAX, "a.rather.long.name@lists.example.com"),
        ];
        assert_eq!(
            ShowRecipientsReply { recipients, next: None }.text(),
            "MID/      Bytes/      Sender/                   Subject\n\
             [RID]     [Atmps]     Recipient\n\
             7         999         <>                        a letter\n\
             [0]       [1]         b@example.net\n\
             8         999         exactly.25.char@example.x a letter\n\
             [0]       [1]         b@example.net\n\
             1234567890 999         a.rather.long.name@lists.example.com a letter\n\
             [4294967295] [1]         b@example.net\n"
        );
    }
}
