//! What a probe shows: a destination that was held to be unreachable answers EHLO.
//!
//! A probe is no attempt, so nobody has tried and nothing is counted; but what made the destination wait is refuted, if
//! it happened on the way to EHLO. Who waits for its clock becomes due then, and one of them tries it.

use std::net::SocketAddr;

use crate::delivery::Delivery;
use crate::delivery::destination::Reach;
use crate::delivery::io::Effect;
use crate::event::{HostStatus, Stage};

impl Delivery {
    /// Takes in that a host of a destination answered EHLO at an address. What the gateway finds out `by_itself` counts
    /// once between two connections that stand: a host that answers probes and fails every attempt keeps its clock.
    pub(super) fn probed(
        &mut self,
        host: &str,
        address: SocketAddr,
        by_itself: bool,
        effects: &mut Vec<Effect>,
    ) {
        let Some(id) = self.destinations.find(host) else { return };
        let now = self.now();
        let destination = &mut self.destinations[id];
        let Reach::Backoff(backoff) = &destination.reach else { return };
        let refuted = backoff.reason.failure().stage <= Stage::Ehlo;
        let unanswered = destination.verdict.status != HostStatus::Up;
        if !refuted || !unanswered || (by_itself && destination.probed) {
            return;
        }
        destination.probed |= by_itself;
        // The verdict is as fresh as after an attempt, and ages like one.
        destination.verdict.attempted = Some(now);
        self.verdicts.clear(address);
        self.touch_waiting(address.ip());
        self.answered(id, Some(address), effects);
        self.touch(id);
    }
}
