//! Numbers for messages and connections, handed out of durable blocks.
//!
//! A number is handed out only when the disk knows that it may have been. The next block is asked for when
//! half of one is used, and rides in the next commit; nobody waits for it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mailreeve_core::ids::{Dcid, Icid, Mid};

use super::queue::Shared;
use crate::spool::{IdBlock, IdLimits, Sequence};

/// Hands out MID, ICID and DCID. Cheap to clone, never blocks.
#[derive(Clone)]
pub struct IdSource {
    state: Arc<IdState>,
    queue: Arc<Shared>,
}

/// What is left of the blocks.
pub(super) struct IdState {
    counters: [Counter; 3],
    block: u64,
    wanted: AtomicBool,
}

struct Counter {
    next: AtomicU64,
    limit: AtomicU64,
}

impl IdSource {
    pub(super) fn new(state: Arc<IdState>, queue: Arc<Shared>) -> Self {
        Self { state, queue }
    }

    /// Returns a message ID.
    pub fn mid(&self) -> Option<Mid> {
        self.next(Sequence::Mid).map(Mid)
    }

    /// Returns a message ID that every message beginning from now on has or exceeds, and no message before has. It is
    /// not taken. `None` when nothing is handed out any more.
    pub fn next_mid(&self) -> Option<Mid> {
        let next = self.state.counters[Sequence::Mid.index()].next.load(Ordering::SeqCst);
        (next < u64::MAX).then_some(Mid(next))
    }

    /// Returns the ID of an inbound connection.
    pub fn icid(&self) -> Option<Icid> {
        self.next(Sequence::Icid).map(Icid)
    }

    /// Returns the ID of an outbound connection.
    pub fn dcid(&self) -> Option<Dcid> {
        self.next(Sequence::Dcid).map(Dcid)
    }

    /// Returns the next number of a sequence. `None`: the block is used up and no commit brought another,
    /// because the spool failed or its disk hangs (421 for a connection, 451 for a message).
    pub fn next(&self, sequence: Sequence) -> Option<u64> {
        let counter = &self.state.counters[sequence.index()];
        let limit = counter.limit.load(Ordering::Acquire);
        let taken = counter.next.fetch_update(Ordering::AcqRel, Ordering::Acquire, |next| {
            (next < limit).then(|| next.saturating_add(1))
        });
        let left = limit.saturating_sub(taken.unwrap_or_else(|next| next));
        if left <= self.state.block / 2 && !self.state.wanted.swap(true, Ordering::AcqRel) {
            self.queue.want_ids();
        }
        taken.ok()
    }
}

impl fmt::Debug for IdSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let next = |sequence: Sequence| self.state.counters[sequence.index()].next.load(Ordering::Relaxed);
        f.debug_struct("IdSource").field("next", &Sequence::ALL.map(next)).finish()
    }
}

impl IdState {
    pub(super) fn new(ids: [IdBlock; 3], block: u64) -> Self {
        let counter = |ids: IdBlock| Counter { next: ids.start.into(), limit: ids.end.into() };
        Self { counters: ids.map(counter), block, wanted: AtomicBool::new(false) }
    }

    /// Returns the limits to make durable in the next commit, if any sequence runs short.
    pub(super) fn wanted_limits(&self) -> Option<IdLimits> {
        if !self.wanted.load(Ordering::Acquire) {
            return None;
        }
        let limit = |counter: &Counter| {
            let limit = counter.limit.load(Ordering::Acquire);
            let left = limit.saturating_sub(counter.next.load(Ordering::Acquire));
            if left <= self.block / 2 { limit.saturating_add(self.block) } else { limit }
        };
        Some(IdLimits(self.counters.each_ref().map(limit)))
    }

    /// The limits are durable now.
    pub(super) fn granted(&self, limits: IdLimits) {
        for (counter, limit) in self.counters.iter().zip(limits.0) {
            counter.limit.store(limit, Ordering::Release);
        }
        self.wanted.store(false, Ordering::Release);
    }

    /// Hands out nothing more and returns what was not handed out.
    pub(super) fn close(&self) -> IdLimits {
        IdLimits(self.counters.each_ref().map(|counter| {
            counter.limit.store(0, Ordering::Release);
            counter.next.swap(u64::MAX, Ordering::AcqRel)
        }))
    }
}
