//! What goes into a delivery shard and what comes out: the whole interface between decisions and IO.
//!
//! ```text
//!   Enqueue ──► waits ──Resolve──► Resolved ──Connect──► Ready ──Transact──► Outcome ──Commit──► gone
//!                 ▲                   │                    │                    │
//!                 └───── clocks ◄─────┴──── Unusable ◄─────┴────── deferred ◄───┘
//! ```

use std::net::SocketAddr;
use std::sync::Arc;

use crate::delivery::settings::Settings;
use crate::envelope::{ContentFacts, RecipientState};
use crate::event::{BounceKind, Event, Failure, TlsResult, Unreported};
use crate::ids::{Dcid, Host, Mid, Rid};

pub use crate::delivery::evidence::telling_failure;
pub use crate::delivery::order::{HeldMessage, HeldSlice, Order, OrderId, Progress, Whom};

/// A recipient entering the shard: just accepted, or read back from the spool.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The message.
    pub mid: Mid,
    /// The recipient.
    pub rid: Rid,
    /// Where to.
    pub host: Host,
    /// When the message was accepted, microseconds since the epoch; expiry counts from here.
    pub accepted_at: u64,
    /// Octets of content.
    pub size: u64,
    /// Facts about the content.
    pub content: ContentFacts,
    /// What is known of earlier attempts.
    pub state: Option<RecipientState>,
    /// The reverse path is empty (a report): expiry makes no further report.
    pub null_sender: bool,
    /// The sender's `NOTIFY` lets a failure be reported.
    pub notify_failure: bool,
    /// The sender's `NOTIFY` asks for a delay report.
    pub notify_delay: bool,
}

/// One address to try.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Where to connect.
    pub address: SocketAddr,
    /// The exchanger's name (or the literal): for TLS names, logs and people.
    pub name: String,
    /// MX preference, or the route's priority.
    pub preference: u16,
}

/// What the name service (or the route table) said about a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Addresses to try, by preference, unshuffled.
    Addresses {
        /// The targets, at most a bounded number (D4). An address that is named more than once is tried once, at
        /// its best preference.
        targets: Vec<Target>,
        /// Exchangers as answered: preference, seconds to live, name; for operators.
        exchangers: Vec<(u16, u32, String)>,
        /// The answer holds until, microseconds since the epoch.
        expires_at: u64,
    },
    /// The failure is temporary: wait on the destination's clock.
    Soft(Failure),
    /// The destination can never be reached: bounce.
    Hard(Failure),
}

/// How one address ended before it was ready for transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressTry {
    /// The target.
    pub target: Target,
    /// Why it was not usable.
    pub failure: Failure,
}

/// What a ready connection can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerFacts {
    /// The peer's `SIZE` limit.
    pub size_limit: Option<u64>,
    /// `SMTPUTF8` offered.
    pub smtputf8: bool,
    /// `8BITMIME` offered.
    pub eight_bit: bool,
    /// `DSN` offered.
    pub dsn: bool,
    /// Recipients a transaction takes (LIMITS RCPTMAX, or our own ceiling).
    pub recipients_max: usize,
    /// Transactions a connection takes (LIMITS MAILMAX), when said.
    pub transactions_max: Option<usize>,
    /// TLS, when tried.
    pub tls: Option<TlsResult>,
}

/// The result of one recipient of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "a field is named by the noun of the lexicon that it holds")]
pub enum RecipientResult {
    /// The next hop has it. `reply` is the final reply's text; `relayed_dsn` when the peer offers DSN.
    Delivered { reply: String, relayed_dsn: bool },
    /// Not now: 4xx, a lost connection, a timeout.
    Soft(Failure),
    /// Never: 5xx.
    Hard(Failure),
}

/// What may be done with a connection after a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// Another transaction may follow.
    Usable,
    /// It is gone, or going.
    Gone(Option<Failure>),
}

/// Whom an operator's command concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    All,
    /// One destination.
    Host(Host),
    /// One message.
    Message(Mid),
}

