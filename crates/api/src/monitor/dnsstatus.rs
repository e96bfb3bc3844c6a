//! `dnsstatus`: what the gateway asked the name service, and what it knew already.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::command::{Command, Effect, Role, Spec, Text, no_more};
use crate::format::{AsOf, thousands};
use crate::wire::Problem;

/// A value of the counters.
type Value = fn(&DnsCounters) -> u64;

/// Asks for the counters of look-ups.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsStatus {}

/// The counters of look-ups.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DnsStatusReply {
    /// When.
    pub as_of: AsOf,
    /// Since the counters were reset, or since the start.
    pub reset: DnsCounters,
    /// Since the start.
    pub uptime: DnsCounters,
}

/// What is counted of look-ups over one span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsCounters {
    /// DNS Requests: look-ups of one name and type.
    pub requests: u64,
    /// Network Requests: those for which a name server was asked.
    pub network_requests: u64,
    /// Cache Hits: those that the cache answered.
    pub cache_hits: u64,
    /// Cache Misses: those that it did not.
    pub cache_misses: u64,
    /// Cache Exceptions: hits that say that a name or record does not exist.
    pub cache_exceptions: u64,
    /// Cache Expired: misses for an answer that was there and had become too old.
    pub cache_expired: u64,
}

impl DnsCounters {
    /// What was counted since `mark`.
    #[must_use]
    pub const fn since(&self, mark: &Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(mark.requests),
            network_requests: self.network_requests.saturating_sub(mark.network_requests),
            cache_hits: self.cache_hits.saturating_sub(mark.cache_hits),
            cache_misses: self.cache_misses.saturating_sub(mark.cache_misses),
            cache_exceptions: self.cache_exceptions.saturating_sub(mark.cache_exceptions),
            cache_expired: self.cache_expired.saturating_sub(mark.cache_expired),
        }
    }
}

impl Command for DnsStatus {
    type Reply = DnsStatusReply;
    const SPEC: Spec = Spec {
        words: "dnsstatus",
        summary: "shows how often the name service was asked and the cache answered",
        about: "Look-ups of delivery, of connecting hosts and of `nslookup`, since the last reset and since the start. What the hosts file of this machine answers counts as a cache hit. A restart begins both columns at zero: look-ups are not kept in the ledger.",
        arguments: &[],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/dnsstatus",
        example: "dnsstatus",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 0, &Self::SPEC)?;
        Ok(Self {})
    }
}

impl Text for DnsStatusReply {
    fn text(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "Status as of:                  {}\n", self.as_of.now());
        out.push_str("Counters:                                 Reset          Uptime\n");
        let rows: [(&str, Value); 6] = [
            ("  DNS Requests", |counters| counters.requests),
            ("  Network Requests", |counters| counters.network_requests),
            ("  Cache Hits", |counters| counters.cache_hits),
            ("  Cache Misses", |counters| counters.cache_misses),
            ("  Cache Exceptions", |counters| counters.cache_exceptions),
            ("  Cache Expired", |counters| counters.cache_expired),
        ];
        for (label, value) in rows {
            let [reset, uptime] = [&self.reset, &self.uptime].map(value).map(thousands);
            let _ = writeln!(out, "{label:<31}{reset:>16}{uptime:>16}");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_stand_in_two_columns() {
        let uptime = DnsCounters {
            requests: 211_735,
            network_requests: 182_026,
            cache_hits: 29_709,
            cache_misses: 182_026,
            cache_exceptions: 35,
            cache_expired: 4_100,
        };
        let mark = DnsCounters { requests: 211_000, cache_hits: 29_709, ..DnsCounters::default() };
        let as_of = AsOf { at_us: 1_597_343_382_000_000, zone: "UTC".into() };
        let reply = DnsStatusReply { as_of, reset: uptime.since(&mark), uptime };
        insta::assert_snapshot!(reply.text(), @r"
        Status as of:                  Thu Aug 13 18:29:42 2020 UTC

        Counters:                                 Reset          Uptime
          DNS Requests                              735         211,735
          Network Requests                      182,026         182,026
          Cache Hits                                  0          29,709
          Cache Misses                          182,026         182,026
          Cache Exceptions                           35              35
          Cache Expired                           4,100           4,100
        ");
    }
}
