//! Handing a message to a free connection, with all its recipients that are due at the destination.

use crate::delivery::Delivery;
use crate::delivery::connection::Phase;
use crate::delivery::gate::{Gate, Step};
use crate::delivery::io::{Effect, PeerFacts, Slot};
use crate::delivery::recipient::{Marks, Place, Recipient, RecipientId};
use crate::delivery::settings::Settings;
use crate::delivery::window::Room;
use crate::event::{BounceKind, Cause, Event};
use crate::ids::Rid;

impl Delivery {
    /// Starts a transaction for a recipient that the gate let through; or bounces it, when the peer said beforehand
    /// that it cannot take such a message.
    pub(super) fn transact(&mut self, slot: Slot, head: RecipientId, effects: &mut Vec<Effect>) {
        let connection = &self.connections[slot];
        let Some(peer) = &connection.peer else { return };
        if let Some((cause, status, text)) = refusal(&self.recipients[head], &peer.facts, &self.settings) {
            let (dcid, address) = (connection.dcid, peer.target.address);
            let mut failure = self.local_failure(cause, status, text);
            failure.address = Some(address);
            self.bounce(head, dcid, BounceKind::Other, failure, effects);
            return;
        }
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
            let same = *id != head && other.destination == destination && matches!(other.place, Place::Ready(_));
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
        let control = destination.plan.control();
        let room = match self.connections[slot].address() {
            Some(address) if control.per_address => self.limits.address_rate(address.ip(), control, self.now()),
            Some(_) | None => destination.window.room(control, self.now()),
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
        for (_, member) in &members {
            self.take_out(*member);
            self.recipients[*member].place = Place::Attempting(slot);
        }
        self.budget = self.budget.saturating_sub(members.len());
        let destination = &mut self.destinations[id];
        destination.free.retain(|other| *other != slot);
        destination.busy += 1;
        destination.touched = now;
        let control = destination.plan.control();
        match self.connections[slot].address() {
            Some(address) if control.per_address => {
                self.limits.address_take(address.ip(), members.len(), control, now);
            }
            Some(_) | None => destination.window.take(members.len(), &control.clone(), now),
        }
        let rids: Vec<Rid> = members.iter().map(|(rid, _)| *rid).collect();
        self.connections.wake(slot);
        let connection = &mut self.connections[slot];
        connection.transactions += 1;
        connection.phase = Phase::Busy { mid, members };
        let dcid = connection.dcid;
        effects.push(Effect::Record(Event::DeliveryStarted { dcid, mid, rids: rids.clone() }));
        effects.push(Effect::Transact { dcid, mid, rids });
    }
}

/// Returns why a peer cannot take a message, as far as its greeting told (RFC 1870, RFC 6152).
fn refusal(recipient: &Recipient, peer: &PeerFacts, settings: &Settings) -> Option<(Cause, (u8, u16, u16), String)> {
    // SIZE=0 declares no limit (RFC 1870 4).
    if let Some(limit) = peer.size_limit.filter(|limit| *limit > 0)
        && recipient.size > limit
    {
        let text = format!("The message has {} octets, the mail server takes at most {limit}", recipient.size);
        return Some((Cause::TooBigForPeer, (5, 3, 4), text));
    }
    if recipient.marks.has(Marks::EIGHT_BIT) && !peer.eight_bit && settings.eight_bit_bounce {
        let text = "The message has 8-bit content, and the mail server does not offer 8BITMIME".to_owned();
        return Some((Cause::EightBitNotOffered, (5, 6, 3), text));
    }
    None
}
