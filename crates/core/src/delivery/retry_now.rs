//! Retry-now: recipients become due at once, and what is held against their destinations is forgotten.
//!
//! Forgotten are the destination's clock, failing addresses, rate windows and the cached way. The tries that follow
//! never count towards the limit of attempts. The verdict stays as the last try left it, with its since: an order is no
//! news of a destination, its next try is.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::Bound;

use crate::delivery::Delivery;
use crate::delivery::destination::{DestinationId, Path, Reach};
use crate::delivery::gate::need_of;
use crate::delivery::io::{Effect, Retried, Scope};
use crate::delivery::operator::Job;
use crate::delivery::recipient::{Marks, Place, RecipientId};
use crate::delivery::steady::Steady;
use crate::delivery::window::Room;
use crate::event::Event;
use crate::ids::Mid;

/// A retry-now and how far it got.
#[derive(Debug)]
pub(super) struct RetryNow {
    scope: Scope,
    by: String,
    /// What it did so far.
    did: Retried,
    /// The cell of the destination it works on.
    cell: u32,
    /// Somebody became due there.
    helped: bool,
    /// The last of that destination's members it looked at.
    done: Option<(Steady, RecipientId)>,
}

impl Delivery {
    pub(super) fn deliver_now(&mut self, scope: Scope, by: String) {
        let did = Retried::default();
        self.jobs.push_back(Job::RetryNow(RetryNow { scope, by, did, cell: 0, helped: false, done: None }));
    }

    /// Goes on with a retry-now; returns it when the budget ended before it did.
    pub(super) fn work_on_retry(&mut self, mut retry: RetryNow, effects: &mut Vec<Effect>) -> Option<Job> {
        let finished = match &retry.scope {
            Scope::All => self.retry_all(&mut retry),
            Scope::Host(host) => match self.destinations.find(host.as_str()) {
                Some(id) => self.retry_destination(id, &mut retry),
                None => true,
            },
            Scope::Message(mid) => {
                retry.did = self.retry_message(*mid);
                true
            }
        };
        if !finished {
            return Some(Job::RetryNow(retry));
        }
        let RetryNow { scope, by, did, .. } = retry;
        let scope = match scope {
            Scope::All => "all".to_owned(),
            Scope::Host(host) => host.as_str().to_owned(),
            Scope::Message(mid) => format!("MID {mid}"),
        };
        effects.push(Effect::Record(Event::DeliverNow { scope, recipients: did.recipients, by }));
        effects.push(Effect::Retried(did));
        None
    }

    fn retry_all(&mut self, retry: &mut RetryNow) -> bool {
        while retry.cell < self.destinations.cells() {
            if self.budget == 0 {
                return false;
            }
            let id = DestinationId(retry.cell);
            self.budget -= 1;
            if !self.destinations[id].vacant && !self.retry_destination(id, retry) {
                return false;
            }
            retry.cell += 1;
            retry.helped = false;
            retry.done = None;
        }
        self.verdicts.clear_all();
        self.review_all();
        true
    }

    /// Makes the members of a destination due, then forgets what holds it. Until the last one is marked its own
    /// blockers stay, so that no try starts that would count.
    fn retry_destination(&mut self, id: DestinationId, retry: &mut RetryNow) -> bool {
        // Without a look at its members nothing may be forgotten, or their tries would count.
        if self.budget == 0 {
            return false;
        }
        let from = retry.done.map_or(Bound::Unbounded, Bound::Excluded);
        let members: Vec<_> = self.destinations[id]
            .members
            .range((from, Bound::Unbounded))
            .take(self.budget)
            .copied()
            .collect();
        let held = self.is_held(id);
        for member in &members {
            self.budget -= 1;
            retry.done = Some(*member);
            retry.did.waiting += 1;
            if self.force(member.1, held) {
                retry.did.recipients += 1;
                retry.did.destinations += u64::from(!std::mem::replace(&mut retry.helped, true));
            }
        }
        if !members.is_empty() && self.budget == 0 {
            return false;
        }
        self.forget_holds(id);
        true
    }

    /// Forgets the way, and what keeps recipients waiting.
    fn forget_holds(&mut self, id: DestinationId) {
        let destination = &mut self.destinations[id];
        destination.reach = Reach::Open;
        destination.hold = None;
        destination.forget_rates();
        let addresses: Vec<SocketAddr> = destination
            .known()
            .map_or(Vec::new(), |known| known.targets.iter().map(|target| target.address).collect());
        if matches!(destination.path, Path::Known(_)) {
            destination.path = Path::Unknown;
        }
        for address in addresses {
            self.verdicts.clear(address);
            self.touch_waiting(address.ip());
        }
        self.touch(id);
    }

    /// Tells whether the line waits because the destination was unreachable, or for its rate.
    fn is_held(&self, id: DestinationId) -> bool {
        let now = self.now();
        let destination = &self.destinations[id];
        matches!(destination.reach, Reach::Backoff(_))
            || matches!(destination.window.room(destination.plan.control(), now), Room::Until(_))
    }

    /// Makes a recipient due whose own clock runs, or that stands in a line which is held; tells whether it was
    /// waiting so.
    fn force(&mut self, id: RecipientId, held: bool) -> bool {
        match self.recipients[id].place {
            Place::Far(_) | Place::Near => {
                self.take_out(id);
                self.stand_in_line(id);
            }
            Place::Ready(_) if held => {}
            Place::Ready(_) | Place::Attempting(_) | Place::Nowhere | Place::Vacant(_) => return false,
        }
        self.recipients[id].marks.set(Marks::FORCED, true);
        true
    }

    /// Makes the recipients of one message due and puts them first in line.
    fn retry_message(&mut self, mid: Mid) -> Retried {
        let members: Vec<_> = self.of_message(mid).collect();
        let mut did = Retried { waiting: members.len() as u64, ..Retried::default() };
        let mut helped = BTreeSet::new();
        for id in members.into_iter().rev() {
            let destination = self.recipients[id].destination;
            let held = self.is_held(destination);
            if !self.force(id, held) {
                continue;
            }
            did.recipients += 1;
            helped.insert(destination);
            let line = &mut self.destinations[destination].lines[need_of(&self.recipients[id]).line()];
            line.remove(&mut self.recipients, id);
            line.push_front(&mut self.recipients, id);
        }
        for id in self.destinations_of(mid) {
            self.forget_holds(id);
        }
        Retried { destinations: helped.len() as u64, ..did }
    }

    fn destinations_of(&self, mid: Mid) -> Vec<DestinationId> {
        let mut destinations: Vec<_> =
            self.of_message(mid).map(|id| self.recipients[id].destination).collect();
        destinations.sort_unstable();
        destinations.dedup();
        destinations
    }
}
