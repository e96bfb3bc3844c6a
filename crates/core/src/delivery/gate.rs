//! The gate: may this recipient start now, with which step, and if not, what is the one thing in its way?
//!
//! There is one gate. The scheduler starts a recipient only with the [`Step`] that it returns, and
//! [`Delivery::why`] is the same answer in the operator's words (law 3): [`Why::Due`] where a step would be
//! taken, the blocker where not.
//!
//! Blockers in order, the first one that holds is the answer: a transaction under way, shutdown, spool space,
//! suspension, the recipient's own clock, the destination's clock, its trial or look-up, rate, connections.

use std::net::IpAddr;

use crate::Instant;
use crate::delivery::Delivery;
use crate::delivery::connection::Phase;
use crate::delivery::destination::{Destination, Known, Need, Path, Reach, Suspension};
use crate::delivery::io::{Slot, Target};
use crate::delivery::reason::Kept;
use crate::delivery::recipient::{Marks, Place, Recipient, RecipientId};
use crate::delivery::settings::Route;
use crate::delivery::steady::Steady;
use crate::delivery::why::{LimitOwner, Why};
use crate::delivery::window::Room;
use crate::ids::{Host, Mid, Rid};

/// The gate's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    Go(Step),
    Wait(Wait),
}

/// What is done for a recipient in whose way nothing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It goes out on this connection.
    Transact(Slot),
    /// It goes out on this idle connection of another destination.
    Adopt(Slot),
    /// A connection is opened.
    Connect,
    /// The name service is asked, or the route's addresses are taken.
    Resolve,
    /// A special destination has no route: that counts as unreachable.
    Unroutable,
    /// The route throws it away.
    Discard,
    /// The destination can never be reached: it is bounced.
    Refuse,
    /// No target offers the SMTPUTF8 that it needs: it is bounced.
    RefuseUtf8,
    /// Too old, or tried too often: it is bounced.
    Expire,
}

