//! The gate's answer in the operator's words.

use crate::Instant;
use crate::delivery::Delivery;
use crate::delivery::destination::{Destination, Path, Reach, Suspension};
use crate::delivery::gate::{Gate, Wait};
use crate::delivery::io::Slot;
use crate::delivery::reason::Kept;
use crate::delivery::recipient::{Recipient, RecipientId};
use crate::delivery::steady::Steady;
use crate::delivery::why::{LimitOwner, Why};
use crate::ids::{Host, Mid, Rid};

impl Delivery {
    /// Returns the one blocker of a waiting recipient, or `None` when it is not here.
    pub fn why(&self, mid: Mid, rid: Rid, now: Instant) -> Option<Why> {
        let id = self.find(mid, rid)?;
        Some(self.why_of(id, self.clock.peek(now, self.wanted)))
    }

    pub(super) fn why_of(&self, id: RecipientId, at: Steady) -> Why {
        match self.gate(id, at) {
            Gate::Go(_) => Why::Due,
            Gate::Wait(wait) => self.in_words(wait, &self.recipients[id]),
        }
    }

    /// Returns what stops all recipients of a destination alike, whatever their clocks, as the gate finds it.
    pub(super) fn stopped(&self, destination: &Destination) -> Option<Why> {
        if self.shutting_down {
            Some(Why::ShuttingDown)
        } else if let Some(since) = self.spool_exhausted {
            Some(Why::SpoolSpace { since })
        } else if matches!(destination.path, Path::Refused { .. }) {
            Some(Why::Due)
        } else if self.suspended.is_some() {
            Some(suspended(self.suspended.as_ref(), None))
        } else if destination.suspended.is_some() {
            Some(suspended(destination.suspended.as_ref(), Some(destination.host.clone())))
        } else {
            None
        }
    }

    /// Returns by whom a destination is suspended and since when, as the gate finds it.
    pub(super) fn suspension_of(&self, destination: &Destination) -> Option<(String, u64)> {
        let found = self.suspended.as_ref().or(destination.suspended.as_ref());
        found.map(|suspension| (suspension.by.clone(), suspension.since))
    }

    fn in_words(&self, wait: Wait, recipient: &Recipient) -> Why {
        let destination = &self.destinations[recipient.destination];
        let dcid = |slot: Slot| self.connections[slot].dcid;
        let limit = |whose, limit| Why::ConnectionLimit { whose, limit };
        match wait {
            Wait::Attempting(slot) => Why::Attempting { dcid: dcid(slot) },
            Wait::ShuttingDown => Why::ShuttingDown,
            Wait::SpoolSpace => Why::SpoolSpace { since: self.spool_exhausted.unwrap_or_default() },
            Wait::SuspendedAll => suspended(self.suspended.as_ref(), None),
            Wait::SuspendedHost => suspended(destination.suspended.as_ref(), Some(destination.host.clone())),
            Wait::OwnClock => Why::WaitingForRetry {
                until: self.clock.wall(recipient.due),
                cause: recipient.last.as_ref().map(Kept::failure),
            },
            Wait::HostClock => match &destination.reach {
                Reach::Backoff(backoff) => Why::HostBackoff {
                    until: self.clock.wall(backoff.until),
                    since: backoff.since,
                    reason: backoff.reason.failure(),
                },
                Reach::Open => Why::Due,
            },
            Wait::OnTrial(slot) => Why::HostOnTrial { dcid: dcid(slot) },
            Wait::Resolving => match destination.path {
                Path::Asking { since, .. } => Why::Resolving { since },
                Path::Unknown | Path::Known(_) | Path::Refused { .. } => Why::Due,
            },
            Wait::Connecting(slot) => Why::Connecting { dcid: dcid(slot) },
            Wait::SlotOfGateway(of) => limit(LimitOwner::Gateway, of),
            Wait::ConnectionOfDestination(of) => limit(LimitOwner::Destination(destination.host.clone()), of),
            Wait::ConnectionOfAddress(address, of) => limit(LimitOwner::Address(address), of),
            Wait::OpeningAtAddress(address, opening) => Why::AddressOpening { address, opening },
            Wait::RateOfDestination(until) => Why::RateLimit {
                whose: LimitOwner::Destination(destination.host.clone()),
                until: self.clock.wall(until),
            },
            Wait::RateOfAddress(address, until) => {
                Why::RateLimit { whose: LimitOwner::Address(address), until: self.clock.wall(until) }
            }
        }
    }
}

/// Returns since when the name service is being asked for a destination.
pub(super) const fn asked_since(destination: &Destination) -> Option<u64> {
    match destination.path {
        Path::Asking { since, .. } => Some(since),
        Path::Unknown | Path::Known(_) | Path::Refused { .. } => None,
    }
}

fn suspended(suspension: Option<&Suspension>, host: Option<Host>) -> Why {
    let (by, since) = suspension.map(|it| (it.by.clone(), it.since)).unwrap_or_default();
    Why::Suspended { by, since, host }
}
