//! The ledger: everything that happened, in order, in append-only segment files.
//!
//! Written by one task behind the commits; log lines, counters, tracking and `explain` read it. A segment
//! opens with the counters and the open count at its start (law 6), so any reader can begin at any segment.
//!
//! What is told to be synced survives a power cut. What is not may be lost: at the next open the torn tail is
//! cut and its length returned, so that the gap is recorded. Queue events are not lost even then: the spool
//! keeps them in its outbox until [`Ledger::synced_seq`] covers their commit, and [`Tail::missing`] says
//! which of them to append again.
//!
//! Not here: rendering, counting, deciding what is kept for how long beyond size and age.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailreeve_core::event::{Alert, Stamped};
use serde::{Deserialize, Serialize};

use crate::disk::{Disk, DiskFile, HostDisk};
use crate::owner::Owner;
use crate::spool::Seq;

mod frame;
mod open;
mod picker;
mod reader;
mod retention;
mod synced;
mod tail;

pub use picker::Picker;
pub use reader::{Item, LedgerReader};
pub use retention::Retention;
pub use synced::{SyncedPosition, SyncedSeq};
pub use tail::Tail;

/// An event on its way into the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The commit it belongs to; `None` for events that change no queue.
    pub seq: Option<Seq>,
    /// What happened.
    pub stamped: Stamped,
}

/// A place in the ledger, ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Number of the segment.
    pub segment: u64,
    /// Octets from its beginning.
    pub offset: u64,
}

/// What stands at the beginning of a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// Name of the node that writes.
    pub node: String,
    /// When the segment was begun, microseconds since the epoch.
    pub opened_at: u64,
    /// The counters at this point, in the caller's own encoding.
    pub counters: Vec<u8>,
    /// Recipients in the queue at this point.
    pub open: u64,
    /// The newest alerts at this point, oldest first, each with its instant (microseconds since the epoch): as many
    /// as the caller wants to find again without a walk through older segments. Stored behind the other fields,
    /// where segments of earlier releases have nothing.
    #[serde(skip)]
    pub alerts: Vec<(u64, Alert)>,
}

/// How to open a ledger.
#[derive(Clone, Debug)]
pub struct Options {
    /// Octets after which [`Ledger::wants_rotation`].
    pub segment_bytes: u64,
    /// The beginning of the first segment of a new ledger.
    pub first: Opening,
    /// The files.
    pub disk: Arc<dyn Disk>,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, first: Opening::default(), disk: Arc::new(HostDisk) }
    }
}

/// The ledger could not be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another process owns it.
    #[error("the ledger {path} is in use by process {pid}", path = path.display())]
    InUse {
        /// Its directory.
        path: PathBuf,
        /// The owner, `unknown` when it could not be read.
        pid: String,
    },
    /// A newer release wrote a segment.
    #[error("the ledger segment {path} has format {found}, this release knows formats up to {known}", path = path.display())]
    NewerFormat {
        /// The segment.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest known here.
        known: u32,
    },
    /// A file operation failed.
    #[error("{what} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// An event cannot be encoded or is larger than a record may be.
    #[error("an event cannot be recorded: {0}")]
    Unrecordable(String),
    /// A write or sync failed before: nothing more is written (law 5).
    #[error("the ledger is marked failed: {0}")]
    Failed(Arc<str>),
}

impl LedgerError {
    fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}

/// The writing side. One owner, one thread.
#[derive(Debug)]
pub struct Ledger {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    segment: u64,
    opening: Opening,
    file: Arc<dyn DiskFile>,
    end: u64,
    /// Octets of this segment known to be durable.
    synced_end: u64,
    /// The sync is told in the segment itself; not yet done for `synced_end`.
    sync_untold: bool,
    last_seq: Seq,
    synced: SyncedSeq,
    synced_position: SyncedPosition,
    failed: Option<Arc<str>>,
    buffer: Vec<u8>,
    _owner: Owner,
}

