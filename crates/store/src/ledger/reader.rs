//! Reading the ledger from any place to its present end, and on as it grows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailreeve_core::event::{Event, Stamped};

use super::frame::{self, Head, Parsed, Record, parse, resync};
use super::retention::read_head;
use super::{Entry, LedgerError, Opening, Position, open};
use crate::disk::{Disk, DiskFile};

/// Octets read at once.
const BLOCK_BYTES: usize = 256 * 1024;

/// One step of a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A segment begins: what was counted up to here.
    Opened(Position, Opening),
    /// An event, and where it stands.
    Event(Position, Entry),
    /// Octets that cannot be read; what follows them can.
    Damaged(Position, u64),
}

/// Reads forward. Not shared; make one for each use.
#[derive(Debug)]
pub struct LedgerReader {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    /// Where the next item is looked for.
    at: Position,
    open: Option<OpenSegment>,
    /// Events of other kinds are passed over undecoded.
    kinds: Option<BTreeSet<u64>>,
}

#[derive(Debug)]
struct OpenSegment {
    file: Arc<dyn DiskFile>,
    /// Octets of the file from `base` on.
    window: Vec<u8>,
    base: u64,
    /// A later segment was there before the window was last filled: nothing is added any more.
    sealed: bool,
}

impl LedgerReader {
    pub(super) fn new(disk: Arc<dyn Disk>, dir: &Path) -> Self {
        Self { disk, dir: dir.to_owned(), at: Position::default(), open: None, kinds: None }
    }

    /// Opens the ledger in `dir` for reading, from its oldest segment on. The writer may be at work.
    pub fn open(dir: &Path) -> Self {
        Self::new(Arc::new(crate::disk::HostDisk), dir)
    }

    /// Opens the ledger in `dir` for those events alone that are of the kind of one of `samples`: the others cost next to
    /// nothing.
    pub fn of_kinds(dir: &Path, samples: &[Event]) -> Self {
        let kind = |event: &Event| {
            let stamped = Stamped { at: 0, event: event.clone() };
            postcard::to_stdvec(&stamped).ok().and_then(|octets| frame::kind_of(&octets))
        };
        Self { kinds: Some(samples.iter().filter_map(kind).collect()), ..Self::open(dir) }
    }

    /// Goes to a place that an [`Item`] or the ledger named. If its segment is gone, to the oldest there is.
    pub fn seek(&mut self, position: Position) {
        self.at = position;
        self.open = None;
    }

    /// Goes to the beginning of the segment in which events at `at` (microseconds since the epoch) stand.
    ///
    /// # Errors
    /// [`LedgerError::Io`].
    pub fn seek_time(&mut self, at: u64) -> Result<(), LedgerError> {
        let segments = open::list(&self.dir).map_err(LedgerError::io("listing", &self.dir))?;
        let mut found = segments.first().copied().unwrap_or(0);
        for segment in segments {
            let path = frame::path(&self.dir, segment);
            match read_head(&*self.disk, &path).map_err(LedgerError::io("reading", &path))? {
                Head::Good(stored, _) if stored.opening.opened_at <= at => found = segment,
                Head::Good(..) => break,
                Head::Newer(_) | Head::Bad => {}
            }
        }
        self.seek(Position { segment: found, offset: 0 });
        Ok(())
    }

    /// Returns the beginning of the oldest segment, `None` when there is none or it cannot be read.
    ///
    /// # Errors
    /// [`LedgerError::Io`].
    pub fn first_opening(&self) -> Result<Option<Opening>, LedgerError> {
        let segments = open::list(&self.dir).map_err(LedgerError::io("listing", &self.dir))?;
        let Some(segment) = segments.first() else { return Ok(None) };
        let path = frame::path(&self.dir, *segment);
        match read_head(&*self.disk, &path) {
            Ok(Head::Good(stored, _)) => Ok(Some(stored.opening)),
            Ok(Head::Newer(_) | Head::Bad) => Ok(None),
            // Its time was over between the two looks.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LedgerError::io("reading", &path)(error)),
        }
    }

    /// Returns where the next item is looked for.
    pub fn position(&self) -> Position {
        self.at
    }

