//! Message tracking: every message, and every connection that became none, found by what is known of it.
//!
//! ```text
//! let told = tracking.history(Tracked::Message(mid))?;    every event of it, in order, connections included
//! let page = tracking.find(&query, &Paging::first(50))?;  the newest 50 that fit, and how many fit in all
//! ```
//! Both answer from the ledger's own events, so they cannot contradict the log; both say how far the records reach
//! ([`Reach`]), because nothing was found means nothing without it. Calls block on the disk: keep them off runtime
//! threads. A handle is shared by reference.

use std::path::{Path, PathBuf};

use mailreeve_core::event::Stamped;
use mailreeve_core::tracking::{Query, Record, Tracked};

use crate::ledger::LedgerError;

mod scan;

/// What is kept of all messages and connections.
#[derive(Debug)]
pub struct Tracking {
    ledger: PathBuf,
}

/// Over which time records are there, microseconds since the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// From this instant on. What began before may be missing.
    pub from: u64,
    /// Up to this instant. What happened later may be missing.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

/// The records cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TrackingError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
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

impl Tracking {
    /// Opens what is known from the ledger in `ledger`; the writer may be at work.
    pub fn open(ledger: &Path) -> Self {
        Self { ledger: ledger.to_owned() }
    }

    /// Returns everything that happened to a message or a connection.
    ///
    /// # Errors
    /// [`TrackingError`].
    pub fn history(&self, tracked: Tracked) -> Result<History, TrackingError> {
        scan::history(&self.ledger, tracked)
    }

    /// Returns the records that fit, the newest first, as far as the page goes.
    ///
    /// # Errors
    /// [`TrackingError`].
    pub fn find(&self, query: &Query, paging: &Paging) -> Result<Page, TrackingError> {
        scan::find(&self.ledger, query, paging)
    }
}
