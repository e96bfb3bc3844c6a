//! What `dig` and `nslookup` have in common: types, records, and an answer that did not come.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::wire::Problem;

/// A record, as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsRecord {
    /// Its owner, with the last dot.
    pub name: String,
    /// Seconds to live.
    pub ttl: u32,
    /// `MX`, `A`.
    pub record_type: String,
    /// What it says, as zone files write it.
    pub data: String,
}

/// Why there is no record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unanswered {
    /// `NXDOMAIN`, `NODATA`, `SERVFAIL`, `REFUSED`, `TIMEOUT` or another name of a failure.
    pub code: String,
    /// The same in a sentence.
    pub text: String,
}

/// The types that can be asked for.
const TYPES: [&str; 15] = [
    "A", "AAAA", "ANY", "CAA", "CNAME", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SRV", "SVCB", "TLSA",
    "TXT",
];

/// Finds the type of a word, however it is written.
pub(super) fn known_type(word: &str) -> Option<&'static str> {
    TYPES.into_iter().find(|name| name.eq_ignore_ascii_case(word))
}

/// Reads a type.
pub(super) fn record_type(word: &str) -> Result<String, Problem> {
    known_type(word).map(str::to_owned).ok_or_else(|| {
        Problem::new(
            format!("`{word}` is not a type of record that can be asked for"),
            format!("one of {}", TYPES.join(", ")),
        )
    })
}

/// The name under which the names of an address stand (RFC 1035 3.5, RFC 3596 2.5).
pub(super) fn reverse_name(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
        }
        IpAddr::V6(v6) => {
            let nibbles =
                v6.octets().into_iter().rev().map(|octet| format!("{:x}.{:x}.", octet & 15, octet >> 4));
            nibbles.collect::<String>() + "ip6.arpa."
        }
    }
}

/// A time in seconds, to the millisecond: `0.012 seconds`.
pub fn seconds(us: u64) -> String {
    let ms = us / 1_000;
    format!("{}.{:03} seconds", ms / 1_000, ms % 1_000)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn addresses_have_names_of_their_own() {
        assert_eq!(reverse_name("192.0.2.1".parse().unwrap()), "1.2.0.192.in-addr.arpa.");
        assert_eq!(reverse_name("::ffff:192.0.2.1".parse().unwrap()), "1.2.0.192.in-addr.arpa.");
        assert_eq!(
            reverse_name("2001:db8::567:89ab".parse().unwrap()),
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."
        );
    }

    #[test]
    fn times_are_told_to_the_millisecond() {
        assert_eq!(seconds(999), "0.000 seconds");
        assert_eq!(seconds(12_345_678), "12.345 seconds");
    }
}
