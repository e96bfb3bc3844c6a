//! What `track` answers.

use serde::{Deserialize, Serialize};

use crate::format::AsOf;

/// What was found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrackReply {
    /// When.
    pub as_of: AsOf,
    /// Records are there from this instant on, microseconds since the epoch.
    pub from_us: u64,
    /// Records are there up to this instant.
    pub to_us: u64,
    /// How many fit, on all pages together.
    pub total: u64,
    /// This page of them, the newest first.
    pub rows: Vec<TrackRow>,
    /// What `page` must be for the rows that follow.
    pub next: Option<String>,
    /// The way of the one that was asked for by its number.
    pub details: Option<TrackDetails>,
    /// How much is kept.
    #[serde(default)]
    pub kept: Option<Kept>,
}

/// How much is kept of what happened: the oldest goes when any of these is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Seconds for which the ledger keeps events.
    pub for_s: u64,
    /// Octets of the ledger, at most.
    pub ledger_bytes: u64,
    /// Octets of the index, at most.
    pub index_bytes: u64,
}

/// A message, or a connection that became none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrackRow {
    /// The message; `None` for a connection.
    pub mid: Option<u64>,
    /// The inbound connection; `None` for what the gateway made itself.
    pub icid: Option<u64>,
    /// When it began, microseconds since the epoch.
    pub began_us: u64,
    /// When something happened to it last.
    pub last_us: u64,
    /// Its states: of several recipients there may be several.
    pub states: Vec<String>,
    /// The envelope sender, empty for a report; `None` while unknown.
    pub sender: Option<String>,
    /// The first recipients, refused ones included.
    pub recipients: Vec<String>,
    /// How many recipients there are.
    pub recipient_count: usize,
    /// The decoded subject.
    pub subject: Option<String>,
    /// Without angle brackets.
    pub message_id: Option<String>,
    /// The peer that sent it.
    pub ip: Option<String>,
    /// What the name service calls that peer.
    pub host: Option<String>,
    /// Octets.
    pub size: u64,
    /// The message that a report tells of.
    pub parent: Option<u64>,
    /// It is older than the records reach: what is told comes from the spool, or from what is left of it.
    #[serde(default)]
    pub older: bool,
}

/// The whole way of a message or connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrackDetails {
    /// Its recipients, at most a thousand.
    pub recipients: Vec<TrackRecipient>,
    /// What happened, in order.
    pub steps: Vec<TrackStep>,
    /// So many steps in the middle are not told.
    pub left_out: u64,
}

/// A recipient and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrackRecipient {
    /// Its number within the message.
    pub rid: u32,
    /// Its address; `None` when the record of it is lost.
    pub address: Option<String>,
    /// Its destination.
    pub host: Option<String>,
    /// Its state.
    pub state: Option<String>,
}

/// One step on the way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrackStep {
    /// When, microseconds since the epoch.
    pub at_us: u64,
    /// What it says, the same in every language.
    pub key: String,
    /// The values in the sentence, by name: numbers, texts; instants and spans in microseconds.
    pub arguments: serde_json::Value,
    /// The English sentence.
    pub text: String,
}
