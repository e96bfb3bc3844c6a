//! Cohorts over all destinations: recipients that wait for one reason, wherever they wait.
//!
//! Failures of one kind (stage, cause, status, code) are one reason, wherever they happen and however the peers word
//! them; the wording of most recipients is told. Limits and orders are a reason each by whose they are.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use mailreeve_api::queue::{CohortLine, Wait};
use mailreeve_core::delivery::why::Why;
use mailreeve_core::delivery::{Cohort, Row};
use mailreeve_core::event::FailureKind;

use super::waits::{code, failure_of, owner, wait_of};
use super::words::next_of;

/// Destinations of a cohort that are told by name.
const HOSTS: usize = 3;

/// What makes two waits one.
type Key = (&'static str, Option<FailureKind>, Option<String>);

/// Cohorts by reason.
#[derive(Default)]
pub(super) struct Cohorts {
    by_reason: BTreeMap<Key, Gathered>,
}

struct Gathered {
    line: CohortLine,
    /// Those with most recipients, at most [`HOSTS`].
    hosts: Vec<(u64, String)>,
    /// The destination taken in last.
    last: String,
    /// How the failure is told, and how many recipients wait with those words.
    wordings: BTreeMap<Option<String>, u64>,
    /// Whom it speaks of.
    addresses: BTreeSet<Option<String>>,
}

impl Cohorts {
    /// Takes in what waits for a destination.
    pub(super) fn add(&mut self, row: &Row) {
        for cohort in &row.cohorts {
            let Some(wait) = wait_of(&cohort.why) else { continue };
            let recipients = cohort.recipients as u64;
            let gathered = self
                .by_reason
                .entry(key(&cohort.why, &wait))
                .or_insert_with(|| Gathered::new(wait.clone(), &cohort.why));
            *gathered.wordings.entry(wait.text).or_default() += recipients;
            gathered.addresses.insert(wait.address);
            gathered.take(row.host.as_str(), recipients, cohort);
        }
    }

    /// Returns all of them, those of most recipients first.
    pub(super) fn lines(self) -> Vec<CohortLine> {
        let mut lines: Vec<CohortLine> = self.by_reason.into_values().map(Gathered::finish).collect();
        lines.sort_by_key(|line| Reverse(line.recipients));
        lines
    }
}

impl Gathered {
    fn new(wait: Wait, why: &Why) -> Self {
        let line = CohortLine {
            wait,
            owner: owner(why).to_owned(),
            recipients: 0,
            destinations: 0,
            wordings: 0,
            hosts: Vec::new(),
            since_us: None,
            next_us: None,
        };
        Self {
            line,
            hosts: Vec::new(),
            last: String::new(),
            wordings: BTreeMap::new(),
            addresses: BTreeSet::new(),
        }
    }

    fn take(&mut self, host: &str, recipients: u64, cohort: &Cohort) {
        let line = &mut self.line;
        line.recipients += recipients;
        // A destination can have several cohorts of one reason; they come one after the other.
        if self.last != host {
            line.destinations += 1;
            host.clone_into(&mut self.last);
        }
        match self.hosts.iter_mut().find(|(_, known)| known == host) {
            Some((count, _)) => *count += recipients,
            None => self.hosts.push((recipients, host.to_owned())),
        }
        self.hosts.sort_by_key(|(count, _)| Reverse(*count));
        self.hosts.truncate(HOSTS);
        line.since_us = match (line.since_us, cohort.since) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let next = next_of(&cohort.why);
        line.next_us = match (line.next_us, next, &cohort.why) {
            (Some(one), Some(other), Why::WaitingForRetry { .. }) => Some(one.max(other)),
            (Some(one), Some(other), _) => Some(one.min(other)),
            (one, other, _) => one.or(other),
        };
    }

    fn finish(self) -> CohortLine {
        let Self { mut line, hosts, wordings, addresses, .. } = self;
        line.hosts = hosts.into_iter().map(|(_, host)| host).collect();
        line.wordings = wordings.len() as u64;
        let most = wordings.into_iter().max_by_key(|(_, recipients)| *recipients);
        line.wait.text = most.and_then(|(text, _)| text);
        if addresses.len() > 1 {
            line.wait.address = None;
        }
        line
    }
}

fn key(why: &Why, wait: &Wait) -> Key {
    let whose = wait.whose.clone().or_else(|| wait.by.clone());
    (code(why), failure_of(why).map(|failure| failure.kind()), whose)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailreeve_core::event::{Cause, Failure, HostStatus, Stage};
    use mailreeve_core::ids::Host;

    fn failure(cause: Cause, code: u16, text: &str, address: Option<&str>) -> Failure {
        Failure {
            stage: if code > 0 { Stage::Rcpt } else { Stage::Connect },
            cause,
            status: (4, 0, 0),
            code,
            text: vec![text.to_owned()],
            address: address.and_then(|address| address.parse().ok()),
            at: 5,
        }
    }

    fn row(host: &str, cohorts: Vec<Cohort>) -> Row {
        Row {
            host: Host::new(host),
            status: HostStatus::Down,
            was: None,
            since: None,
            carried: false,
            trying: false,
            reason: None,
            next_attempt: None,
            oldest: None,
            last_activity: None,
            suspended: None,
            active: cohorts.iter().map(|cohort| cohort.recipients).sum(),
            attempting: 0,
            connections: 0,
            cohorts,
        }
    }

    fn backoff(reason: Failure, recipients: usize, since: u64, until: u64) -> Cohort {
        Cohort { why: Why::HostBackoff { until, since, reason }, recipients, since: Some(since) }
    }

    #[test]
    fn one_trouble_is_one_cohort_whatever_the_address() {
        let refused = |address| failure(Cause::ConnectRefused, 0, "Connection refused", Some(address));
        let mut all = Cohorts::default();
        all.add(&row("a.example", vec![backoff(refused("192.0.2.7:25"), 13, 100, 900)]));
        all.add(&row("b.example", vec![backoff(refused("192.0.2.7:25"), 28, 90, 800)]));
        all.add(&row("d.example", vec![Cohort { why: Why::Due, recipients: 9, since: None }]));
        let [line] = &all.lines()[..] else { unreachable!() };
        assert_eq!((line.recipients, line.destinations, line.owner.as_str()), (41, 2, "destination"));
        assert_eq!(line.hosts, ["b.example", "a.example"]);
        assert_eq!((line.since_us, line.next_us), (Some(90), Some(800)));
        assert_eq!((line.wait.address.as_deref(), line.wordings), (Some("192.0.2.7"), 1));

        let mut all = Cohorts::default();
        all.add(&row("a.example", vec![backoff(refused("192.0.2.7:25"), 13, 100, 900)]));
        all.add(&row("c.example", vec![backoff(refused("192.0.2.8:25"), 1, 50, 700)]));
        let [line] = &all.lines()[..] else { unreachable!() };
        assert_eq!((line.recipients, line.destinations, line.wait.address.as_deref()), (14, 2, None));
    }

    #[test]
    fn replies_are_one_by_their_kind_and_clocks_end_with_the_last() {
        let later = |code, text: &str, recipients, until| {
            let cause = Some(failure(Cause::Reply4xx, code, text, Some("192.0.2.7:25")));
            Cohort { why: Why::WaitingForRetry { until, cause }, recipients, since: Some(until) }
        };
        let mut all = Cohorts::default();
        for number in 0..20 {
            let wording = format!("4.7.1 {} come back", "please ".repeat(number));
            all.add(&row(&format!("{number}.example"), vec![later(451, &wording, 1, 300)]));
        }
        all.add(&row("a.example", vec![later(451, "4.7.1 <ann@a.example> greylisted", 3, 100)]));
        all.add(&row("c.example", vec![later(452, "4.2.2 mailbox full", 2, 200)]));
        let lines = all.lines();
        assert_eq!(lines.len(), 2);
        assert_eq!((lines[0].recipients, lines[0].next_us, lines[0].since_us), (23, Some(300), Some(100)));
        assert_eq!((lines[0].wordings, lines[0].destinations), (21, 21));
        assert_eq!(lines[0].wait.text.as_deref(), Some("4.7.1 # greylisted"), "the wording of most");
        assert_eq!(lines[1].wait.code, 452);
    }

    #[test]
    fn a_dead_resolver_is_one_reason_for_all_domains() {
        let dead = |name: &str| Failure {
            stage: Stage::Dns,
            ..failure(Cause::ResolverUnreachable, 0, &format!("looking up {name}: no answer"), None)
        };
        let mut all = Cohorts::default();
        for name in ["a.example", "b.example", "c.example", "d.example"] {
            all.add(&row(name, vec![backoff(dead(name), 1, 7, 9)]));
        }
        let lines = all.lines();
        assert_eq!((lines.len(), lines[0].destinations, lines[0].hosts.len()), (1, 4, HOSTS));
        assert_eq!(lines[0].owner, "us");
    }
}
