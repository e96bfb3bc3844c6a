//! The commit thread: everything that waits goes into one commit, then the next.
//!
//! ```text
//!   sessions ──submit──►┐ mail (bounded: Full)                        ┌──► Committed (once a commit)
//!   delivery ──submit──►┤ ends, updates (always taken, go first) ──► commit
//!   IdSource ──wanted──►┘                                             └──► blocks of ids, outbox trimmed
//! ```
//!
//! There is no timer and no window: while a commit runs, changes gather for the next. The thread is woken only
//! when it sleeps. A change that contradicts the queue is refused alone; the others of its commit do not
//! suffer. After a failure of the spool every change is refused (law 5). Dropping all queues, or
//! [`CommitQueue::shutdown`], ends the thread after what waits is committed.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::ledger::SyncedSeq;
use crate::space::SpaceGuard;
use crate::spool::{Batch, Engine, Housekeeping, IdBlock, Seq, SpoolError};

mod ids;
mod queue;

pub use ids::IdSource;
pub use queue::{CommitQueue, Depth, Refused, SubmitError};

use ids::IdState;
use queue::{Shared, Work};

/// A change of the queue, and how its sender recognises the answer.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// What changes, with its events.
    pub batch: Batch,
    /// Given back with the answer.
    pub token: Option<u64>,
}

/// The answer to the changes of one commit.
#[derive(Debug)]
pub struct Committed {
    /// Its number; `None` when nothing was committed.
    pub seq: Option<Seq>,
    /// The changes that are durable now, in the order of their events in the ledger.
    pub done: Vec<Change>,
    /// The changes that did not happen, each with the reason.
    pub refused: Vec<(Change, SpoolError)>,
}

/// Bounds of the queue and of a commit.
#[derive(Clone, Debug)]
pub struct Limits {
    /// New messages that may wait.
    pub waiting_changes: usize,
    /// Octets of content in memory that may wait.
    pub waiting_bytes: usize,
    /// Changes in one commit.
    pub commit_changes: usize,
    /// Octets of content in one commit.
    pub commit_bytes: usize,
    /// Asked before each commit with new mail.
    pub space: Option<Arc<SpaceGuard>>,
    /// How far the ledger is synced: outbox entries up to there go.
    pub ledger_synced: SyncedSeq,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            waiting_changes: 4096,
            waiting_bytes: 32 << 20,
            commit_changes: 1024,
            commit_bytes: 8 << 20,
            space: None,
            ledger_synced: SyncedSeq::default(),
        }
    }
}

/// The thread's side.
pub struct Committer<N> {
    engine: Box<dyn Engine>,
    limits: Limits,
    shared: Arc<Shared>,
    ids: Arc<IdState>,
    notify: N,
}

impl<N: FnMut(Committed) + Send + 'static> Committer<N> {
    /// Starts the thread. `ids` and `id_block` come from [`Opened`](crate::spool::Opened). `notify` runs on
    /// the thread, once a commit: it hands over and returns.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(
        engine: Box<dyn Engine>,
        limits: Limits,
        ids: [IdBlock; 3],
        id_block: u64,
        notify: N,
    ) -> io::Result<(CommitQueue, IdSource, JoinHandle<()>)> {
        let shared = Arc::new(Shared::new(&limits));
        let ids = Arc::new(IdState::new(ids, id_block));
        let queue = CommitQueue::new(shared.clone());
        let source = IdSource::new(ids.clone(), shared.clone());
        let committer = Self { engine, limits, shared, ids, notify };
        let thread = std::thread::Builder::new().name("commit".to_owned()).spawn(move || committer.run())?;
        Ok((queue, source, thread))
    }

    fn run(mut self) {
        let shared = self.shared.clone();
        // However this thread ends, nobody may go on waiting for it.
        let _closed = shared.close_on_drop();
        while let Some(work) = shared.take(&self.limits) {
            self.commit(work);
        }
        self.give_back_ids();
    }

    fn commit(&mut self, work: Work) {
        let mut refused = Vec::new();
        let mut batches = Vec::with_capacity(work.changes.len());
        let mut tokens = Vec::with_capacity(work.changes.len());
        for change in work.changes {
            batches.push(change.batch);
            tokens.push(change.token);
        }
        if batches.iter().any(Batch::is_new_mail) && self.limits.space.as_ref().is_some_and(|s| !s.accepts())
        {
            refuse_mail(&mut batches, &mut tokens, &mut refused);
        }
        let seq = self.commit_rest(&mut batches, &mut tokens, &mut refused);
        let done = batches.into_iter().zip(tokens).map(|(batch, token)| Change { batch, token }).collect();
        (self.notify)(Committed { seq, done, refused });
    }

    /// Commits, taking out what is refused until the rest succeeds or nothing is left.
    fn commit_rest(
        &mut self,
        batches: &mut Vec<Batch>,
        tokens: &mut Vec<Option<u64>>,
        refused: &mut Vec<(Change, SpoolError)>,
    ) -> Option<Seq> {
        loop {
            let housekeeping = Housekeeping {
                ledger_synced: self.limits.ledger_synced.load(),
                id_limits: self.ids.wanted_limits(),
            };
            if batches.is_empty() && housekeeping.id_limits.is_none() {
                return None;
            }
            match self.engine.commit(batches, &housekeeping) {
                Ok(seq) => {
                    if let Some(limits) = housekeeping.id_limits {
                        self.ids.granted(limits);
                    }
                    return Some(seq);
                }
                Err(SpoolError::Refused { part, refusal }) if part < batches.len() => {
                    let change = Change { batch: batches.remove(part), token: tokens.remove(part) };
                    refused.push((change, SpoolError::Refused { part, refusal }));
                }
                Err(SpoolError::NoSpace) if batches.iter().any(Batch::is_new_mail) => {
                    refuse_mail(batches, tokens, refused);
                }
                Err(error) => {
                    let all = batches.drain(..).zip(tokens.drain(..));
                    refused.extend(all.map(|(batch, token)| (Change { batch, token }, error.clone())));
                    return None;
                }
            }
        }
    }

    /// At an orderly end the unused rest of each block goes back, so that there is no gap.
    fn give_back_ids(&mut self) {
        let limits = self.ids.close();
        let housekeeping =
            Housekeeping { ledger_synced: self.limits.ledger_synced.load(), id_limits: Some(limits) };
        // Without it the numbers have a gap, which is allowed.
        let _ = self.engine.commit(&[], &housekeeping);
    }
}

fn refuse_mail(
    batches: &mut Vec<Batch>,
    tokens: &mut Vec<Option<u64>>,
    refused: &mut Vec<(Change, SpoolError)>,
) {
    for (batch, token) in std::mem::take(batches).into_iter().zip(std::mem::take(tokens)) {
        if batch.is_new_mail() {
            refused.push((Change { batch, token }, SpoolError::NoSpace));
        } else {
            batches.push(batch);
            tokens.push(token);
        }
    }
}
