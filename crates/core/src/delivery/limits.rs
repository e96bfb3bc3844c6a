//! What spans destinations: numbered slots of the gateway, and connections to one address.
//!
//! A slot is lent when a connection starts to open and comes back exactly once, when it is gone. Destinations
//! that did not answer at their last attempt may together hold at most half of the slots while they connect, so
//! that any number of silent hosts leaves the other half to those that work.
//!
//! At one address few connections are opened at a time: those of the settings, or as many as stand there already up
//! to [`WIDEST`] times as many. A thousand destinations behind one smarthost reach it in growing steps, each after it
//! answered the one before, and do not overrun the queue in which its kernel keeps them until they are accepted.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::net::IpAddr;
use std::ops::Bound;

use crate::delivery::address_use::{AddressFull, AddressUse, HeldAs};
use crate::delivery::destination::DestinationId;
use crate::delivery::io::Slot;
use crate::delivery::settings::Settings;

/// With enough connections standing at an address so many times [`Settings::opening_per_address`] are opened at a
/// time: with the default of 20 that fits the queue of 128 that servers have had since the first ones.
const WIDEST: usize = 5;
/// Addresses looked at in one sweep.
const SWEPT: usize = 100;

/// Slots and addresses in use, and who waits for them.
#[derive(Debug, Default)]
pub(super) struct Limits {
    returned: BinaryHeap<Reverse<Slot>>,
    never_lent: u32,
    lent: usize,
    unproven: usize,
    addresses: BTreeMap<IpAddr, AddressUse>,
    /// The last address that was swept.
    swept: Option<IpAddr>,
    /// Destinations that wait for any slot, with the ticket that they drew.
    awaiting: VecDeque<(u64, DestinationId)>,
    /// Destinations that wait for a slot that an unproven one may have.
    awaiting_unproven: VecDeque<(u64, DestinationId)>,
    tickets: u64,
}

impl Limits {
    /// Tells whether a slot can be lent; otherwise which number of slots is the limit.
    pub(super) fn room(&self, settings: &Settings, unproven: bool) -> Result<(), usize> {
        let most = settings.connections.max(1);
        if self.lent >= most {
            return Err(most);
        }
        let reserve = (most / 2).max(1);
        if unproven && self.unproven >= reserve { Err(reserve) } else { Ok(()) }
    }

    /// Lends the lowest free slot; [`room`](Self::room) was asked before.
    pub(super) fn lend(&mut self, unproven: bool) -> Slot {
        self.lent += 1;
        self.unproven += usize::from(unproven);
        match self.returned.pop() {
            Some(Reverse(slot)) => slot,
            None => {
                self.never_lent += 1;
                Slot(self.never_lent - 1)
            }
        }
    }

    /// Takes a slot back.
    pub(super) fn give_back(&mut self, slot: Slot) {
        debug_assert!(self.lent > 0 && self.returned.iter().all(|other| other.0 != slot));
        self.lent -= 1;
        self.returned.push(Reverse(slot));
    }

    /// So many connections are not those of an unproven destination any more, or not opening.
    pub(super) fn no_longer_unproven(&mut self, connections: usize) {
        self.unproven -= connections;
    }

    pub(super) fn lent(&self) -> usize {
        self.lent
    }

    /// Puts a destination in the queue for slots; one that missed its turn keeps its ticket.
    pub(super) fn wait(&mut self, destination: DestinationId, unproven: bool, ticket: Option<u64>) {
        self.tickets += 1;
        let ticket = ticket.unwrap_or(self.tickets);
        let queue = if unproven { &mut self.awaiting_unproven } else { &mut self.awaiting };
        let place = queue.partition_point(|(before, _)| *before < ticket);
        queue.insert(place, (ticket, destination));
    }

