//! The gate: may this recipient start now, with which step, and if not, what is the one thing in its way?
//!
//! There is one gate. The scheduler starts a recipient only with the [`Step`] that it returns, and
//! [`Delivery::why`] is the same answer in the operator's words (law 3): [`Why::Due`] where a step would be
//! taken, the blocker where not.
//!
//! Blockers in order, the first one that holds is the answer: a transaction under way, shutdown, spool space,
//! suspension, the recipient's own clock, the destination's clock, its trial or look-up, rate, connections.
//!
//! Recipients in one line get the same answer, so only the first of each line has to be asked. Those that were set
//! aside differ in what they need; they wait for what the first of them waits for.

use std::net::IpAddr;

use crate::Instant;
use crate::delivery::Delivery;
use crate::delivery::connection::{Connection, Phase};
use crate::delivery::content::{Objection, Offer};
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
    /// The mail server at hand cannot take the message: it waits for another one.
    SetAside,
    /// No mail server of the destination can take the message: it is bounced.
    RefuseContent(Objection),
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
        let need = need_of(recipient);
        if matches!(need, Need::Aside { .. })
            && let Some(head) = destination.line(need).head().filter(|head| *head != id)
        {
            return match self.gate(head, at) {
                Gate::Wait(Wait::Connecting(slot)) if destination.standing() == 0 => {
                    Gate::Wait(Wait::OnTrial(slot))
                }
                of_first => of_first,
            };
        }
        match self.way_out(destination, recipient, at) {
            Gate::Go(_) if self.is_tried_too_often(recipient) => Gate::Go(Step::Expire),
            gate => gate,
        }
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
        match self.free_connection(destination, recipient, at) {
            Some((slot, true)) => return Gate::Go(Step::Transact(slot)),
            Some((_, false)) if !recipient.marks.has(Marks::SET_ASIDE) => return Gate::Go(Step::SetAside),
            Some((_, false)) | None => {}
        }
        if matches!(destination.path, Path::Asking { .. }) {
            return Gate::Wait(Wait::Resolving);
        }
        if let Some(wait) = self.trial_under_way(destination, recipient) {
            return Gate::Wait(wait);
        }
        self.new_connection(destination, recipient, at)
    }

    /// May one more connection be opened, or an idle one be taken over? And where to?
    fn new_connection(&self, destination: &Destination, recipient: &Recipient, at: Steady) -> Gate {
        if let Some(wait) = self.covered(destination, need_of(recipient)) {
            return Gate::Wait(wait);
        }
        if let Some(most) = full(destination, at) {
            return Gate::Wait(Wait::ConnectionOfDestination(most));
        }
        let known = destination.known().filter(|known| known.expires > at);
        if let Some(slot) = known.and_then(|known| self.adoptable_connection(destination, known, recipient)) {
            return Gate::Go(match self.takes(&self.connections[slot], recipient) {
                true => Step::Adopt(slot),
                false => Step::SetAside,
            });
        }
        if let Some(objection) = known.and_then(|known| self.objection_of_all(known, recipient, at)) {
            return Gate::Go(Step::RefuseContent(objection));
        }
        if let Some(wait) = known.and_then(|known| self.full_addresses(destination, known, recipient, at)) {
            return Gate::Wait(wait);
        }
        match self.limits.room(&self.settings, !destination.is_proven()) {
            Err(limit) => Gate::Wait(Wait::SlotOfGateway(limit)),
            Ok(()) if known.is_none() => Gate::Go(Step::Resolve),
            Ok(()) => Gate::Go(Step::Connect),
        }
    }

    /// Returns a free connection of the kind that is needed, and whether it can take the message; one that can, if
    /// there is one.
    fn free_connection(
        &self,
        destination: &Destination,
        recipient: &Recipient,
        at: Steady,
    ) -> Option<(Slot, bool)> {
        let need = need_of(recipient);
        let mut unfit = None;
        for slot in destination.free.iter().rev().copied() {
            let connection = &self.connections[slot];
            let rate = connection.address().map(|address| destination.room_at(address.ip(), at));
            let meets = connection.offer().is_some_and(|offer| offer.meets(need));
            if !meets || matches!(rate, Some(Room::Until(_))) {
                continue;
            }
            if self.takes(connection, recipient) {
                return Some((slot, true));
            }
            unfit = Some((slot, false));
        }
        unfit
    }

    /// Returns an idle connection of another destination that leads to the same place in the same way.
    fn adoptable_connection(
        &self,
        destination: &Destination,
        known: &Known,
        recipient: &Recipient,
    ) -> Option<Slot> {
        let control = destination.plan.control();
        if control.per_address {
            return None;
        }
        let suits = |connection: &Connection| {
            let other = connection.destination != recipient.destination;
            let fresh = connection.transactions < control.messages_per_connection;
            let offer = connection.offer().filter(|_| other && fresh);
            offer.is_some_and(|offer| self.suits(&offer, recipient))
        };
        self.connections.adoptable(&destination.plan.demand(), &known.targets, suits)
    }

    /// Tells whether the peer of a connection can take a message.
    fn takes(&self, connection: &Connection, recipient: &Recipient) -> bool {
        let bounce = self.settings.eight_bit_bounce;
        connection.offer().is_some_and(|offer| offer.objection(recipient, bounce).is_none())
    }

    /// Tells whether a mail server may be tried with a recipient: it is of the kind that its line asks for, and for
    /// one that was set aside it can take the very message.
    ///
    /// All that stand in a line get the same answer, but for those set aside.
    fn suits(&self, offer: &Offer, recipient: &Recipient) -> bool {
        match need_of(recipient) {
            Need::Plain => true,
            need @ Need::Utf8 => offer.meets(need),
            Need::Aside { .. } => offer.objection(recipient, self.settings.eight_bit_bounce).is_none(),
        }
    }

    /// Tells whether a target may be tried with a recipient, as far as it was met.
    pub(super) fn target_suits(&self, known: &Known, target: &Target, recipient: &Recipient) -> bool {
        let met = known.met.iter().find(|met| met.address == target.address);
        met.and_then(|met| met.offer).is_none_or(|offer| self.suits(&offer, recipient))
    }

    /// Returns what speaks against a message everywhere: mail servers that were met cannot take it, and the others
    /// failed when they were tried.
    fn objection_of_all(&self, known: &Known, recipient: &Recipient, at: Steady) -> Option<Objection> {
        let mut least: Option<Objection> = None;
        for target in &known.targets {
            match known.met.iter().find(|met| met.address == target.address)?.offer {
                Some(offer) if self.suits(&offer, recipient) => return None,
                Some(offer) => {
                    let objection = offer.objection(recipient, self.settings.eight_bit_bounce);
                    least = least.into_iter().chain(objection).min();
                }
                None if self.verdicts.running(target.address, at).is_some() => {}
                None => return None,
            }
        }
        least
    }

    /// While no connection stands, one is opened at a time, for one recipient.
    fn trial_under_way(&self, destination: &Destination, recipient: &Recipient) -> Option<Wait> {
        let slot = *destination.opening.first()?;
        if destination.standing() > 0 {
            return None;
        }
        let own = match &self.connections[slot].phase {
            Phase::Opening { bearer, .. } => *bearer == (recipient.mid, recipient.rid),
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

    /// Returns the blocker at the mail servers of first choice, when there is room at none of them: the best preference
    /// among those that did not fail lately and may take the message. A backup is for servers that fail, not for those
    /// that are busy.
    fn full_addresses(
        &self,
        destination: &Destination,
        known: &Known,
        recipient: &Recipient,
        at: Steady,
    ) -> Option<Wait> {
        let healthy = |target: &Target| self.verdicts.running(target.address, at).is_none();
        let fitting = || known.targets.iter().filter(|target| self.target_suits(known, target, recipient));
        let some_healthy = fitting().any(healthy);
        let mut first_choice = fitting().filter(|target| !some_healthy || healthy(target)).peekable();
        let best = first_choice.peek()?.preference;
        let mut first_blocker = None;
        for target in first_choice.take_while(|target| target.preference == best) {
            let blocker = self.address_blocker(destination, target, at)?;
            first_blocker = first_blocker.or(Some(blocker));
        }
        first_blocker
    }

    /// Returns what keeps a destination from opening one more connection to a target.
    pub(super) fn address_blocker(
        &self,
        destination: &Destination,
        target: &Target,
        at: Steady,
    ) -> Option<Wait> {
        let (address, control) = (target.address.ip(), destination.plan.control());
        let most = control.concurrency.max(1);
        let own = destination.addresses.get(&address).map_or(0, |share| share.lent);
        if control.per_address && own >= most {
            return Some(Wait::ConnectionOfAddress(address, most));
        }
        if let Err(limit) = self.limits.address_room(address, &self.settings) {
            return Some(Wait::ConnectionOfAddress(address, limit));
        }
        match destination.room_at(address, at) {
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

/// Returns how many connections a destination may have, when it has them.
fn full(destination: &Destination, at: Steady) -> Option<usize> {
    let (control, lent) = (destination.plan.control(), destination.lent());
    let of_control = (!control.per_address).then_some(control.concurrency.max(1));
    let of_peer = destination.hold.filter(|hold| hold.until > at).map(|hold| hold.cap);
    of_control.into_iter().chain(of_peer).min().filter(|most| lent >= *most)
}

/// Returns which line a recipient stands in.
pub(super) fn need_of(recipient: &Recipient) -> Need {
    let utf8 = recipient.marks.has(Marks::UTF8_NEEDED);
    if recipient.marks.has(Marks::SET_ASIDE) {
        Need::Aside { utf8, eight_bit: recipient.marks.has(Marks::EIGHT_BIT) }
    } else if utf8 {
        Need::Utf8
    } else {
        Need::Plain
    }
}
