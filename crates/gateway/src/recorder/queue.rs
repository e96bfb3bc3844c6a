//! The queue before the recorder's thread: bounded, never waited for.

use std::time::Duration;

use mailreeve_core::attempt::Attempt;
use mailreeve_core::conversation::Stretch;
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::Counts;

/// Octets that may wait; what is told beyond is dropped.
const OCTETS_MAX: usize = 8 << 20;
/// Octets of an item beside its texts, roughly.
const ITEM_OCTETS: usize = 256;

/// What is told.
pub(super) enum Item {
    /// Attempts of one transaction.
    Attempts(Vec<Attempt>),
    /// A stretch of a conversation.
    Stretch(Box<Stretch>),
    /// What a stretch has so far.
    UnderWay(Box<Stretch>),
    /// Somebody waits until all before it is written.
    Settle(oneshot::Sender<()>),
}

impl Item {
    /// Octets that it takes, roughly: it is the bound that counts.
    fn octets(&self) -> usize {
        match self {
            Self::Attempts(attempts) => attempts.len() * 4 * ITEM_OCTETS,
            Self::Stretch(stretch) | Self::UnderWay(stretch) => {
                ITEM_OCTETS + stretch.steps.len() + stretch.attempts.len() * 4 * ITEM_OCTETS
            }
            Self::Settle(_) => ITEM_OCTETS,
        }
    }
}

#[derive(Default)]
struct Waiting {
    items: Vec<Item>,
    octets: usize,
    counts: Counts,
    idle: bool,
    /// Items are taken.
    open: bool,
    /// The thread is to end.
    ended: bool,
}

/// The queue.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

/// What the thread took.
pub(super) struct Taken {
    pub(super) items: Vec<Item>,
    /// Nothing more will come.
    pub(super) closed: bool,
}

impl Queue {
    pub(super) fn new(open: bool) -> Self {
        Self { waiting: Mutex::new(Waiting { open, ..Waiting::default() }), arrived: Condvar::new() }
    }

    pub(super) fn is_open(&self) -> bool {
        self.waiting.lock().open
    }

    /// Takes an item, or drops and counts it.
    pub(super) fn push(&self, item: Item) -> bool {
        let mut waiting = self.waiting.lock();
        let octets = item.octets();
        if !waiting.open || waiting.octets + octets > OCTETS_MAX {
            waiting.counts.dropped += u64::from(waiting.open);
            return false;
        }
        waiting.octets += octets;
        waiting.counts.taken += 1;
        waiting.items.push(item);
        if std::mem::take(&mut waiting.idle) {
            self.arrived.notify_one();
        }
        true
    }

    /// Waits for items, at most `patience`, and takes all of them.
    pub(super) fn take(&self, patience: Duration) -> Taken {
        let mut waiting = self.waiting.lock();
        if waiting.items.is_empty() && !waiting.ended {
            waiting.idle = true;
            self.arrived.wait_for(&mut waiting, patience);
            waiting.idle = false;
        }
        waiting.octets = 0;
        Taken { items: std::mem::take(&mut waiting.items), closed: waiting.ended }
    }

    /// Counts items that were taken and then dropped.
    pub(super) fn note_dropped(&self, items: u64) {
        self.waiting.lock().counts.dropped += items;
    }

    /// Takes nothing more, for good.
    pub(super) fn close(&self) {
        let mut waiting = self.waiting.lock();
        (waiting.open, waiting.ended) = (false, true);
        self.arrived.notify_one();
    }

    /// Takes nothing more until [`resume`](Self::resume); drops and counts what waits.
    pub(super) fn pause(&self) {
        let mut waiting = self.waiting.lock();
        waiting.open = false;
        waiting.counts.dropped += waiting.items.len() as u64;
        waiting.items.clear();
        waiting.octets = 0;
    }

    /// Takes items again, unless it was closed meanwhile.
    pub(super) fn resume(&self) {
        let mut waiting = self.waiting.lock();
        waiting.open = !waiting.ended;
    }

    pub(super) fn counts(&self) -> Counts {
        self.waiting.lock().counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_drops_and_counts_and_never_waits() {
        let queue = Queue::new(true);
        let settle = || Item::Settle(oneshot::channel().0);
        let fits = OCTETS_MAX / ITEM_OCTETS;
        assert!((0..fits).all(|_| queue.push(settle())));
        assert!((0..3).all(|_| !queue.push(settle())));
        assert_eq!(queue.counts(), Counts { taken: fits as u64, dropped: 3 });
        assert_eq!(queue.take(Duration::ZERO).items.len(), fits);
        assert!(queue.push(settle()), "there is room again");
        queue.pause();
        assert!(!queue.push(settle()), "nothing is taken meanwhile");
        assert_eq!(queue.counts().dropped, 4, "what waited");
        queue.resume();
        assert!(queue.push(settle()) && !queue.take(Duration::ZERO).closed);
        queue.close();
        queue.resume();
        assert!(!queue.push(settle()) && queue.counts().dropped == 4);
        assert!(queue.take(Duration::ZERO).closed);
    }
}
