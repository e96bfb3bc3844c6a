//! What the records tell of that afternoon.

use mailreeve_api::queue::{
    HostAddress, HostChange, HostDifference, HostExchanger, HostHistory, HostOver, HostShares, HostState,
    HostStatusReply, HostStep,
};

use super::{MINUTE, NOW, Text, host_status, refused};

fn state(text: Text<'_>, status: &str) -> HostState {
    HostState {
        status: status.to_owned(),
        failure: (status == "down").then(|| refused(text)),
        exchangers: vec![HostExchanger { preference: 10, name: text("mx1.a.example") }],
        addresses: vec![HostAddress {
            preference: 10,
            address: "192.0.2.7:25".to_owned(),
            name: text("mx1.a.example"),
        }],
        configuration: Some(text("c0ffee")),
        ..HostState::default()
    }
}

pub(in crate::pages::tests) fn past(text: Text<'_>) -> HostStatusReply {
    let moved = HostDifference {
        kind: "address-added".to_owned(),
        name: Some(text("mx1.a.example")),
        after: Some(text("192.0.2.7")),
        ..HostDifference::default()
    };
    let change = HostChange { worked_us: NOW - 40 * MINUTE, differences: vec![moved.clone()] };
    let step = |minutes: u64, what: &str, status: &str| HostStep {
        at_us: NOW - minutes * MINUTE,
        what: what.to_owned(),
        held_us: 20 * MINUTE,
        by: (what == "suspended").then(|| text("bob")),
        state: state(text, status),
        ..HostStep::default()
    };
    let down = HostStep { differences: vec![moved], ..step(37, "status", "down") };
    let over = HostOver {
        from_us: NOW - 24 * 60 * MINUTE,
        to_us: NOW,
        opening: Some(state(text, "up")),
        steps: vec![
            step(60, "stopped", "not-running"),
            step(57, "started", "unknown"),
            down,
            step(9, "suspended", "down"),
        ],
        total: 5,
        next: None,
        shares: HostShares { up_us: 23 * 60 * MINUTE, down_us: 37 * MINUTE, ..HostShares::default() },
    };
    let history = HostHistory {
        records_from_us: NOW - 9_000 * MINUTE,
        records_to_us: NOW,
        changed: Some(change),
        over: Some(over),
        ..HostHistory::default()
    };
    HostStatusReply { history: Some(history), ..host_status(text) }
}
