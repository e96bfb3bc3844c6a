//! `explain`: why a message, recipient or destination is as it is, whose that is, what happens next and what can be done.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::command::{Argument, Command, Effect, Role, Spec};
use crate::format::AsOf;
use crate::wire::Problem;

mod asked;
pub mod pages;
mod text;

/// Version of the reply's form. It grows when a field changes its meaning; new fields do not change it.
pub const SCHEMA: u32 = 1;

/// Asks why something is as it is: one of these, or a sender and a recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Explain {
    /// A message by its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mid: Option<u64>,
    /// An outbound connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dcid: Option<u64>,
    /// A message by its Message-ID, with or without angle brackets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// A domain, or the name or address of a mail server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// An envelope sender, or the domain of senders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// A recipient, or the domain of recipients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExplainReply {
    /// [`SCHEMA`].
    pub schema: u32,
    /// When, and how instants are shown.
    pub as_of: AsOf,
    /// What it is about.
    pub subject: Subject,
    /// `queued`, `held`, `delivered`, `bounced`, `expired`, `deleted`, `refused`, `idle` or `unknown`.
    pub state: String,
    /// The cause, and whose it is.
    pub verdict: Verdict,
    /// One sentence for anybody.
    pub summary: String,
    /// The sentence as key and arguments.
    pub summary_said: Said,
    /// What led to it, oldest first.
    pub chain: Vec<Link>,
    /// What happens next by itself.
    pub next: Next,
    /// What can be done, the best first.
    pub remedy: Vec<Remedy>,
    /// The page that tells more about the cause, in the documentation; `help why CODE` shows it.
    pub page: String,
    /// The address of that page at the desk, when that runs.
    #[serde(default)]
    pub address: Option<String>,
    /// Other cases that the question concerns too, the largest first.
    pub others: Vec<Other>,
    /// The records that were looked at reach back to this instant, RFC 3339 in UTC.
    pub records_since: Option<String>,
}

/// What an explanation is about, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The message.
    pub mid: Option<u64>,
    /// The recipient's number.
    pub rid: Option<u32>,
    /// The Message-ID field, without its angle brackets.
    pub message_id: Option<String>,
    /// The envelope sender.
    pub sender: Option<String>,
    /// The recipient's mailbox.
    pub recipient: Option<String>,
    /// The destination.
    pub host: Option<String>,
    /// The connection.
    pub dcid: Option<u64>,
    /// Recipients that are in the same case.
    pub recipients: u64,
    /// Destinations of these.
    pub destinations: u64,
}

/// The cause, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The stable code, also the name of its page.
    pub cause: String,
    /// Who can do something about it: `us`, `us-policy`, `destination`, `sender`, `dns-of-destination`,
    /// `dns-of-sender`, `network` or `nobody`.
    pub owner: String,
    /// Since when it holds, or when it happened; RFC 3339 in UTC.
    pub since: Option<String>,
    /// `observed` or `inferred`.
    pub certainty: String,
}

/// A sentence as the catalogue knows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// Its key.
    pub key: String,
    /// Its arguments by name: texts, numbers, instants as RFC 3339, spans as seconds.
    pub args: BTreeMap<String, Value>,
}

/// A step on the way to the present state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// When, RFC 3339 in UTC.
    pub at: Option<String>,
    /// What.
    pub what: String,
    /// What shows it.
    pub evidence: Evidence,
    /// The sentence as key and arguments.
    #[serde(flatten)]
    pub said: Said,
}

/// What shows a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// `event`, `reply`, `transcript` (its text is the command that shows it), `socket`, `probe`, `dns`, `config`,
    /// `order`, `queue` or `disk`.
    pub kind: String,
    /// What it says.
    pub text: String,
    /// The same as key and arguments; words of the source's own are the argument of `shown.words`.
    #[serde(flatten)]
    pub said: Said,
}

/// What happens by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Next {
    /// When, RFC 3339 in UTC.
    pub at: Option<String>,
    /// What.
    pub what: String,
    /// The sentence as key and arguments.
    #[serde(flatten)]
    pub said: Said,
}

/// Something that can be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remedy {
    /// The command to give, or what to do.
    #[serde(rename = "do")]
    pub deed: String,
    /// `do` is a command of this gateway.
    pub command: bool,
    /// What to do, in words.
    pub what: String,
    /// Who can do it.
    pub who: String,
    /// Why it helps.
    pub why: String,
    /// The words as key and arguments.
    #[serde(flatten)]
    pub said: Said,
}

/// Another case that the question concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Other {
    /// How it stands.
    pub state: String,
    /// The cause.
    pub cause: String,
    /// Recipients in this case.
    pub recipients: u64,
    /// A message of them.
    pub mid: Option<u64>,
    /// A recipient of them, or a destination.
    pub example: Option<String>,
}

impl Command for Explain {
    type Reply = ExplainReply;
    const SPEC: Spec = Spec {
        words: "explain",
        summary: "tells why mail is where it is, whose that is and what to do",
        about: "Tells of a message, a recipient or a destination the cause of its state, who can do something about it, what shows it, what happens next by itself and what can be done. It answers for mail that waits, was delivered, bounced, expired, was deleted, is held, was refused or is not known. `MID` is a number; a Message-ID stands in angle brackets; `from SENDER to RECIPIENT` finds the latest message between two (either may be left out, or be a domain); `dcid N` is a connection, `mid N`, `host NAME` and `message-id ID` say what is meant.",
        arguments: &[Argument {
            name: "what",
            help: "a MID, a recipient, a domain or mail server, a Message-ID, `dcid N`, or `from SENDER to RECIPIENT`",
            required: true,
            choices: &[],
        }],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/explain",
        example: "explain from ann@example.com to bob@example.net",
    };
    const OPEN_ENDED: bool = true;

    fn parse(words: &[String]) -> Result<Self, Problem> {
        asked::parse(words)
    }
}
