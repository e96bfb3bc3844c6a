//! How far the ledger is synced, for those who may not know more than a power cut leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::Position;
use crate::spool::Seq;

/// How far the ledger is synced, shared with the committer.
#[derive(Clone, Debug, Default)]
pub struct SyncedSeq(Arc<AtomicU64>);

impl SyncedSeq {
    /// Returns the last commit of which every event is in a synced segment.
    pub fn load(&self) -> Seq {
        Seq(self.0.load(Ordering::Acquire))
    }

    pub(super) fn store(&self, seq: Seq) {
        self.0.store(seq.0, Ordering::Release);
    }
}

/// Up to where the ledger is synced, shared with readers that must not know more than a power cut leaves.
#[derive(Clone, Debug, Default)]
pub struct SyncedPosition(Arc<Mutex<Position>>);

impl SyncedPosition {
    /// Returns the place before which everything is durable.
    pub fn load(&self) -> Position {
        *self.0.lock()
    }

    /// Takes note that everything before `position` is durable.
    pub fn store(&self, position: Position) {
        *self.0.lock() = position;
    }
}
