//! `nslookup`: a name as the gateway sees it, with the seconds that it took.

use std::fmt::Write as _;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::records::{DnsRecord, Unanswered, record_type, reverse_name, seconds};
use crate::command::{Argument, Command, Effect, Role, Spec, Text, no_more};
use crate::format::ttl;
use crate::wire::Problem;

/// Looks a name up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NsLookup {
    /// The name.
    pub host: String,
    /// The type.
    #[serde(default = "address_type")]
    pub record_type: String,
}

fn address_type() -> String {
    "A".to_owned()
}

/// What the gateway knows of a name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NsLookupReply {
    /// The records, aliases on the way included.
    pub records: Vec<DnsRecord>,
    /// Why there are none.
    pub unanswered: Option<Unanswered>,
    /// Nobody was asked: the answer was at hand.
    pub from_cache: bool,
    /// How long it took, microseconds.
    pub took_us: u64,
}

impl Command for NsLookup {
    type Reply = NsLookupReply;
    const SPEC: Spec = Spec {
        words: "nslookup",
        summary: "looks a name up as delivery does, and tells the seconds",
        about: "The look-up goes the way of every look-up of the gateway, its cache included, so it shows what delivery works with; `dig` asks past the cache. An address is looked up for its names. Many seconds here are seconds that mail waits for.",
        arguments: &[
            Argument { name: "host", help: "a name or an address", required: true, choices: &[] },
            Argument {
                name: "type",
                help: "A, AAAA, CNAME, MX, NS, PTR, SOA, TXT and others (A)",
                required: false,
                choices: &[],
            },
        ],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/nslookup",
        example: "nslookup example.com MX",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let host = words.first().ok_or_else(|| {
            Problem::new("nslookup needs a name or an address", "for example: nslookup example.com MX")
        })?;
        let kind = words.get(1).map(|word| record_type(word)).transpose()?;
        no_more(words, 2, &Self::SPEC)?;
        let address = host.parse::<IpAddr>().ok();
        Ok(match (address, kind) {
            (Some(address), None) => Self { host: reverse_name(address), record_type: "PTR".to_owned() },
            (Some(address), Some(kind)) if kind == "PTR" => {
                Self { host: reverse_name(address), record_type: kind }
            }
            (_, kind) => Self { host: host.clone(), record_type: kind.unwrap_or_else(address_type) },
        })
    }
}

impl Text for NsLookupReply {
    fn text(&self) -> String {
        let mut out = String::new();
        for record in &self.records {
            let _ = writeln!(out, "{}={} TTL={}", record.record_type, record.data, ttl(record.ttl));
        }
        if let Some(unanswered) = &self.unanswered {
            let _ = writeln!(out, "{}: {}", unanswered.code, unanswered.text);
        }
        let whence = if self.from_cache { ", from the cache" } else { "" };
        let _ = writeln!(out, "({}{whence})", seconds(self.took_us));
        out
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn nslookup(words: &str) -> Result<NsLookup, String> {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        NsLookup::parse(&words).map_err(|problem| problem.message)
    }

    #[test]
    fn names_and_addresses_are_looked_up() {
        let of = |host: &str, kind: &str| Ok(NsLookup { host: host.into(), record_type: kind.into() });
        assert_eq!(nslookup("a.test"), of("a.test", "A"));
        assert_eq!(nslookup("a.test txt"), of("a.test", "TXT"));
        assert_eq!(nslookup("192.0.2.1"), of("1.2.0.192.in-addr.arpa.", "PTR"));
        assert_eq!(nslookup("192.0.2.1 ptr"), of("1.2.0.192.in-addr.arpa.", "PTR"));
        assert_eq!(nslookup("").unwrap_err(), "nslookup needs a name or an address");
        assert_eq!(
            nslookup("a.test nonsense").unwrap_err(),
            "`nonsense` is not a type of record that can be asked for"
        );
    }

    #[test]
    fn records_stand_a_line_each_with_the_seconds() {
        let record = |kind: &str, data: &str, ttl| DnsRecord {
            name: "a.test.".into(),
            ttl,
            record_type: kind.into(),
            data: data.into(),
        };
        let mut reply = NsLookupReply {
            records: vec![record("CNAME", "b.test.", 90), record("A", "10.1.1.1", 1_800)],
            unanswered: None,
            from_cache: true,
            took_us: 100,
        };
        insta::assert_snapshot!(reply.text(), @r"
        CNAME=b.test. TTL=1m30s
        A=10.1.1.1 TTL=30m
        (0.000 seconds, from the cache)
        ");
        reply.records.clear();
        reply.unanswered =
            Some(Unanswered { code: "TIMEOUT".into(), text: "no name server answered".into() });
        (reply.from_cache, reply.took_us) = (false, 3_001_000);
        insta::assert_snapshot!(reply.text(), @r"
        TIMEOUT: no name server answered
        (3.001 seconds)
        ");
    }
}
