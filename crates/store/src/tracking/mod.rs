//! Message tracking: every message, and every connection that became none, found by what is known of it.
//!
//! ```text
//! let told = tracking.history(Tracked::Message(mid))?;    every event of it, in order, connections included
//! let page = tracking.find(&query, &Paging::first(50))?;  the newest 50 that fit, and how many fit in all
//! ```
//! Both answer from the ledger's own events, so they cannot contradict the log; both say how far the records reach
//! ([`Reach`]), because nothing was found means nothing without it. Calls block on the disk: keep them off runtime
//! threads. A handle is shared by reference or cloned.
//!
//! ```text
//!   ledger ──► Follower: records in memory ──► Indexer: an index a week ──► data_dir/tracking/weeks/N
//!                       └────────────┬────────────────────┘
//!                             find, history: both together
//! ```
//! The follower reads the ledger behind the journal, within a fraction of a second. What it has read and the index
//! does not have yet is looked through in memory, so that an answer lacks nothing that was read. The index is
//! written rarely and in large steps, a document a record, never an event at a time. It knows the places of a record's
//! events in the ledger and what it is found by; all else is read there. It can be thrown away and made again
//! ([`Tracking::rebuild`]).
//!
//! A record is in the index only when its events are synced in the ledger: a power cut takes no event away that
//! the index names.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailreeve_core::event::Stamped;
use mailreeve_core::tracking::{Gather, Query, Record, Tracked};
use parking_lot::RwLock;

use crate::ledger::{LedgerError, SyncedPosition};

mod damage;
mod follower;
mod index;
mod indexer;
mod mark;
mod shared;

pub use follower::{Followed, Follower};
pub use indexer::Indexer;

use mark::Mark;
use shared::{Shared, State};

/// What is kept of all messages and connections.
#[derive(Clone)]
pub struct Tracking {
    shared: Arc<Shared>,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Octets of the index, at most; the newest week stays in any case.
    pub max_bytes: u64,
}

/// Everything that was opened.
pub struct OpenedTracking {
    /// For those who ask.
    pub tracking: Tracking,
    /// Reads the ledger.
    pub follower: Follower,
    /// Writes the index.
    pub indexer: Indexer,
    /// Why the index is made anew from the ledger, if it is.
    pub rebuilt: Option<String>,
}

/// Over which time records are there, microseconds since the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// From this instant on. What began before is not found.
    pub from: u64,
    /// Up to this instant. What happened later is not known yet.
    pub to: u64,
}

/// Everything that happened to a message or connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// What the events say; `None` when nothing is known of it.
    pub record: Option<Record>,
    /// The events, in the order of the ledger: its own, and those that say by which connections it came and went.
    pub events: Vec<Stamped>,
    /// So many events in the middle are not among them.
    pub left_out: u32,
    /// How far records reach.
    pub reach: Reach,
}

/// Which part of the answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    /// What follows this place; the newest when `None`.
    pub after: Option<Cursor>,
    /// Rows, at most.
    pub rows: usize,
}

/// A place among records, the newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When the record before it began, microseconds since the epoch.
    pub began_at: u64,
    /// Which record that is.
    pub tracked: Tracked,
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The records, the newest first.
    pub rows: Vec<Record>,
    /// How many fit in all, on every page together.
    pub total: u64,
    /// Where the next page begins; `None` when this is the last.
    pub next: Option<Cursor>,
    /// How far records reach.
    pub reach: Reach,
}

/// How much is kept, and how far the index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// How far records reach.
    pub reach: Reach,
    /// Records in the index.
    pub indexed: u64,
    /// Records in memory.
    pub in_memory: usize,
    /// Octets of the index.
    pub octets: u64,
}

/// The records cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TrackingError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The index cannot be used.
    #[error("the index of message tracking: {0}")]
    Index(#[from] tantivy::TantivyError),
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
    /// What is in the index cannot be.
    #[error("the index of message tracking is damaged: {0}")]
    Panicked(String),
    /// The ledger is not synced, so what it holds is not sure enough for the index.
    #[error("the ledger has not been synced for too long")]
    NotSynced,
}

