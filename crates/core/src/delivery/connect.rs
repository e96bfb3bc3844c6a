//! Opening connections, taking idle ones over, closing them, and giving their slots back.

use std::net::IpAddr;

use crate::delivery::Delivery;
use crate::delivery::address_use::HeldAs;
use crate::delivery::connection::{Connection, Phase};
use crate::delivery::destination::{DestinationId, Path};
use crate::delivery::io::{Effect, Slot, Target};
use crate::delivery::need::Need;
use crate::delivery::recipient::RecipientId;
use crate::event::{Event, Failure};
use crate::ids::Dcid;

impl Delivery {
    /// Asks the name service, or takes the addresses of the route.
    pub(super) fn resolve(&mut self, id: DestinationId, head: RecipientId, effects: &mut Vec<Effect>) {
        let bearer = (self.recipients[head].mid, self.recipients[head].rid);
        let since = self.clock.wall_now();
        let destination = &mut self.destinations[id];
        destination.path = Path::Asking { since, bearer, outdated: false };
        match destination.plan.fixed_targets() {
            Some(targets) => self.found(id, targets, Vec::new(), None, effects),
            None => effects.push(Effect::Resolve { host: destination.host.clone(), bearer }),
        }
    }

    /// Opens a connection on behalf of the first in line.
    pub(super) fn connect(
        &mut self,
        id: DestinationId,
        need: Need,
        head: RecipientId,
        effects: &mut Vec<Effect>,
    ) {
        let (targets, choosy) = self.choose_targets(id, head);
        let destination = &self.destinations[id];
        let bearer = (self.recipients[head].mid, self.recipients[head].rid);
        let unproven = !destination.is_proven();
        let demand = destination.plan.demand();

        let slot = self.limits.lend(unproven);
        let dcid = self.next_dcid;
        self.next_dcid = Dcid(dcid.0 + 1);
        let mut held: Vec<IpAddr> = Vec::with_capacity(targets.len());
        for address in targets.iter().map(|target| target.address.ip()) {
            if !held.contains(&address) {
                let tried_first = held.is_empty();
                held.push(address);
                self.limits.hold_address(address, opening_as(tried_first));
                self.destinations[id].hold_address(address);
            }
        }
        let phase = Phase::Opening { need, bearer, choosy, unproven };
        let mut connection = Connection::opening(dcid, id, demand.clone(), held, phase);
        connection.epoch = self.destinations[id].epoch;
        self.connections.insert(slot, connection);
        let destination = &mut self.destinations[id];
        destination.opening.push(slot);
        destination.turn = None;
        effects.push(Effect::Connect {
            dcid,
            bearer,
            slot,
            host: destination.host.clone(),
            targets,
            tls: demand.tls,
            credentials: demand.credentials,
            implicit_tls: demand.implicit_tls,
        });
    }

    /// Returns where to connect to, in order, and whether mail servers were left out that cannot take the message.
    fn choose_targets(&mut self, id: DestinationId, head: RecipientId) -> (Vec<Target>, bool) {
        let now = self.now();
        let destination = &self.destinations[id];
        let Some(known) = destination.known() else { return (Vec::new(), false) };
        let fitting: Vec<&Target> = known
            .targets
            .iter()
            .filter(|target| self.target_suits(known, target, &self.recipients[head]))
            .collect();
        let choosy = fitting.len() < known.targets.len();
        let has_room = |target: &&&Target| self.address_blocker(destination, target, now).is_none();
        let usable = fitting.iter().filter(has_room).map(|target| (*target).clone()).collect();
        (self.verdicts.order(usable, &mut self.rng, now), choosy)
    }

    /// Gives an idle connection to another destination.
    pub(super) fn adopt(&mut self, slot: Slot, id: DestinationId) {
        self.connections.wake(slot);
        let epoch = self.destinations[id].epoch;
        let connection = &mut self.connections[slot];
        let before = connection.destination;
        connection.destination = id;
        connection.epoch = epoch;
        for address in connection.held.clone() {
            self.destinations[before].release_address(address);
            self.destinations[id].hold_address(address);
        }
        self.destinations[before].free.retain(|other| *other != slot);
        self.destinations[id].free.push(slot);
        self.touch(before);
    }

    /// Closes a free connection; its slot comes back with `Closed`.
    pub(super) fn quit(&mut self, slot: Slot, effects: &mut Vec<Effect>) {
        self.connections.close(slot);
        let connection = &self.connections[slot];
        let destination = &mut self.destinations[connection.destination];
        destination.free.retain(|other| *other != slot);
        destination.closing += 1;
        effects.push(Effect::Quit { dcid: connection.dcid });
    }

    /// Ends the count of a connection at an address and has those looked at who wait for that.
    pub(super) fn release_address(&mut self, id: DestinationId, address: IpAddr, held: HeldAs) {
        self.destinations[id].release_address(address);
        for waiting in self.limits.release_address(address, held) {
            self.touch(waiting);
        }
    }

    pub(super) fn closed(&mut self, dcid: Dcid, why: Option<Failure>, effects: &mut Vec<Effect>) {
        if let Some(slot) = self.connections.find(dcid) {
            self.release(slot, why, effects);
        }
    }

    /// Takes the slot of a connection back and wakes who waited for it.
    pub(super) fn release(&mut self, slot: Slot, why: Option<Failure>, effects: &mut Vec<Effect>) {
        let connection = self.connections.remove(slot);
        let id = connection.destination;
        let destination = &mut self.destinations[id];
        let opening = matches!(connection.phase, Phase::Opening { .. });
        match connection.phase {
            Phase::Opening { unproven, .. } => {
                destination.opening.retain(|other| *other != slot);
                if unproven {
                    self.limits.no_longer_unproven(1);
                }
            }
            Phase::Free => destination.free.retain(|other| *other != slot),
            Phase::Busy { members, .. } => {
                destination.busy -= 1;
                for (_, recipient) in members {
                    self.note_return(recipient);
                    self.stand_in_line(recipient);
                }
            }
            Phase::Closing => destination.closing -= 1,
            Phase::Gone => return,
        }
        self.limits.give_back(slot);
        for (place, address) in connection.held.into_iter().enumerate() {
            let held = if opening { opening_as(place == 0) } else { HeldAs::Standing };
            self.release_address(id, address, held);
        }
        let now = self.now();
        self.destinations[id].touched = now;
        self.touch(id);
        if connection.peer.is_some() {
            let host = self.destinations[id].host.clone();
            effects.push(Effect::Record(Event::DeliveryClosed { dcid: connection.dcid, host, why }));
        }
    }
}

/// How a connection that is being opened holds an address: the first one is where it is tried first.
pub(super) const fn opening_as(first: bool) -> HeldAs {
    if first { HeldAs::Tried } else { HeldAs::Backup }
}
