//! The line of a destination: its ready recipients in the order in which they became due.
//!
//! A doubly linked list through the recipients themselves, so that standing in line costs no memory of its own
//! and leaving it (delivered with another recipient of the message, expired, removed) is constant work. Entries
//! come in nearly sorted, so the place for a new one is looked for from the end.

use crate::delivery::recipient::{Link, Marks, Recipient, RecipientId, Recipients};

/// First and last, how many, and how many stand directly behind a recipient of the same message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    head: RecipientId,
    tail: RecipientId,
    len: u32,
    pairs: u32,
}

impl Default for Line {
    fn default() -> Self {
        Self { head: RecipientId::NONE, tail: RecipientId::NONE, len: 0, pairs: 0 }
    }
}

impl Line {
    /// Returns who is first.
    pub(super) fn head(&self) -> Option<RecipientId> {
        (!self.head.is_none()).then_some(self.head)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns how many stand in it.
    pub(super) fn recipients(&self) -> usize {
        self.len as usize
    }

    /// Returns how many transactions the line asks for: neighbours of one message travel together.
    pub(super) fn transactions(&self) -> usize {
        (self.len - self.pairs) as usize
    }

    /// Puts a recipient in its place by due time, then message, then number; those set aside by size before all.
    pub(super) fn insert(&mut self, all: &mut Recipients, id: RecipientId) {
        let key = |id: RecipientId| {
            let Recipient { due, mid, rid, size, marks, .. } = all[id];
            (if marks.has(Marks::SET_ASIDE) { size } else { 0 }, due, mid, rid)
        };
        let mut before = self.tail;
        while !before.is_none() && key(before) > key(id) {
            before = all[before].link().prev;
        }
        self.put_behind(all, before, id);
    }

    /// Puts a recipient behind all others.
    pub(super) fn push_back(&mut self, all: &mut Recipients, id: RecipientId) {
        self.put_behind(all, self.tail, id);
    }

    /// Puts a recipient before all others.
    pub(super) fn push_front(&mut self, all: &mut Recipients, id: RecipientId) {
        self.put_behind(all, RecipientId::NONE, id);
    }

    /// Takes a recipient out.
    pub(super) fn remove(&mut self, all: &mut Recipients, id: RecipientId) {
        let Link { prev, next } = all[id].link();
        self.pairs -= u32::from(same(all, prev, id)) + u32::from(same(all, id, next));
        self.pairs += u32::from(same(all, prev, next));
        self.len -= 1;
        if let Some(link) = all[id].link_mut() {
            *link = Link::LOOSE;
        }
        self.join(all, prev, next);
    }

    fn put_behind(&mut self, all: &mut Recipients, prev: RecipientId, id: RecipientId) {
        let next = if prev.is_none() { self.head } else { all[prev].link().next };
        self.pairs += u32::from(same(all, prev, id)) + u32::from(same(all, id, next));
        self.pairs -= u32::from(same(all, prev, next));
        self.len += 1;
        self.join(all, prev, id);
        self.join(all, id, next);
    }

    /// Makes two neighbours; `NONE` is the outside.
    fn join(&mut self, all: &mut Recipients, prev: RecipientId, next: RecipientId) {
        match prev.is_none() {
            true => self.head = next,
            false => {
                if let Some(link) = all[prev].link_mut() {
                    link.next = next;
                }
            }
        }
        match next.is_none() {
            true => self.tail = prev,
            false => {
                if let Some(link) = all[next].link_mut() {
                    link.prev = prev;
                }
            }
        }
    }
}

fn same(all: &Recipients, one: RecipientId, other: RecipientId) -> bool {
    !one.is_none() && !other.is_none() && all[one].mid == all[other].mid
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::recipient::tests::recipient;

    fn in_order(line: &Line, all: &Recipients) -> Vec<(u64, u32)> {
        let mut seen = Vec::new();
        let mut at = line.head;
        let mut prev = RecipientId::NONE;
        while !at.is_none() {
            assert_eq!(all[at].link().prev, prev, "links agree both ways");
            seen.push((all[at].mid.0, all[at].rid.0));
            (prev, at) = (at, all[at].link().next);
        }
        assert_eq!(line.tail, prev);
        assert_eq!(line.len as usize, seen.len());
        let runs = seen.chunk_by(|one, other| one.0 == other.0).count();
        assert_eq!(line.transactions(), runs, "{seen:?}");
        seen
    }

    #[test]
    fn first_due_first_then_by_message() {
        let mut all = Recipients::new();
        let mut line = Line::default();
        for (mid, rid, due) in [(5, 0, 10), (3, 1, 10), (3, 0, 10), (9, 0, 5), (1, 0, 20), (4, 0, 10)] {
            let id = all.insert(recipient(mid, rid, due));
            line.insert(&mut all, id);
        }
        assert_eq!(in_order(&line, &all), [(9, 0), (3, 0), (3, 1), (4, 0), (5, 0), (1, 0)]);
    }

    #[test]
    fn transactions_are_counted_through_any_change() {
        let mut all = Recipients::new();
        let mut line = Line::default();
        let ids: Vec<_> = [(1, 0), (1, 1), (2, 0), (1, 2), (1, 3)]
            .iter()
            .zip(0..)
            .map(|((mid, rid), due)| {
                let id = all.insert(recipient(*mid, *rid, due));
                line.insert(&mut all, id);
                id
            })
            .collect();
        assert_eq!(line.transactions(), 3);
        line.remove(&mut all, ids[2]);
        assert_eq!(in_order(&line, &all), [(1, 0), (1, 1), (1, 2), (1, 3)]);
        line.push_front(&mut all, ids[2]);
        assert_eq!(in_order(&line, &all)[0], (2, 0));
        for id in [ids[0], ids[4], ids[2], ids[1], ids[3]] {
            line.remove(&mut all, id);
            in_order(&line, &all);
        }
        assert!(line.is_empty() && line.head().is_none());
    }
}
