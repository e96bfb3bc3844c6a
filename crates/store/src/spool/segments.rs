//! Recycled append segments: files of one size that hold content too large for a database row.
//!
//! ```text
//!   active ──full──► sealed ──last record gone──► free ──needed──► active
//!                      └─── nearly empty and too many: survivors move to the active one ───┘
//! ```
//!
//! Which records live is told by the database alone; a segment is never scanned to find out. A record is
//! durable after [`Segments::sync`], which comes before the commit that names it. A segment whose last
//! record went is overwritten only after the commit that removed it. Overwriting costs no block allocation,
//! so a sync is one flush. At most [`FREE_MAX`] free segments are kept.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use mailreeve_core::ids::Mid;
use serde::{Deserialize, Serialize};

use crate::disk::{Disk, DiskFile};

mod files;
mod frame;
mod survivors;

pub(crate) use files::SegmentFiles;
pub(crate) use frame::FRAME_BYTES;
pub(crate) use survivors::{Found, Walk};

use frame::Frame;

/// Free segments kept for reuse; more are removed.
const FREE_MAX: usize = 4;

/// Number of a segment; its file's name.
pub(crate) type SegmentId = u64;

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Location {
    pub(crate) segment: SegmentId,
    /// Of its frame.
    pub(crate) offset: u64,
    /// Octets of content.
    pub(crate) length: u32,
}

impl Location {
    fn bytes(&self) -> u64 {
        FRAME_BYTES as u64 + u64::from(self.length)
    }
}

/// What lives in a segment.
#[derive(Clone, Copy, Debug, Default)]
struct Live {
    records: u64,
    bytes: u64,
    /// Its survivors could not be read: it goes only with its last record.
    pinned: bool,
}

/// The segments as the committing thread sees them.
#[derive(Debug)]
pub(crate) struct Segments {
    files: Arc<SegmentFiles>,
    capacity: u64,
    active: Option<SegmentId>,
    end: u64,
    live: BTreeMap<SegmentId, Live>,
    free: Vec<SegmentId>,
    next_id: SegmentId,
    /// Segments below this may hold records that no readable row names: never reused.
    frozen_below: SegmentId,
    unsynced: Vec<(SegmentId, Arc<dyn DiskFile>)>,
    /// Sealed since the last commit, perhaps without a live record.
    sealed: Vec<SegmentId>,
    new_names: bool,
}

/// Where appending stood, to return to when the commit does not happen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    active: Option<SegmentId>,
    end: u64,
}