    /// Returns the next destination for which there is a slot now, its ticket, and whether it waited as an unproven
    /// one; the first come of both kinds.
    pub(super) fn next_waiting(&mut self, settings: &Settings) -> Option<(u64, DestinationId, bool)> {
        let ticket = |queue: &VecDeque<(u64, DestinationId)>, unproven| {
            queue.front().map(|(ticket, _)| *ticket).filter(|_| self.room(settings, unproven).is_ok())
        };
        let (proven, unproven) = (ticket(&self.awaiting, false), ticket(&self.awaiting_unproven, true));
        let take_unproven = match (proven, unproven) {
            (Some(proven), Some(unproven)) => unproven < proven,
            (Some(_), None) => false,
            (None, Some(_)) => true,
            (None, None) => return None,
        };
        let queue = if take_unproven { &mut self.awaiting_unproven } else { &mut self.awaiting };
        queue.pop_front().map(|(ticket, destination)| (ticket, destination, take_unproven))
    }

    /// Tells whether [`next_waiting`](Self::next_waiting) would return one.
    pub(super) fn has_waiting_with_room(&self, settings: &Settings) -> bool {
        (!self.awaiting.is_empty() && self.room(settings, false).is_ok())
            || (!self.awaiting_unproven.is_empty() && self.room(settings, true).is_ok())
    }

    /// Returns how many destinations wait for a slot because all are lent.
    pub(super) fn short_of(&self, settings: &Settings) -> usize {
        let waiting = self.awaiting.len() + self.awaiting_unproven.len();
        if self.room(settings, false).is_err() { waiting } else { 0 }
    }

    /// Tells whether one more connection to an address may be opened now, whatever the destination.
    pub(super) fn address_room(&self, address: IpAddr, settings: &Settings) -> Result<(), AddressFull> {
        let limit = settings.connections_per_address;
        let Some(used) = self.addresses.get(&address) else { return Ok(()) };
        if limit > 0 && used.lent >= limit {
            return Err(AddressFull::Limit(limit));
        }
        let few = settings.opening_per_address.max(1);
        let at_a_time = used.standing.clamp(few, WIDEST * few);
        if used.opening >= at_a_time { Err(AddressFull::Opening(used.opening)) } else { Ok(()) }
    }

    /// Counts a connection that is or may become one to this address.
    pub(super) fn hold_address(&mut self, address: IpAddr, held: HeldAs) {
        let used = self.addresses.entry(address).or_default();
        used.lent += 1;
        if let Some(count) = used.of(held) {
            *count += 1;
        }
    }

    /// A connection that held this address otherwise stands there now.
    pub(super) fn stands_at(&mut self, address: IpAddr, held: HeldAs) {
        let Some(used) = self.addresses.get_mut(&address) else { return };
        if let Some(count) = used.of(held) {
            *count -= 1;
        }
        used.standing += 1;
    }

    /// Ends the count of [`hold_address`](Self::hold_address); returns who waited for it.
    pub(super) fn release_address(&mut self, address: IpAddr, held: HeldAs) -> Vec<DestinationId> {
        let Some(used) = self.addresses.get_mut(&address) else { return Vec::new() };
        used.lent -= 1;
        if let Some(count) = used.of(held) {
            *count -= 1;
        }
        let awaiting = std::mem::take(&mut used.awaiting);
        if used.lent == 0 {
            self.addresses.remove(&address);
        }
        awaiting
    }

    /// Returns who waits for a connection to an address; they have to ask again.
    pub(super) fn take_waiting(&mut self, address: IpAddr) -> Vec<DestinationId> {
        self.addresses.get_mut(&address).map(|used| std::mem::take(&mut used.awaiting)).unwrap_or_default()
    }

