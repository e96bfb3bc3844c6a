//! The envelope of an accepted message: who sends, to whom, and what the sender asked for.
//!
//! Stored beside the body, immutable once committed; what changes about a recipient lives in
//! [`RecipientState`].

use mailreeve_smtp::address::{Mailbox, ReversePath};
use mailreeve_smtp::params::{MailParams, RcptParams};
use serde::{Deserialize, Serialize};

use crate::ids::{Host, Icid, Mid, Rid};

mod wire;

/// Everything about a message but its content. A record of it is immutable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The message.
    pub mid: Mid,
    /// The connection it came by; 0 when the gateway made it.
    pub icid: Icid,
    /// When it was accepted, microseconds since the epoch.
    pub accepted_at: u64,
    /// The reverse path.
    #[serde(with = "wire::reverse_path")]
    pub sender: ReversePath,
    /// Parameters of MAIL, relayed.
    #[serde(with = "wire::mail_params")]
    pub params: MailParams,
    /// Octets of the whole stored content, trace header included.
    pub size: u64,
    /// What must be known about the content to deliver it.
    pub content: ContentFacts,
    /// The recipients; a [`Rid`] is the index.
    pub recipients: Vec<Recipient>,
}

/// Facts about content that delivery needs without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentFacts {
    /// An octet above 127 is there.
    pub eight_bit: bool,
    /// Some line starts with a dot.
    pub dots: bool,
    /// SMTPUTF8 is needed at the next hop (RFC 6531 3.4).
    pub utf8_needed: bool,
    /// Octets of the header section, its empty line included.
    pub header_bytes: u32,
}

/// One accepted recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The forward path, relayed as written.
    #[serde(with = "wire::mailbox")]
    pub mailbox: Mailbox,
    /// Parameters of RCPT, relayed.
    #[serde(with = "wire::rcpt_params")]
    pub params: RcptParams,
    /// Where it is delivered.
    pub host: Host,
}

/// What changes about a waiting recipient; no record means: never attempted, due since it was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientState {
    /// Which recipient.
    pub mid: Mid,
    /// Which recipient.
    pub rid: Rid,
    /// The present destination, when an operator redirected it.
    pub host: Option<Host>,
    /// Attempts that count towards the limit.
    pub attempts: u32,
    /// The next attempt is not due before, microseconds since the epoch.
    pub due_at: u64,
    /// Present length of its own clock in seconds; 0 before its first own deferral.
    pub interval_s: u32,
    /// The last failure, for the operator and for the report.
    pub last: Option<crate::event::Failure>,
    /// A delay report was sent.
    pub delay_reported: bool,
}
