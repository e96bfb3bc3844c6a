//! Whether mail may come in: the conditions under which a sender is asked to come back later.
//!
//! Read on every MAIL and every DATA without a lock; written by whoever watches a resource.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};

use mailreeve_core::event::SpoolSpace;
use mailreeve_smtp::reply::{Enhanced, Reply};

/// The conditions.
#[derive(Debug, Default)]
pub struct Intake {
    space: AtomicU8,
    stopping: AtomicBool,
    queued: AtomicU64,
    queue_limit: AtomicU64,
    body_bytes: AtomicUsize,
    body_limit: AtomicUsize,
}

/// A share of the memory for bodies in flight, given back when dropped.
#[derive(Debug)]
pub struct BodyLease {
    intake: std::sync::Arc<Intake>,
    bytes: usize,
}

impl Drop for BodyLease {
    fn drop(&mut self) {
        self.intake.body_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Intake {
    /// Sets the bounds of the queue (recipients) and of bodies in memory (bytes).
    pub fn set_limits(&self, queue_limit: u64, body_limit: usize) {
        self.set_queue_limit(queue_limit);
        self.body_limit.store(body_limit, Ordering::Relaxed);
    }

    /// Sets the bound of the queue (recipients).
    pub fn set_queue_limit(&self, recipients: u64) {
        self.queue_limit.store(recipients, Ordering::Relaxed);
    }

    /// Tells how the spool's disk stands; a failed spool stays failed.
    pub fn set_space(&self, space: SpoolSpace) {
        if self.space() != SpoolSpace::Failed {
            self.space.store(code(space), Ordering::Release);
        }
    }

    /// Returns how the spool's disk stands.
    pub fn space(&self) -> SpoolSpace {
        match self.space.load(Ordering::Acquire) {
            0 => SpoolSpace::Enough,
            1 => SpoolSpace::Low,
            2 => SpoolSpace::Reserve,
            _ => SpoolSpace::Failed,
        }
    }

    /// Tells that the daemon is stopping.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Tells whether the daemon is stopping.
    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Counts recipients in (positive) and out of the queue.
    pub fn set_queued(&self, recipients: u64) {
        self.queued.store(recipients, Ordering::Relaxed);
    }

    /// Returns why nothing is taken at present, as the reply to give, or `None` when mail may come.
    pub fn refusal(&self) -> Option<Reply> {
        let space = match self.space() {
            SpoolSpace::Enough => None,
            SpoolSpace::Low | SpoolSpace::Reserve => {
                Some(Reply::new(452, Enhanced(4, 3, 1), "Insufficient storage here, please try again later"))
            }
            SpoolSpace::Failed => {
                Some(Reply::new(451, Enhanced(4, 3, 0), "Storage failure here, please try again later"))
            }
        };
        space.or_else(|| {
            self.is_full()
                .then(|| Reply::new(452, Enhanced(4, 3, 1), "The queue here is full, please try again later"))
        })
    }

    /// Tells whether as many recipients wait as may.
    pub fn is_full(&self) -> bool {
        self.queued.load(Ordering::Relaxed) >= self.queue_limit.load(Ordering::Relaxed)
    }

    /// Takes a share of the memory for bodies; `None` when the budget is spent.
    pub fn lease(self: &std::sync::Arc<Self>, bytes: usize) -> Option<BodyLease> {
        let limit = self.body_limit.load(Ordering::Relaxed);
        let before = self.body_bytes.fetch_add(bytes, Ordering::Relaxed);
        let lease = BodyLease { intake: std::sync::Arc::clone(self), bytes };
        (before + bytes <= limit || before == 0).then_some(lease)
    }
}

const fn code(space: SpoolSpace) -> u8 {
    match space {
        SpoolSpace::Enough => 0,
        SpoolSpace::Low => 1,
        SpoolSpace::Reserve => 2,
        SpoolSpace::Failed => 3,
    }
}