    /// Drops addresses without a connection that nobody waits for any more, a bounded number at a time.
    pub(super) fn sweep(&mut self, still_waits: impl Fn(DestinationId) -> bool) {
        let from = self.swept.map_or(Bound::Unbounded, Bound::Excluded);
        let seen: Vec<IpAddr> =
            self.addresses.range((from, Bound::Unbounded)).take(SWEPT).map(|(ip, _)| *ip).collect();
        for address in &seen {
            let deserted = self.addresses.get_mut(address).is_some_and(|used| {
                used.awaiting.retain(|destination| used.lent > 0 || still_waits(*destination));
                used.lent == 0 && used.awaiting.is_empty()
            });
            if deserted {
                self.addresses.remove(address);
            }
        }
        self.swept = seen.last().copied().filter(|_| seen.len() == SWEPT);
    }

    /// Puts a destination on the list of those to be looked at when a connection to the address is idle or ends.
    pub(super) fn wait_for_address(&mut self, address: IpAddr, destination: DestinationId) {
        let awaiting = &mut self.addresses.entry(address).or_default().awaiting;
        if !awaiting.contains(&destination) {
            awaiting.push(destination);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(connections: usize) -> Settings {
        Settings { connections, ..Settings::default() }
    }

    #[test]
    fn slots_are_numbered_densely_and_bounded() {
        let settings = settings(3);
        let mut limits = Limits::default();
        let slots: Vec<_> = (0..3).map(|_| limits.lend(false)).collect();
        assert_eq!(slots, [Slot(0), Slot(1), Slot(2)]);
        assert_eq!(limits.room(&settings, false), Err(3));
        limits.give_back(Slot(1));
        limits.give_back(Slot(0));
        assert_eq!(limits.room(&settings, false), Ok(()));
        assert_eq!(limits.lend(false), Slot(0));
        assert_eq!(limits.lent(), 2);
    }

    #[test]
    fn the_unproven_leave_half_to_the_others() {
        let settings = settings(10);
        let mut limits = Limits::default();
        for _ in 0..5 {
            assert_eq!(limits.room(&settings, true), Ok(()));
            limits.lend(true);
        }
        assert_eq!(limits.room(&settings, true), Err(5));
        assert_eq!(limits.room(&settings, false), Ok(()));
        limits.wait(DestinationId(1), true, None);
        assert_eq!(limits.next_waiting(&settings), None);
        limits.no_longer_unproven(1);
        assert_eq!(limits.next_waiting(&settings), Some((1, DestinationId(1), true)));
    }

    #[test]
    fn connections_to_an_address_grow_with_its_answers() {
        let address: IpAddr = [192, 0, 2, 1].into();
        let settings = Settings { opening_per_address: 2, ..Settings::default() };
        let mut limits = Limits::default();
        let open_all = |limits: &mut Limits| {
            let mut opened = 0;
            while limits.address_room(address, &settings).is_ok() {
                limits.hold_address(address, HeldAs::Tried);
                opened += 1;
            }
            opened
        };
        let mut steps = Vec::new();
        for _ in 0..6 {
            let opened = open_all(&mut limits);
            steps.push(opened);
            for _ in 0..opened {
                limits.stands_at(address, HeldAs::Tried);
            }
        }
        assert_eq!(steps, [2, 2, 4, 8, 10, 10]);
        open_all(&mut limits);
        assert_eq!(limits.address_room(address, &settings), Err(AddressFull::Opening(10)));
    }

    #[test]
    fn who_waits_for_an_address_hears_of_its_release() {
        let address: IpAddr = [192, 0, 2, 1].into();
        let settings = Settings { connections_per_address: 1, ..Settings::default() };
        let mut limits = Limits::default();
        limits.hold_address(address, HeldAs::Backup);
        limits.stands_at(address, HeldAs::Backup);
        assert_eq!(limits.address_room(address, &settings), Err(AddressFull::Limit(1)));
        limits.wait_for_address(address, DestinationId(4));
        limits.wait_for_address(address, DestinationId(4));
        assert_eq!(limits.release_address(address, HeldAs::Standing), [DestinationId(4)]);
        assert_eq!(limits.address_room(address, &settings), Ok(()));
        assert!(limits.addresses.is_empty(), "an unused address takes no memory");
    }
}
