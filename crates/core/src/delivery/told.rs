//! What operators are told of destinations that fail for long: once for each outage, and bounded in number whatever
//! happens: a few one by one, a crowd in one alert.

use std::collections::{BTreeSet, VecDeque};

use crate::delivery::outage::Outage;
use crate::event::HostStatus;
use crate::ids::Host;

/// So many are told one by one within [`WINDOW_US`].
const SINGLY: usize = 5;
/// How long one alert counts: an hour.
const WINDOW_US: u64 = 3_600_000_000;
/// Who is told as a crowd waits so long for the others: a minute.
const GATHER_US: u64 = 60_000_000;

/// What is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// One destination fails for long.
    Down(Outage),
    /// Many do: those that were not told before.
    ManyDown(BTreeSet<Host>),
    /// One that was told takes mail again.
    Recovered(Host),
    /// Many that were told do.
    ManyRecovered(BTreeSet<Host>),
}

/// What was told.
#[derive(Debug, Default)]
pub struct TellOutages {
    /// Told as failing, and neither recovered nor forgotten since.
    told: BTreeSet<Host>,
    down: Pace,
    up: Pace,
}

impl TellOutages {
    /// Returns those that were told and are not among `failing`: whether they answer is to be asked.
    pub fn missing(&self, failing: &[Outage]) -> Vec<Host> {
        let failing: BTreeSet<&Host> = failing.iter().map(|outage| &outage.host).collect();
        self.told.iter().filter(|host| !failing.contains(host)).cloned().collect()
    }

    /// Returns what is to be told now, microseconds since the epoch: of all that are `failing` for long, and of those
    /// [`Self::missing`] among them, with their status. One whose mail has gone meanwhile is still the same outage; one
    /// that is not in memory any more is forgotten.
    pub fn look(
        &mut self,
        failing: &[Outage],
        missing: &[(Host, Option<HostStatus>)],
        now: u64,
    ) -> Vec<Notice> {
        let open: BTreeSet<&Host> = failing.iter().map(|outage| &outage.host).collect();
        self.down.waiting.retain(|host| open.contains(host));
        self.up.waiting.retain(|host| !open.contains(host));
        let fresh = failing.iter().map(|outage| &outage.host).filter(|host| !self.told.contains(*host));
        let fresh: Vec<Host> = fresh.cloned().collect();
        let over = missing.iter().filter(|(_, status)| matches!(status, None | Some(HostStatus::Up)));
        let over = over.filter(|(host, _)| self.told.remove(host));
        let recovered = over.filter(|(_, status)| status.is_some()).map(|(host, _)| host.clone()).collect();
        let mut notices = Vec::new();
        match self.down.offer(fresh, now) {
            Turn::Nobody => {}
            Turn::Each(hosts) => {
                let told = failing.iter().filter(|outage| hosts.contains(&outage.host));
                notices.extend(told.cloned().map(Notice::Down));
                self.told.extend(hosts);
            }
            Turn::Together(hosts) => {
                self.told.extend(hosts.iter().cloned());
                notices.push(Notice::ManyDown(hosts));
            }
        }
        match self.up.offer(recovered, now) {
            Turn::Nobody => {}
            Turn::Each(hosts) => notices.extend(hosts.into_iter().map(Notice::Recovered)),
            Turn::Together(hosts) => notices.push(Notice::ManyRecovered(hosts)),
        }
        notices
    }
}

/// How often something is told.
#[derive(Debug, Default)]
struct Pace {
    /// When one was told by itself, of late.
    singly: VecDeque<u64>,
    /// When a crowd was told last.
    together: Option<u64>,
    /// Not told yet, and since when.
    waiting: BTreeSet<Host>,
    since: u64,
}

/// Who is told now.
enum Turn {
    Nobody,
    Each(BTreeSet<Host>),
    Together(BTreeSet<Host>),
}

