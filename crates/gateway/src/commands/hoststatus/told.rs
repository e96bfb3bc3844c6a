//! The history of a destination in the form of the reply.

use std::net::IpAddr;

use mailreeve_api::queue::{
    HostAddress, HostCertificate, HostChange, HostDifference, HostExchanger, HostServer, HostState,
};
use mailreeve_core::event::{Answers, HostWay, MetServer, SeenCertificate};
use mailreeve_core::history::{Difference, SettingsBetween, Standing, State, Suspended, WhatChanged};

use crate::commands::words::{in_words, reason};

pub(super) fn no_settings() -> SettingsBetween {
    SettingsBetween::default()
}

pub(super) fn state(state: &State) -> HostState {
    let order = |order: &Option<Suspended>| order.as_ref().map(|order| (order.by.clone(), order.since));
    let mut told = HostState {
        status: standing(state.standing).to_owned(),
        since_us: state.since,
        or_earlier: state.or_earlier,
        before_start: state.carried,
        reason: state.cause.as_ref().map(in_words),
        failure: state.cause.as_ref().map(reason),
        answers: "unknown".to_owned(),
        configuration: state.configuration.map(|(checksum, _)| shown(checksum)),
        configured_us: state.configuration.map(|(_, since)| since),
        suspended: order(&state.suspended),
        all_suspended: order(&state.all_suspended),
        changed: state.changed.as_deref().map(change),
        ..HostState::default()
    };
    if let Some(facts) = &state.facts {
        way(&mut told, &facts.way);
    }
    told
}

const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Unknown => "unknown",
        Standing::Up => "up",
        Standing::Down => "down",
        Standing::NotRunning => "not-running",
    }
}

/// A configuration, as the log names it.
fn shown(checksum: u32) -> String {
    format!("{checksum:08x}")
}

fn way(told: &mut HostState, way: &HostWay) {
    let address = |(preference, address, name): &(u16, std::net::SocketAddr, String)| HostAddress {
        preference: *preference,
        address: address.to_string(),
        name: name.clone(),
    };
    let word = match &way.answers {
        Answers::Unknown => "unknown",
        Answers::Dns { exchangers, addresses, left_out: _ } => {
            let exchanger = |(preference, name): &(u16, String)| HostExchanger {
                preference: *preference,
                name: name.clone(),
            };
            told.exchangers = exchangers.iter().map(exchanger).collect();
            told.addresses = addresses.iter().map(address).collect();
            "dns"
        }
        Answers::Route { addresses } => {
            told.addresses = addresses.iter().map(address).collect();
            "route"
        }
        Answers::Failed { detail } => {
            told.lookup = Some(detail.clone());
            "failed"
        }
    };
    told.answers = word.to_owned();
    told.servers = way.servers.iter().map(server).collect();
    told.sources = way.sources.iter().map(IpAddr::to_string).collect();
}

fn server(met: &MetServer) -> HostServer {
    HostServer {
        name: met.name.clone(),
        protocol: met.protocol.clone(),
        certificate: met.certificate.as_ref().map(certificate),
    }
}

fn certificate(seen: &SeenCertificate) -> HostCertificate {
    let us = |seconds: i64| u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000);
    HostCertificate {
        fingerprint: seen.fingerprint.clone(),
        subject: seen.subject.clone(),
        issuer: seen.issuer.clone(),
        from_us: us(seen.not_before),
        until_us: us(seen.not_after),
    }
}

pub(super) fn change(changed: &WhatChanged) -> HostChange {
    HostChange {
        worked_us: changed.worked_at,
        differences: differences(&changed.differences, &changed.settings),
    }
}

pub(super) fn differences(all: &[Difference], settings: &SettingsBetween) -> Vec<HostDifference> {
    all.iter().map(|one| difference(one, settings)).collect()
}

/// Another configuration, with the settings that differ.
pub(super) fn configuration(from: u32, to: u32, settings: &SettingsBetween) -> HostDifference {
    HostDifference {
        settings: settings.names.clone(),
        more_settings: settings.more,
        ..told("configuration", None, Some(shown(from)), Some(shown(to)))
    }
}

fn told(kind: &str, name: Option<&str>, before: Option<String>, after: Option<String>) -> HostDifference {
    let (kind, name) = (kind.to_owned(), name.map(str::to_owned));
    HostDifference { kind, name, before, after, ..HostDifference::default() }
}

fn difference(difference: &Difference, settings: &SettingsBetween) -> HostDifference {
    let some = |thing: &dyn std::fmt::Display| Some(thing.to_string());
    match difference {
        Difference::ExchangerAdded { name, preference } => {
            told("mx-added", Some(name), None, some(preference))
        }
        Difference::ExchangerRemoved { name, preference } => {
            told("mx-removed", Some(name), some(preference), None)
        }
        Difference::PreferenceChanged { name, from, to } => {
            told("mx-preference", Some(name), some(from), some(to))
        }
        Difference::AddressAdded { name, address } => told("address-added", Some(name), None, some(address)),
        Difference::AddressRemoved { name, address } => {
            told("address-removed", Some(name), some(address), None)
        }
        Difference::PortChanged { name, from, to } => told("port", Some(name), some(from), some(to)),
        Difference::LookupFails { detail } => told("dns-failed", None, None, some(detail)),
        Difference::LookupAnswers => told("dns-answers", None, None, None),
        Difference::Routed { now } => {
            let word = |routed: bool| Some(if routed { "a route" } else { "DNS" }.to_owned());
            told("route", None, word(!now), word(*now))
        }
        Difference::CertificateChanged { name, from, to } => HostDifference {
            certificates: vec![certificate(from), certificate(to)],
            ..told("certificate", Some(name), Some(from.fingerprint.clone()), Some(to.fingerprint.clone()))
        },
        Difference::ProtocolChanged { name, from, to } => told("tls", Some(name), from.clone(), to.clone()),
        Difference::SourcesChanged { from, to } => {
            let all = |sources: &[IpAddr]| {
                Some(sources.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", "))
            };
            told("source", None, all(from), all(to))
        }
        Difference::ConfigurationChanged { from, to } => configuration(*from, *to, settings),
    }
}
