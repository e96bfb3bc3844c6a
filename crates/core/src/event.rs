//! The one source of business facts: what happened, one variant a fact.
//!
//! The ledger stores these, and the text log, counters, metrics, tracking and `explain` are readers of the
//! same stream, so they cannot contradict each other. Variants are only appended and fields never change
//! their meaning: a ledger written by an older release stays readable (format version in its segments).

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::ids::{Dcid, Host, Icid, Mid, Rid};

mod alert;
mod desk;
mod end;
mod failure;
mod host;
mod inbound;
mod probe;
mod words;

pub use alert::{Alert, Severity};
pub use desk::SignIn;
pub use end::{BounceKind, GeneratedKind, Unreported};
pub use failure::{Cause, Failure, FailureKind, Stage};
pub use host::{ANSWERS, Answers, HostFacts, HostStatus, HostWay, MetServer, SERVERS, SeenCertificate};
pub use inbound::{AbortReason, CloseReason, PeerAction, RecipientRule};
pub use probe::ProbeSum;

/// An event and when it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamped {
    /// Microseconds since the epoch, UTC.
    pub at: u64,
    /// What happened.
    pub event: Event,
}

/// A fact. Those marked *queue* change the queue and commit with it; the others may lose their last second
/// in a power cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "a field is named by the noun of the lexicon that it holds")]
pub enum Event {
    /// The daemon started.
    Started {
        /** Release. */
        version: String,
        /** Name of this node. */
        node: String,
    },
    /// The daemon stopped in order.
    Stopped,
    /// Events before this point were lost (torn tail of a segment after a power cut).
    LedgerGap {
        /** Octets cut from the tail. */
        cut_bytes: u64,
    },
    /// A configuration came into force.
    Configured {
        /** Checksum of the file's text. */
        checksum: u32,
        /** Where it came from. */
        source: String,
    },
    /// Something that an operator must hear.
    Alert(Alert),
    /// The operator set the Reset column to zero.
    CountersReset,

    /// An inbound connection was accepted.
    ConnectionOpened { icid: Icid, listener: String, local: SocketAddr, peer: SocketAddr },
    /// The banner went out.
    Greeted { icid: Icid, waited_us: u64 },
    /// The peer was judged.
    PeerJudged {
        icid: Icid,
        peer: IpAddr,
        reverse: Option<String>,
        verified: bool,
        lookup_us: Option<u64>,
        action: PeerAction,
        group: String,
        rule: String,
    },
    /// TLS on an inbound connection: protocol and cipher, or why not.
    InboundTls { icid: Icid, result: TlsResult },
    /// MAIL was accepted (or refused: no recipients will follow).
    MessageStarted { mid: Mid, icid: Icid, sender: String },
    /// A sender was refused.
    SenderRejected { icid: Icid, sender: String, reply: String },
    /// A recipient was accepted.
    RecipientAccepted { mid: Mid, icid: Icid, rid: Rid, address: String },
    /// A recipient was refused.
    RecipientRejected { mid: Mid, icid: Icid, address: String, rule: RecipientRule, reply: String },
    /// The message ended before it was accepted.
    MessageAborted { mid: Mid, icid: Icid, why: AbortReason },
    /// *queue* The message is durable and ours.
    Accepted {
        mid: Mid,
        icid: Icid,
        size: u64,
        sender: String,
        message_id: Option<String>,
        subject: Option<String>,
        recipients: u32,
    },
    /// *queue* The gateway made a message from another one.
    Generated {
        mid: Mid,
        parent: Mid,
        kind: GeneratedKind,
        size: u64,
        sender: String,
        recipients: Vec<String>,
    },
    /// *queue* Processing is over: the recipients wait for delivery, grouped by destination.
    Queued { mid: Mid, destinations: Vec<(Host, Vec<Rid>)> },
    /// An inbound connection ended.
    ConnectionClosed { icid: Icid, peer: IpAddr, why: CloseReason, lasted_us: u64, messages: u32 },
    /// A command that was not understood.
    BadCommand { icid: Icid, text: String },

