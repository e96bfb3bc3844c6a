//! Verdicts that are carried over a restart: what operators knew of a destination before it.
//!
//! A carried verdict is told and nothing else. It starts no clock (those of the recipients that wait, which the spool
//! keeps, do that), proves nothing, and ends with the first try or with its age.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::delivery::Delivery;
use crate::delivery::destination::Destination;
use crate::delivery::verdict::Verdict;
use crate::event::{Failure, HostStatus};
use crate::ids::Host;

/// The verdict on a destination that was failing. All times are microseconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedVerdict {
    /// The destination.
    pub host: Host,
    /// Down or unknown.
    pub status: HostStatus,
    /// Since when.
    pub since: u64,
    /// Found down then, and never up since.
    pub down_since: Option<u64>,
    /// The first failed try since it was reached last.
    pub failing_since: Option<u64>,
    /// The failure behind it.
    pub reason: Failure,
    /// The address that it speaks of.
    pub address: Option<SocketAddr>,
    /// The last try.
    pub tried_at: u64,
}

impl Delivery {
    /// Returns the verdicts on destinations that fail now, at most `most`, for a later [`Self::restore_verdict`].
    pub fn failing(&self, most: usize) -> Vec<CarriedVerdict> {
        self.destinations
            .by_name()
            .filter_map(|destination| self.carried_of(destination))
            .take(most)
            .collect()
    }

    fn carried_of(&self, destination: &Destination) -> Option<CarriedVerdict> {
        let verdict = &destination.verdict;
        let fails = verdict.status != HostStatus::Up && verdict.since > 0 && verdict.was.is_none();
        let tried = verdict.attempted.or(verdict.carried).filter(|_| fails)?;
        Some(CarriedVerdict {
            host: destination.host.clone(),
            status: verdict.status,
            since: verdict.since,
            down_since: verdict.down_since,
            failing_since: verdict.failing_since,
            reason: verdict.reason.as_ref()?.failure(),
            address: verdict.address,
            tried_at: self.clock.wall(tried),
        })
    }

    /// Takes up a verdict of an earlier run, before the first input. It was told when it came to be, so nothing is
    /// told now.
    pub fn restore_verdict(&mut self, carried: &CarriedVerdict, now: Instant) {
        if carried.status == HostStatus::Up {
            return;
        }
        let id = self.destination_for(&carried.host);
        // What a clock that was set back left in the future is no older than the present.
        let tried = self.clock.steady(carried.tried_at.min(now.0));
        let destination = &mut self.destinations[id];
        let reason = destination.reasons.keep(&carried.reason);
        destination.last_failure = Some(reason.clone());
        destination.last_activity = Some(tried);
        destination.touched = tried;
        destination.verdict = Verdict {
            status: carried.status,
            since: carried.since,
            reason: Some(reason),
            address: carried.address,
            attempted: None,
            was: None,
            down_since: carried.down_since,
            failing_since: carried.failing_since,
            carried: Some(tried),
        };
        self.touch(id);
    }
}
