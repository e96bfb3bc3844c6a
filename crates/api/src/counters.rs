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
    /// Recipients that ended in the archive.
    #[serde(default)]
    pub archived_recips: u64,
    /// Soft Bounced Events.
    pub soft_bounced_evts: u64,
    /// Completion, by kind of end.
    #[serde(flatten)]
    pub completion: Completion,
}

/// How recipients ended. `completed = hard + delivered + deleted`, `hard` is the sum of its five kinds.
///
/// Every reply carries these beside its other counters, under the same names, and not as an object of their own.
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::queue::HostStatusReply;

    /// A reply of `hoststatus` with everything in it that must be there, and `ends` as its counters.
    fn host_status(ends: &serde_json::Value) -> serde_json::Value {
        let mut reply = serde_json::json!({
            "as_of": { "at_us": 0, "zone": "UTC" }, "host": "a.example", "status": "up", "soft_bounced_evts": 0,
            "unattempted_recips": 0, "attempted_recips": 0, "conn_out": 0, "conn_pending": 0,
            "exchangers": [], "routes": [],
        });
        reply.as_object_mut().unwrap().extend(ends.as_object().unwrap().clone());
        reply
    }

    #[test]
    fn completion_has_one_shape_in_every_reply() {
        let ends =
            Completion { five_xx_hard_bounced_recips: 3, delivered_recips: 4, ..Completion::default() };
        let shape = serde_json::to_value(ends).unwrap();
        let of_gateway = SystemCounters { completion: ends, ..SystemCounters::default() };
        let of_gateway = serde_json::to_value(of_gateway).unwrap();
        let of_host: HostStatusReply = serde_json::from_value(host_status(&shape)).unwrap();
        assert_eq!(of_host.completion, ends);
        let of_host = serde_json::to_value(of_host).unwrap();
        for (name, count) in shape.as_object().unwrap() {
            assert_eq!(&of_gateway[name], count, "status: {name}");
            assert_eq!(&of_host[name], count, "hoststatus: {name}");
        }
        assert!(of_gateway.get("completion").is_none() && of_host.get("completion").is_none());
    }
}
