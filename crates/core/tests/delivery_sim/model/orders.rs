//! Operators' orders: who may end or move by them, and what must be true when one is over.

use std::collections::BTreeSet;

use mailreeve_core::delivery::io::{Order, OrderId, Progress, Whom};
use mailreeve_core::envelope::RecipientState;
use mailreeve_core::event::{Deed, Event};
use mailreeve_core::ids::{Host, Mid, Rid};

use super::{Model, Phase, Recipient, Scene, Verdict, Violation, broken, require};
use crate::coverage::{Coverage, Point};

const LAW: &str = "an order is done to whom it concerns, once, and to nobody else";
/// Recipients that a slice may work on.
const SLICE: u64 = 1_000;

/// An order that is not over.
pub(super) struct Ordered {
    order: Order,
    /// Those in its scope when it came, but for later mail.
    concerned: BTreeSet<(Mid, Rid)>,
    /// As many were in its scope, later mail with them.
    total: u64,
    done: u64,
    done_in_slice: u64,
    /// It was told to begin or to go on, and nothing came of that yet.
    asked: bool,
}

fn in_scope(whom: &Whom, mid: Mid, recipient: &Recipient) -> bool {
    match whom {
        Whom::All => true,
        Whom::Host(host) => recipient.host == *host,
        Whom::Messages(mids) => mids.contains(&mid),
    }
}

/// How an order signs what it does.
pub(crate) fn signature(id: OrderId) -> String {
    format!("order{}", id.0)
}

impl Model {
    pub(super) fn take_order(&mut self, order: &Order, coverage: &mut Coverage) {
        if self.orders.contains_key(&order.id) {
            return;
        }
        let scope = self.recipients.iter().filter(|(key, one)| in_scope(&order.whom, key.0, one));
        let total = scope.clone().count() as u64;
        let concerned: BTreeSet<_> =
            scope.filter(|(key, _)| key.0 < order.upto).map(|(key, _)| *key).collect();
        if (concerned.len() as u64) < total {
            coverage.hit(Point::OrderSpared);
        }
        if self.exhausted.is_some() {
            coverage.hit(Point::OrderRested);
        }
        let busy = |key: &(Mid, Rid)| self.is_attempting(key.0, key.1);
        if concerned.iter().any(busy) {
            coverage.hit(Point::OrderAwaits);
        }
        let ordered =
            Ordered { order: order.clone(), concerned, total, done: 0, done_in_slice: 0, asked: true };
        self.orders.insert(order.id, ordered);
    }

    pub(super) fn order_goes_on(&mut self, id: OrderId) {
        if let Some(ordered) = self.orders.get_mut(&id) {
            ordered.asked = true;
        }
    }

    /// A recipient is ended or moved by the order that signs so: it must be one that does that, to somebody who
    /// waits, is in its scope and is not of later mail.
    pub(super) fn done_by_order(
        &mut self,
        (mid, rid): (Mid, Rid),
        recipient: &Recipient,
        by: &str,
        does: impl Fn(&Deed) -> bool,
        coverage: &mut Coverage,
    ) -> Result<(), Violation> {
        let resting = self.stopping || self.exhausted.is_some();
        let resulted = self.step.resulted.contains(&(mid, rid));
        let Some(ordered) = self.orders.values_mut().find(|ordered| signature(ordered.order.id) == by) else {
            return broken(LAW, format!("{mid:?} {rid:?}: no order of {by} is open"));
        };
        let Order { whom, upto, deed, .. } = &ordered.order;
        let right = does(deed)
            && recipient.phase == Phase::Waiting
            && mid < *upto
            && in_scope(whom, mid, recipient)
            && !resting;
        require(right, LAW, || format!("{mid:?} {rid:?}: {recipient:?} by {:?}", ordered.order))?;
        ordered.done += 1;
        ordered.done_in_slice += 1;
        if resulted {
            coverage.hit(Point::OrderActedLater);
        }
        require(ordered.done_in_slice <= SLICE, "no call works on more than a slice", || {
            format!("{} by {by}", ordered.done_in_slice)
        })
    }