    /// An outbound connection stands.
    DeliveryOpened { dcid: Dcid, host: Host, local: SocketAddr, peer: SocketAddr, name: String },
    /// TLS on an outbound connection.
    DeliveryTls { dcid: Dcid, host: Host, result: TlsResult },
    /// An address could not be used.
    ConnectFailed { dcid: Dcid, host: Host, address: SocketAddr, failure: Failure },
    /// A look-up of the destination failed; `hard` when it can never succeed.
    LookupFailed { host: Host, hard: bool, detail: String },
    /// A destination's verdict changed.
    HostChanged { host: Host, status: HostStatus, reason: Option<Failure>, address: Option<SocketAddr> },
    /// A transaction began.
    DeliveryStarted { dcid: Dcid, mid: Mid, rids: Vec<Rid> },
    /// *queue* The next hop took the message for these recipients.
    Delivered { dcid: Dcid, mid: Mid, rids: Vec<Rid>, host: Host, reply: String },
    /// *queue* A try failed; the recipient waits.
    Deferred { dcid: Dcid, mid: Mid, rid: Rid, host: Host, failure: Failure, next_at: u64, attempts: u32 },
    /// *queue* The recipient failed for good.
    Bounced {
        dcid: Dcid,
        mid: Mid,
        rid: Rid,
        host: Host,
        kind: BounceKind,
        failure: Failure,
        /** Why no report goes out, or `None` when one does. */
        unreported: Option<Unreported>,
    },
    /// *queue* An operator or a rule removed the recipient.
    Deleted { mid: Mid, rid: Rid, host: Host, by: String },
    /// *queue* The record could not be read back and was set apart.
    Corrupt { mid: Mid, recipients: u32, detail: String },
    /// *queue* The last recipient ended.
    Finished { mid: Mid },
    /// An outbound connection ended.
    DeliveryClosed { dcid: Dcid, host: Host, why: Option<Failure> },

    /// Delivery was suspended: everywhere (`None`) or to one destination.
    DeliverySuspended { host: Option<Host>, by: String },
    /// Delivery was resumed.
    DeliveryResumed { host: Option<Host>, by: String },
    /// Retry-now: how many recipients became due.
    DeliverNow { scope: String, recipients: u64, by: String },
    /// Disk space crossed a mark.
    SpoolSpace { state: SpoolSpace, free_bytes: u64 },
    /// An operator gave a command that changes something; `refused` says why nothing was changed.
    Commanded {
        user: String,
        role: String,
        from: String,
        command: String,
        /** JSON without secrets. */
        arguments: String,
        refused: Option<String>,
    },
    /// Somebody came to the desk, left it or was turned away.
    SignIn { user: String, from: String, outcome: SignIn },

    /// Receiving was suspended: on every listener (`None`) or on one.
    ReceivingSuspended { listener: Option<String>, by: String },
    /// Receiving was resumed.
    ReceivingResumed { listener: Option<String>, by: String },
    /// The work queue was paused: messages from this one on wait in it.
    WorkQueuePaused { from: Mid, by: String, reason: String },
    /// The work queue was resumed; so many messages waited in it.
    WorkQueueResumed { messages: u64, by: String },
    /// *queue* An operator put the recipient's message into the archive, and took the recipient out.
    Archived { mid: Mid, rid: Rid, host: Host, by: String },
    /// *queue* An operator gave the recipient another destination.
    Redirected { mid: Mid, rid: Rid, from: Host, to: Host, by: String },
    /// *queue* An operator's order over many recipients was carried out.
    JobDone {
        /** Its number. */
        job: u64,
        deed: Deed,
        /** Whom it concerned: `all`, a destination, `MID 7`, `from a@example.com`. */
        scope: String,
        /** Recipients to which it was done. */
        recipients: u64,
        by: String,
    },
    /// A destination was probed: by an operator, or by the gateway itself when it went down.
    Probed { host: Host, sum: ProbeSum, by: String },
    /// What was known of the way to a destination: beside a change of its verdict, and when the way became another one.
    HostFacts { host: Host, facts: Box<HostFacts> },
    /// A destination's verdict changed so often that its changes were counted instead of being told one by one.
    HostFlapped {
        host: Host,
        /** Changes that were not told. */
        changes: u32,
        /** When the first of them was, microseconds since the epoch. */
        since: u64,
        /** The verdict after the last of them. */
        status: HostStatus,
        reason: Option<Failure>,
        address: Option<SocketAddr>,
    },
    /// Which settings have other values than in the configuration that was in force before.
    SettingsChanged {
        /** Checksum of the one before. */
        from: u32,
        /** Checksum of the one in force. */
        to: u32,
        /** Their names, as the file has them. */
        settings: Vec<String>,
        /** So many more were left out. */
        more: u32,
    },
}

/// What an operator's order does to each recipient that it concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "a field is named by the noun of the lexicon that it holds")]
pub enum Deed {
    /// It ends, and nobody is told.
    Delete,
    /// It ends, and the sender is told.
    Bounce,
    /// It ends; its message is kept in the archive.
    Archive,
    /// It gets another destination.
    Redirect { to: Host },
}

/// TLS, as far as it got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "a field is named by the noun of the lexicon that it holds")]
pub enum TlsResult {
    /// The handshake was done.
    Success {
        protocol: String,
        cipher: String,
        /** The certificate was verified. */
        verified: bool,
    },
    /// It failed; for delivery: whether the conversation went on in clear.
    Failed { why: String, clear: bool },
}

/// State of the spool's disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpoolSpace {
    /// Enough.
    Enough,
    /// Below `low`: acceptance stopped.
    Low,
    /// Below `reserve`: delivery stopped too.
    Reserve,
    /// A write or sync failed: nothing is accepted until the daemon restarts (law 5).
    Failed,
}
