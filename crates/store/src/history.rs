//! What happened to each destination, found without a walk through the ledger.
//!
//! ```text
//!   ledger ──► Follower: the events of destinations alone ──► data_dir/history/hosts.db
//!                                      History::of(host) ──► its events, and those of all
//! ```
//! A row is an event of the ledger with its place there; nothing is concluded from it here. It is derived: what cannot be
//! read is made again from the ledger, and so is all of it when a rebuild is ordered. Bounded by the age of the ledger
//! and by rows; of each destination what was told last before stays, so that its state at the beginning is known.
//!
//! How far the rows reach and the rows themselves are one transaction, so a kill leaves no event out and none twice.
//! It is not synced: after a power cut rows may name what the ledger lost, so an open removes what lies behind the
//! ledger's end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mailreeve_core::event::{Event, HostFacts, HostStatus, HostWay, Stamped};
use mailreeve_core::history::{Concerned, concerned};
use mailreeve_core::ids::Host;
use parking_lot::Mutex;

use crate::ledger::{Item, LedgerError, LedgerReader, Position};

mod rows;

use rows::Rows;

/// Events taken in at once.
const BATCH: usize = 4_096;

/// Over which time records are there, microseconds since the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// From this instant on.
    pub from: u64,
    /// Up to this instant.
    pub to: u64,
}

/// The history of destinations cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The rows cannot be used.
    #[error("the history of destinations {path}: {source}", path = .path.display())]
    Rows {
        /// The file.
        path: PathBuf,
        /// What the database said.
        source: rusqlite::Error,
    },
    /// A file operation failed.
    #[error("{what} {path}: {source}", path = .path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// What happened to destinations. Calls block on the disk: keep them off runtime threads.
#[derive(Clone)]
pub struct History {
    shared: Arc<Shared>,
}

struct Shared {
    rows: Mutex<Rows>,
    ledger: PathBuf,
    from: AtomicU64,
    to: AtomicU64,
    rebuild: AtomicBool,
}

/// Reads the ledger. One owner, one thread.
pub struct Follower {
    shared: Arc<Shared>,
    reader: LedgerReader,
    mark: Position,
}

/// A history that was opened.
pub struct Opened {
    /// For questions.
    pub history: History,
    /// What reads the ledger.
    pub follower: Follower,
    /// Why it is in memory only.
    pub trouble: Option<HistoryError>,
}

impl History {
    /// Opens the history in `dir` of the ledger in `ledger`, which ends at `end`. A damaged file is made anew. Where
    /// the file cannot be used otherwise, why is returned, and the ledger is read into memory: mail waits for no
    /// history.
    ///
    /// # Errors
    /// [`HistoryError`]: not even memory can be used.
    pub fn open(dir: &Path, ledger: &Path, end: Position) -> Result<Opened, HistoryError> {
        let opened = Rows::open(dir).and_then(|mut rows| Ok((rows.cut(end)?, rows)));
        let (mark, rows, trouble) = match opened {
            Ok((mark, rows)) => (mark, rows, None),
            Err(why) => (Position::default(), Rows::in_memory(dir)?, Some(why)),
        };
        let shared = Arc::new(Shared {
            rows: Mutex::new(rows),
            ledger: ledger.to_owned(),
            from: AtomicU64::new(0),
            to: AtomicU64::new(0),
            rebuild: AtomicBool::new(false),
        });
        let follower = Follower::new(Arc::clone(&shared), mark);
        Ok(Opened { history: Self { shared }, follower, trouble })
    }

    /// Returns what happened to a destination, and what concerned all, oldest first: everything that is kept of both.
    ///
    /// # Errors
    /// [`HistoryError`].
    pub fn of(&self, host: &Host) -> Result<Vec<Stamped>, HistoryError> {
        self.shared.rows.lock().of(host.as_str())
    }

