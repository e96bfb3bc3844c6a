//! The work queue: between acceptance and delivery. Messages wait in it while an operator has it paused.
//!
//! ```text
//!   session: holds(mid)? ── no ──► change with Accepted and Queued ──► commit ──► shard
//!                 └─ yes: noted ─► change with Accepted alone ───────► commit ──► waits ──released──► Queued, shard
//! ```
//! Kept of a waiting message: its number and for which destinations how many of its recipients wait. The rest is in
//! the spool. Which messages wait is told by the standing orders, so that a start finds the same ones: those from
//! outside whose number lies in one of the spans, and of which nothing was tried yet. The gateway's own reports pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mailreeve_core::envelope::Envelope;
use mailreeve_core::ids::{Host, Icid, Mid};
use mailreeve_store::spool::WaitingRecipient;
use mailreeve_store::standing::{Pause, StandingError};
use parking_lot::Mutex;
use tokio::sync::{MutexGuard, Notify, RwLock};

mod waiting;

use self::waiting::Waiting;
use crate::standing::{StandingOrders, Turn};

/// No message waits.
const NONE: u64 = u64::MAX;

/// The messages that wait, and the gate before them.
pub struct WorkQueue {
    standing: Arc<StandingOrders>,
    /// Messages below this number pass without a look.
    floor: AtomicU64,
    /// Held for writing while an order changes the gate: who has to look waits until the order is durable.
    gate: RwLock<()>,
    waiting: Mutex<Waiting>,
    changed: Notify,
    taking: tokio::sync::Mutex<()>,
}

/// How much waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Messages.
    pub messages: u64,
    /// Their recipients.
    pub recipients: u64,
}

impl WorkQueue {
    /// Makes the gate as the orders say.
    pub fn new(standing: Arc<StandingOrders>) -> Self {
        let queue = Self {
            standing,
            floor: AtomicU64::new(NONE),
            gate: RwLock::default(),
            waiting: Mutex::default(),
            changed: Notify::new(),
            taking: tokio::sync::Mutex::default(),
        };
        queue.set_floor();
        queue
    }

    /// Tells whether a message about to be committed has to wait, and notes it then. The commit is followed by
    /// [`arrived`](Self::arrived), its failure by [`gone`](Self::gone).
    pub async fn holds(&self, mid: Mid) -> bool {
        if self.passes(mid) {
            return false;
        }
        let _gate = self.gate.read().await;
        let holds = self.standing.in_force().work_queue.holds(mid);
        if holds {
            self.waiting.lock().comes(mid);
        }
        holds
    }

    /// Takes a committed message in, if it has to wait; tells whether it does.
    pub fn arrived(&self, envelope: &Envelope) -> bool {
        if self.passes(envelope.mid) {
            return false;
        }
        let mut waiting = self.waiting.lock();
        let noted = waiting.knows(envelope.mid);
        if noted {
            let recipients = envelope.recipients.iter().map(|recipient| (recipient.host.clone(), 1));
            waiting.note(envelope.mid, recipients);
            drop(waiting);
            self.changed.notify_one();
        }
        noted
    }

    /// Takes a message in that a start has found, if it has to wait; tells whether it does.
    pub fn recovered(&self, envelope: &Envelope, waiting: &[WaitingRecipient]) -> bool {
        // A job may have ended or redirected some of its recipients while it waited here.
        let untried = |(_, state): &WaitingRecipient| {
            state.as_ref().is_none_or(|state| state.attempts == 0 && state.last.is_none())
        };
        let holds = !self.passes(envelope.mid)
            && envelope.icid != Icid(0)
            && !waiting.is_empty()
            && waiting.iter().all(untried)
            && self.standing.in_force().work_queue.holds(envelope.mid);
        if holds {
            self.waiting.lock().note(envelope.mid, destinations(envelope, waiting));
            self.changed.notify_one();
        }
        holds
    }

    /// Forgets messages: they left, or were never stored.
    pub fn gone(&self, mids: &[Mid]) {
        let mut waiting = self.waiting.lock();
        for mid in mids {
            waiting.forget(*mid);
        }
        drop(waiting);
        self.changed.notify_one();
    }

    /// Notes who still waits of a message of which some ended or were redirected; of nobody the message is forgotten.
    pub fn keeps(&self, mid: Mid, recipients: impl IntoIterator<Item = (Host, u32)>) {
        let mut recipients = recipients.into_iter().peekable();
        if recipients.peek().is_none() {
            self.gone(&[mid]);
        } else {
            self.waiting.lock().note(mid, recipients);
        }
    }

