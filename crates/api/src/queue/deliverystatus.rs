//! `deliverystatus`: every destination with its state, and why mail waits, told before the list.

use serde::{Deserialize, Serialize};

use crate::format::AsOf;
use crate::workqueue::Held;

mod column;
mod text;
mod words;

pub use column::{Column, Direction};

/// Asks for destinations, a page of the sorted list.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryStatus {
    /// Sorted by.
    #[serde(default)]
    pub sort: Column,
    /// In this direction; the column's usual one without it.
    #[serde(default)]
    pub direction: Option<Direction>,
    /// Rows left out before the page.
    #[serde(default)]
    pub offset: usize,
    /// Rows of the page, 1 to 1,000.
    #[serde(default = "page_size")]
    pub limit: usize,
    /// Only destinations whose name contains this.
    #[serde(default)]
    pub filter: String,
    /// Reasons left out before the first one told.
    #[serde(default)]
    pub skip_reasons: usize,
}

const fn page_size() -> usize {
    20
}

impl Default for DeliveryStatus {
    fn default() -> Self {
        Self {
            sort: Column::default(),
            direction: None,
            offset: 0,
            limit: page_size(),
            filter: String::new(),
            skip_reasons: 0,
        }
    }
}

/// The destinations, and why mail waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeliveryStatusReply {
    /// When.
    pub as_of: AsOf,
    /// Counters count since then, microseconds since the epoch: the last reset, or the first start.
    pub counted_since_us: Option<u64>,
    /// Sorted by.
    pub sort: Column,
    /// In this direction.
    pub direction: Direction,
    /// Only names with this in them.
    pub filter: String,
    /// Rows left out before the page.
    pub offset: usize,
    /// Destinations that the filter lets through.
    pub matching: usize,
    /// The page.
    pub destinations: Vec<DestinationLine>,
    /// Sums over all destinations, whatever the filter.
    pub totals: Totals,
    /// Why mail waits, the reason of most recipients first, behind those left out; at most [`COHORTS`].
    pub cohorts: Vec<CohortLine>,
    /// Reasons left out before `cohorts`.
    #[serde(default)]
    pub reasons_before: usize,
    /// Reasons that there are.
    #[serde(default)]
    pub reasons: usize,
    /// Recipients whose reasons are not among `cohorts`.
    pub others_waiting: u64,
    /// What waits in the work queue, and so in no row.
    #[serde(default)]
    pub work_queue: Held,
    /// `recovering n of m` while the spool is being read after a start.
    pub recovering: Option<(u64, u64)>,
}

/// Cohorts of a reply: more than there are kinds of failures in any one queue.
pub const COHORTS: usize = 1_000;

/// Sums over all destinations. The gateway's own queues are among them once mail went there: one that was never used is
/// neither up nor unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Destinations.
    pub destinations: u64,
    /// Those of them that are up.
    pub up: u64,
    /// Those that are down.
    pub down: u64,
    /// Those of which nothing is known now.
    pub unknown: u64,
    /// Active Recipients.
    pub active_recips: u64,
    /// Those of them that are on their way now: being handed over, connected to or looked up, or due.
    pub moving_recips: u64,
    /// Connections Out.
    pub conn_out: u64,
    /// Delivered Recipients.
    pub delivered_recips: u64,
    /// Soft Bounced.
    pub soft_bounced_evts: u64,
    /// Hard Bounced.
    pub hard_bounced_recips: u64,
}

/// One destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestinationLine {
    /// Its name.
    pub host: String,
    /// One of the gateway's own queues.
    pub system: bool,
    /// `up`, `down` or `unknown`.
    pub status: String,
    /// Since when, microseconds since the epoch; none before the first attempt.
    pub since_us: Option<u64>,
    /// The status is that of before the gateway's start: nothing was tried there since.
    #[serde(default)]
    pub before_start: bool,
    /// It is being tried now: looked up or connected to, while no connection to it stands.
    #[serde(default)]
    pub trying: bool,
    /// Nothing has been tried there for long: what it was before, when that is known.
    pub was: Option<String>,
    /// The last time that something happened on a connection to it.
    pub last_activity_us: Option<u64>,
    /// The failure behind a status other than up.
    pub reason: Option<Reason>,
    /// When it is tried next, if its clock runs.
    pub next_attempt_us: Option<u64>,
    /// When its oldest waiting message was accepted.
    pub oldest_us: Option<u64>,
    /// Who suspended delivery to it, and when.
    pub suspended: Option<(String, u64)>,
    /// Why most of its recipients wait.
    pub wait: Option<Wait>,
    /// Active Recipients.
    pub active_recips: u64,
    /// Connections Out.
    pub conn_out: u64,
    /// Delivered Recipients.
    pub delivered_recips: u64,
    /// Soft Bounced.
    pub soft_bounced_evts: u64,
    /// Hard Bounced.
    pub hard_bounced_recips: u64,
}

/// A failure, for programs and people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Stable code: `connect-refused`, `dns-servfail`, `reply-4xx`.
    pub cause: String,
    /// The reply's code, 0 when there was none.
    pub code: u16,
    /// The reply, or our own words.
    pub text: String,
    /// The address that it speaks of, without the port.
    pub address: Option<String>,
    /// When.
    pub at_us: u64,
}

/// Why recipients wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Stable code of the blocker: `host-backoff`, `waiting-for-retry`, `rate-limit`, `suspended` and others.
    pub why: String,
    /// Stable code of the failure behind it.
    pub cause: Option<String>,
    /// The reply's code, 0 when there was none.
    pub code: u16,
    /// The reply with `#` for what differs from message to message; our own words where no reply came. One of
    /// many, where there are more wordings of one kind.
    pub text: Option<String>,
    /// The address that it speaks of; none where there are several.
    pub address: Option<String>,
    /// Whose limit: `gateway`, a destination or an address.
    pub whose: Option<String>,
    /// The limit.
    pub limit: Option<u64>,
    /// Who suspended delivery.
    pub by: Option<String>,
}

/// Recipients that wait for one reason: the same blocker, and where a failure is behind it one of the same kind, that
/// is with the same stage, cause, status and code, however it is worded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CohortLine {
    /// The reason.
    #[serde(flatten)]
    pub wait: Wait,
    /// Who can do something about it: `us`, `us-policy`, `destination`, `dns-of-destination`, `network`, `sender`,
    /// `nobody`.
    pub owner: String,
    /// Recipients.
    pub recipients: u64,
    /// Destinations they wait for.
    pub destinations: u64,
    /// Different texts of the failures, of which `text` is the one of most recipients.
    #[serde(default)]
    pub wordings: u64,
    /// Some of those, most recipients first.
    pub hosts: Vec<String>,
    /// Since when, as far as it is known.
    pub since_us: Option<u64>,
    /// The next try. Where each recipient has a clock of its own: when the last of them is due.
    pub next_us: Option<u64>,
}
