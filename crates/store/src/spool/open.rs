//! Opening a spool, and what a start gets from it.

use std::path::Path;
use std::sync::Arc;

use mailreeve_core::event::Stamped;

use super::error::OpenError;
use super::health::Health;
use super::ids::IdBlock;
use super::reader::Reader;
use super::recovery::Recovery;
use super::staged::Staging;
use super::{Engine, Seq, format, hybrid};
use crate::disk::{Disk, HostDisk, ensure_dir};
use crate::owner::{Owner, OwnerError};

/// How to open a spool.
#[derive(Clone, Debug)]
pub struct Options {
    /// Content up to this many octets goes into a database row, above it into a segment.
    pub inline_max: usize,
    /// Octets of a segment.
    pub segment_bytes: u64,
    /// Octets of the database's write-ahead log above which it is copied back; it may grow to four times.
    pub wal_bytes: u64,
    /// Database cache of the committing connection, KiB.
    pub cache_kib: u32,
    /// How many numbers of each sequence are reserved at once.
    pub id_block: u64,
    /// How many of the tried messages recovery hands out in the order in which they are due; it is slower to
    /// read them that way, so this is about what can be due at once.
    pub recovered_by_due: usize,
    /// The last commit that the ledger knows. Commits are numbered on from here, so that a spool begun anew
    /// beside an old ledger is not mistaken for what that ledger has already.
    pub seq_floor: Seq,
    /// The files of our own.
    pub disk: Arc<dyn Disk>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            inline_max: 16 * 1024,
            segment_bytes: 16 << 20,
            wal_bytes: 64 << 20,
            cache_kib: 32 * 1024,
            id_block: 10_000,
            recovered_by_due: 50_000,
            seq_floor: Seq(0),
            disk: Arc::new(HostDisk),
        }
    }
}

/// An opened spool.
pub struct Opened {
    /// For the committer.
    pub engine: Box<dyn Engine>,
    /// For everybody.
    pub reader: Reader,
    /// What waits.
    pub recovery: Recovery,
    /// Events of commits that the ledger may miss, in order; see [`Tail::missing`](crate::ledger::Tail::missing).
    pub outbox: Vec<(Seq, Vec<Stamped>)>,
    /// Commits whose events cannot be read any more: the ledger has a gap there.
    pub lost_outbox: Vec<Seq>,
    /// Numbers that are ours to hand out, in the order of [`Sequence::ALL`](super::Sequence::ALL).
    pub ids: [IdBlock; 3],
    /// How many more are reserved at once.
    pub id_block: u64,
    /// Where large content goes before its commit.
    pub staging: Staging,
    /// What was left over from before and removed.
    pub swept: Swept,
    /// The last commit.
    pub last_seq: Seq,
    /// Commits that [`Options::seq_floor`] knows of and that are not here any more, with all that they held: the
    /// database ends its own log at the first octet it cannot believe. Zero unless the disk lost something or
    /// the spool was begun anew.
    pub lost_commits: u64,
    /// Whether it can be believed.
    pub health: Arc<Health>,
}

/// Leftovers of a crash: staged files that no commit named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files.
    pub files: u64,
    /// Their octets.
    pub bytes: u64,
}

/// The entry to a spool.
#[derive(Clone, Copy, Debug)]
pub struct Spool;

impl Spool {
    /// Opens the spool in `dir`, making it when it is new.
    ///
    /// # Errors
    /// [`OpenError`]: each names the directory and says what to do about it.
    pub fn open(dir: &Path, options: &Options) -> Result<Opened, OpenError> {
        ensure_dir(&*options.disk, dir).map_err(OpenError::io("making", dir))?;
        let owner = Owner::take(dir).map_err(|error| match error {
            OwnerError::InUse(pid) => OpenError::InUse { path: dir.to_owned(), pid },
            OwnerError::Io(source) => OpenError::io("locking", dir)(source),
        })?;
        format::settle(&*options.disk, dir)?;
        hybrid::open(dir, options, owner)
    }
}
