//! Counters and gauges as replies carry them. Names are those that operators' scripts know.

use serde::{Deserialize, Serialize};

/// Counters of the whole gateway over one span (since reset, since start, ever).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemCounters {
    /// Messages Received.
    pub inj_msgs: u64,
    /// Recipients Received.
    pub inj_recips: u64,
    /// Generated Bounce Recipients.
    pub gen_bounce_recips: u64,
    /// Rejected Recipients.
    pub rejected_recips: u64,
    /// Dropped Messages.
    pub dropped_msgs: u64,
    /// Soft Bounced Events.
    pub soft_bounced_evts: u64,
    /// Completion, by kind of end.
    #[serde(flatten)]
    pub completion: Completion,
}

/// How recipients ended. `completed = hard + delivered + deleted`, `hard` is the sum of its five kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// DNS Hard Bounces.
    pub dns_hard_bounced_recips: u64,
    /// 5XX Hard Bounces.
    #[serde(rename = "5xx_hard_bounced_recips")]
    pub five_xx_hard_bounced_recips: u64,
    /// Filter Hard Bounces.
    pub filter_hard_bounced_recips: u64,
    /// Expired Hard Bounces.
    pub expired_hard_bounced_recips: u64,
    /// Other Hard Bounces.
    pub other_hard_bounced_recips: u64,
    /// Delivered Recipients.
    pub delivered_recips: u64,
    /// Deleted Recipients.
    pub deleted_recips: u64,
}

impl Completion {
    /// Hard Bounced Recipients.
    pub const fn hard(&self) -> u64 {
        self.dns_hard_bounced_recips
            + self.five_xx_hard_bounced_recips
            + self.filter_hard_bounced_recips
            + self.expired_hard_bounced_recips
            + self.other_hard_bounced_recips
    }

    /// Completed Recipients.
    pub const fn completed(&self) -> u64 {
        self.hard() + self.delivered_recips + self.deleted_recips
    }
}