impl TrackingError {
    fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}

impl Paging {
    /// The newest rows.
    pub const fn first(rows: usize) -> Self {
        Self { after: None, rows }
    }

    /// What follows a page.
    pub const fn after(cursor: Cursor, rows: usize) -> Self {
        Self { after: Some(cursor), rows }
    }
}

impl Cursor {
    /// The place of a record.
    pub const fn of(record: &Record) -> Self {
        Self { began_at: record.began_at, tracked: record.tracked }
    }
}

impl PartialOrd for Cursor {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cursor {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let place = |cursor: &Self| (cursor.began_at, index::number(cursor.tracked));
        place(self).cmp(&place(other))
    }
}

impl Tracking {
    /// Opens the index in `dir` of the ledger in `ledger`, which is synced up to `synced`. An index that cannot be
    /// used is made anew; where that cannot be begun now, it is when the index is next written.
    ///
    /// # Errors
    /// [`TrackingError::Ledger`].
    pub fn open(dir: &Path, ledger: &Path, synced: SyncedPosition) -> Result<OpenedTracking, TrackingError> {
        let weeks_dir = dir.join("weeks");
        let index = damage::caught(|| index::open(&weeks_dir));
        let (mark, index, rebuilt, wanted) = match (Mark::read(dir), index) {
            (Some(mark), Ok(index)) => (mark, index, None, false),
            (mark, index) => {
                let why = match (&mark, &index) {
                    (_, Err(error)) => Some(error.to_string()),
                    (None, Ok((weeks, ..))) if weeks.len() > 0 => Some("its mark cannot be read".to_owned()),
                    (_, Ok(_)) => None,
                };
                drop(index);
                // The mark first, as when it is made anew later.
                let begun = index::make_dir(dir).and_then(|()| Mark::default().write(dir));
                match begun.and_then(|()| discard(&weeks_dir)).and_then(|()| index::open(&weeks_dir)) {
                    Ok(index) => (Mark::default(), index, why, false),
                    Err(error) => {
                        let why = why.unwrap_or_else(|| error.to_string());
                        (Mark::default(), index::none(&weeks_dir), Some(why), true)
                    }
                }
            }
        };
        let (weeks, writing, farthest) = index;
        let gather = Gather::replaying_until(farthest);
        let state = State { rebuild: wanted, ..State::new(gather, weeks, mark.done) };
        let shared = Arc::new(Shared { ledger: ledger.to_owned(), state: RwLock::new(state) });
        let follower = Follower::new(Arc::clone(&shared), mark.recall);
        let dir = dir.to_owned();
        let mut indexer = Indexer::new(Arc::clone(&shared), dir, writing, synced, mark.since);
        indexer.retain(&Bounds { max_bytes: u64::MAX })?;
        Ok(OpenedTracking { tracking: Self { shared }, follower, indexer, rebuilt })
    }

    /// Returns everything that happened to a message or a connection.
    ///
    /// # Errors
    /// [`TrackingError`].
    pub fn history(&self, tracked: Tracked) -> Result<History, TrackingError> {
        self.shared.watched(|| self.shared.history(tracked))
    }

    /// Returns the records that fit, the newest first, as far as the page goes.
    ///
    /// # Errors
    /// [`TrackingError`].
    pub fn find(&self, query: &Query, paging: &Paging) -> Result<Page, TrackingError> {
        self.shared.watched(|| self.shared.find(query, paging))
    }

    /// Tells how far records reach, and how many there are.
    pub fn extent(&self) -> Extent {
        let state = self.shared.state.read();
        Extent {
            reach: state.reach,
            indexed: state.weeks.len(),
            in_memory: state.gather.len(),
            octets: state.octets,
        }
    }

    /// Has the index thrown away and made again from the ledger. Until that is done answers reach only as far as
    /// they say.
    pub fn rebuild(&self) {
        self.shared.state.write().rebuild = true;
    }
}

/// Removes what cannot be used.
fn discard(weeks: &Path) -> Result<(), TrackingError> {
    match std::fs::remove_dir_all(weeks) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(TrackingError::io("removing", weeks)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
