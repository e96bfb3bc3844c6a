//! Carrying out operators' orders over many recipients, slice by slice.
//!
//! A recipient in a transaction is not torn out of it: the order waits for it, and acts when it comes back and
//! still waits. An order is over when it has looked at everybody in its scope and nobody is awaited any more.
//!
//! While the disk cannot record ends, and while the daemon stops, orders rest.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;

use crate::delivery::Delivery;
use crate::delivery::io::Effect;
use crate::delivery::order::{HeldSlice, Order, OrderId, Progress, Whom};
use crate::delivery::recipient::{Marks, RecipientId};
use crate::delivery::steady::Steady;
use crate::ids::{Mid, Rid};

mod deeds;

/// All orders that are not over.
#[derive(Debug, Default)]
pub(super) struct Orders {
    open: BTreeMap<OrderId, Open>,
    /// Whose next step is wanted, in the order in which it was asked for.
    asked: VecDeque<OrderId>,
    /// Recipients in a transaction, each with the orders that await it.
    awaited: BTreeSet<(Mid, Rid, OrderId)>,
    /// Awaited recipients that came back from their transaction and wait again.
    returned: Vec<(Mid, Rid)>,
    /// Slices of recipients that are not here.
    pub(super) held: VecDeque<HeldSlice>,
}

/// An order and how far it got.
#[derive(Debug)]
struct Open {
    order: Order,
    sweep: Sweep,
    progress: Progress,
    /// It stands among those whose next step is wanted.
    asked: bool,
}

/// Where the next slice begins.
#[derive(Debug)]
enum Sweep {
    /// Behind this recipient of all.
    All(Option<(Mid, Rid)>),
    /// Behind this member of the destination.
    Host(Option<(Steady, RecipientId)>),
    /// Behind this recipient of the first of these messages.
    Messages(VecDeque<Mid>, Option<Rid>),
    /// Everybody was looked at; whether the shell said since then that it may go on.
    Swept { told: bool },
}

impl Orders {
    /// Tells whether something can be done without being told more.
    pub(super) fn has_work(&self) -> bool {
        !self.asked.is_empty() || !self.returned.is_empty() || !self.held.is_empty()
    }

    fn ask(&mut self, id: OrderId) {
        if let Some(open) = self.open.get_mut(&id)
            && !std::mem::replace(&mut open.asked, true)
        {
            self.asked.push_back(id);
        }
    }

    /// Takes a recipient off those that are awaited; returns the orders that awaited it.
    fn let_go(&mut self, mid: Mid, rid: Rid) -> Vec<OrderId> {
        let range = (mid, rid, OrderId(0))..=(mid, rid, OrderId(u64::MAX));
        let entries: Vec<_> = self.awaited.range(range).copied().collect();
        for entry in &entries {
            self.awaited.remove(entry);
            let Some(open) = self.open.get_mut(&entry.2) else { continue };
            open.progress.awaited -= 1;
            if open.progress.awaited == 0 && matches!(open.sweep, Sweep::Swept { told: true }) {
                self.ask(entry.2);
            }
        }
        entries.into_iter().map(|(_, _, id)| id).collect()
    }
}

impl Delivery {
    /// Takes an order; its first slice follows in this call.
    pub(super) fn take_order(&mut self, order: Order) {
        if self.orders.open.contains_key(&order.id) {
            return;
        }
        let (sweep, total) = match &order.whom {
            Whom::All => (Sweep::All(None), self.recipients.len()),
            Whom::Host(host) => {
                let id = self.destinations.find(host.as_str());
                (Sweep::Host(None), id.map_or(0, |id| self.destinations[id].members.len()))
            }
            Whom::Messages(mids) => {
                // A message that is named twice is looked at once: who ended must not be found again.
                let mids: BTreeSet<Mid> = mids.iter().copied().collect();
                let total = mids.iter().map(|mid| self.of_message(*mid).count()).sum();
                (Sweep::Messages(mids.into_iter().collect(), None), total)
            }
        };
        let id = order.id;
        let progress = Progress { total: total as u64, ..Progress::default() };
        self.orders.open.insert(id, Open { order, sweep, progress, asked: false });
        self.orders.ask(id);
    }

    /// What the last slice decided is on its way: the order may go on.
    pub(super) fn go_on(&mut self, id: OrderId) {
        if let Some(Open { sweep: Sweep::Swept { told }, .. }) = self.orders.open.get_mut(&id) {
            *told = true;
        }
        self.orders.ask(id);
    }

    /// Tells whether an order could go on in a call of its own.
    pub(super) fn has_orders_to_work_on(&self) -> bool {
        self.orders.has_work() && !self.orders_rest()
    }

    fn orders_rest(&self) -> bool {
        self.shutting_down || self.spool_exhausted.is_some()
    }

    /// Goes on with the orders that may, as far as half of this call's budget goes.
    pub(super) fn work_on_orders(&mut self, effects: &mut Vec<Effect>) {
        if self.orders_rest() {
            return;
        }
        for (mid, rid) in std::mem::take(&mut self.orders.returned) {
            self.act_on_returned(mid, rid, effects);
        }
        let kept = self.budget / 2;
        self.work_on_held(kept, effects);
        while self.budget > kept
            && let Some(id) = self.orders.asked.pop_front()
        {
            let most = self.budget - kept;
            if let Some(mut open) = self.orders.open.remove(&id) {
                open.asked = false;
                let over = self.work_on_order(&mut open, most, effects);
                if !over {
                    self.orders.open.insert(id, open);
                }
            }
        }
    }

