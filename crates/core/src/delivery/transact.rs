//! Handing a message to a free connection, with all its recipients that are due at the destination.

use crate::delivery::Delivery;
use crate::delivery::connection::Phase;
use crate::delivery::gate::{Gate, Step};
use crate::delivery::io::{Effect, Slot};
use crate::delivery::recipient::{Marks, Place, Recipient, RecipientId};
use crate::delivery::window::Room;
use crate::event::Event;
use crate::ids::Rid;

impl Delivery {
    /// Starts a transaction on a connection that the gate found fit for a recipient.
    pub(super) fn transact(&mut self, slot: Slot, head: RecipientId, effects: &mut Vec<Effect>) {
        let Some(peer) = &self.connections[slot].peer else { return };
        let most = peer.facts.recipients_max.min(self.settings.recipients_per_transaction).max(1);
        let members = self.companions(slot, head, most);
        self.carry(slot, members, effects);
    }

    /// Collects the recipients that travel with the first one: same message, same destination, due.
    fn companions(&self, slot: Slot, head: RecipientId, most: usize) -> Vec<(Rid, RecipientId)> {
        let now = self.now();
        let Recipient { mid, rid, destination, .. } = self.recipients[head];
        let most = most.min(self.rate_left(slot, head));
        let fits = |id: &RecipientId| {
            let other = &self.recipients[*id];
            let same =
                *id != head && other.destination == destination && matches!(other.place, Place::Ready(_));
            same && matches!(self.gate(*id, now), Gate::Go(Step::Transact(_)))
        };
        let mut members = vec![(rid, head)];
        if most > 1 {
            let others = self.of_message(mid).filter(fits).take(most - 1);
            members.extend(others.map(|id| (self.recipients[id].rid, id)));
            members.sort_unstable_by_key(|(rid, _)| *rid);
        }
        members
    }

    fn rate_left(&self, slot: Slot, head: RecipientId) -> usize {
        let destination = &self.destinations[self.recipients[head].destination];
        let room = match self.connections[slot].address() {
            Some(address) => destination.room_at(address.ip(), self.now()),
            None => destination.window.room(destination.plan.control(), self.now()),
        };
        match room {
            Room::Left(left) => left,
            Room::Until(_) => 1,
        }
    }

    fn carry(&mut self, slot: Slot, members: Vec<(Rid, RecipientId)>, effects: &mut Vec<Effect>) {
        let Some((_, head)) = members.first().copied() else { return };
        let now = self.now();
        let Recipient { mid, destination: id, .. } = self.recipients[head];
        let tried = |member: &(Rid, RecipientId)| self.recipients[member.1].marks.has(Marks::ATTEMPTED);
        let again = members.iter().any(tried);
        for (_, member) in &members {
            self.take_out(*member);
            self.recipients[*member].place = Place::Attempting(slot);
        }
        self.budget = self.budget.saturating_sub(members.len());
        let destination = &mut self.destinations[id];
        destination.free.retain(|other| *other != slot);
        destination.busy += 1;
        destination.touched = now;
        let control = destination.plan.control().clone();
        let address = self.connections[slot].address().map(|address| address.ip());
        destination.window_at(address).take(members.len(), &control, now);
        let rids: Vec<Rid> = members.iter().map(|(rid, _)| *rid).collect();
        self.connections.wake(slot);
        let connection = &mut self.connections[slot];
        connection.transactions += 1;
        connection.phase = Phase::Busy { mid, members };
        let dcid = connection.dcid;
        effects.push(Effect::Record(Event::DeliveryStarted { dcid, mid, rids: rids.clone() }));
        effects.push(Effect::Transact { dcid, mid, rids, again });
    }
}
