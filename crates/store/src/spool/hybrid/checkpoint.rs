//! Copying the WAL back into the database without making commits wait, and bounding its size.
//!
//! ```text
//!   WAL above `soft` ──► thread: PASSIVE, again, until little is left ──► committer: the rest, begin anew
//!   WAL above 4 x `soft` ──► committer does all of it, however long it takes
//! ```
//!
//! A passive checkpoint never makes the WAL begin anew while commits go on, so the last step is the
//! committer's, with readers kept out for the few pages that are left. Any error here marks the spool
//! failed (law 5).
//!
//! Once mail flows the same thread makes the WAL's file as long as it will become: see `lengthen`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex, MutexGuard};
use rusqlite::Connection;

use super::database::open_other;
use super::lengthen::{lengthen, wal_of};
use super::read::HybridReader;
use crate::spool::error::SpoolError;
use crate::spool::health::Health;

const PAGE_BYTES: u64 = 4096;
/// So few pages left that the committer can finish them between two commits.
const REST_PAGES: u64 = 512;
/// Passive rounds before the committer is asked anyway.
const ROUNDS_MAX: usize = 8;
/// The WAL may grow to this many times `soft` before commits wait for it.
const HARD_FACTOR: u64 = 4;
/// Pages of the WAL after which its file is made longer: a gateway that hardly has mail need not have a long one.
const FLOWS_PAGES: u64 = 128;

/// The thread, and what the committer shares with it.
pub(crate) struct Checkpointer {
    shared: Arc<Shared>,
    soft_pages: u64,
    /// The file was ordered to be made longer.
    lengthened: AtomicBool,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    path: PathBuf,
    health: Arc<Health>,
    orders: Mutex<Orders>,
    ordered: Condvar,
    /// Held while frames are appended to the WAL.
    appending: Mutex<()>,
    /// Octets of the WAL's file that are worth having from the beginning.
    long_bytes: u64,
    /// Set by the thread when the committer should finish.
    finish: AtomicBool,
    /// Pages in the WAL after the last commit.
    wal_pages: Arc<AtomicU64>,
}

#[derive(Default)]
struct Orders {
    wanted: bool,
    longer: bool,
    stop: bool,
}

impl Checkpointer {
    /// Starts the thread and counts the WAL's pages from now on.
    pub(crate) fn start(
        db: &mut Connection,
        path: PathBuf,
        soft_bytes: u64,
        health: Arc<Health>,
        wal_pages: Arc<AtomicU64>,
    ) -> rusqlite::Result<Self> {
        let counter = wal_pages.clone();
        db.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int| {
            counter.store(u64::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        let shared = Arc::new(Shared {
            path,
            health,
            orders: Mutex::default(),
            ordered: Condvar::new(),
            appending: Mutex::new(()),
            // A checkpoint takes its time, and commits go on meanwhile.
            long_bytes: soft_bytes + soft_bytes / 4,
            finish: AtomicBool::new(false),
            wal_pages,
        });
        let own = shared.clone();
        let thread = std::thread::Builder::new().name("checkpoint".to_owned()).spawn(move || own.run()).ok();
        let lengthened = AtomicBool::new(false);
        Ok(Self { shared, soft_pages: soft_bytes / PAGE_BYTES, lengthened, thread })
    }

    /// Ends the thread; nothing more is copied back or made longer by it.
    pub(crate) fn stop(&mut self) {
        self.shared.orders.lock().stop = true;
        self.shared.ordered.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was nobody's data: the WAL is only longer than it should be.
            let _ = thread.join();
        }
    }

    /// To be held while a transaction commits.
    pub(crate) fn appending(&self) -> MutexGuard<'_, ()> {
        self.shared.appending.lock()
    }

    /// Looks at the WAL after a commit: orders a checkpoint, or finishes one.
    pub(crate) fn after_commit(&self, db: &Connection, reader: &HybridReader) -> Result<(), SpoolError> {
        let pages = self.shared.wal_pages.load(Ordering::Relaxed);
        let hard = self.soft_pages * HARD_FACTOR;
        if self.shared.finish.swap(false, Ordering::Acquire) || pages > hard {
            let _nobody_reads = reader.keep_out();
            return checkpoint(db, "RESTART").map(drop).map_err(|error| self.shared.health.fail(error));
        }
        if pages > self.soft_pages {
            self.shared.order(|orders| &mut orders.wanted);
        }
        if pages > FLOWS_PAGES && !self.lengthened.swap(true, Ordering::Relaxed) {
            self.shared.order(|orders| &mut orders.longer);
        }
        Ok(())
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn order(&self, what: impl FnOnce(&mut Orders) -> &mut bool) {
        if !std::mem::replace(what(&mut self.orders.lock()), true) {
            self.ordered.notify_one();
        }
    }

    fn run(&self) {
        let mut db = None;
        loop {
            let longer = {
                let mut orders = self.orders.lock();
                while !orders.wanted && !orders.longer && !orders.stop {
                    self.ordered.wait(&mut orders);
                }
                if orders.stop {
                    return;
                }
                std::mem::take(&mut orders.longer)
            };
            if self.health.failure().is_some() {
                return;
            }
            if longer {
                if let Err(error) = self.make_longer() {
                    self.health.fail(error);
                    return;
                }
                continue;
            }
            if let Err(error) = self.copy_back(&mut db) {
                self.health.fail(error);
                return;
            }
            self.finish.store(true, Ordering::Release);
            self.orders.lock().wanted = false;
        }
    }

    fn make_longer(&self) -> std::io::Result<()> {
        let is_wanted = || !self.orders.lock().stop;
        lengthen(&self.appending, &wal_of(&self.path), self.long_bytes, is_wanted)
    }

    fn copy_back(&self, db: &mut Option<Connection>) -> rusqlite::Result<()> {
        let db = match db {
            Some(db) => db,
            None => db.insert(open_other(&self.path)?),
        };
        for _ in 0..ROUNDS_MAX {
            let left = checkpoint(db, "PASSIVE")?;
            if left <= REST_PAGES {
                break;
            }
        }
        Ok(())
    }
}

/// Runs a checkpoint and returns how many pages it had to leave.
pub(super) fn checkpoint(db: &Connection, mode: &str) -> rusqlite::Result<u64> {
    let mut statement = db.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?;
    let (log, copied) = statement.query_row([], |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))?;
    Ok(u64::try_from(log - copied).unwrap_or(0))
}
