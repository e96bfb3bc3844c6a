//! The pace of operators' orders: a slice waits until what the one before decided is on its way to the disk.
//!
//! So the commit queue, which takes ends without bound, holds a few slices at most however much is deleted at
//! once, and mail that comes in or goes out meanwhile waits for no more than that.

use std::collections::HashSet;
use std::time::Duration;

use mailreeve_core::delivery::io::OrderId;
use mailreeve_core::ids::Mid;

use crate::jobs::Step;

/// Changes that may wait for a commit when the next slice begins.
const WAITING_CHANGES: usize = 1_000;

/// How soon a slice that waits is looked at again: the commit thread tells nobody when it has caught up.
pub(super) const LOOK: Duration = Duration::from_millis(2);

/// A slice that was decided.
struct Decided {
    order: OrderId,
    step: Step,
    /// Messages that are being read back, some of them for what it decided; not looked at yet without.
    unread: Option<HashSet<Mid>>,
}

/// Slices that wait for what they decided to be on its way.
#[derive(Default)]
pub(super) struct Pace {
    waiting: Vec<Decided>,
}

impl Pace {
    /// A slice was decided, or an order is over.
    pub(super) fn decided(&mut self, order: OrderId, step: Step) {
        self.waiting.push(Decided { order, step, unread: None });
    }

    /// Everything decided so far was handed to the commit thread, but for what needs these messages read back.
    pub(super) fn handed_over<'a>(&mut self, reading: impl Iterator<Item = &'a Mid> + Clone) {
        for decided in &mut self.waiting {
            decided.unread.get_or_insert_with(|| reading.clone().copied().collect());
        }
    }

    /// What needed this message read back was handed over as well.
    pub(super) fn read(&mut self, mid: Mid) {
        for unread in self.waiting.iter_mut().filter_map(|decided| decided.unread.as_mut()) {
            unread.remove(&mid);
        }
    }

    /// Tells whether somebody waits.
    pub(super) fn is_awaited(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Returns the orders that may go on, or are over, with so many changes waiting for a commit.
    pub(super) fn take_ready(&mut self, waiting_changes: usize) -> Vec<(OrderId, Step)> {
        if waiting_changes >= WAITING_CHANGES {
            return Vec::new();
        }
        let ready = |decided: &mut Decided| decided.unread.as_ref().is_some_and(HashSet::is_empty);
        self.waiting.extract_if(.., ready).map(|decided| (decided.order, decided.step)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_waits_for_its_own_messages_and_for_the_commit_thread() {
        let mut pace = Pace::default();
        let take = |pace: &mut Pace, changes| {
            pace.take_ready(changes).into_iter().map(|(order, _)| order.0).collect::<Vec<_>>()
        };
        pace.decided(OrderId(1), Step::default());
        assert_eq!(take(&mut pace, 0), [0; 0], "nothing was handed over yet");
        pace.handed_over([Mid(7), Mid(8)].iter());
        pace.decided(OrderId(2), Step::default());
        pace.handed_over([Mid(8), Mid(9)].iter());
        assert_eq!(take(&mut pace, 0), [0; 0]);
        pace.read(Mid(7));
        pace.read(Mid(8));
        assert_eq!(take(&mut pace, WAITING_CHANGES), [0; 0], "the commit thread is behind");
        assert_eq!(take(&mut pace, WAITING_CHANGES - 1), [1]);
        assert!(pace.is_awaited());
        pace.read(Mid(9));
        assert_eq!(take(&mut pace, 0), [2]);
        assert!(!pace.is_awaited());
    }
}
