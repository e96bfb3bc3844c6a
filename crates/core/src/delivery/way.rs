//! The last part of the gate: which connection a due recipient goes out on, or what keeps it from one.

use crate::delivery::Delivery;
use crate::delivery::address_use::AddressFull;
use crate::delivery::connection::{Connection, Phase};
use crate::delivery::content::{Objection, Offer};
use crate::delivery::destination::{Destination, Known, Path};
use crate::delivery::gate::{Gate, Step, Wait, need_of};
use crate::delivery::io::{Slot, Target};
use crate::delivery::need::Need;
use crate::delivery::recipient::{Marks, Recipient};
use crate::delivery::settings::Route;
use crate::delivery::steady::Steady;
use crate::delivery::window::Room;

impl Delivery {
    /// Finds a connection for a recipient that is due at a destination that may be tried.
    pub(super) fn way_out(&self, destination: &Destination, recipient: &Recipient, at: Steady) -> Gate {
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
        if let Err(limit) = self.limits.room(&self.settings, !destination.is_proven()) {
            return Gate::Wait(Wait::SlotOfGateway(limit));
        }
        if destination.turn.is_none() && self.limits.has_waiting_with_room(&self.settings) {
            return Gate::Wait(Wait::SlotOfGateway(self.settings.connections.max(1)));
        }
        Gate::Go(if known.is_none() { Step::Resolve } else { Step::Connect })
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
        match self.limits.address_room(address, &self.settings) {
            Ok(()) => {}
            Err(AddressFull::Limit(limit)) => return Some(Wait::ConnectionOfAddress(address, limit)),
            Err(AddressFull::Opening(opening)) => return Some(Wait::OpeningAtAddress(address, opening)),
        }
        match destination.room_at(address, at) {
            Room::Left(_) => None,
            Room::Until(until) => Some(Wait::RateOfAddress(address, until)),
        }
    }
}

/// Returns how many connections a destination may have, when it has them.
fn full(destination: &Destination, at: Steady) -> Option<usize> {
    let (control, lent) = (destination.plan.control(), destination.lent());
    let of_control = (!control.per_address).then_some(control.concurrency.max(1));
    let of_peer = destination.hold.filter(|hold| hold.until > at).map(|hold| hold.cap);
    of_control.into_iter().chain(of_peer).min().filter(|most| lent >= *most)
}
