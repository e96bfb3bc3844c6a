//! A waiting recipient in memory, and the arena that holds all of them.
//!
//! At most 160 octets a recipient, everything counted: 80 here, about 37 in the index by message, about 37 in
//! its destination's members. What else is known of it stays in the spool.
//!
//! Where a recipient is (its [`Place`]):
//! ```text
//!   Ready ──Transact──► Attempting ──own 4xx──► Far ──its second comes──► Near ──due──► Ready
//!     ▲                     │                    └───────────delivernow──────┴───────────►│
//!     └──destination failed─┘                                      any place ──end──► Vacant
//! ```
//! Forbidden: Far or Near straight to Attempting; a start goes through the line, hence through the gate.

use std::ops::{Index, IndexMut};

use crate::delivery::destination::DestinationId;
use crate::delivery::io::Slot;
use crate::delivery::reason::Kept;
use crate::delivery::steady::Steady;
use crate::ids::{Mid, Rid};

/// Names a recipient in the arena; used again after its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RecipientId(u32);

impl RecipientId {
    pub(super) const NONE: Self = Self(u32::MAX);
    pub(super) const FIRST: Self = Self(0);

    pub(super) fn is_none(self) -> bool {
        self == Self::NONE
    }
}

/// Neighbours in a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) prev: RecipientId,
    pub(super) next: RecipientId,
}

impl Link {
    pub(super) const LOOSE: Self = Self { prev: RecipientId::NONE, next: RecipientId::NONE };
}

/// Where a recipient is; see the drawing above.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// In the line of its destination: no clock of its own runs.
    Ready(Link),
    /// Its own clock runs, and ends in a later second.
    Far(Link),
    /// Its own clock ends within the present second.
    Near,
    /// In a transaction on this connection.
    Attempting(Slot),
    /// Between two places, within one call.
    Nowhere,
    /// A free cell of the arena; the next one.
    Vacant(RecipientId),
}

/// Yes-or-no facts, packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks(u16);

impl Marks {
    pub(super) const EIGHT_BIT: Self = Self(1);
    pub(super) const UTF8_NEEDED: Self = Self(1 << 1);
    pub(super) const NULL_SENDER: Self = Self(1 << 2);
    pub(super) const NOTIFY_FAILURE: Self = Self(1 << 3);
    pub(super) const NOTIFY_DELAY: Self = Self(1 << 4);
    pub(super) const DELAY_REPORTED: Self = Self(1 << 5);
    /// The next attempt was asked for by an operator and does not count.
    pub(super) const FORCED: Self = Self(1 << 6);
    /// It was tried at least once.
    pub(super) const ATTEMPTED: Self = Self(1 << 7);
    /// A mail server of its destination could not take the message: it waits for another one.
    pub(super) const SET_ASIDE: Self = Self(1 << 9);
    /// An operator's order waits for the end of its transaction.
    pub(super) const AWAITED: Self = Self(1 << 10);
    /// An operator moved it here from another destination.
    pub(super) const REDIRECTED: Self = Self(1 << 8);

    pub(super) fn has(self, mark: Self) -> bool {
        self.0 & mark.0 != 0
    }

    pub(super) fn set(&mut self, mark: Self, on: bool) {
        if on {
            self.0 |= mark.0;
        } else {
            self.0 &= !mark.0;
        }
    }
}

/// A waiting recipient.
#[derive(Debug)]
pub(super) struct Recipient {
    pub(super) mid: Mid,
    pub(super) accepted: Steady,
    /// Its own clock ends then; in a line: since when it stands there, the line's order.
    pub(super) due: Steady,
    pub(super) size: u64,
    pub(super) last: Option<Kept>,
    pub(super) rid: Rid,
    pub(super) destination: DestinationId,
    /// Present length of its own clock, seconds; 0 before the first own deferral.
    pub(super) interval_s: u32,
    /// Attempts that count.
    pub(super) attempts: u32,
    pub(super) place: Place,
    pub(super) marks: Marks,
}

impl Recipient {
    pub(super) fn is_attempting(&self) -> bool {
        matches!(self.place, Place::Attempting(_))
    }

