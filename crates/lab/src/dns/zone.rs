//! Zones: what a name holds, as plain data, and compiled for the server.
//!
//! A zone is built by chained calls or from text lines. Every name is a full name; the last dot may be left
//! out and `@` is the origin. Names are checked when the zone is given to the server, not before.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, NS, PTR, SOA, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::entry::{BadZone, Data, Entry};

/// A zone under construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    origin: String,
    ttl: u32,
    entries: Vec<Entry>,
}

impl Zone {
    /// An empty zone; its SOA is made up, its records live for 60 s.
    #[must_use]
    pub fn new(origin: impl Into<String>) -> Self {
        Self { origin: origin.into(), ttl: 60, entries: Vec::new() }
    }

    /// Sets how long answers may be kept, in seconds, also negative ones.
    #[must_use]
    pub const fn ttl(mut self, seconds: u32) -> Self {
        self.ttl = seconds;
        self
    }

    /// Adds a record.
    #[must_use]
    pub fn entry(mut self, name: impl Into<String>, data: Data) -> Self {
        self.entries.push(Entry { name: name.into(), data });
        self
    }

    /// Adds an A or AAAA record.
    #[must_use]
    pub fn address(self, name: &str, address: impl Into<IpAddr>) -> Self {
        match address.into() {
            IpAddr::V4(address) => self.entry(name, Data::A(address)),
            IpAddr::V6(address) => self.entry(name, Data::Aaaa(address)),
        }
    }

    /// Adds an MX record of the origin.
    #[must_use]
    pub fn mx(self, preference: u16, exchange: &str) -> Self {
        self.entry("@", Data::Mx(preference, exchange.to_owned()))
    }

    /// Says that the origin takes no mail (RFC 7505).
    #[must_use]
    pub fn null_mx(self) -> Self {
        self.mx(0, ".")
    }

    /// Adds a CNAME record.
    #[must_use]
    pub fn cname(self, name: &str, target: &str) -> Self {
        self.entry(name, Data::Cname(target.to_owned()))
    }

    /// Adds a TXT record.
    #[must_use]
    pub fn txt(self, name: &str, text: &str) -> Self {
        self.entry(name, Data::Txt(text.to_owned()))
    }

    /// Lists `address` in this zone as a block list does (RFC 5782 section 2), with the reason in words.
    #[must_use]
    pub fn listed(self, address: IpAddr, reason: &str) -> Self {
        let digits: Vec<String> = match address {
            IpAddr::V4(address) => address.octets().iter().rev().map(u8::to_string).collect(),
            IpAddr::V6(address) => {
                let nibbles = address.octets().into_iter().flat_map(|octet| [octet >> 4, octet & 15]);
                nibbles.rev().map(|nibble| format!("{nibble:x}")).collect()
            }
        };
        let name = format!("{}.{}", digits.join("."), self.origin);
        self.entry(&name, Data::A(Ipv4Addr::new(127, 0, 0, 2))).txt(&name, reason)
    }

    /// Adds a ring of `links` CNAMEs that starts and ends at `name`.
    #[must_use]
    pub fn cname_loop(mut self, name: &str, links: usize) -> Self {
        let links = links.max(1);
        for link in 0..links {
            let owner = if link == 0 { name.to_owned() } else { format!("ring{link}.{name}") };
            let next = if link + 1 == links { name.to_owned() } else { format!("ring{}.{name}", link + 1) };
            self = self.entry(owner, Data::Cname(next));
        }
        self
    }

    /// Adds `links` CNAMEs, one after the other, from `name` to `target`.
    #[must_use]
    pub fn cname_chain(mut self, name: &str, links: usize, target: &str) -> Self {
        for link in 0..links {
            let owner = if link == 0 { name.to_owned() } else { format!("link{link}.{name}") };
            let next = if link + 1 == links { target.to_owned() } else { format!("link{}.{name}", link + 1) };
            self = self.entry(owner, Data::Cname(next));
        }
        self
    }

    /// Gives the origin `count` mail exchangers `mx<n>.<origin>`, all of one preference, each with the
    /// addresses given.
    #[must_use]
    pub fn many_mx(mut self, count: usize, addresses: &[IpAddr]) -> Self {
        for number in 0..count {
            let exchange = format!("mx{number}.{}", self.origin);
            for address in addresses {
                self = self.address(&exchange, *address);
            }
            self = self.mx(10, &exchange);
        }
        self
    }