    /// Takes the next step of an order; tells whether it is over.
    fn work_on_order(&mut self, open: &mut Open, most: usize, effects: &mut Vec<Effect>) -> bool {
        if matches!(open.sweep, Sweep::Swept { .. }) {
            self.budget -= 1;
            let over = open.progress.awaited == 0;
            if over {
                effects.push(Effect::OrderOver { order: open.order.id, progress: open.progress });
            }
            return over;
        }
        let slice = self.next_slice(open, most.min(open.order.deed.slice()));
        self.budget -= slice.len().clamp(1, most);
        for recipient in slice {
            self.concern(recipient, open, effects);
        }
        effects.push(Effect::Slice { order: open.order.id, progress: open.progress });
        false
    }

    /// Returns who is looked at next, and notes where the slice after them begins.
    fn next_slice(&self, open: &mut Open, most: usize) -> Vec<RecipientId> {
        let slice: Vec<RecipientId> = match (&mut open.sweep, &open.order.whom) {
            (Sweep::All(after), _) => {
                let from = after
                    .map_or(Bound::Unbounded, |(mid, rid)| Bound::Excluded((mid, rid, RecipientId::NONE)));
                let slice: Vec<_> = self.index.range((from, Bound::Unbounded)).take(most).collect();
                *after = slice.last().map(|(mid, rid, _)| (*mid, *rid)).or(*after);
                slice.into_iter().map(|(_, _, id)| *id).collect()
            }
            (Sweep::Host(after), Whom::Host(host)) => {
                let from = after.map_or(Bound::Unbounded, Bound::Excluded);
                let members = self.destinations.find(host.as_str()).map(|id| &self.destinations[id].members);
                let members = members.into_iter().flat_map(|members| members.range((from, Bound::Unbounded)));
                let slice: Vec<_> = members.take(most).copied().collect();
                *after = slice.last().copied().or(*after);
                slice.into_iter().map(|(_, id)| id).collect()
            }
            (Sweep::Messages(left, after), _) => self.next_of_messages(left, after, most),
            (Sweep::Host(_), Whom::All | Whom::Messages(_)) | (Sweep::Swept { .. }, _) => Vec::new(),
        };
        if slice.len() < most {
            open.sweep = Sweep::Swept { told: false };
        }
        slice
    }

    fn next_of_messages(
        &self,
        left: &mut VecDeque<Mid>,
        after: &mut Option<Rid>,
        most: usize,
    ) -> Vec<RecipientId> {
        let mut slice = Vec::new();
        while let Some(mid) = left.front().copied() {
            let from = match *after {
                Some(rid) => Bound::Excluded((mid, rid, RecipientId::NONE)),
                None => Bound::Included((mid, Rid(0), RecipientId::FIRST)),
            };
            let to = Bound::Included((mid, Rid(u32::MAX), RecipientId::NONE));
            let before = slice.len();
            let more = self.index.range((from, to)).take(most - before);
            slice.extend(more.map(|(_, _, id)| *id));
            if slice.len() == most {
                *after = slice[before..].last().map(|id| self.recipients[*id].rid).or(*after);
                return slice;
            }
            left.pop_front();
            *after = None;
        }
        slice
    }

    /// Does the deed to a recipient, or notes that it is to be done later.
    fn concern(&mut self, id: RecipientId, open: &mut Open, effects: &mut Vec<Effect>) {
        open.progress.seen += 1;
        let recipient = &mut self.recipients[id];
        if recipient.mid >= open.order.upto {
            return;
        }
        if recipient.is_attempting() {
            recipient.marks.set(Marks::AWAITED, true);
            open.progress.awaited += 1;
            self.orders.awaited.insert((recipient.mid, recipient.rid, open.order.id));
            return;
        }
        open.progress.done += u64::from(self.act(id, &open.order.deed, &open.order.by, effects));
    }

    /// An awaited recipient is no longer in a transaction, and has not ended.
    pub(super) fn comes_back(&mut self, mid: Mid, rid: Rid) {
        self.orders.returned.push((mid, rid));
    }

    /// An awaited recipient has ended.
    pub(super) fn no_longer_awaited(&mut self, mid: Mid, rid: Rid) {
        self.orders.let_go(mid, rid);
    }

    fn act_on_returned(&mut self, mid: Mid, rid: Rid, effects: &mut Vec<Effect>) {
        if let Some(id) = self.find(mid, rid) {
            self.recipients[id].marks.set(Marks::AWAITED, false);
        }
        for order in self.orders.let_go(mid, rid) {
            let Some(Open { order: Order { whom, deed, by, .. }, .. }) = self.orders.open.get(&order) else {
                continue;
            };
            // The deed of the order before may have ended it, or moved it out of this one's scope.
            let Some(id) = self.find(mid, rid) else { return };
            let host = &self.destinations[self.recipients[id].destination].host;
            if matches!(whom, Whom::Host(wanted) if wanted != host) {
                continue;
            }
            let (deed, by) = (deed.clone(), by.clone());
            let done = self.act(id, &deed, &by, effects);
            if let Some(open) = self.orders.open.get_mut(&order) {
                open.progress.done += u64::from(done);
            }
        }
    }
}
