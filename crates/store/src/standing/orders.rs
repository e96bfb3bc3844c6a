//! The shape of the orders. Fields are only added, each with a default, so that older files stay readable.

use std::collections::BTreeMap;

use mailreeve_core::ids::{Host, Mid};
use serde::{Deserialize, Serialize};

/// Everything that operators ordered and did not take back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Orders {
    /// Every listener is suspended, those of a later configuration too.
    pub receiving: Option<Given>,
    /// Listeners suspended by name.
    pub listeners: BTreeMap<String, Given>,
    /// All delivery is suspended.
    pub delivery: Option<Given>,
    /// Destinations to which delivery is suspended.
    pub hosts: BTreeMap<Host, Given>,
    /// What waits in the work queue, and why.
    pub work_queue: WorkQueue,
    /// Commands over many recipients that have not ended, oldest first.
    pub jobs: Vec<Job>,
    /// The number of the newest job ever, so that none is used twice.
    pub last_job: u64,
}

/// Who gave an order, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The operator.
    pub by: String,
    /// Microseconds since the epoch.
    pub at: u64,
}

/// The work queue's part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkQueue {
    /// Set while it is paused.
    pub paused: Option<Pause>,
    /// Which messages do not enter delivery, in ascending order. The last one is open while it is paused;
    /// closed ones are what a resumed work queue has not yet handed over.
    pub spans: Vec<Span>,
}

/// The order to pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Who and when.
    #[serde(flatten)]
    pub given: Given,
    /// Why, as the operator said it; may be empty.
    pub reason: String,
}

/// Messages by number: from one on, up to and without another; without an end when that is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first message.
    pub from: Mid,
    /// The first message behind it.
    pub upto: Option<Mid>,
}

/// A command over many recipients: carried out in slices, and gone on with after a restart.
///
/// A job concerns the recipients that waited when it was given: those in its scope, of messages below
/// `upto_mid`. What of them is done is told by the queue itself; the job is removed with its last slice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its number: one more than [`Orders::last_job`] was.
    pub id: u64,
    /// What is done to each recipient.
    pub kind: JobKind,
    /// To which recipients.
    pub scope: JobScope,
    /// Who and when.
    #[serde(flatten)]
    pub given: Given,
    /// Messages from this one on came later and are not concerned.
    pub upto_mid: Mid,
    /// Recipients done; what was done since the file was last written is missing.
    #[serde(default)]
    pub done: u64,
}

/// What a job does to a recipient. A new kind needs a new version of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Makes it due.
    DeliverNow,
    /// Removes it without a report.
    Delete,
    /// Ends it with a report.
    Bounce,
    /// Gives it another destination.
    Redirect {
        /// Which one.
        to: Host,
    },
}

/// Whom a job concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobScope {
    /// Everything.
    All,
    /// One destination.
    Host(Host),
    /// One sender.
    Sender(String),
    /// One message.
    Message(Mid),
}
