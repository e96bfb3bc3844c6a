//! What came of a transaction, for each recipient and for the connection.

use crate::delivery::Delivery;
use crate::delivery::connection::Phase;
use crate::delivery::destination::DestinationId;
use crate::delivery::end::{WaitsFor, bounce_kind};
use crate::delivery::io::{After, Effect, End, RecipientResult, Slot};
use crate::delivery::recipient::{Marks, RecipientId};
use crate::event::{Cause, Failure, HostStatus};
use crate::ids::{Dcid, Mid, Rid};

impl Delivery {
    pub(super) fn outcome(
        &mut self,
        dcid: Dcid,
        mid: Mid,
        results: Vec<(Rid, RecipientResult)>,
        after: After,
        effects: &mut Vec<Effect>,
    ) {
        let Some((slot, mut members)) = self.end_transaction(dcid, mid) else { return };
        let id = self.connections[slot].destination;
        self.attempted(id);
        let answered = |(_, result): &(Rid, RecipientResult)| match result {
            RecipientResult::Delivered { .. } => true,
            RecipientResult::Soft(failure) | RecipientResult::Hard(failure) => failure.code > 0,
        };
        if results.iter().any(answered) {
            self.answered(id, self.connections[slot].address(), effects);
        }
        self.notice_silence(id, slot, &after, effects);
        for (rid, result) in results {
            let Ok(at) = members.binary_search_by_key(&rid, |(rid, _)| *rid) else { continue };
            let recipient = std::mem::replace(&mut members[at].1, RecipientId::NONE);
            if !recipient.is_none() {
                self.conclude(recipient, dcid, result, effects);
            }
        }
        for (_, unanswered) in members.into_iter().filter(|(_, recipient)| !recipient.is_none()) {
            debug_assert!(false, "every recipient of a transaction has a result");
            self.note_return(unanswered);
            self.stand_in_line(unanswered);
        }
        match after {
            After::Usable => self.keep_or_quit(slot, effects),
            After::Gone(why) => self.release(slot, why, effects),
        }
    }

    /// Takes the transaction off its connection, which is free then.
    fn end_transaction(&mut self, dcid: Dcid, mid: Mid) -> Option<(Slot, Vec<(Rid, RecipientId)>)> {
        let slot = self.connections.find(dcid)?;
        let now = self.now();
        let connection = &mut self.connections[slot];
        let members = match &mut connection.phase {
            Phase::Busy { mid: carried, members } if *carried == mid => std::mem::take(members),
            Phase::Busy { .. } | Phase::Opening { .. } | Phase::Free | Phase::Closing | Phase::Gone => {
                return None;
            }
        };
        connection.phase = Phase::Free;
        let destination = &mut self.destinations[connection.destination];
        destination.busy -= 1;
        destination.free.push(slot);
        destination.touched = now;
        self.touch(self.connections[slot].destination);
        Some((slot, members))
    }

    /// A host that falls silent in a conversation is down, unless another connection to it stands.
    fn notice_silence(&mut self, id: DestinationId, slot: Slot, after: &After, effects: &mut Vec<Effect>) {
        let silent = match after {
            After::Gone(Some(failure)) if failure.cause == Cause::SmtpTimeout => failure.clone(),
            After::Gone(_) | After::Usable => return,
        };
        let destination = &self.destinations[id];
        if destination.busy == 0 && destination.free.iter().all(|other| *other == slot) {
            self.unreachable(id, silent, HostStatus::Down, None, effects);
        }
    }

    fn conclude(
        &mut self,
        recipient: RecipientId,
        dcid: Dcid,
        result: RecipientResult,
        effects: &mut Vec<Effect>,
    ) {
        let id = self.recipients[recipient].destination;
        match result {
            RecipientResult::Delivered { reply, relayed_dsn } => {
                self.destinations[id].last_delivered = Some(self.now());
                self.end(recipient, End::Delivered { dcid, reply, relayed_dsn }, effects);
            }
            RecipientResult::Soft(failure) => {
                self.remember_failure(id, &failure);
                self.note_return(recipient);
                self.defer(recipient, dcid, failure, WaitsFor::OwnClock, effects);
            }
            RecipientResult::Hard(failure) => {
                self.remember_failure(id, &failure);
                self.bounce(recipient, dcid, bounce_kind(&failure), failure, effects);
            }
        }
    }

    /// A recipient comes back from its transaction without an end.
    pub(super) fn note_return(&mut self, id: RecipientId) {
        let recipient = &self.recipients[id];
        if recipient.marks.has(Marks::AWAITED) {
            let (mid, rid) = (recipient.mid, recipient.rid);
            self.comes_back(mid, rid);
        }
    }

    /// Keeps a failure for the operator who asks about the destination.
    pub(super) fn remember_failure(&mut self, id: DestinationId, failure: &Failure) {
        let destination = &mut self.destinations[id];
        let kept = destination.reasons.keep(failure);
        if failure.code >= 500 {
            destination.last_5xx = Some(kept.clone());
        }
        destination.last_failure = Some(kept);
    }

    fn keep_or_quit(&mut self, slot: Slot, effects: &mut Vec<Effect>) {
        let connection = &self.connections[slot];
        let destination = &self.destinations[connection.destination];
        let of_peer = connection.peer.as_ref().and_then(|peer| peer.facts.transactions_max);
        let most = destination.plan.control().messages_per_connection.min(of_peer.unwrap_or(usize::MAX));
        let outdated = connection.epoch != destination.epoch;
        if connection.transactions >= most || outdated || self.shutting_down {
            self.quit(slot, effects);
        }
    }

    /// The stored record of a message is damaged: all its recipients here end, those in other transactions with
    /// their own outcome.
    pub(super) fn record_corrupt(&mut self, dcid: Dcid, mid: Mid, detail: &str, effects: &mut Vec<Effect>) {
        let Some((slot, members)) = self.end_transaction(dcid, mid) else { return };
        for (_, recipient) in members {
            self.end(recipient, End::Corrupt { detail: detail.to_owned() }, effects);
        }
        let others: Vec<_> = self.of_message(mid).collect();
        for recipient in others {
            if !self.recipients[recipient].is_attempting() {
                self.end(recipient, End::Corrupt { detail: detail.to_owned() }, effects);
            }
        }
        self.keep_or_quit(slot, effects);
    }
}
