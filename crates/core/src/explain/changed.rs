//! What differs from the time when a destination worked last, as evidence beside its failure.

use super::explanation::{Evidence, EvidenceKind, Explanation, Link};
use super::sentence::Sentence;
use crate::history::{Difference, WhatChanged};

/// Differences that are told; the records have all of them.
const TOLD: usize = 3;

/// Adds what changed since `host` worked last; nothing where nothing can be seen to have changed.
pub fn add_change(explanation: &mut Explanation, host: &str, changed: &WhatChanged) {
    for difference in changed.differences.iter().take(TOLD) {
        let (key, name, kind) = said(difference, host);
        let what = Sentence::new(key).text("name", name).at("worked", changed.worked_at);
        let text = source(difference, changed);
        explanation.chain.push(Link { at: None, what, evidence: Evidence::words(kind, &text) });
    }
}

fn said<'a>(difference: &'a Difference, host: &'a str) -> (&'static str, &'a str, EvidenceKind) {
    match difference {
        Difference::ExchangerAdded { name, .. } => ("chain.new_mx", name, EvidenceKind::Dns),
        Difference::ExchangerRemoved { name, .. } => ("chain.gone_mx", name, EvidenceKind::Dns),
        Difference::PreferenceChanged { name, .. } => ("chain.other_preference", name, EvidenceKind::Dns),
        Difference::AddressAdded { name, .. } | Difference::AddressRemoved { name, .. } => {
            ("chain.other_addresses", name, EvidenceKind::Dns)
        }
        Difference::PortChanged { name, .. } => ("chain.other_port", name, EvidenceKind::Config),
        Difference::LookupFails { .. } | Difference::LookupAnswers => {
            ("chain.other_dns", host, EvidenceKind::Dns)
        }
        Difference::Routed { .. } => ("chain.other_route", host, EvidenceKind::Config),
        Difference::CertificateChanged { name, .. } => {
            ("chain.other_certificate", name, EvidenceKind::Socket)
        }
        Difference::ProtocolChanged { name, .. } => ("chain.other_tls", name, EvidenceKind::Socket),
        Difference::SourcesChanged { .. } => ("chain.other_source", host, EvidenceKind::Socket),
        Difference::ConfigurationChanged { .. } => ("chain.other_configuration", host, EvidenceKind::Config),
    }
}

/// What was and what is, in the words of the source.
fn source(difference: &Difference, changed: &WhatChanged) -> String {
    match difference {
        Difference::ExchangerAdded { name, preference }
        | Difference::ExchangerRemoved { name, preference } => {
            format!("MX {preference} {name}")
        }
        Difference::PreferenceChanged { name, from, to } => format!("MX {from} {name} -> MX {to} {name}"),
        Difference::AddressAdded { name, address } => format!("{name} + {address}"),
        Difference::AddressRemoved { name, address } => format!("{name} - {address}"),
        Difference::PortChanged { name, from, to } => format!("{name}: {from} -> {to}"),
        Difference::LookupFails { detail } => detail.clone(),
        Difference::LookupAnswers => "NOERROR".to_owned(),
        Difference::Routed { now } => if *now { "MX -> SMTP route" } else { "SMTP route -> MX" }.to_owned(),
        Difference::CertificateChanged { from, to, .. } => {
            format!("SHA-256 {} -> {}", short(&from.fingerprint), short(&to.fingerprint))
        }
        Difference::ProtocolChanged { from, to, .. } => {
            format!("{} -> {}", from.as_deref().unwrap_or("-"), to.as_deref().unwrap_or("-"))
        }
        Difference::SourcesChanged { from, to } => {
            let all = |sources: &[std::net::IpAddr]| {
                sources.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            };
            format!("{} -> {}", all(from), all(to))
        }
        Difference::ConfigurationChanged { from, to } => {
            let names: Vec<&str> = changed.settings.names.iter().take(TOLD).map(String::as_str).collect();
            format!("{from:08x} -> {to:08x} {}", names.join(", ")).trim_end().to_owned()
        }
    }
}

fn short(fingerprint: &str) -> &str {
    fingerprint.get(..16).unwrap_or(fingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::idle;
    use crate::history::SettingsBetween;

    #[test]
    fn each_difference_is_a_step_with_its_source_and_none_is_none() {
        let mut changed = WhatChanged {
            worked_at: 7,
            differences: vec![
                Difference::ExchangerRemoved { name: "mx1.a.example".to_owned(), preference: 10 },
                Difference::ConfigurationChanged { from: 1, to: 2 },
            ],
            settings: SettingsBetween { names: vec!["delivery.port".to_owned()], more: 0 },
        };
        let mut explanation = idle("a.example", None);
        add_change(&mut explanation, "a.example", &changed);
        let told: Vec<(&str, &Evidence)> =
            explanation.chain.iter().map(|link| (link.what.key.as_str(), &link.evidence)).collect();
        let mx = Evidence::words(EvidenceKind::Dns, "MX 10 mx1.a.example");
        let config = Evidence::words(EvidenceKind::Config, "00000001 -> 00000002 delivery.port");
        assert_eq!(told, [("chain.gone_mx", &mx), ("chain.other_configuration", &config)]);
        changed.differences.clear();
        let before = explanation.clone();
        add_change(&mut explanation, "a.example", &changed);
        assert_eq!(explanation, before);
    }
}