/// What stands in the way: [`Why`] without its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    Attempting(Slot),
    ShuttingDown,
    SpoolSpace,
    SuspendedAll,
    SuspendedHost,
    OwnClock,
    HostClock,
    OnTrial(Slot),
    Resolving,
    Connecting(Slot),
    SlotOfGateway(usize),
    ConnectionOfDestination(usize),
    ConnectionOfAddress(IpAddr, usize),
    RateOfDestination(Steady),
    RateOfAddress(IpAddr, Steady),
}

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

    pub(super) fn gate(&self, id: RecipientId, at: Steady) -> Gate {
        let recipient = &self.recipients[id];
        let destination = &self.destinations[recipient.destination];
        if let Place::Attempting(slot) = recipient.place {
            return Gate::Wait(Wait::Attempting(slot));
        }
        if self.shutting_down {
            return Gate::Wait(Wait::ShuttingDown);
        }
        if self.spool_exhausted.is_some() {
            return Gate::Wait(Wait::SpoolSpace);
        }
        if self.is_too_old(recipient, at) {
            return Gate::Go(Step::Expire);
        }
        if matches!(destination.path, Path::Refused { .. }) {
            return Gate::Go(Step::Refuse);
        }
        if self.suspended.is_some() {
            return Gate::Wait(Wait::SuspendedAll);
        }
        if destination.suspended.is_some() {
            return Gate::Wait(Wait::SuspendedHost);
        }
        if recipient.due > at {
            return Gate::Wait(Wait::OwnClock);
        }
        if let Reach::Backoff(backoff) = &destination.reach
            && backoff.until > at
        {
            return Gate::Wait(Wait::HostClock);
        }
        if self.is_tried_too_often(recipient) {
            return Gate::Go(Step::Expire);
        }
        self.way_out(destination, recipient, at)
    }

    /// Its age has reached the profile's limit.
    pub(super) fn is_too_old(&self, recipient: &Recipient, at: Steady) -> bool {
        let limit = self.destinations[recipient.destination].plan.profile().queue_seconds;
        recipient.accepted.plus_secs(limit) <= at
    }

    /// Another attempt would exceed the profile's limit; an operator's try never does.
    pub(super) fn is_tried_too_often(&self, recipient: &Recipient) -> bool {
        let limit = self.destinations[recipient.destination].plan.profile().attempts;
        recipient.attempts >= limit && !recipient.marks.has(Marks::FORCED)
    }

    /// Finds a connection for a recipient that is due at a destination that may be tried.
    fn way_out(&self, destination: &Destination, recipient: &Recipient, at: Steady) -> Gate {
        let route = destination.plan.route();
        if matches!(route, Route::Discard) {
            return Gate::Go(Step::Discard);
        }
        if destination.special && !matches!(route, Route::Hops { .. }) {
            return Gate::Go(Step::Unroutable);
        }
        let control = destination.plan.control();
        if !control.per_address
            && let Room::Until(until) = destination.window.room(control, at)
        {
            return Gate::Wait(Wait::RateOfDestination(until));
        }
        let need = need_of(recipient);
        if let Some(slot) = self.free_connection(destination, need, at) {
            return Gate::Go(Step::Transact(slot));
        }
        if let Some(slot) = self.adoptable_connection(destination, need) {
            return Gate::Go(Step::Adopt(slot));
        }
        if matches!(destination.path, Path::Asking { .. }) {
            return Gate::Wait(Wait::Resolving);
        }
        if let Some(wait) = self.trial_under_way(destination, recipient) {
            return Gate::Wait(wait);
        }
        let lent = destination.lent();
        if let Some(hold) = destination.hold
            && hold.until > at
            && lent >= hold.cap
        {
            return Gate::Wait(Wait::ConnectionOfDestination(hold.cap));
        }
        let Some(known) = destination.known().filter(|known| known.expires > at) else {
            return Gate::Go(Step::Resolve);
        };
        self.new_connection(destination, known, need, at)
    }

    /// May one more connection be opened?
    fn new_connection(&self, destination: &Destination, known: &Known, need: Need, at: Steady) -> Gate {
        if known.targets.iter().all(|target| !is_eligible(known, target, need)) {
            return Gate::Go(Step::RefuseUtf8);
        }
        if let Some(wait) = self.covered(destination, need) {
            return Gate::Wait(wait);
        }
        let control = destination.plan.control();
        if !control.per_address && destination.lent() >= control.concurrency.max(1) {
            return Gate::Wait(Wait::ConnectionOfDestination(control.concurrency.max(1)));
        }
        if let Err(wait) = self.some_address(destination, known, need, at) {
            return Gate::Wait(wait);
        }
        match self.limits.room(&self.settings, !destination.is_proven()) {
            Ok(()) => Gate::Go(Step::Connect),
            Err(limit) => Gate::Wait(Wait::SlotOfGateway(limit)),
        }
    }

    /// Returns a connection of the destination that is free for this need.
    fn free_connection(&self, destination: &Destination, need: Need, at: Steady) -> Option<Slot> {
        let control = destination.plan.control();
        let fits = |slot: &Slot| {
            let connection = &self.connections[*slot];
            let rate = connection.address().map(|address| self.limits.address_rate(address.ip(), control, at));
            (need == Need::Plain || connection.offers_utf8()) && !matches!(rate, Some(Room::Until(_)))
        };
        destination.free.iter().rev().copied().find(fits)
    }

    /// Returns an idle connection of another destination that leads to the same place in the same way.
    fn adoptable_connection(&self, destination: &Destination, need: Need) -> Option<Slot> {
        let known = destination.known()?;
        let control = destination.plan.control();
        let full = destination.lent() >= control.concurrency.max(1);
        if full || control.per_address {
            return None;
        }
        self.connections.adoptable(&destination.plan.demand(), &known.targets, need)
    }

    /// While no connection stands, one is opened at a time, for one recipient.
    fn trial_under_way(&self, destination: &Destination, recipient: &Recipient) -> Option<Wait> {
        let slot = *destination.opening.first()?;
        if destination.standing() > 0 {
            return None;
        }
        let own = match &self.connections[slot].phase {
            Phase::Opening { bearer, .. } => *bearer == Some((recipient.mid, recipient.rid)),
            Phase::Free | Phase::Busy { .. } | Phase::Closing | Phase::Gone => false,
        };
        Some(if own { Wait::Connecting(slot) } else { Wait::OnTrial(slot) })
    }

    /// Enough connections are being opened: one for each transaction in line, and no more at a time than stand
    /// already, so that a destination's connections double with each answer.
    fn covered(&self, destination: &Destination, need: Need) -> Option<Wait> {
        let slot = *destination.opening.first()?;
        let for_need = |slot: &&Slot| match self.connections[**slot].phase {
            Phase::Opening { need: opened_for, .. } => opened_for == need,
            Phase::Free | Phase::Busy { .. } | Phase::Closing | Phase::Gone => false,
        };
        let opening = destination.opening.iter().filter(for_need).count();
        let enough = opening >= destination.line(need).transactions();
        (enough || destination.opening.len() >= destination.standing()).then_some(Wait::Connecting(slot))
    }

    /// Is there a target whose address may have one more connection? Otherwise the blocker of the best one.
    fn some_address(&self, destination: &Destination, known: &Known, need: Need, at: Steady) -> Result<(), Wait> {
        let mut first_blocker = None;
        for target in known.targets.iter().filter(|target| is_eligible(known, target, need)) {
            match self.address_blocker(destination, target, at) {
                None => return Ok(()),
                Some(wait) => first_blocker = first_blocker.or(Some(wait)),
            }
        }
        first_blocker.map_or(Ok(()), Err)
    }

    /// Returns what keeps a destination from opening one more connection to a target.
    pub(super) fn address_blocker(&self, destination: &Destination, target: &Target, at: Steady) -> Option<Wait> {
        let (address, control) = (target.address.ip(), destination.plan.control());
        if let Err(limit) = self.limits.address_room(address, &self.settings, control) {
            return Some(Wait::ConnectionOfAddress(address, limit));
        }
        match self.limits.address_rate(address, control, at) {
            Room::Left(_) => None,
            Room::Until(until) => Some(Wait::RateOfAddress(address, until)),
        }
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

fn suspended(suspension: Option<&Suspension>, host: Option<Host>) -> Why {
    let (by, since) = suspension.map(|it| (it.by.clone(), it.since)).unwrap_or_default();
    Why::Suspended { by, since, host }
}

/// Returns which line a recipient stands in.
pub(super) fn need_of(recipient: &Recipient) -> Need {
    if recipient.marks.has(Marks::UTF8_NEEDED) { Need::Utf8 } else { Need::Plain }
}

/// Tells whether a target can serve a need, as far as known.
pub(super) fn is_eligible(known: &Known, target: &Target, need: Need) -> bool {
    need == Need::Plain || !known.without_utf8.contains(&target.address)
}
