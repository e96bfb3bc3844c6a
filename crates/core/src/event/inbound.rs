//! How peers, recipients, messages and connections from outside fared.

use serde::{Deserialize, Serialize};

/// What the host access decision was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerAction {
    /// Mail to accepted domains is taken.
    Accept,
    /// Mail to anywhere is taken.
    Relay,
    /// Refused.
    Reject,
}

/// Which rule refused a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecipientRule {
    /// The domain is not accepted here and the peer may not relay.
    RelayDenied,
    /// The limit of recipients a message.
    TooMany,
    /// The queue is full.
    QueueFull,
}

/// Why a message ended before it was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "a field is named by the noun of the lexicon that it holds")]
pub enum AbortReason {
    /// RSET, EHLO, QUIT or a new MAIL.
    BySender,
    /// The connection was lost in the middle; octets of content received.
    Lost { data_bytes: u64 },
    /// Too big.
    TooBig,
    /// More `Received` fields than the hop limit.
    Loop,
    /// A bare CR or LF, or a NUL.
    LineEnds,
    /// The spool could not take it.
    Spool(String),
    /// Some other refusal, as it was told.
    Refused(String),
}

/// How an inbound connection ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "a field is named by the noun of the lexicon that it holds")]
pub enum CloseReason {
    /// QUIT.
    Quit,
    /// The peer closed or reset; how far it got, and what the operating system said.
    Lost { before_commands: bool, detail: String },
    /// A deadline passed.
    Timeout { stage: String },
    /// We closed it: errors, shutdown, limits.
    ByUs(String),
}
