#![allow(clippy::unwrap_used)]

mod laws;
mod proofs;
mod samples;

use super::*;
use crate::event::{BounceKind, Cause, Failure, RecipientRule, Stage};
use crate::ids::Rid;

/// An instant well after the epoch, microseconds.
const T0: u64 = 1_597_328_982_000_000;

fn at(seconds: u64, event: Event) -> Stamped {
    Stamped { at: T0 + seconds * 1_000_000, event }
}

fn host(name: &str) -> Host {
    Host::new(name)
}

fn failure() -> Failure {
    let text = vec!["no".to_owned()];
    let (stage, cause) = (Stage::Rcpt, Cause::Reply5xx);
    Failure { stage, cause, status: (5, 1, 1), code: 550, text, address: None, at: T0 }
}

fn accepted(mid: u64, recipients: u32) -> Event {
    Event::Accepted {
        mid: Mid(mid),
        icid: Icid(1),
        size: 1,
        sender: "a@b.test".into(),
        message_id: None,
        subject: None,
        recipients,
    }
}

fn generated(mid: u64, parent: u64, kind: GeneratedKind, recipients: usize) -> Event {
    let recipients = vec!["a@b.test".to_owned(); recipients];
    Event::Generated { mid: Mid(mid), parent: Mid(parent), kind, size: 1, sender: String::new(), recipients }
}

fn delivered(mid: u64, rids: &[u32], name: &str) -> Event {
    let rids = rids.iter().map(|rid| Rid(*rid)).collect();
    Event::Delivered { dcid: Dcid(1), mid: Mid(mid), rids, host: host(name), reply: "ok".into() }
}

fn deferred(mid: u64, rid: u32, name: &str) -> Event {
    let (mid, rid, host) = (Mid(mid), Rid(rid), host(name));
    Event::Deferred { dcid: Dcid(1), mid, rid, host, failure: failure(), next_at: T0, attempts: 1 }
}

fn bounced(mid: u64, rid: u32, name: &str, kind: BounceKind) -> Event {
    let (mid, rid, host) = (Mid(mid), Rid(rid), host(name));
    Event::Bounced { dcid: Dcid(1), mid, rid, host, kind, failure: failure(), unreported: None }
}

fn deleted(mid: u64, rid: u32, name: &str) -> Event {
    Event::Deleted { mid: Mid(mid), rid: Rid(rid), host: host(name), by: "admin".into() }
}

fn archived(mid: u64, rid: u32, name: &str) -> Event {
    Event::Archived { mid: Mid(mid), rid: Rid(rid), host: host(name), by: "admin".into() }
}

fn corrupt(mid: u64, recipients: u32) -> Event {
    Event::Corrupt { mid: Mid(mid), recipients, detail: "checksum".into() }
}

fn rejected(mid: u64) -> Event {
    let (rule, reply) = (RecipientRule::RelayDenied, "550 no".into());
    Event::RecipientRejected { mid: Mid(mid), icid: Icid(1), address: "x@y.test".into(), rule, reply }
}

fn fold(events: &[Stamped]) -> Tally {
    let mut tally = Tally::default();
    for event in events {
        tally.apply(event);
    }
    tally
}

/// All that is kept of a tally: everything but the rates.
fn kept(tally: &Tally) -> (System, BTreeMap<Host, Destination>) {
    (tally.system.clone(), tally.destinations.clone())
}
