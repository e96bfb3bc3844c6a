//! One record of a zone, as plain data and as a line of text.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// What one record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// A mail exchanger; `.` with preference 0 is the null MX (RFC 7505).
    Mx(u16, String),
    /// Text, cut into strings of 255 bytes.
    Txt(String),
    /// A host for an address.
    Ptr(String),
    /// Another name for this one.
    Cname(String),
    /// A name server.
    Ns(String),
}

/// A name and a record of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The owner; `@` is the origin.
    pub name: String,
    /// What it holds.
    pub data: Data,
}

/// Why a zone was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadZone(String);

impl BadZone {
    pub(super) const fn new(what: String) -> Self {
        Self(what)
    }
}

impl fmt::Display for BadZone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for BadZone {}

/// Reads `NAME TYPE VALUE...`, such as `mx1.example.test A 127.0.0.9` or `@ MX 10 mx1.example.test`.
impl FromStr for Entry {
    type Err = BadZone;

    fn from_str(line: &str) -> Result<Self, BadZone> {
        let bad = |what: &str| BadZone(format!("{what} in the record `{line}`"));
        let mut words = line.split_whitespace();
        let (Some(name), Some(kind)) = (words.next(), words.next()) else {
            return Err(bad("no name or no type"));
        };
        let rest: Vec<&str> = words.collect();
        let first = *rest.first().ok_or_else(|| bad("no value"))?;
        let data = match kind.to_ascii_uppercase().as_str() {
            "A" => Data::A(first.parse().map_err(|_| bad("no IPv4 address"))?),
            "AAAA" => Data::Aaaa(first.parse().map_err(|_| bad("no IPv6 address"))?),
            "MX" => {
                let preference = first.parse().map_err(|_| bad("no preference"))?;
                Data::Mx(preference, (*rest.get(1).ok_or_else(|| bad("no exchange"))?).to_owned())
            }
            "TXT" => Data::Txt(rest.join(" ").trim_matches('"').to_owned()),
            "PTR" => Data::Ptr(first.to_owned()),
            "CNAME" => Data::Cname(first.to_owned()),
            "NS" => Data::Ns(first.to_owned()),
            _ => return Err(bad("unknown type (known: A AAAA MX TXT PTR CNAME NS)")),
        };
        Ok(Self { name: name.to_owned(), data })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn lines_are_read() {
        let entry: Entry = "@ MX 10 mx.example.test".parse().unwrap();
        assert_eq!(entry, Entry { name: "@".into(), data: Data::Mx(10, "mx.example.test".into()) });
        let entry: Entry = "a TXT \"v=spf1 -all\"".parse().unwrap();
        assert_eq!(entry.data, Data::Txt("v=spf1 -all".into()));
        for bad in ["", "a", "a A", "a A 1.2.3", "a MX ten b", "a MX 10", "a SRV x"] {
            assert!(bad.parse::<Entry>().is_err(), "{bad}");
        }
    }
}