    /// The origin as it was given.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The records so far.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Checks all names and orders the records for look-up.
    pub(crate) fn compile(&self) -> Result<Compiled, BadZone> {
        let origin = name(&self.origin)?;
        let mut compiled = Compiled::empty(origin.clone());
        compiled.ttl = self.ttl;
        for entry in &self.entries {
            let owner = if entry.name == "@" { origin.clone() } else { name(&entry.name)? };
            if !origin.zone_of(&owner) {
                return Err(BadZone::new(format!("{} is not in the zone {}", entry.name, self.origin)));
            }
            compiled.put(owner, rdata(&entry.data)?);
        }
        Ok(compiled)
    }
}

/// A zone ready to be asked. Names are absolute and in lower case.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    pub(crate) origin: Name,
    ttl: u32,
    records: HashMap<Name, Vec<Record>>,
}

impl Compiled {
    pub(crate) fn empty(origin: Name) -> Self {
        let records = HashMap::from([(origin.clone(), Vec::new())]);
        Self { origin, ttl: 60, records }
    }

    /// The records of a name, or `None` where it does not exist. A name exists also when one below it does.
    pub(crate) fn records(&self, name: &Name) -> Option<&[Record]> {
        self.records.get(name).map(Vec::as_slice)
    }

    /// The start of authority: how long a "no" may be kept.
    pub(crate) fn authority(&self) -> Record {
        let primary = Name::from_ascii("ns").and_then(|label| label.append_domain(&self.origin));
        let primary = primary.unwrap_or_else(|_| self.origin.clone());
        let ttl = i32::try_from(self.ttl).unwrap_or(i32::MAX);
        let soa = SOA::new(primary.clone(), primary, 1, ttl, ttl, ttl, self.ttl);
        Record::from_rdata(self.origin.clone(), self.ttl, RData::SOA(soa))
    }

    /// Gives a name of a reverse zone its one host.
    pub(crate) fn put_pointer(&mut self, owner: Name, host: Name) {
        self.records.remove(&owner);
        self.put(owner, RData::PTR(PTR(host)));
    }

    fn put(&mut self, owner: Name, data: RData) {
        let record = Record::from_rdata(owner.clone(), self.ttl, data);
        self.records.entry(owner.clone()).or_default().push(record);
        let mut parent = owner.base_name();
        while self.origin.zone_of(&parent) && !self.records.contains_key(&parent) {
            self.records.insert(parent.clone(), Vec::new());
            parent = parent.base_name();
        }
    }
}

/// Reads a full name, in lower case, with or without its last dot.
pub(crate) fn name(text: &str) -> Result<Name, BadZone> {
    let parsed = Name::from_ascii(text).or_else(|_| Name::from_str_relaxed(text));
    let mut name = parsed.map_err(|error| BadZone::new(format!("`{text}` is no domain name: {error}")))?;
    name.set_fqdn(true);
    Ok(name.to_lowercase())
}

/// The type of a record asked for by `ANY` or by itself.
pub(crate) fn matches(record: &Record, asked: RecordType) -> bool {
    asked == RecordType::ANY || record.record_type() == asked
}

fn rdata(data: &Data) -> Result<RData, BadZone> {
    Ok(match data {
        Data::A(address) => RData::A(A(*address)),
        Data::Aaaa(address) => RData::AAAA(AAAA(*address)),
        Data::Mx(preference, exchange) => RData::MX(MX::new(*preference, name(exchange)?)),
        Data::Txt(text) => RData::TXT(TXT::from_bytes(text.as_bytes().chunks(255).collect())),
        Data::Ptr(host) => RData::PTR(PTR(name(host)?)),
        Data::Cname(target) => RData::CNAME(CNAME(name(target)?)),
        Data::Ns(host) => RData::NS(NS(name(host)?)),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_name_outside_of_its_zone_is_refused() {
        let zone = Zone::new("example.test").address("mx.other.test", Ipv4Addr::LOCALHOST);
        assert!(zone.compile().is_err());
        assert!(Zone::new("a..b").compile().is_err());
    }

    #[test]
    fn listed_addresses_stand_backwards() {
        let zone = Zone::new("rbl.test")
            .listed([192, 0, 2, 7].into(), "spam")
            .listed(std::net::Ipv6Addr::LOCALHOST.into(), "spam");
        let zone = zone.compile().unwrap();
        assert_eq!(zone.records(&name("7.2.0.192.rbl.test").unwrap()).unwrap().len(), 2);
        let backwards = format!("1.{}rbl.test", "0.".repeat(31));
        assert_eq!(zone.records(&name(&backwards).unwrap()).unwrap().len(), 2);
    }

    #[test]
    fn a_name_exists_when_one_below_it_does() {
        let zone = Zone::new("example.test").address("a.b.example.test", Ipv4Addr::LOCALHOST);
        let zone = zone.compile().unwrap();
        assert_eq!(zone.records(&name("b.example.test").unwrap()), Some(&[][..]));
        assert_eq!(zone.records(&name("c.example.test").unwrap()), None);
    }
}