    /// Tells over which time records are there.
    pub fn reach(&self) -> Reach {
        let load = |place: &AtomicU64| place.load(Ordering::Acquire);
        Reach { from: load(&self.shared.from), to: load(&self.shared.to) }
    }

    /// Has everything thrown away and made again from the ledger.
    pub fn rebuild(&self) {
        self.shared.rebuild.store(true, Ordering::Release);
    }
}

impl Follower {
    fn new(shared: Arc<Shared>, mark: Position) -> Self {
        let mut reader = LedgerReader::of_kinds(&shared.ledger, &samples());
        reader.seek(mark);
        Self { shared, reader, mark }
    }

    /// Takes in the next events; true when nothing is left to read now. `now` is microseconds since the epoch: then
    /// records reach up to it.
    ///
    /// # Errors
    /// [`HistoryError`]; the next call tries again.
    pub fn follow(&mut self, now: u64) -> Result<bool, HistoryError> {
        if self.shared.rebuild.load(Ordering::Acquire) {
            self.shared.rows.lock().clear()?;
            self.shared.to.store(0, Ordering::Release);
            *self = Self::new(Arc::clone(&self.shared), Position::default());
            self.shared.rebuild.store(false, Ordering::Release);
        }
        let outcome = self.take();
        if outcome.is_err() {
            self.reader.seek(self.mark);
        }
        let at_end = outcome?;
        if at_end {
            self.shared.to.fetch_max(now, Ordering::AcqRel);
        }
        Ok(at_end)
    }

    fn take(&mut self) -> Result<bool, HistoryError> {
        let (mut events, mut at_end) = (Vec::new(), false);
        while events.len() < BATCH {
            match self.reader.next_item()? {
                None => {
                    at_end = true;
                    break;
                }
                Some(Item::Event(place, entry)) => events.push((place, entry.stamped)),
                Some(Item::Damaged(..)) => {}
                // A segment at a time: a stop waits for no more.
                Some(Item::Opened(..)) if self.reader.position().segment == self.mark.segment => {}
                Some(Item::Opened(..)) => break,
            }
        }
        let read = self.reader.position();
        if !events.is_empty() || read.segment != self.mark.segment {
            let kept: Vec<_> = events
                .iter()
                .filter_map(|(place, stamped)| match concerned(&stamped.event)? {
                    Concerned::Host(host) => Some((host.as_str(), *place, stamped)),
                    Concerned::All => Some(("", *place, stamped)),
                })
                .collect();
            self.shared.rows.lock().add(&kept, read)?;
            self.mark = read;
        }
        Ok(at_end)
    }

    /// Removes what is older than the ledger and what is too much.
    ///
    /// # Errors
    /// [`HistoryError`].
    pub fn retain(&mut self) -> Result<(), HistoryError> {
        let opening = LedgerReader::open(&self.shared.ledger).first_opening()?;
        let from = opening.map_or(0, |opening| opening.opened_at);
        let from = self.shared.rows.lock().retain(from)?;
        self.shared.from.store(from, Ordering::Release);
        Ok(())
    }
}

/// An event of each kind that belongs to this history.
fn samples() -> Vec<Event> {
    let host = || Host::new("a.example");
    let (status, reason, address) = (HostStatus::Up, None, None);
    let facts = HostFacts { status, proven: true, worked_at: None, way: HostWay::default() };
    vec![
        Event::HostChanged { host: host(), status, reason: None, address },
        Event::HostFacts { host: host(), facts: Box::new(facts) },
        Event::HostFlapped { host: host(), changes: 0, since: 0, status, reason, address },
        Event::DeliverySuspended { host: None, by: String::new() },
        Event::DeliveryResumed { host: None, by: String::new() },
        Event::Started { version: String::new(), node: String::new() },
        Event::Stopped,
        Event::Configured { checksum: 0, source: String::new() },
        Event::SettingsChanged { from: 0, to: 0, settings: Vec::new(), more: 0 },
    ]
}
