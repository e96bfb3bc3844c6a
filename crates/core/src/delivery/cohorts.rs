//! How many wait for one and the same reason, kept current as recipients come and go.
//!
//! Whoever stands in a line waits for what its first one waits for, so lines need no counting. Recipients whose own
//! clock runs differ: they are counted here by the kind of their last failure, when the clock starts and when it
//! ends. A destination counts a bounded number of kinds apart; what comes beyond them is counted as one.

use crate::delivery::Delivery;
use crate::delivery::destination::Destination;
use crate::delivery::need::Need;
use crate::delivery::reason::Kept;
use crate::delivery::recipient::RecipientId;
use crate::delivery::steady::Steady;
use crate::delivery::why::Why;

/// Kinds of a destination that are counted apart.
const APART: usize = 16;

/// Recipients of one destination that wait for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cohort {
    /// The reason; of a clock of their own: with a failure like theirs, and `until` when the last of them is due.
    pub why: Why,
    /// How many.
    pub recipients: usize,
    /// Since when the reason holds, microseconds since the epoch, as far as it is known.
    pub since: Option<u64>,
}

/// The recipients of a destination whose own clocks run, by kind of failure.
#[derive(Debug, Default)]
pub(super) struct OwnClocks {
    apart: Vec<Alike>,
    others: Others,
}

#[derive(Debug)]
struct Alike {
    sample: Kept,
    count: usize,
    /// Wall time of the first failure of those who wait.
    since: u64,
    latest: Steady,
}

/// Those who did not fit, or have no failure to be told by.
#[derive(Debug, Default)]
struct Others {
    count: usize,
    latest: Steady,
}

impl OwnClocks {
    /// Counts a recipient in whose clock starts.
    pub(super) fn start(&mut self, last: Option<&Kept>, due: Steady) {
        let known = last.and_then(|last| self.place_of(last));
        match (known, last) {
            (Some(place), Some(last)) => {
                let alike = &mut self.apart[place];
                alike.count += 1;
                alike.since = alike.since.min(last.at());
                alike.latest = alike.latest.max(due);
            }
            (None, Some(last)) if self.apart.len() < APART => {
                self.apart.push(Alike { sample: last.clone(), count: 1, since: last.at(), latest: due });
            }
            (_, _) => {
                self.others.count += 1;
                self.others.latest = self.others.latest.max(due);
            }
        }
    }

    /// Counts a recipient out whose clock ended; `last` is what it was counted in with.
    ///
    /// One that was counted among the others may take the place of one alike that came later: sums stay right.
    pub(super) fn stop(&mut self, last: Option<&Kept>) {
        match last.and_then(|last| self.place_of(last)) {
            Some(place) if self.apart[place].count == 1 => {
                self.apart.swap_remove(place);
            }
            Some(place) => self.apart[place].count -= 1,
            None => self.others.count -= 1,
        }
        if self.others.count == 0 {
            self.others = Others::default();
        }
    }

    fn place_of(&self, last: &Kept) -> Option<usize> {
        self.apart.iter().position(|alike| alike.sample.kind() == last.kind())
    }

    /// Returns how many clocks run.
    fn running(&self) -> usize {
        self.apart.iter().map(|alike| alike.count).sum::<usize>() + self.others.count
    }
}

impl Delivery {
    /// Starts the own clock of a recipient that stands nowhere; it ends at its `due`.
    pub(super) fn start_own_clock(&mut self, id: RecipientId) {
        let recipient = &self.recipients[id];
        let of = &mut self.destinations[recipient.destination];
        of.own_clocks.start(recipient.last.as_ref(), recipient.due);
        self.timers.set(&mut self.recipients, id);
    }

    /// Counts a recipient out whose own clock ended or was stopped.
    pub(super) fn own_clock_ended(&mut self, id: RecipientId) {
        let recipient = &self.recipients[id];
        let of = &mut self.destinations[recipient.destination];
        of.own_clocks.stop(recipient.last.as_ref());
    }