    /// Gives the right to take out of what waits. Nobody else takes anything until it is given back.
    pub async fn taking(&self) -> MutexGuard<'_, ()> {
        self.taking.lock().await
    }

    /// Returns how much waits.
    pub fn load(&self) -> Load {
        self.waiting.lock().load()
    }

    /// Returns how many recipients wait for a destination.
    pub fn recipients_for(&self, host: &Host) -> u64 {
        self.waiting.lock().stored(Some(host), None).map(|(_, count)| u64::from(count)).sum()
    }

    /// Returns how many recipients of a message wait.
    pub fn recipients_of(&self, mid: Mid) -> u32 {
        self.waiting.lock().recipients_of(mid)
    }

    /// Returns the first messages behind `after` that wait, all or those for one destination, at most `most`.
    pub fn page(&self, host: Option<&Host>, after: Option<Mid>, most: usize) -> Vec<Mid> {
        self.waiting.lock().stored(host, after).take(most).map(|(mid, _)| mid).collect()
    }

    /// Returns the first messages behind `after` that wait, all or those for one destination, with at most about
    /// `most` recipients.
    pub fn portion(&self, host: Option<&Host>, after: Option<Mid>, most: usize) -> Vec<Mid> {
        within(self.waiting.lock().stored(host, after), most)
    }

    /// Returns the first messages to leave, with at most about `most` recipients and without those that `rests`
    /// tells, or nothing while paused.
    pub fn leaving(&self, most: usize, rests: impl Fn(Mid) -> bool) -> Vec<Mid> {
        if self.paused() {
            return Vec::new();
        }
        within(self.waiting.lock().stored(None, None).filter(|(mid, _)| !rests(*mid)), most)
    }

    /// Waits until something waits or leaves, or an order changes.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Wakes whoever waits for [`changed`](Self::changed).
    pub fn wake(&self) {
        self.changed.notify_one();
    }

    /// Tells whether it is paused.
    pub fn paused(&self) -> bool {
        self.standing.in_force().work_queue.paused.is_some()
    }

    /// Pauses, durably. `next` tells the number of the next message to begin; `None` when none will.
    pub async fn pause(
        &self,
        turn: &Turn<'_>,
        order: Pause,
        next: impl FnOnce() -> Option<Mid>,
    ) -> Option<Result<Mid, StandingError>> {
        let _gate = self.gate.write().await;
        // From here on everybody has to look, and waits for the gate: what began behind `from` cannot slip by.
        self.floor.store(0, Ordering::SeqCst);
        let from = next();
        let paused = match from {
            Some(from) => {
                Some(turn.change(move |orders| orders.work_queue.pause(order, from)).await.map(|()| from))
            }
            None => None,
        };
        self.set_floor();
        paused
    }

    /// Resumes, durably; what waits leaves in its order.
    pub async fn resume(
        &self,
        turn: &Turn<'_>,
        next: impl FnOnce() -> Option<Mid>,
    ) -> Option<Result<(), StandingError>> {
        let gate = self.gate.write().await;
        let upto = next()?;
        let resumed = turn.change(move |orders| orders.work_queue.resume(upto)).await;
        drop(gate);
        self.changed.notify_one();
        Some(resumed)
    }

    /// Forgets the orders for what has left. Only while no start is still reading the queue back: what it has not
    /// found yet is not known to wait.
    pub async fn settle(&self) -> Result<(), StandingError> {
        let spans = self.standing.in_force().work_queue.spans.clone();
        if spans.iter().all(|span| span.upto.is_none()) {
            return Ok(());
        }
        let turn = self.standing.turn().await;
        let _gate = self.gate.write().await;
        let first = self.waiting.lock().first();
        turn.change(move |orders| orders.work_queue.handed_over(first)).await?;
        self.set_floor();
        Ok(())
    }

    fn passes(&self, mid: Mid) -> bool {
        mid.0 < self.floor.load(Ordering::SeqCst)
    }

    fn set_floor(&self) {
        let floor = self.standing.in_force().work_queue.floor().map_or(NONE, |mid| mid.0);
        self.floor.store(floor, Ordering::SeqCst);
    }
}

/// Returns the first messages, until `most` recipients are reached.
fn within(messages: impl Iterator<Item = (Mid, u32)>, most: usize) -> Vec<Mid> {
    let mut room = most;
    let fitting = messages.take_while(|(_, recipients)| {
        let fits = room > 0;
        room = room.saturating_sub(*recipients as usize);
        fits
    });
    fitting.map(|(mid, _)| mid).collect()
}

/// The recipients of an envelope as they wait: where an operator redirected them, or where they were sent.
fn destinations<'a>(
    envelope: &'a Envelope,
    waiting: &'a [WaitingRecipient],
) -> impl Iterator<Item = (Host, u32)> + 'a {
    waiting.iter().filter_map(|(rid, state)| {
        let redirected = state.as_ref().and_then(|state| state.host.clone());
        let host = redirected.or_else(|| Some(envelope.recipients.get(rid.0 as usize)?.host.clone()))?;
        Some((host, 1))
    })
}

#[cfg(test)]
mod tests;
