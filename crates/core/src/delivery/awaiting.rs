//! What every blocker leaves behind, so that the destination is served again when it ends: a time in the agenda, a
//! place in a queue for slots or an address, or an answer that is on its way.

use std::net::IpAddr;

use crate::delivery::Delivery;
use crate::delivery::destination::{DestinationId, Path};
use crate::delivery::gate::Wait;
use crate::delivery::io::Effect;
use crate::delivery::steady::Steady;
use crate::delivery::window::Room;

impl Delivery {
    /// Leaves behind what will wake the destination when a blocker ends.
    pub(super) fn await_change(&mut self, id: DestinationId, wait: Wait, effects: &mut Vec<Effect>) {
        match wait {
            Wait::SlotOfGateway(_) => self.await_slot(id),
            Wait::ConnectionOfAddress(..) | Wait::OpeningAtAddress(..) | Wait::RateOfAddress(..) => {
                self.await_addresses(id, effects);
            }
            Wait::RateOfDestination(until) => self.look_again(id, until),
            // The agenda, an answer on its way or an operator ends these.
            Wait::Attempting(_)
            | Wait::ShuttingDown
            | Wait::SpoolSpace
            | Wait::SuspendedAll
            | Wait::SuspendedHost
            | Wait::OwnClock
            | Wait::HostClock
            | Wait::OnTrial(_)
            | Wait::Resolving
            | Wait::Connecting(_)
            | Wait::ConnectionOfDestination(_) => {}
        }
    }

    /// Has the destination looked at when the first of its free connections that rest for a rate may be used again,
    /// whatever else its lines wait for.
    pub(super) fn await_rates(&mut self, id: DestinationId) {
        let now = self.now();
        let destination = &self.destinations[id];
        let addresses = destination.free.iter().filter_map(|slot| self.connections[*slot].address());
        let ends = addresses.filter_map(|address| match destination.room_at(address.ip(), now) {
            Room::Until(until) => Some(until),
            Room::Left(_) => None,
        });
        if let Some(first) = ends.min() {
            self.look_again(id, first);
        }
    }

    /// Waits for a slot, or for an idle connection to one of its addresses.
    fn await_slot(&mut self, id: DestinationId) {
        let destination = &mut self.destinations[id];
        let unproven = !destination.is_proven();
        if !std::mem::replace(&mut destination.awaits_slot[usize::from(unproven)], true) {
            self.limits.wait(id, unproven, destination.turn);
        }
        self.await_targets(id);
    }

    /// Has the destination looked at when something changes at one of its addresses: what others do there, and the
    /// end of a rate. Others may take the address that it has in mind, and then a rate at the next one is its blocker.
    fn await_targets(&mut self, id: DestinationId) {
        let now = self.now();
        let destination = &mut self.destinations[id];
        destination.awaits_address = true;
        let mut rate_ends = Steady::NEVER;
        if let Path::Known(known) = &destination.path {
            for target in &known.targets {
                self.limits.wait_for_address(target.address.ip(), id);
                if let Room::Until(until) = destination.room_at(target.address.ip(), now) {
                    rate_ends = rate_ends.min(until);
                }
            }
        }
        self.look_again(id, rate_ends);
    }

    /// Waits for whichever address of the destination comes free first.
    fn await_addresses(&mut self, id: DestinationId, effects: &mut Vec<Effect>) {
        let now = self.now();
        let destination = &self.destinations[id];
        let Some(known) = destination.known() else { return };
        // A blocker at the servers of first choice also ends when others come back into that choice.
        let back = known.targets.iter().filter_map(|target| self.verdicts.running(target.address, now));
        let looked_at = back.map(|verdict| verdict.until).chain([known.expires]).min();
        let blockers: Vec<Wait> = known
            .targets
            .iter()
            .filter_map(|target| self.address_blocker(destination, target, now))
            .collect();
        self.await_targets(id);
        self.look_again(id, looked_at.unwrap_or(Steady::NEVER));
        for blocker in blockers {
            match blocker {
                Wait::ConnectionOfAddress(address, _) => {
                    if let Some(slot) = self.connections.idle_to(address) {
                        self.quit(slot, effects);
                    }
                }
                Wait::RateOfAddress(_, until) => self.look_again(id, until),
                // Its answers wake the destination.
                Wait::OpeningAtAddress(..) => {}
                other => debug_assert!(false, "no blocker of an address: {other:?}"),
            }
        }
    }

    /// Has those looked at again that wait for something at an address.
    pub(super) fn touch_waiting(&mut self, address: IpAddr) {
        for waiting in self.limits.take_waiting(address) {
            self.touch(waiting);
        }
    }

    fn look_again(&mut self, id: DestinationId, at: Steady) {
        let destination = &mut self.destinations[id];
        destination.look_at = destination.look_at.min(at);
    }
}