    /// Returns why the recipients of a destination wait, those being handed over left out, and how many are being
    /// handed over. Costs what there are reasons, not what waits.
    pub(super) fn cohorts(&self, destination: &Destination, at: Steady) -> (Vec<Cohort>, usize) {
        let in_line: usize = destination.lines.iter().map(|line| line.recipients()).sum();
        let clocks = destination.own_clocks.running();
        let attempting = destination.members.len() - in_line - clocks;
        if let Some(why) = self.stopped(destination) {
            let since = since_of(&why);
            let cohort = Cohort { why, recipients: in_line + clocks, since };
            let cohorts = if cohort.recipients == 0 { Vec::new() } else { vec![cohort] };
            return (cohorts, attempting);
        }
        let mut cohorts = self.clock_cohorts(destination);
        for need in Need::ALL {
            let line = destination.line(need);
            let Some(head) = line.head() else { continue };
            let (why, recipients) = (self.why_of(head, at), line.recipients());
            // The first one tries on behalf of all: they share its reason.
            match cohorts.iter_mut().find(|cohort| cohort.why == why) {
                Some(same) => same.recipients += recipients,
                None => cohorts.push(Cohort { since: since_of(&why), why, recipients }),
            }
        }
        (cohorts, attempting)
    }

    fn clock_cohorts(&self, destination: &Destination) -> Vec<Cohort> {
        let OwnClocks { apart, others } = &destination.own_clocks;
        let retry = |latest: Steady, cause| Why::WaitingForRetry { until: self.clock.wall(latest), cause };
        let mut cohorts: Vec<Cohort> = apart
            .iter()
            .map(|alike| Cohort {
                why: retry(alike.latest, Some(alike.sample.failure())),
                recipients: alike.count,
                since: Some(alike.since),
            })
            .collect();
        if others.count > 0 {
            cohorts.push(Cohort { why: retry(others.latest, None), recipients: others.count, since: None });
        }
        cohorts
    }
}

fn since_of(why: &Why) -> Option<u64> {
    match why {
        Why::HostBackoff { since, .. }
        | Why::Resolving { since }
        | Why::Suspended { since, .. }
        | Why::SpoolSpace { since } => Some(*since),
        Why::Due
        | Why::Attempting { .. }
        | Why::WaitingForRetry { .. }
        | Why::HostOnTrial { .. }
        | Why::Connecting { .. }
        | Why::ConnectionLimit { .. }
        | Why::AddressOpening { .. }
        | Why::RateLimit { .. }
        | Why::ShuttingDown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::reason::Reasons;
    use crate::event::{Cause, Failure, Stage};

    fn kept(reasons: &mut Reasons, code: u16, text: String, at: u64) -> Kept {
        reasons.keep(&Failure {
            stage: Stage::Rcpt,
            cause: Cause::Reply4xx,
            status: (4, 7, 1),
            code,
            text: vec![text],
            address: None,
            at,
        })
    }

    #[test]
    fn one_kind_is_counted_together_however_it_is_worded_and_leaves_nothing_behind() {
        let (mut clocks, mut reasons) = (OwnClocks::default(), Reasons::default());
        let all: Vec<Kept> =
            (0..100).map(|n| kept(&mut reasons, 451, "greylisted ".repeat(n), 100 - n as u64)).collect();
        for (last, due) in all.iter().zip(1..) {
            clocks.start(Some(last), Steady(due));
        }
        assert_eq!(clocks.apart.len(), 1);
        assert_eq!((clocks.apart[0].count, clocks.apart[0].since), (100, 1));
        assert_eq!(clocks.apart[0].latest, Steady(100));
        for last in &all {
            clocks.stop(Some(last));
        }
        assert!(clocks.apart.is_empty() && clocks.running() == 0);
    }

    #[test]
    fn beyond_the_bound_sums_stay_right_in_any_order() {
        let (mut clocks, mut reasons) = (OwnClocks::default(), Reasons::default());
        let all: Vec<Kept> =
            (0..26).map(|n| kept(&mut reasons, 400 + n, "later".to_owned(), u64::from(n))).collect();
        for last in all.iter().chain(&all) {
            clocks.start(Some(last), Steady(9));
        }
        clocks.start(None, Steady(9));
        assert_eq!((clocks.apart.len(), clocks.running()), (APART, 53));
        for last in &all[..10] {
            clocks.stop(Some(last));
            clocks.stop(Some(last));
        }
        for last in &all[20..] {
            clocks.start(Some(last), Steady(9));
        }
        for last in all[10..].iter().rev().chain(&all[10..]).chain(&all[20..]) {
            clocks.stop(Some(last));
        }
        clocks.stop(None);
        assert_eq!((clocks.apart.len(), clocks.running()), (0, 0));
    }
}
