//! Destinations that cannot be reached while mail waits for them, for those who watch over all of them.

use crate::Instant;
use crate::delivery::Delivery;
use crate::delivery::reason::Kept;
use crate::event::{Failure, HostStatus};
use crate::ids::Host;

/// A destination that fails, with mail waiting for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Its name.
    pub host: Host,
    /// The first failed try since it was reached last, microseconds since the epoch.
    pub since: u64,
    /// Recipients that wait for it.
    pub recipients: usize,
    /// The failure behind it.
    pub reason: Option<Failure>,
}

/// Some of the destinations that fail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outages {
    /// They, by name.
    pub found: Vec<Outage>,
    /// The last destination that was looked at; `None` when there are no more.
    pub last: Option<Host>,
}

impl Delivery {
    /// Looks at `limit` destinations behind `after`, by name, for those that have been failing at least since `before`
    /// while mail waits for them. What an operator suspended is not tried, so it is not failing.
    pub fn outages(&self, after: Option<&Host>, limit: usize, before: Instant) -> Outages {
        let mut outages = Outages::default();
        let mut looked = 0;
        for destination in self.destinations.after(after).take(limit) {
            looked += 1;
            outages.last = Some(destination.host.clone());
            let verdict = &destination.verdict;
            let suspended = self.suspended.is_some() || destination.suspended.is_some();
            let since = verdict.failing_since.filter(|since| *since <= before.0);
            if let Some(since) = since
                && verdict.status != HostStatus::Up
                && !suspended
                && !destination.members.is_empty()
            {
                outages.found.push(Outage {
                    host: destination.host.clone(),
                    since,
                    recipients: destination.members.len(),
                    reason: verdict.reason.as_ref().map(Kept::failure),
                });
            }
        }
        if looked < limit {
            outages.last = None;
        }
        outages
    }

    /// Returns destinations with their status; none for one that is not in memory any more.
    pub fn statuses(&self, hosts: Vec<Host>) -> Vec<(Host, Option<HostStatus>)> {
        let status = |host: &Host| {
            self.destinations.find(host.as_str()).map(|id| self.destinations[id].verdict.status)
        };
        hosts.into_iter().map(|host| (host.clone(), status(&host))).collect()
    }
}
