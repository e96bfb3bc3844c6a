//! How a destination stands: what waits for it and why, or what is wrong although nothing waits.

use super::blame::Blame;
use super::explanation::{Explanation, Link, Next, State, Subject, Verdict};
use super::finding::Finding;
use super::remedy;
use super::sentence::Sentence;
use super::terms::{Terms, event_link, evidence_of, failed_link, order_link};
use crate::delivery::io::Target;
use crate::delivery::views::DestinationView;
use crate::event::{Failure, HostStatus};
use crate::ids::{Dcid, Host};

/// Explains a destination for which nothing waits: whether anything is wrong with the way there.
pub fn idle(host: &str, view: Option<&DestinationView>) -> Explanation {
    if let Some(view) = view {
        if let Some((target, failure, until)) = dead_exchanger(view) {
            return backup_used(view, target, failure, until);
        }
        if let Some((by, since)) = &view.suspended {
            let whose = if view.suspended_all { "ALL" } else { host };
            return suspended(host, whose, by, *since);
        }
    }
    let last = view.and_then(|view| view.last_failure.as_ref());
    let overcome = |failure: &Failure| {
        view.and_then(|view| view.last_delivered).is_some_and(|success| success > failure.at)
    };
    if let Some(failure) = last.filter(|failure| failure.status.0 == 5 && !overcome(failure)) {
        return refused_last(host, view, failure);
    }
    let terms = Terms::of(host);
    let chain = last.map(|failure| Link {
        at: Some(failure.at),
        what: Sentence::new("chain.past"),
        evidence: evidence_of(failure),
    });
    Explanation {
        subject: subject(host),
        state: State::Idle,
        verdict: Verdict::seen(Finding::NothingWaits, view.and_then(|view| view.since)),
        summary: terms.summary(Finding::NothingWaits),
        chain: chain.into_iter().collect(),
        next: Next { at: None, what: Sentence::new("next.nothing") },
        remedy: remedy::of(Finding::NothingWaits, &terms, remedy::Queue::Empty),
    }
}

/// Nothing waits because what came was refused.
fn refused_last(host: &str, view: Option<&DestinationView>, failure: &Failure) -> Explanation {
    let blame = Blame::of(failure);
    let mut terms = Terms::of(host).failed(failure, view);
    if let Some(list) = &blame.list {
        terms.list.clone_from(list);
    }
    Explanation {
        subject: subject(host),
        state: State::Bounced,
        verdict: Verdict::of(&blame, Some(failure.at)),
        summary: terms.summary(blame.finding),
        chain: vec![failed_link("chain.refused", failure)],
        next: Next { at: None, what: Sentence::new("next.over") },
        remedy: remedy::of(blame.finding, &terms, remedy::Queue::Empty),
    }
}

/// Explains a connection that carried nothing.
pub fn connection(dcid: Dcid, host: &Host, failure: &Failure) -> Explanation {
    let blame = Blame::of(failure);
    let mut terms = Terms::of(host.as_str()).failed(failure, None);
    if let Some(list) = &blame.list {
        terms.list.clone_from(list);
    }
    Explanation {
        subject: Subject { dcid: Some(dcid.0), ..subject(host.as_str()) },
        state: State::Idle,
        verdict: Verdict::of(&blame, Some(failure.at)),
        summary: terms.summary(blame.finding),
        chain: vec![failed_link("chain.connection_failed", failure)],
        next: Next { at: None, what: Sentence::new("next.nothing") },
        remedy: remedy::of(blame.finding, &terms, remedy::Queue::Empty),
    }
}

/// The exchanger that should be tried before one that works, and does not work itself.
fn dead_exchanger(view: &DestinationView) -> Option<(&Target, &Failure, u64)> {
    if view.status != HostStatus::Up {
        return None;
    }
    let (place, dead) = view.targets.iter().enumerate().find(|(_, target)| target.verdict.is_some())?;
    let works = view.targets[place..].iter().any(|target| target.verdict.is_none());
    let (until, failure) = dead.verdict.as_ref()?;
    works.then_some((&dead.target, failure, *until))
}

fn backup_used(view: &DestinationView, target: &Target, failure: &Failure, until: u64) -> Explanation {
    let mut terms = Terms::of(view.host.as_str()).failed(failure, Some(view));
    terms.name.clone_from(&target.name);
    terms.address = target.address.ip().to_string();
    let mut chain = vec![Link {
        at: Some(failure.at),
        what: Sentence::new("chain.address_failed")
            .text("name", &target.name)
            .text("address", target.address.ip())
            .text("cause", Blame::of(failure).finding.code()),
        evidence: evidence_of(failure),
    }];
    if let Some(works) = view.targets.iter().find(|other| other.verdict.is_none()) {
        let (name, address) = (&works.target.name, works.target.address.ip());
        let what = Sentence::new("chain.address_works").text("name", name).text("address", address);
        chain.push(event_link(view.last_delivered, what, &format!("MX {}", works.target.preference)));
    }
    Explanation {
        subject: subject(view.host.as_str()),
        state: State::Delivered,
        verdict: Verdict::seen(Finding::BackupMxUsed, Some(failure.at)),
        summary: terms.summary(Finding::BackupMxUsed),
        chain,
        next: Next { at: Some(until), what: Sentence::new("next.first_again") },
        remedy: remedy::of(Finding::BackupMxUsed, &terms, remedy::Queue::Empty),
    }
}

/// Nothing goes there, by an order for this destination or for all.
fn suspended(host: &str, whose: &str, by: &str, since: u64) -> Explanation {
    let mut terms = Terms::of(host);
    (terms.by, terms.whose) = (by.to_owned(), whose.to_owned());
    Explanation {
        subject: subject(host),
        state: State::Idle,
        verdict: Verdict::seen(Finding::DeliverySuspended, Some(since)),
        summary: terms.summary(Finding::DeliverySuspended),
        chain: vec![order_link("chain.suspended", by, whose, since)],
        next: Next { at: None, what: Sentence::new("next.resumed") },
        remedy: remedy::of(Finding::DeliverySuspended, &terms, remedy::Queue::Empty),
    }
}

fn subject(host: &str) -> Subject {
    Subject { host: Some(host.to_owned()), ..Subject::default() }
}
