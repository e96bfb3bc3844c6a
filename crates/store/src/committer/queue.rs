//! What waits for the next commit: two queues, so that ends and updates always go first.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::{Change, Limits};

/// Hands changes to the commit thread. Cheap to clone; never blocks for longer than a push takes.
pub struct CommitQueue {
    shared: Arc<Shared>,
}

/// Why a change was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too much mail waits: try again later (452).
    #[error("the commit queue is full")]
    Full,
    /// The commit thread has ended.
    #[error("the commit queue is closed")]
    Closed,
}

/// A change that was not taken comes back.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct SubmitError {
    /// Why.
    pub why: Refused,
    /// The change.
    pub change: Box<Change>,
}

/// How much waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Ends, updates and other changes that are never refused.
    pub urgent: usize,
    /// New mail.
    pub mail: usize,
    /// Octets of content in memory.
    pub bytes: usize,
}

/// What a commit takes.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) changes: Vec<Change>,
}

/// The queue itself.
pub(super) struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
    queues: AtomicUsize,
    waiting_changes: usize,
    waiting_bytes: usize,
}

#[derive(Default)]
struct State {
    urgent: VecDeque<Change>,
    mail: VecDeque<Change>,
    bytes: usize,
    ids_wanted: bool,
    idle: bool,
    closing: bool,
    closed: bool,
}

impl CommitQueue {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        shared.queues.fetch_add(1, Ordering::Relaxed);
        Self { shared }
    }

    /// Hands over a change.
    ///
    /// Only changes that bring nothing but new mail can be refused for want of room.
    ///
    /// # Errors
    /// [`SubmitError`] gives the change back.
    pub fn submit(&self, change: Change) -> Result<(), SubmitError> {
        let bytes = change.batch.memory_bytes();
        let mail = change.batch.is_new_mail();
        let mut state = self.shared.state.lock();
        let full = state.mail.len() >= self.shared.waiting_changes
            || (state.bytes + bytes > self.shared.waiting_bytes && state.bytes > 0);
        let why = if state.closing || state.closed {
            Some(Refused::Closed)
        } else if mail && full {
            Some(Refused::Full)
        } else {
            None
        };
        if let Some(why) = why {
            return Err(SubmitError { why, change: Box::new(change) });
        }
        state.bytes += bytes;
        if mail {
            state.mail.push_back(change)
        } else {
            state.urgent.push_back(change)
        }
        self.shared.wake(state);
        Ok(())
    }

    /// Returns how much waits.
    pub fn depth(&self) -> Depth {
        let state = self.shared.state.lock();
        Depth { urgent: state.urgent.len(), mail: state.mail.len(), bytes: state.bytes }
    }

    /// Takes no more changes; the thread ends when what waits is committed.
    pub fn shutdown(&self) {
        self.shared.shutdown();
    }
}

impl Clone for CommitQueue {
    fn clone(&self) -> Self {
        Self::new(self.shared.clone())
    }
}

impl Drop for CommitQueue {
    fn drop(&mut self) {
        if self.shared.queues.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.shared.shutdown();
        }
    }
}

impl fmt::Debug for CommitQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommitQueue").field("depth", &self.depth()).finish()
    }
}

impl Shared {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            state: Mutex::default(),
            arrived: Condvar::new(),
            queues: AtomicUsize::new(0),
            waiting_changes: limits.waiting_changes,
            waiting_bytes: limits.waiting_bytes,
        }
    }

    /// Waits for something to do and takes as much of it as one commit should carry; `None` at the end.
    pub(super) fn take(&self, limits: &Limits) -> Option<Work> {
        let mut state = self.state.lock();
        while state.urgent.is_empty() && state.mail.is_empty() && !state.ids_wanted {
            if state.closing {
                return None;
            }
            state.idle = true;
            self.arrived.wait(&mut state);
            state.idle = false;
        }
        state.ids_wanted = false;
        let mut changes =
            Vec::with_capacity((state.urgent.len() + state.mail.len()).min(limits.commit_changes));
        let mut written = 0;
        while changes.len() < limits.commit_changes && (written < limits.commit_bytes || changes.is_empty()) {
            let next = match state.urgent.pop_front() {
                Some(change) => Some(change),
                None => state.mail.pop_front(),
            };
            let Some(change) = next else { break };
            written += change.batch.written_bytes();
            state.bytes -= change.batch.memory_bytes();
            changes.push(change);
        }
        Some(Work { changes })
    }

    /// Asks for a commit even if no change waits: ids run short.
    pub(super) fn want_ids(&self) {
        let mut state = self.state.lock();
        state.ids_wanted = true;
        self.wake(state);
    }

    /// Marks the queue closed when the thread is gone.
    pub(super) fn close_on_drop(self: &Arc<Self>) -> impl Drop + use<> {
        CloseOnDrop(self.clone())
    }

    fn shutdown(&self) {
        let mut state = self.state.lock();
        state.closing = true;
        self.wake(state);
    }

    /// Wakes the thread only when it sleeps: a wake-up costs more than a push.
    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        if idle {
            self.arrived.notify_one();
        }
    }
}

struct CloseOnDrop(Arc<Shared>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        // What still waits after a thread that broke down is committed by nobody: it waits no more.
        *state = State { closed: true, ..State::default() };
    }
}
