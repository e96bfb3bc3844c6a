//! Reading single events of the ledger, wherever they stand.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailreeve_core::event::Stamped;

use super::frame::{self, Parsed, Record, parse};
use super::{LedgerError, Position};
use crate::disk::{Disk, DiskFile, HostDisk};

/// Octets read at once: the events of a message often stand near each other.
const WINDOW: usize = 4_096;

/// Picks events out of the ledger by their places. Not shared; make one for each use.
#[derive(Debug)]
pub struct Picker {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    open: Option<(u64, Arc<dyn DiskFile>)>,
    base: u64,
    window: Vec<u8>,
}

impl Picker {
    /// Opens the ledger in `dir`. The writer may be at work.
    pub fn open(dir: &Path) -> Self {
        Self { disk: Arc::new(HostDisk), dir: dir.to_owned(), open: None, base: 0, window: Vec::new() }
    }

    /// Returns the events at `places`, in this order. What is not there any more, or cannot be read, is left out.
    ///
    /// # Errors
    /// [`LedgerError::Io`].
    pub fn events(&mut self, places: &[Position]) -> Result<Vec<Stamped>, LedgerError> {
        let mut events = Vec::with_capacity(places.len());
        for place in places {
            events.extend(self.event(*place)?);
        }
        Ok(events)
    }

    fn event(&mut self, place: Position) -> Result<Option<Stamped>, LedgerError> {
        let path = frame::path(&self.dir, place.segment);
        if self.open.as_ref().is_none_or(|(segment, _)| *segment != place.segment) {
            self.window.clear();
            match self.disk.open(&path) {
                Ok(file) => self.open = Some((place.segment, file)),
                // Its time was over.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    self.open = None;
                    return Ok(None);
                }
                Err(error) => return Err(LedgerError::io("opening", &path)(error)),
            }
        }
        let mut wanted = WINDOW;
        loop {
            if let Some(record) = self.parsed(place.offset) {
                return Ok(record);
            }
            if wanted > 2 * frame::RECORD_MAX {
                return Ok(None);
            }
            let whole = self.fill(place.offset, wanted).map_err(LedgerError::io("reading", &path))?;
            if whole && self.parsed(place.offset).is_none() {
                return Ok(None);
            }
            wanted *= 16;
        }
    }

    /// The event at `offset`; the outer `None` says that the window does not hold all of it.
    #[allow(clippy::option_option, reason = "not in the window, or no event")]
    fn parsed(&self, offset: u64) -> Option<Option<Stamped>> {
        let start = usize::try_from(offset.checked_sub(self.base)?).ok()?;
        let octets = self.window.get(start..).filter(|octets| !octets.is_empty())?;
        match parse(octets) {
            Parsed::Record(Record::Event(entry), _) => Some(Some(entry.stamped)),
            Parsed::Record(Record::Synced(_), _) | Parsed::Damaged => Some(None),
            Parsed::Incomplete => None,
        }
    }

    /// Fills the window from `offset` on; true when the segment ends in it.
    fn fill(&mut self, offset: u64, wanted: usize) -> std::io::Result<bool> {
        let Some((_, file)) = &self.open else { return Ok(true) };
        self.window.clear();
        self.window.resize(wanted, 0);
        self.base = offset;
        let mut filled = 0;
        while filled < wanted {
            let n = file.read_at(&mut self.window[filled..], offset + filled as u64)?;
            if n == 0 {
                break;
            }
            filled += n;
        }
        self.window.truncate(filled);
        Ok(filled < wanted)
    }
}
