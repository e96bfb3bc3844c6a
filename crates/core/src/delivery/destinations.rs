//! The destinations in memory, by name and by number.

use std::collections::BTreeMap;
use std::ops::{Bound, Index, IndexMut};

use crate::delivery::destination::{Destination, DestinationId};
use crate::delivery::plan::Plan;
use crate::ids::Host;

/// All destinations in memory.
#[derive(Debug, Default)]
pub(super) struct Destinations {
    cells: Vec<Destination>,
    vacant: Vec<DestinationId>,
    by_host: BTreeMap<Host, DestinationId>,
}

impl Destinations {
    pub(super) fn len(&self) -> usize {
        self.by_host.len()
    }

    /// Returns how many cells there are, vacant ones too.
    pub(super) fn cells(&self) -> u32 {
        self.cells.len() as u32
    }

    pub(super) fn find(&self, host: &str) -> Option<DestinationId> {
        self.by_host.get(host).copied()
    }

    pub(super) fn insert(&mut self, host: Host, plan: Plan) -> DestinationId {
        let destination = Destination::new(host.clone(), plan);
        let id = match self.vacant.pop() {
            Some(id) => {
                self[id] = destination;
                id
            }
            None => {
                self.cells.push(destination);
                DestinationId(self.cells.len() as u32 - 1)
            }
        };
        self.by_host.insert(host, id);
        id
    }

    /// Forgets a deserted destination.
    pub(super) fn forget(&mut self, id: DestinationId) {
        debug_assert!(self[id].is_deserted());
        self.by_host.remove(&self[id].host.clone());
        self[id].vacant = true;
        self.vacant.push(id);
    }

    /// Yields the destinations in memory whose names come after this one, by name.
    pub(super) fn after(&self, host: Option<&Host>) -> impl Iterator<Item = &Destination> {
        let from = host.map_or(Bound::Unbounded, Bound::Excluded);
        self.by_host.range::<Host, _>((from, Bound::Unbounded)).map(|(_, id)| &self[*id])
    }

    /// Yields the destinations in memory by name.
    pub(super) fn by_name(&self) -> impl Iterator<Item = &Destination> {
        self.by_host.values().map(|id| &self[*id])
    }
}

impl Index<DestinationId> for Destinations {
    type Output = Destination;

    fn index(&self, id: DestinationId) -> &Destination {
        &self.cells[id.0 as usize]
    }
}

impl IndexMut<DestinationId> for Destinations {
    fn index_mut(&mut self, id: DestinationId) -> &mut Destination {
        &mut self.cells[id.0 as usize]
    }
}