    /// Returns the next item, `None` at the present end; later there may be more.
    ///
    /// # Errors
    /// [`LedgerError::Io`], [`LedgerError::NewerFormat`].
    pub fn next_item(&mut self) -> Result<Option<Item>, LedgerError> {
        loop {
            if self.open.is_none() && !self.enter()? {
                return Ok(None);
            }
            if self.at.offset == 0 {
                return self.opening().map(Some);
            }
            let path = frame::path(&self.dir, self.at.segment);
            let Some(open) = &mut self.open else { return Ok(None) };
            let step =
                open.step(self.at.offset, self.kinds.as_ref()).map_err(LedgerError::io("reading", &path))?;
            let here = self.at;
            match step {
                Step::Record(record, length) => {
                    self.at.offset += length as u64;
                    if let Record::Event(entry) = record {
                        return Ok(Some(Item::Event(here, entry)));
                    }
                }
                Step::Other(length) => self.at.offset += length as u64,
                Step::Damaged(length) => {
                    self.at.offset += length;
                    return Ok(Some(Item::Damaged(here, length)));
                }
                Step::End => {
                    if !self.leave()? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Opens the segment to read: the wanted one, or the next that is there.
    fn enter(&mut self) -> Result<bool, LedgerError> {
        let segments = open::list(&self.dir).map_err(LedgerError::io("listing", &self.dir))?;
        let Some(segment) = segments.iter().copied().find(|segment| *segment >= self.at.segment) else {
            return Ok(false);
        };
        if segment != self.at.segment {
            self.at = Position { segment, offset: 0 };
        }
        let path = frame::path(&self.dir, segment);
        let file = self.disk.open(&path).map_err(LedgerError::io("opening", &path))?;
        let sealed = segments.last() != Some(&segment);
        self.open = Some(OpenSegment { file, window: Vec::new(), base: 0, sealed });
        Ok(true)
    }

    fn opening(&mut self) -> Result<Item, LedgerError> {
        let path = frame::path(&self.dir, self.at.segment);
        let here = self.at;
        match read_head(&*self.disk, &path).map_err(LedgerError::io("reading", &path))? {
            Head::Good(stored, records_at) => {
                self.at.offset = records_at as u64;
                Ok(Item::Opened(here, stored.opening))
            }
            Head::Newer(found) => Err(LedgerError::NewerFormat { path, found, known: frame::FORMAT }),
            Head::Bad => {
                self.at.offset = 1;
                Ok(Item::Damaged(here, 1))
            }
        }
    }

    /// Goes on to the next segment when this one is complete; false at the present end.
    fn leave(&mut self) -> Result<bool, LedgerError> {
        let Some(open) = &mut self.open else { return Ok(false) };
        if open.sealed {
            self.at = Position { segment: self.at.segment + 1, offset: 0 };
            self.open = None;
            return Ok(true);
        }
        let segments = open::list(&self.dir).map_err(LedgerError::io("listing", &self.dir))?;
        // The writer leaves a segment only when it is complete: look once more, now that this is known.
        open.sealed = segments.last().is_some_and(|last| *last > self.at.segment);
        Ok(open.sealed)
    }
}

enum Step {
    Record(Record, usize),
    /// A record that is not wanted.
    Other(usize),
    Damaged(u64),
    End,
}

impl OpenSegment {
    fn step(&mut self, offset: u64, kinds: Option<&BTreeSet<u64>>) -> std::io::Result<Step> {
        let mut wanted = BLOCK_BYTES;
        loop {
            let complete = self.fill(offset, wanted)?;
            let octets = &self.window[(offset - self.base) as usize..];
            if let Some(length) = kinds.and_then(|kinds| frame::of_no_kind(octets, kinds)) {
                return Ok(Step::Other(length));
            }
            match parse(octets) {
                Parsed::Record(record, length) => return Ok(Step::Record(record, length)),
                Parsed::Incomplete if !complete => wanted *= 2,
                Parsed::Incomplete if octets.is_empty() || !self.sealed => return Ok(Step::End),
                Parsed::Incomplete | Parsed::Damaged => match resync(octets, 1) {
                    Some(skip) => return Ok(Step::Damaged(skip as u64)),
                    None if !complete => wanted *= 2,
                    // Nothing good follows. The writer's own tail may only be half written.
                    None if self.sealed => return Ok(Step::Damaged(octets.len() as u64)),
                    None => return Ok(Step::End),
                },
            }
        }
    }

    /// Brings at least `wanted` octets from `offset` on into the window; true when the file ends before.
    fn fill(&mut self, offset: u64, wanted: usize) -> std::io::Result<bool> {
        let have = (self.base + self.window.len() as u64).saturating_sub(offset) as usize;
        if offset >= self.base && have >= wanted.min(frame::RECORD_HEAD_BYTES + 8) && wanted == BLOCK_BYTES {
            // Enough to try: most records are far smaller than a block.
            if !frame::is_incomplete(&self.window[(offset - self.base) as usize..]) {
                return Ok(false);
            }
        }
        self.window.clear();
        self.window.resize(wanted, 0);
        self.base = offset;
        let mut filled = 0;
        while filled < wanted {
            let n = self.file.read_at(&mut self.window[filled..], offset + filled as u64)?;
            if n == 0 {
                break;
            }
            filled += n;
        }
        self.window.truncate(filled);
        Ok(filled < wanted)
    }
}