    pub(super) fn redirected(
        &mut self,
        state: &RecipientState,
        event: &Event,
        scene: Scene<'_>,
        coverage: &mut Coverage,
    ) -> Verdict {
        let key = (state.mid, state.rid);
        let Some(recipient) = self.recipients.get(&key).cloned() else {
            return broken(LAW, format!("{key:?} is moved and not here"));
        };
        let Event::Redirected { mid, rid, from, to, by } = event else {
            return broken("the event says what the state says", format!("{event:?}"));
        };
        let told = (*mid, *rid) == key && *from == recipient.host && state.host.as_ref() == Some(to);
        require(told && from != to, "the event says what the state says", || {
            format!("{event:?} against {state:?} and {recipient:?}")
        })?;
        self.done_by_order(
            key,
            &recipient,
            by,
            |deed| matches!(deed, Deed::Redirect { to: ordered } if ordered == to),
            coverage,
        )?;
        let due = state.due_at.abs_diff(scene.clock.wall().0) <= crate::clock::SECOND;
        let kept = state.attempts == recipient.attempts
            && state.delay_reported == recipient.delay_reported
            && state.interval_s == 0;
        require(due && kept, "who is moved is due, and keeps its attempts", || {
            format!("{state:?} of {recipient:?}")
        })?;
        let moved = Recipient {
            host: to.clone(),
            own: None,
            intervals_s: vec![0],
            moved: true,
            seen: None,
            ..recipient
        };
        self.recipients.insert(key, moved);
        self.destination(to);
        Ok(())
    }

    pub(super) fn slice_done(&mut self, id: OrderId, progress: &Progress) -> Verdict {
        let attempting =
            self.recipients.values().filter(|one| matches!(one.phase, Phase::Attempting(_))).count() as u64;
        let Some(ordered) = self.orders.get_mut(&id) else {
            return broken(LAW, format!("{id:?} is not open"));
        };
        let right = ordered.asked
            && progress.done == ordered.done
            && progress.total == ordered.total
            && progress.seen >= progress.done + progress.awaited
            && progress.awaited <= attempting;
        require(right, "what is told of an order is true", || {
            format!("{progress:?}, {} done of {}", ordered.done, ordered.total)
        })?;
        ordered.asked = false;
        ordered.done_in_slice = 0;
        Ok(())
    }

    /// Nobody is left whom it concerned: each has ended, or was moved.
    pub(super) fn order_over(&mut self, id: OrderId, progress: &Progress) -> Verdict {
        let Some(Ordered { order, concerned, done, .. }) = self.orders.remove(&id) else {
            return broken(LAW, format!("{id:?} is not open"));
        };
        require(progress.done == done && progress.awaited == 0, "what is told of an order is true", || {
            format!("{progress:?}, {done} done")
        })?;
        let there = |host: &Host| matches!(&order.deed, Deed::Redirect { to } if to == host);
        let left = concerned.iter().find(|key| {
            self.recipients
                .get(key)
                .is_some_and(|one| in_scope(&order.whom, key.0, one) && !there(&one.host) && !one.moved)
        });
        require(left.is_none(), "an order that is over left nobody", || {
            format!("{order:?} left {left:?}: {:?}", left.and_then(|key| self.recipients.get(key)))
        })
    }

    /// An order that may go on does; one that looked at everybody waits only for transactions.
    pub(super) fn orders_go_on(&self) -> Verdict {
        if self.stopping || self.exhausted.is_some() {
            return Ok(());
        }
        let stuck = self.orders.values().find(|ordered| {
            ordered.asked && !ordered.concerned.iter().any(|key| self.is_attempting(key.0, key.1))
        });
        require(stuck.is_none(), "an order that may go on goes on", || {
            format!("{:?}", stuck.map(|ordered| &ordered.order))
        })
    }
}