impl Ledger {
    /// Opens the ledger in `dir`, making it when it is new, and cuts a torn tail.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn open(dir: &Path, options: &Options) -> Result<(Self, Tail), LedgerError> {
        open::open(dir, options)
    }

    /// Returns the beginning of the segment that is written to: what to count on from.
    pub fn opening(&self) -> &Opening {
        &self.opening
    }

    /// Returns where the next event goes.
    pub fn position(&self) -> Position {
        Position { segment: self.segment, offset: self.end }
    }

    /// Returns the beginning of the segment that is written to.
    pub fn segment_start(&self) -> Position {
        Position { segment: self.segment, offset: 0 }
    }

    /// Writes events. They are visible to readers at once, durable after [`Ledger::sync`].
    ///
    /// The events of one commit come in one call, and commits in order.
    ///
    /// # Errors
    /// [`LedgerError::Unrecordable`]: none was written. Anything else marks the ledger failed.
    pub fn append(&mut self, entries: &[Entry]) -> Result<(), LedgerError> {
        self.check()?;
        self.buffer.clear();
        if std::mem::take(&mut self.sync_untold) {
            frame::push_synced(&mut self.buffer, self.synced_end);
        }
        for entry in entries {
            frame::push(&mut self.buffer, entry)?;
        }
        if self.buffer.is_empty() {
            return Ok(());
        }
        let written = self.file.write_at(&[io::IoSlice::new(&self.buffer)], self.end);
        written.map_err(|error| self.fail("writing", error))?;
        self.end += self.buffer.len() as u64;
        let last = entries.iter().filter_map(|entry| entry.seq).max();
        self.last_seq = self.last_seq.max(last.unwrap_or_default());
        Ok(())
    }

    /// Makes everything appended durable.
    ///
    /// # Errors
    /// Marks the ledger failed: after a failed sync nothing is retried and believed (law 5).
    pub fn sync(&mut self) -> Result<(), LedgerError> {
        self.check()?;
        if self.synced_end < self.end {
            self.file.sync().map_err(|error| self.fail("syncing", error))?;
            self.synced_end = self.end;
            self.sync_untold = true;
        }
        self.synced.store(self.last_seq);
        self.synced_position.store(self.position());
        Ok(())
    }

    /// Returns how far the ledger is synced, for the committer.
    pub fn synced_seq(&self) -> SyncedSeq {
        self.synced.clone()
    }

    /// Returns up to where the ledger is synced, for readers.
    pub fn synced_position(&self) -> SyncedPosition {
        self.synced_position.clone()
    }

    /// Reports whether the segment is as large as it should become.
    pub fn wants_rotation(&self) -> bool {
        self.end >= self.segment_bytes
    }

    /// Begins the next segment. `opening` is true of this very point: all appended is counted in it.
    ///
    /// # Errors
    /// Marks the ledger failed.
    pub fn rotate(&mut self, opening: Opening) -> Result<(), LedgerError> {
        self.sync()?;
        let next = self.segment + 1;
        let begun = open::begin_segment(&*self.disk, &self.dir, next, &opening, self.last_seq);
        let (file, end) = begun.map_err(|error| self.fail("beginning", error))?;
        self.segment = next;
        self.opening = opening;
        self.file = file;
        self.end = end;
        self.synced_end = end;
        self.sync_untold = false;
        self.synced_position.store(self.position());
        Ok(())
    }

    /// Returns a reader from the oldest segment on.
    pub fn reader(&self) -> LedgerReader {
        LedgerReader::new(self.disk.clone(), &self.dir)
    }

    /// Removes the oldest segments as `retention` says, never the one that is written to and none from
    /// `needed` on. Returns how many.
    ///
    /// # Errors
    /// [`LedgerError::Io`]; what was removed stays removed.
    pub fn retain(&mut self, retention: &Retention, now: u64, needed: Position) -> Result<u64, LedgerError> {
        retention::apply(&*self.disk, &self.dir, retention, now, needed.segment.min(self.segment))
    }

    fn check(&self) -> Result<(), LedgerError> {
        match &self.failed {
            Some(reason) => Err(LedgerError::Failed(reason.clone())),
            None => Ok(()),
        }
    }

    fn fail(&mut self, what: &'static str, source: io::Error) -> LedgerError {
        let path = frame::path(&self.dir, self.segment);
        self.failed = Some(Arc::from(format!("{what} {}: {source}", path.display())));
        LedgerError::Io { what, path, source }
    }
}
