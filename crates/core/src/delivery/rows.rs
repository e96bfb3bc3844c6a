//! Destinations in rows, each with why its recipients wait: what the Delivery Status page is made of.

use crate::Instant;
use crate::delivery::cohorts::Cohort;
use crate::delivery::destination::Destination;
use crate::delivery::io::Target;
use crate::delivery::reason::Kept;
use crate::delivery::steady::Steady;
use crate::delivery::{Delivery, SLICE};
use crate::event::{Failure, HostStatus};
use crate::ids::Host;

/// A destination in one row, with why its recipients wait.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name.
    pub host: Host,
    /// Up, down or unknown.
    pub status: HostStatus,
    /// Unknown because nobody has tested it for long: what it was before.
    pub was: Option<HostStatus>,
    /// Since when, microseconds since the epoch; `None` before the first attempt.
    pub since: Option<u64>,
    /// The status is that of an earlier run: nothing was tried since the start.
    pub carried: bool,
    /// It is being tried now: looked up or connected to, while no connection to it stands.
    pub trying: bool,
    /// The failure behind the status.
    pub reason: Option<Failure>,
    /// It is unreachable: when it is tried next.
    pub next_attempt: Option<u64>,
    /// When the oldest waiting message was accepted.
    pub oldest: Option<u64>,
    /// The last time that something happened on a connection to it.
    pub last_activity: Option<u64>,
    /// By whom it was suspended and since when; all delivery, or itself.
    pub suspended: Option<(String, u64)>,
    /// Waiting recipients.
    pub active: usize,
    /// Those of them being handed over.
    pub attempting: usize,
    /// Slots lent to it.
    pub connections: usize,
    /// Why the others wait.
    pub cohorts: Vec<Cohort>,
}

impl Delivery {
    /// Returns at most `limit` destinations by name, those after `after`, with why their recipients wait.
    pub fn rows(&self, after: Option<&Host>, limit: usize, now: Instant) -> Vec<Row> {
        let at = self.clock.peek(now, self.wanted);
        let page = self.destinations.after(after).take(limit.clamp(1, SLICE));
        page.map(|destination| self.row_of(destination, at)).collect()
    }

    /// Returns the row of one destination, or `None` when it is not in memory.
    pub fn row(&self, host: &Host, now: Instant) -> Option<Row> {
        let destination = &self.destinations[self.destinations.find(host.as_str())?];
        Some(self.row_of(destination, self.clock.peek(now, self.wanted)))
    }

    /// Returns different failures of a destination, at most eight, each as it was last seen, newest first.
    pub fn recent_failures(&self, host: &Host) -> Vec<Failure> {
        let known = self.destinations.find(host.as_str());
        known.map_or(Vec::new(), |id| self.destinations[id].reasons.recent().collect())
    }

    /// Returns destinations, at most `most`, by name, of which a mail server of this name or address is a target.
    pub fn behind(&self, server: &str, most: usize) -> Vec<Host> {
        let is_it = |target: &Target| {
            target.name.eq_ignore_ascii_case(server) || target.address.ip().to_string() == server
        };
        let serves = |destination: &&Destination| {
            destination.known().is_some_and(|known| known.targets.iter().any(is_it))
        };
        self.destinations.by_name().filter(serves).take(most).map(|found| found.host.clone()).collect()
    }

    fn row_of(&self, destination: &Destination, at: Steady) -> Row {
        let Destination { verdict, members, .. } = destination;
        let (cohorts, attempting) = self.cohorts(destination, at);
        Row {
            host: destination.host.clone(),
            status: verdict.status,
            was: verdict.was,
            since: (verdict.since > 0).then_some(verdict.since),
            carried: verdict.carried.is_some(),
            trying: destination.is_being_tried(),
            reason: verdict.reason.as_ref().map(Kept::failure),
            next_attempt: self.backoff_view(destination).map(|backoff| backoff.next_attempt),
            oldest: members.first().map(|(accepted, _)| self.clock.wall(*accepted)),
            last_activity: destination.last_activity.map(|at| self.clock.wall(at)),
            suspended: self.suspension_of(destination),
            active: members.len(),
            attempting,
            connections: destination.lent(),
            cohorts,
        }
    }
}
