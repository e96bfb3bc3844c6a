//! The work queue: between acceptance and delivery. Messages wait in it while an operator has it paused.
//!
//! ```text
//!   session: holds(mid)? ── no ──► change with Accepted and Queued ──► commit ──► shard
//!                 └─ yes: noted ─► change with Accepted alone ───────► commit ──► waits ──released──► Queued, shard
//! ```
//! Kept of a waiting message: its number and how many recipients it has. The rest is in the spool. Which
//! messages wait is told by the standing orders, so that a start finds the same ones: those from outside whose
//! number lies in one of the spans, and of which nothing was tried yet. The gateway's own reports pass.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mailreeve_core::envelope::Envelope;
use mailreeve_core::ids::{Icid, Mid};
use mailreeve_store::spool::WaitingRecipient;
use mailreeve_store::standing::{Pause, StandingError};
use parking_lot::Mutex;
use tokio::sync::{Notify, RwLock};

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
}

/// What waits. Recipients of a message whose commit is under way are not known yet.
#[derive(Default)]
struct Waiting {
    messages: BTreeMap<Mid, Option<u32>>,
    recipients: u64,
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
            self.waiting.lock().messages.insert(mid, None);
        }
        holds
    }

    /// Takes a committed message in, if it has to wait; tells whether it does.
    pub fn arrived(&self, envelope: &Envelope) -> bool {
        if self.passes(envelope.mid) {
            return false;
        }
        let mut waiting = self.waiting.lock();
        let noted = waiting.messages.contains_key(&envelope.mid);
        if noted {
            waiting.note(envelope);
            drop(waiting);
            self.changed.notify_one();
        }
        noted
    }

    /// Takes a message in that a start has found, if it has to wait; tells whether it does.
    pub fn recovered(&self, envelope: &Envelope, waiting: &[WaitingRecipient]) -> bool {
        let untried =
            waiting.len() == envelope.recipients.len() && waiting.iter().all(|(_, state)| state.is_none());
        let holds = !self.passes(envelope.mid)
            && envelope.icid != Icid(0)
            && untried
            && self.standing.in_force().work_queue.holds(envelope.mid);
        if holds {
            self.waiting.lock().note(envelope);
            self.changed.notify_one();
        }
        holds
    }

    /// Forgets messages: they left, or were never stored.
    pub fn gone(&self, mids: &[Mid]) {
        let mut waiting = self.waiting.lock();
        for mid in mids {
            if let Some(recipients) = waiting.messages.remove(mid) {
                waiting.recipients -= u64::from(recipients.unwrap_or(0));
            }
        }
        drop(waiting);
        self.changed.notify_one();
    }

    /// Returns how much waits.
    pub fn load(&self) -> Load {
        let waiting = self.waiting.lock();
        Load { messages: waiting.messages.len() as u64, recipients: waiting.recipients }
    }

    /// Returns the first messages behind `after` that wait, at most `most`.
    pub fn page(&self, after: Option<Mid>, most: usize) -> Vec<Mid> {
        let waiting = self.waiting.lock();
        let from = after.map_or(Mid(0), |after| Mid(after.0.saturating_add(1)));
        let stored = waiting.messages.range(from..).filter(|(_, recipients)| recipients.is_some());
        stored.take(most).map(|(mid, _)| *mid).collect()
    }

    /// Returns the first messages to leave, with at most about `most` recipients and without those that `rests`
    /// tells, or nothing while paused.
    pub fn leaving(&self, most: u32, rests: impl Fn(Mid) -> bool) -> Vec<Mid> {
        if self.paused() {
            return Vec::new();
        }
        let mut room = most;
        let waiting = self.waiting.lock();
        let stored = waiting.messages.iter().filter_map(|(mid, recipients)| Some((*mid, (*recipients)?)));
        let slice = stored.filter(|(mid, _)| !rests(*mid)).take_while(|(_, recipients)| {
            let fits = room > 0;
            room = room.saturating_sub(*recipients);
            fits
        });
        slice.map(|(mid, _)| mid).collect()
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

    /// Pauses, durably. `next` gives the number of a message that begins now; `None` when it gave none.
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
        let first = self.waiting.lock().messages.keys().next().copied();
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

impl Waiting {
    fn note(&mut self, envelope: &Envelope) {
        let recipients = u32::try_from(envelope.recipients.len()).unwrap_or(u32::MAX);
        self.recipients += u64::from(recipients);
        self.messages.insert(envelope.mid, Some(recipients));
    }
}

#[cfg(test)]
mod tests;
