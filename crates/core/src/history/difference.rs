//! What differs between two ways to a destination.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use crate::event::{Answers, HostWay, SeenCertificate};

/// Differences that are named.
const MOST: usize = 40;

/// One thing that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "a field is named by the noun of the lexicon that it holds")]
pub enum Difference {
    /// An exchanger came to the MX set.
    ExchangerAdded { name: String, preference: u16 },
    /// An exchanger is not in the MX set any more.
    ExchangerRemoved { name: String, preference: u16 },
    /// An exchanger has another preference.
    PreferenceChanged { name: String, from: u16, to: u16 },
    /// An exchanger or next hop has an address more.
    AddressAdded { name: String, address: IpAddr },
    /// An exchanger or next hop has lost an address.
    AddressRemoved { name: String, address: IpAddr },
    /// A next hop is at another port.
    PortChanged { name: String, from: u16, to: u16 },
    /// The name service, which answered, does not any more.
    LookupFails { detail: String },
    /// The name service answers again.
    LookupAnswers,
    /// A route of the configuration leads there now, or does not any more.
    Routed { now: bool },
    /// A mail server shows another certificate.
    CertificateChanged { name: String, from: SeenCertificate, to: SeenCertificate },
    /// TLS came or went with a mail server, or is of another version: `None` in clear.
    ProtocolChanged { name: String, from: Option<String>, to: Option<String> },
    /// Connections come from other addresses of ours.
    SourcesChanged { from: Vec<IpAddr>, to: Vec<IpAddr> },
    /// Another configuration of ours is in force. Which settings differ is known elsewhere.
    ConfigurationChanged { from: u32, to: u32 },
}

/// Names what differs from one way to another, at most forty things.
pub fn differences(from: &HostWay, to: &HostWay) -> Vec<Difference> {
    let mut found = Vec::new();
    of_answers(&from.answers, &to.answers, &mut found);
    of_servers(from, to, &mut found);
    if from.sources != to.sources && !from.sources.is_empty() && !to.sources.is_empty() {
        found.push(Difference::SourcesChanged { from: from.sources.clone(), to: to.sources.clone() });
    }
    if from.configuration != to.configuration {
        let (from, to) = (from.configuration, to.configuration);
        found.push(Difference::ConfigurationChanged { from, to });
    }
    found.truncate(MOST);
    found
}

type Addresses = [(u16, SocketAddr, String)];

fn of_answers(from: &Answers, to: &Answers, found: &mut Vec<Difference>) {
    match (from, to) {
        (Answers::Unknown, _) | (_, Answers::Unknown) => {}
        (
            Answers::Dns { exchangers: before, addresses: from, left_out: 0 },
            Answers::Dns { exchangers: after, addresses: to, left_out: 0 },
        ) => {
            of_exchangers(before, after, found);
            of_addresses(from, to, found);
        }
        // With parts left out what is missing is not known to be gone.
        (Answers::Dns { exchangers: before, .. }, Answers::Dns { exchangers: after, .. }) => {
            of_exchangers(before, after, found);
        }
        (Answers::Route { addresses: from }, Answers::Route { addresses: to }) => {
            of_addresses(from, to, found);
        }
        (Answers::Failed { .. }, Answers::Failed { .. }) => {}
        (Answers::Dns { .. }, Answers::Failed { detail }) => {
            found.push(Difference::LookupFails { detail: detail.clone() });
        }
        (Answers::Failed { .. }, Answers::Dns { .. }) => found.push(Difference::LookupAnswers),
        (_, Answers::Route { .. }) => found.push(Difference::Routed { now: true }),
        (Answers::Route { .. }, _) => found.push(Difference::Routed { now: false }),
    }
}

fn of_exchangers(from: &[(u16, String)], to: &[(u16, String)], found: &mut Vec<Difference>) {
    let by_name = |set: &[(u16, String)]| -> BTreeMap<String, u16> {
        set.iter().rev().map(|(preference, name)| (name.clone(), *preference)).collect()
    };
    let (from, to) = (by_name(from), by_name(to));
    for (name, preference) in &from {
        let (name, before) = (name.clone(), *preference);
        match to.get(&name) {
            None => found.push(Difference::ExchangerRemoved { name, preference: before }),
            Some(after) if *after != before => {
                found.push(Difference::PreferenceChanged { name, from: before, to: *after });
            }
            Some(_) => {}
        }
    }
    for (name, preference) in to.iter().filter(|(name, _)| !from.contains_key(*name)) {
        found.push(Difference::ExchangerAdded { name: name.clone(), preference: *preference });
    }
}

/// Addresses of names that are there before and after; those of others came or went with their name.
fn of_addresses(from: &Addresses, to: &Addresses, found: &mut Vec<Difference>) {
    let of = |set: &Addresses| -> BTreeMap<String, (BTreeSet<IpAddr>, u16)> {
        let mut by_name = BTreeMap::<String, (BTreeSet<IpAddr>, u16)>::new();
        for (_, address, name) in set {
            let (ips, port) = by_name.entry(name.clone()).or_default();
            ips.insert(address.ip());
            *port = address.port();
        }
        by_name
    };
    let (from, to) = (of(from), of(to));
    for (name, (before, port)) in &from {
        let Some((after, port_after)) = to.get(name) else { continue };
        let named = |address: &IpAddr| (name.clone(), *address);
        for (name, address) in before.difference(after).map(named) {
            found.push(Difference::AddressRemoved { name, address });
        }
        for (name, address) in after.difference(before).map(named) {
            found.push(Difference::AddressAdded { name, address });
        }
        if port != port_after {
            found.push(Difference::PortChanged { name: name.clone(), from: *port, to: *port_after });
        }
    }
}

fn of_servers(from: &HostWay, to: &HostWay, found: &mut Vec<Difference>) {
    for after in &to.servers {
        let Some(before) = from.servers.iter().find(|before| before.name == after.name) else { continue };
        let name = after.name.clone();
        if before.protocol != after.protocol {
            let (from, to) = (before.protocol.clone(), after.protocol.clone());
            found.push(Difference::ProtocolChanged { name: name.clone(), from, to });
        }
        if let (Some(from), Some(to)) = (&before.certificate, &after.certificate)
            && from.fingerprint != to.fingerprint
        {
            let (from, to) = (from.clone(), to.clone());
            found.push(Difference::CertificateChanged { name, from, to });
        }
    }
}
