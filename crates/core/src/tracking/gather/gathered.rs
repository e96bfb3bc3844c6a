//! One record on its way through the gathering, with the places of its events.

use crate::event::Stamped;
use crate::tracking::record::{Record, Tracked};

/// Places of a record that are kept: the first ones and the last ones. What lies between them is counted.
pub const PLACES_MAX: usize = 50_000;
/// Of these the first ones.
const FIRST: usize = 10_000;
/// A record with the places of its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathered<P> {
    /// What the events say.
    pub record: Record,
    /// Where they stand, in order.
    pub places: Vec<P>,
    /// Events in the middle whose places are not kept.
    pub left_out: u32,
    /// One more with each change.
    pub version: u32,
    /// The version that is stored; `None` when none of this run is.
    stored_version: Option<u32>,
    /// A form of it may be stored.
    pub stored: bool,
    /// It is no record any more: its connection has become a message.
    pub void: bool,
}

impl<P: Copy + Ord> Gathered<P> {
    /// Makes the record of events with their places, in order, as they were stored.
    pub fn restored<'a>(
        tracked: Tracked,
        events: impl IntoIterator<Item = (P, &'a Stamped)>,
        left_out: u32,
    ) -> Self {
        let mut gathered = Self::begun(tracked, true);
        events.into_iter().for_each(|(place, stamped)| gathered.add(place, stamped));
        Self { left_out, stored_version: Some(gathered.version), ..gathered }
    }

    /// Takes note that this version is stored.
    pub(super) const fn is_stored_as(&mut self, version: u32) {
        self.stored = true;
        self.stored_version = Some(version);
    }

    /// Tells whether it is not stored as it is now.
    pub fn is_changed(&self) -> bool {
        self.stored_version != Some(self.version)
    }

    /// Makes an empty record; `stored` says whether a form of it may be stored.
    pub(super) fn begun(tracked: Tracked, stored: bool) -> Self {
        Self {
            record: Record::new(tracked),
            places: Vec::new(),
            left_out: 0,
            version: 0,
            stored_version: None,
            stored,
            void: false,
        }
    }

    /// Adds an event, unless it is there already.
    pub(super) fn add(&mut self, place: P, stamped: &Stamped) {
        let at = match self.places.binary_search(&place) {
            Ok(_) => return,
            Err(at) => at,
        };
        self.version += 1;
        self.record.apply(stamped);
        if self.places.len() >= PLACES_MAX && at > FIRST {
            self.places.remove(FIRST);
            self.left_out = self.left_out.saturating_add(1);
            self.places.insert(at - 1, place);
        } else {
            self.places.insert(at, place);
        }
    }
}
