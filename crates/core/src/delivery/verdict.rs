//! The verdict on a destination: up, down or unknown, as operators read it.

use std::net::SocketAddr;

use crate::delivery::Delivery;
use crate::delivery::destination::{DestinationId, Reach};
use crate::delivery::io::Effect;
use crate::delivery::reason::Kept;
use crate::delivery::steady::Steady;
use crate::event::{Event, Failure, HostStatus};

/// Up, down or unknown, and why.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) status: HostStatus,
    /// Wall time of the change to this status; 0 before the first.
    pub(super) since: u64,
    /// The failure behind the present status, or the last one that was.
    pub(super) reason: Option<Kept>,
    pub(super) address: Option<SocketAddr>,
    /// The last attempt.
    pub(super) attempted: Option<Steady>,
    /// Nobody has tested it for long, so it became unknown; what it was before.
    pub(super) was: Option<HostStatus>,
    /// Found down then, wall time, and never up since: a verdict of down that comes back, after a try that told nothing
    /// of it, holds since then.
    pub(super) down_since: Option<u64>,
    /// The first failed try since it was reached last, wall time.
    pub(super) failing_since: Option<u64>,
    /// It is one of an earlier run, and nothing was tried since the start: the last try before it.
    pub(super) carried: Option<Steady>,
}

impl Delivery {
    /// Sets the verdict; a change is an event.
    pub(super) fn judge(
        &mut self,
        id: DestinationId,
        status: HostStatus,
        reason: Option<&Failure>,
        address: Option<SocketAddr>,
        effects: &mut Vec<Effect>,
    ) {
        let wall = self.clock.wall_now();
        let destination = &mut self.destinations[id];
        let kept = reason.map(|failure| destination.reasons.keep(failure));
        let verdict = &mut destination.verdict;
        verdict.reason = kept.or(verdict.reason.take());
        verdict.address = address.or(verdict.address);
        verdict.was = None;
        verdict.carried = None;
        if verdict.status == status {
            return;
        }
        verdict.status = status;
        verdict.since = match status {
            HostStatus::Down => *verdict.down_since.get_or_insert(wall),
            HostStatus::Up | HostStatus::Unknown => wall,
        };
        if status == HostStatus::Up {
            verdict.down_since = None;
            let proven = self.connections.prove(&destination.opening);
            self.limits.no_longer_unproven(proven);
        }
        let (host, reason) = (destination.host.clone(), reason.cloned());
        effects.push(Effect::Record(Event::HostChanged { host, status, reason, address }));
    }

    /// The destination spoke SMTP: it is up, and nobody waits for its clock any more.
    pub(super) fn answered(
        &mut self,
        id: DestinationId,
        address: Option<SocketAddr>,
        effects: &mut Vec<Effect>,
    ) {
        let destination = &mut self.destinations[id];
        destination.reach = Reach::Open;
        destination.verdict.failing_since = None;
        self.judge(id, HostStatus::Up, None, address, effects);
    }

    /// Notes that the destination was tried, with whatever result.
    pub(super) fn attempted(&mut self, id: DestinationId) {
        let now = self.now();
        let destination = &mut self.destinations[id];
        destination.last_activity = Some(now);
        destination.verdict.attempted = Some(now);
        destination.verdict.carried = None;
    }
}