/// Everything that can happen to a shard.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "a field is named by the noun of the lexicon that it holds")]
pub enum Input {
    /// Recipients enter.
    Enqueue(Vec<Waiting>),
    /// The answer to [`Effect::Resolve`].
    Resolved { host: Host, resolution: Resolution },
    /// The connection of [`Effect::Connect`] is ready; `failed` lists addresses tried before it.
    Ready { dcid: Dcid, target: Target, peer: PeerFacts, failed: Vec<AddressTry> },
    /// The connection of [`Effect::Connect`] could not be made usable at any of its targets.
    Unusable { dcid: Dcid, failed: Vec<AddressTry> },
    /// A transaction ended; every recipient of it has a result.
    Outcome { dcid: Dcid, mid: Mid, results: Vec<(Rid, RecipientResult)>, after: After },
    /// An idle connection ended (peer closed, or our `Quit` is done). Its slot is free from now on.
    Closed { dcid: Dcid, why: Option<Failure> },
    /// Time has come to [`Delivery::deadline`](super::Delivery::deadline).
    Tick,
    /// Make recipients due now and forget verdicts and limits that hold them (operators' `delivernow`). Each is
    /// answered by one [`Effect::Retried`], in the order in which they came.
    DeliverNow { scope: Scope, by: String },
    /// Stop starting deliveries: everywhere, or to one destination.
    Suspend { host: Option<Host>, by: String },
    /// Undo [`Input::Suspend`].
    Resume { host: Option<Host>, by: String },
    /// Delete, bounce, archive or redirect many recipients (operators).
    Order(Order),
    /// The same to recipients that have not entered; answered by [`Effect::OrderOver`] alone.
    Held(HeldSlice),
    /// What the slice of [`Effect::Slice`] decided is on its way to the disk: the order may go on.
    GoOn { order: OrderId },
    /// New settings are in force.
    Reconfigure(Arc<Settings>),
    /// The disk cannot record ends (true), or can again (false).
    SpoolSpace { exhausted: bool },
    /// The stored record of a message handed out by [`Effect::Transact`] is damaged: its recipients end.
    RecordCorrupt { dcid: Dcid, mid: Mid, detail: String },
    /// A probe reached EHLO of a destination at this address; the gateway made it by itself, or an operator.
    Probed { host: Host, address: SocketAddr, by_itself: bool },
    /// The daemon stops: nothing new starts, connections close when their transaction ends.
    Shutdown,
}

/// What a retry-now did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retried {
    /// Waiting recipients in its scope.
    pub waiting: u64,
    /// Those of them that became due by it: a clock or a limit of rate held them.
    pub recipients: u64,
    /// Destinations that these belong to.
    pub destinations: u64,
}

/// What the shell must do.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "a field is named by the noun of the lexicon that it holds")]
pub enum Effect {
    /// Look the destination up, on behalf of `bearer`; answered by [`Input::Resolved`].
    Resolve { host: Host, bearer: (Mid, Rid) },
    /// Open a connection to the first target that works, in this order (same preference may be raced);
    /// answered by [`Input::Ready`] or [`Input::Unusable`]. The slot is lent until `Unusable`, `Closed` or an
    /// `Outcome` with [`After::Gone`]. It is tried on behalf of `bearer`, for whom a failure counts.
    Connect {
        dcid: Dcid,
        bearer: (Mid, Rid),
        slot: Slot,
        host: Host,
        targets: Vec<Target>,
        tls: TlsMode,
        credentials: Option<Arc<str>>,
        implicit_tls: bool,
    },
    /// Hand a message over on a ready connection; answered by [`Input::Outcome`]. `again` when one of the
    /// recipients was tried before.
    Transact { dcid: Dcid, mid: Mid, rids: Vec<Rid>, again: bool },
    /// Say QUIT and close; answered by [`Input::Closed`].
    Quit { dcid: Dcid },
    /// Tell a fact that changes no queue.
    Record(Event),
    /// A retry-now is done; its event was recorded just before.
    Retried(Retried),
    /// Make a recipient's new state durable. Nobody waits for it.
    Defer { state: RecipientState, event: Event, report_delay: bool },
    /// A recipient was given another destination: make that durable. Nobody waits for it.
    Redirect { state: RecipientState, event: Event },
    /// A slice of an order is done; its ends and redirections came before. Answered by [`Input::GoOn`].
    Slice { order: OrderId, progress: Progress },
    /// An order is over: nobody whom it concerns is left.
    OrderOver { order: OrderId, progress: Progress },
    /// A recipient ended. The shell commits it with its event, a report when one is due, and, when `last`,
    /// the removal of the message with `Finished`.
    End { mid: Mid, rid: Rid, host: Host, end: End, last: bool },
}

/// How a recipient ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "a field is named by the noun of the lexicon that it holds")]
pub enum End {
    /// The next hop has it.
    Delivered { dcid: Dcid, reply: String, relayed_dsn: bool },
    /// Failed for good; a report goes out when `unreported` is `None`.
    Bounced { dcid: Dcid, kind: BounceKind, failure: Failure, unreported: Option<Unreported> },
    /// Removed by an operator, or discarded by a route.
    Deleted { by: String },
    /// Removed by an operator, the message kept in the archive.
    Archived { by: String },
    /// The record could not be read.
    Corrupt { detail: String },
}

/// A numbered permission to hold one connection, lent by the limits and returned exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u32);

/// What a destination asks of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TlsMode {
    /// Never.
    Off,
    /// When offered; clear text when it fails.
    #[default]
    Preferred,
    /// Or no mail on this connection.
    Required,
    /// Required, and the certificate must verify.
    Verify,
}