impl Segments {
    /// Finds the segments in `dir`. `live` are the records that the database names; unless `all_known`, there
    /// may be more, and no segment that is there is reused.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        capacity: u64,
        live: &[Location],
        all_known: bool,
    ) -> io::Result<Self> {
        let mut segments = Self {
            files: Arc::new(SegmentFiles::new(disk, dir)),
            capacity,
            active: None,
            end: 0,
            live: BTreeMap::new(),
            free: Vec::new(),
            next_id: 1,
            frozen_below: 0,
            unsynced: Vec::new(),
            sealed: Vec::new(),
            new_names: false,
        };
        for location in live {
            let entry = segments.live.entry(location.segment).or_default();
            entry.records += 1;
            entry.bytes += location.bytes();
        }
        for id in segments.files.list()? {
            segments.next_id = segments.next_id.max(id + 1);
            if all_known && !segments.live.contains_key(&id) {
                segments.retire(id);
            }
        }
        if !all_known {
            segments.frozen_below = segments.next_id;
        }
        Ok(segments)
    }

    pub(crate) fn files(&self) -> Arc<SegmentFiles> {
        self.files.clone()
    }

    /// Writes records behind one another. They are not durable before [`Segments::sync`], and not counted
    /// as live before [`Segments::credit`].
    pub(crate) fn append(&mut self, records: &[(Mid, Bytes)]) -> io::Result<Vec<Location>> {
        let mut locations = Vec::with_capacity(records.len());
        let mut rest = records;
        while !rest.is_empty() {
            let (id, start) = self.room_for(&rest[0].1)?;
            let fitting = self.fitting(rest, start);
            let (now, later) = rest.split_at(fitting);
            self.write_run(id, start, now, &mut locations)?;
            rest = later;
        }
        Ok(locations)
    }

    /// Makes everything appended durable.
    pub(crate) fn sync(&mut self) -> io::Result<u64> {
        let mut syncs = 0;
        for (_, file) in std::mem::take(&mut self.unsynced) {
            file.sync()?;
            syncs += 1;
        }
        if std::mem::take(&mut self.new_names) {
            self.files.sync_names()?;
            syncs += 1;
        }
        Ok(syncs)
    }

    /// Counts a record whose commit succeeded.
    pub(crate) fn credit(&mut self, location: Location) {
        let entry = self.live.entry(location.segment).or_default();
        entry.records += 1;
        entry.bytes += location.bytes();
    }

    /// Takes off a record whose removal is committed; a segment that is empty now becomes free.
    ///
    /// Records of the same commit are credited first: an active segment found empty begins anew.
    pub(crate) fn release(&mut self, location: Location) {
        let Some(entry) = self.live.get_mut(&location.segment) else { return };
        entry.records = entry.records.saturating_sub(1);
        entry.bytes = entry.bytes.saturating_sub(location.bytes());
        if entry.records > 0 {
            return;
        }
        self.live.remove(&location.segment);
        if self.active == Some(location.segment) {
            self.end = 0;
        } else if !self.sealed.contains(&location.segment) {
            self.retire(location.segment);
        }
    }

    /// Remembers where appending stands.
    pub(crate) fn mark(&self) -> Mark {
        Mark { active: self.active, end: self.end }
    }

    /// Gives back what was appended since `mark` and never committed.
    pub(crate) fn rewind(&mut self, mark: Mark) {
        if self.active == mark.active {
            self.end = mark.end;
        }
        self.settle();
    }

    /// Frees segments that were sealed on the way to a commit and hold nothing that lives after it.
    pub(crate) fn settle(&mut self) {
        for id in std::mem::take(&mut self.sealed) {
            if !self.live.contains_key(&id) {
                self.retire(id);
            }
        }
    }

    /// Reports whether a segment is full and holds something that lives.
    pub(crate) fn is_sealed(&self, id: SegmentId) -> bool {
        self.active != Some(id) && self.live.contains_key(&id)
    }

    /// Returns a segment whose survivors should move: only when dead space outweighs the living.
    pub(crate) fn victim(&self) -> Option<SegmentId> {
        let sealed = || self.live.iter().filter(|(id, _)| Some(**id) != self.active);
        let held = sealed().count() as u64 * self.capacity;
        let alive: u64 = sealed().map(|(_, live)| live.bytes).sum();
        if held <= 2 * alive + FREE_MAX as u64 * self.capacity {
            return None;
        }
        sealed().filter(|(_, live)| !live.pinned).min_by_key(|(_, live)| live.bytes).map(|(id, _)| *id)
    }

    /// Leaves a segment alone whose survivors cannot all be read.
    pub(crate) fn pin(&mut self, id: SegmentId) {
        if let Some(live) = self.live.get_mut(&id) {
            live.pinned = true;
        }
    }

    /// Returns the octets of all segment files and of the live records in them.
    pub(crate) fn usage(&self) -> (u64, u64) {
        let active_alone = self.active.is_some_and(|id| !self.live.contains_key(&id));
        let files = self.live.len() + self.free.len() + usize::from(active_alone);
        (files as u64 * self.capacity, self.live.values().map(|live| live.bytes).sum())
    }

    /// Returns the segment and offset where a record of this content goes.
    fn room_for(&mut self, content: &Bytes) -> io::Result<(SegmentId, u64)> {
        let needed = FRAME_BYTES as u64 + content.len() as u64;
        if let Some(id) = self.active {
            if self.end == 0 || self.end + needed <= self.capacity {
                return Ok((id, self.end));
            }
            self.active = None;
            self.sealed.push(id);
        }
        let id = match self.free.pop() {
            Some(id) => id,
            None => self.create()?,
        };
        self.active = Some(id);
        self.end = 0;
        Ok((id, 0))
    }

    fn create(&mut self) -> io::Result<SegmentId> {
        let id = self.next_id;
        self.files.create(id, self.capacity)?;
        self.next_id += 1;
        self.new_names = true;
        Ok(id)
    }

    fn retire(&mut self, id: SegmentId) {
        if id < self.frozen_below {
            return;
        }
        if self.free.len() < FREE_MAX {
            self.free.push(id);
            return;
        }
        self.files.remove(id);
    }

    fn fitting(&self, records: &[(Mid, Bytes)], start: u64) -> usize {
        let mut end = start;
        let fits = |(_, content): &&(Mid, Bytes)| {
            end += (FRAME_BYTES + content.len()) as u64;
            end <= self.capacity
        };
        // The first goes in anyway: a record larger than a segment makes that segment longer.
        records.iter().take_while(fits).count().max(1)
    }

    fn write_run(
        &mut self,
        id: SegmentId,
        start: u64,
        records: &[(Mid, Bytes)],
        locations: &mut Vec<Location>,
    ) -> io::Result<()> {
        let mut offset = start;
        let mut frames = Vec::with_capacity(records.len());
        for (mid, content) in records {
            let length = u32::try_from(content.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
            let location = Location { segment: id, offset, length };
            frames.push(Frame::of(*mid, location, content).encode());
            locations.push(location);
            offset += location.bytes();
        }
        let parts: Vec<IoSlice<'_>> = frames
            .iter()
            .zip(records)
            .flat_map(|(frame, (_, content))| [IoSlice::new(frame), IoSlice::new(content)])
            .collect();
        let file = self.files.file(id)?;
        file.write_at(&parts, start)?;
        self.end = offset;
        if !self.unsynced.iter().any(|(unsynced, _)| *unsynced == id) {
            self.unsynced.push((id, file));
        }
        Ok(())
    }
}