    pub(super) fn link(&self) -> Link {
        match self.place {
            Place::Ready(link) | Place::Far(link) => link,
            Place::Near | Place::Attempting(_) | Place::Nowhere | Place::Vacant(_) => Link::LOOSE,
        }
    }

    pub(super) fn link_mut(&mut self) -> Option<&mut Link> {
        match &mut self.place {
            Place::Ready(link) | Place::Far(link) => Some(link),
            Place::Near | Place::Attempting(_) | Place::Nowhere | Place::Vacant(_) => None,
        }
    }
}

/// Recipients a chunk; chunks are allocated whole, so that growth copies nothing.
const CHUNK: usize = 1_024;

/// All recipients of the shard.
#[derive(Debug)]
pub(super) struct Recipients {
    chunks: Vec<Vec<Recipient>>,
    vacant: RecipientId,
    len: usize,
}

impl Recipients {
    pub(super) fn new() -> Self {
        Self { chunks: Vec::new(), vacant: RecipientId::NONE, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn insert(&mut self, recipient: Recipient) -> RecipientId {
        self.len += 1;
        if !self.vacant.is_none() {
            let id = self.vacant;
            if let Place::Vacant(next) = self[id].place {
                self.vacant = next;
            }
            self[id] = recipient;
            return id;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let before = (self.chunks.len() - 1) * CHUNK;
        let chunk = &mut self.chunks[before / CHUNK];
        let id = RecipientId((before + chunk.len()) as u32);
        chunk.push(recipient);
        id
    }

    /// Frees the cell of a recipient that stands in no line.
    pub(super) fn remove(&mut self, id: RecipientId) {
        debug_assert!(!matches!(self[id].place, Place::Vacant(_)), "a recipient ends once");
        let vacant = self.vacant;
        self[id].place = Place::Vacant(vacant);
        self[id].last = None;
        self.vacant = id;
        self.len -= 1;
    }
}

impl Index<RecipientId> for Recipients {
    type Output = Recipient;

    fn index(&self, id: RecipientId) -> &Recipient {
        &self.chunks[id.0 as usize / CHUNK][id.0 as usize % CHUNK]
    }
}

impl IndexMut<RecipientId> for Recipients {
    fn index_mut(&mut self, id: RecipientId) -> &mut Recipient {
        &mut self.chunks[id.0 as usize / CHUNK][id.0 as usize % CHUNK]
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A recipient in no line.
    pub(in crate::delivery) fn recipient(mid: u64, rid: u32, due: u64) -> Recipient {
        Recipient {
            mid: Mid(mid),
            accepted: Steady(due),
            due: Steady(due),
            size: 1,
            last: None,
            rid: Rid(rid),
            destination: DestinationId::FIRST,
            interval_s: 0,
            attempts: 0,
            place: Place::Ready(Link::LOOSE),
            marks: Marks::default(),
        }
    }

    #[test]
    fn a_recipient_takes_80_octets() {
        assert!(size_of::<Recipient>() <= 80, "{}", size_of::<Recipient>());
    }

    #[test]
    fn cells_are_used_again_and_never_shared() {
        let mut recipients = Recipients::new();
        let ids: Vec<_> = (0..3_000).map(|mid| recipients.insert(recipient(mid, 0, 0))).collect();
        for id in ids.iter().step_by(2) {
            recipients.remove(*id);
        }
        assert_eq!(recipients.len(), 1_500);
        let again: Vec<_> = (9_000..10_600).map(|mid| recipients.insert(recipient(mid, 0, 0))).collect();
        for (id, mid) in again.iter().zip(9_000..) {
            assert_eq!(recipients[*id].mid, Mid(mid));
        }
        for (id, mid) in ids.iter().zip(0..).skip(1).step_by(2) {
            assert_eq!(recipients[*id].mid, Mid(mid));
        }
        assert_eq!(recipients.len(), 3_100);
    }

    #[test]
    fn marks_are_independent() {
        let mut marks = Marks::default();
        marks.set(Marks::FORCED, true);
        marks.set(Marks::ATTEMPTED, true);
        marks.set(Marks::FORCED, false);
        assert!(marks.has(Marks::ATTEMPTED) && !marks.has(Marks::FORCED) && !marks.has(Marks::EIGHT_BIT));
    }
}