impl Pace {
    fn offer(&mut self, more: Vec<Host>, now: u64) -> Turn {
        let over = |at: u64, span: u64| now.saturating_sub(at) >= span;
        while self.singly.front().is_some_and(|at| over(*at, WINDOW_US)) {
            self.singly.pop_front();
        }
        if self.waiting.is_empty() {
            self.since = now;
        }
        self.waiting.extend(more);
        if self.waiting.is_empty() {
            return Turn::Nobody;
        }
        if self.waiting.len() + self.singly.len() <= SINGLY {
            self.singly.extend(self.waiting.iter().map(|_| now));
            return Turn::Each(std::mem::take(&mut self.waiting));
        }
        if over(self.since, GATHER_US) && self.together.is_none_or(|at| over(at, WINDOW_US)) {
            self.together = Some(now);
            return Turn::Together(std::mem::take(&mut self.waiting));
        }
        Turn::Nobody
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000_000;

    fn outages(from: usize, to: usize) -> Vec<Outage> {
        let outage = |number| Outage {
            host: Host::new(&format!("{number:04}.example")),
            since: 1,
            recipients: 1,
            reason: None,
        };
        (from..to).map(outage).collect()
    }

    fn hosts(from: usize, to: usize) -> Vec<Host> {
        outages(from, to).into_iter().map(|outage| outage.host).collect()
    }

    fn up(from: usize, to: usize) -> Vec<(Host, Option<HostStatus>)> {
        hosts(from, to).into_iter().map(|host| (host, Some(HostStatus::Up))).collect()
    }

    #[test]
    fn an_outage_is_told_once_and_so_is_its_end() {
        let mut tell = TellOutages::default();
        let one = outages(0, 1);
        assert_eq!(tell.look(&one, &[], MINUTE), [Notice::Down(one[0].clone())]);
        assert_eq!(tell.look(&one, &[], 2 * MINUTE), []);
        // Its mail expired, nobody tried it since: it is still told as failing.
        assert_eq!(tell.missing(&[]), hosts(0, 1));
        let unknown = [(hosts(0, 1)[0].clone(), Some(HostStatus::Unknown))];
        assert_eq!(tell.look(&[], &unknown, 3 * MINUTE), []);
        assert_eq!(tell.look(&one, &[], 4 * MINUTE), []);
        assert_eq!(tell.look(&[], &up(0, 1), 5 * MINUTE), [Notice::Recovered(hosts(0, 1)[0].clone())]);
        assert_eq!(tell.look(&[], &up(0, 1), 6 * MINUTE), []);
        assert_eq!(tell.look(&one, &[], 7 * MINUTE).len(), 1, "the next outage is a new one");
        assert_eq!(tell.look(&[], &[(hosts(0, 1)[0].clone(), None)], 8 * MINUTE), []);
        assert_eq!(tell.missing(&[]), [], "one that is not in memory any more is forgotten");
    }

    #[test]
    fn a_crowd_is_one_alert_and_its_end_another() {
        let mut tell = TellOutages::default();
        let all = outages(0, 1_000);
        assert_eq!(tell.look(&all[..3], &[], MINUTE).len(), 3);
        assert_eq!(tell.look(&all[..500], &[], 2 * MINUTE), [], "the others may follow");
        let together = tell.look(&all, &[], 3 * MINUTE);
        assert_eq!(together, [Notice::ManyDown(hosts(3, 1_000).into_iter().collect())]);
        assert_eq!(tell.look(&all, &[], 4 * MINUTE), []);
        // A thousand more within the hour wait for its end.
        let more = outages(0, 2_000);
        assert!((5..63).all(|minute| tell.look(&more, &[], minute * MINUTE).is_empty()));
        let after = tell.look(&more, &[], 63 * MINUTE);
        assert_eq!(after, [Notice::ManyDown(hosts(1_000, 2_000).into_iter().collect())]);
        assert_eq!(tell.look(&[], &up(0, 2_000), 64 * MINUTE), []);
        let back = tell.look(&[], &[], 65 * MINUTE);
        assert_eq!(back, [Notice::ManyRecovered(hosts(0, 2_000).into_iter().collect())]);
    }

    #[test]
    fn who_recovers_before_it_was_told_is_never_told() {
        let mut tell = TellOutages::default();
        let all = outages(0, 100);
        assert_eq!(tell.look(&all, &[], MINUTE), []);
        assert_eq!(tell.look(&[], &up(0, 100), 2 * MINUTE), []);
        assert_eq!(tell.look(&[], &[], 3 * MINUTE), []);
    }
}
