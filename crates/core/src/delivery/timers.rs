//! The recipients' own clocks: who becomes due next, exactly, at little cost.
//!
//! Two levels. Clocks that end in a later second wait in that second's list ([`Place::Far`]), which costs them
//! no memory of their own; when the second comes, its list is sorted into a small ordered set ([`Place::Near`])
//! from which they leave at their exact instant.

use std::collections::{BTreeMap, BTreeSet};

use crate::delivery::line::Line;
use crate::delivery::recipient::{Link, Place, RecipientId, Recipients};
use crate::delivery::steady::Steady;

/// About a second: 2^20 microseconds.
const SECOND_BITS: u32 = 20;

/// Clocks moved from far to near in one step.
const MOVED_AT_ONCE: usize = 1_000;

/// All clocks that run.
#[derive(Debug, Default)]
pub(super) struct Timers {
    far: BTreeMap<u64, Line>,
    near: BTreeSet<(Steady, RecipientId)>,
    /// Seconds up to this one are near.
    opened: u64,
}

impl Timers {
    /// Starts the clock of a recipient that stands nowhere; it ends at its `due`.
    pub(super) fn set(&mut self, all: &mut Recipients, id: RecipientId) {
        let due = all[id].due;
        let second = due.0 >> SECOND_BITS;
        if second <= self.opened {
            all[id].place = Place::Near;
            self.near.insert((due, id));
        } else {
            all[id].place = Place::Far(Link::LOOSE);
            self.far.entry(second).or_default().push_back(all, id);
        }
    }

    /// Stops the clock of a recipient whose place is `Far` or `Near`.
    pub(super) fn cancel(&mut self, all: &mut Recipients, id: RecipientId) {
        let due = all[id].due;
        if self.near.remove(&(due, id)) {
            return;
        }
        let second = due.0 >> SECOND_BITS;
        if let Some(line) = self.far.get_mut(&second) {
            line.remove(all, id);
            if line.is_empty() {
                self.far.remove(&second);
            }
        }
    }

    /// Returns when [`pop`](Self::pop) has something to do.
    pub(super) fn next(&self) -> Steady {
        let near = self.near.first().map_or(Steady::NEVER, |(due, _)| *due);
        let far =
            self.far.first_key_value().map_or(Steady::NEVER, |(second, _)| Steady(second << SECOND_BITS));
        near.min(far)
    }

    /// Returns a recipient whose clock has ended, first due first. Some work may be left when `None` comes
    /// while [`next`](Self::next) is not later than `now`.
    pub(super) fn pop(&mut self, all: &mut Recipients, now: Steady) -> Option<RecipientId> {
        self.bring_near(all, now);
        let (due, id) = *self.near.first()?;
        if due > now {
            return None;
        }
        self.near.pop_first();
        Some(id)
    }

    fn bring_near(&mut self, all: &mut Recipients, now: Steady) {
        let mut moved = 0;
        while let Some(mut entry) = self.far.first_entry() {
            if Steady(entry.key() << SECOND_BITS) > now {
                return;
            }
            self.opened = *entry.key();
            let line = entry.get_mut();
            while let Some(id) = line.head() {
                if moved == MOVED_AT_ONCE {
                    return;
                }
                line.remove(all, id);
                all[id].place = Place::Near;
                self.near.insert((all[id].due, id));
                moved += 1;
            }
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::recipient::tests::recipient;

    #[test]
    fn clocks_end_at_their_instant_in_order() {
        let mut all = Recipients::new();
        let mut timers = Timers::default();
        let dues = [60_000_001, 60_000_000, 3_600_000_000, 59_999_999, 500, 60_500_000];
        for (mid, due) in dues.iter().enumerate() {
            let id = all.insert(recipient(mid as u64, 0, *due));
            timers.set(&mut all, id);
        }
        let mut ended = Vec::new();
        while timers.next() != Steady::NEVER {
            let now = timers.next();
            while let Some(id) = timers.pop(&mut all, now) {
                assert_eq!(all[id].due, now, "exactly then");
                ended.push(all[id].due.0);
                all.remove(id);
            }
        }
        assert_eq!(ended, [500, 59_999_999, 60_000_000, 60_000_001, 60_500_000, 3_600_000_000]);
    }

    #[test]
    fn a_stopped_clock_never_ends() {
        let mut all = Recipients::new();
        let mut timers = Timers::default();
        let ids: Vec<_> = [60_000_000, 60_000_100, 60_000_200]
            .iter()
            .map(|due| {
                let id = all.insert(recipient(1, 0, *due));
                timers.set(&mut all, id);
                id
            })
            .collect();
        timers.cancel(&mut all, ids[0]);
        assert_eq!(timers.pop(&mut all, Steady(60_000_150)), Some(ids[1]));
        timers.cancel(&mut all, ids[2]);
        assert_eq!(timers.next(), Steady::NEVER);
        assert_eq!(timers.pop(&mut all, Steady::NEVER), None);
    }

    #[test]
    fn a_crowded_second_is_brought_near_in_steps() {
        let mut all = Recipients::new();
        let mut timers = Timers::default();
        for mid in 0..5_000 {
            let id = all.insert(recipient(mid, 0, 2_000_000 + mid));
            timers.set(&mut all, id);
        }
        let now = Steady(3_000_000);
        let mut ended = 0;
        while timers.next() <= now {
            while let Some(id) = timers.pop(&mut all, now) {
                ended += 1;
                all.remove(id);
            }
        }
        assert_eq!(ended, 5_000);
    }
}
