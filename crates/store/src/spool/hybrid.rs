//! The engine: queue state and small bodies in SQLite, larger bodies in segments, the largest in files.
//!
//! Which record exists tells the state of a message and its recipients:
//!
//! | table | a row means |
//! |---|---|
//! | `envelope(mid, record)` | the message is ours; all its recipients wait unless told otherwise |
//! | `body(mid, crc, bytes)` | its content is here |
//! | `place(mid, record)` | its content is in a segment or a staged file, at this place |
//! | `recipient_state(mid, rid, record)` | the recipient was tried, or has ended: the record tells which |
//! | `outbox(seq, record)` | the events of a commit that may not be in a synced ledger segment yet |
//! | `apart(mid, ...)` | the message could not be read; what is left of it, kept for people |
//! | `meta(key, record)` | limits of the blocks of ids, twice |
//!
//! Order of a commit: staged files are synced before it; segment records are written and synced; then the
//! rows commit (WAL, `synchronous=FULL`). Only then is the answer `Ok`, are emptied segments free and the
//! files of ended messages removed. A crash between leaves octets that no row names, never a row that names
//! nothing. Every record carries a checksum over its key and octets, verified at each read.
//!
//! The WAL is copied back by a thread of its own ([`checkpoint`]); the committing connection only finishes
//! what that left over, so that the log begins anew and its size is bounded under any load.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::Connection;

use super::error::{Refusal, SpoolError};
use super::health::Health;
use super::reader::Reader;
use super::segments::{Segments, Walk};
use super::staged::Staging;
use super::{Batch, Content, Engine, Housekeeping, Seq};
use crate::owner::Owner;

mod bodies;
mod checkpoint;
mod database;
mod lengthen;
mod moves;
mod pages;
mod place;
mod read;
mod rows;
mod start;
mod statements;

use checkpoint::Checkpointer;
use read::Gauges;

pub(crate) use pages::Pages;
pub(crate) use read::HybridReader;
pub(crate) use start::open;

/// The committing side.
pub(crate) struct Hybrid {
    db: Connection,
    health: Arc<Health>,
    segments: Segments,
    staging: Staging,
    reader: Arc<HybridReader>,
    checkpointer: Checkpointer,
    /// Content up to this many octets goes into a row.
    inline_max: usize,
    /// Files that this engine staged for the commit at hand.
    staged_here: Vec<Content>,
    /// The last number given.
    last_seq: Seq,
    /// Outbox entries up to this one are removed.
    trimmed: Seq,
    /// The segment whose survivors are being moved.
    walk: Option<Walk>,
    _owner: Owner,
}

/// Why the rows of a commit were not written.
#[derive(Debug)]
enum RowError {
    Refused(usize, Refusal),
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for RowError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Engine for Hybrid {
    fn commit(&mut self, parts: &[Batch], housekeeping: &Housekeeping) -> Result<Seq, SpoolError> {
        self.health.check()?;
        let (mark, walk) = (self.segments.mark(), self.walk);
        let result = self.try_commit(parts, housekeeping);
        let staged = std::mem::take(&mut self.staged_here);
        match &result {
            Ok(_) => {}
            Err(SpoolError::Refused { .. } | SpoolError::NoSpace) => {
                self.segments.rewind(mark);
                self.walk = walk;
                staged.iter().for_each(|content| self.staging.discard(content));
            }
            // Whether the rows are there is not known: whatever they may name stays, and closing the
            // connection must not write either.
            Err(SpoolError::Failed(_)) => database::abandon(&self.db),
        }
        result
    }

    fn reader(&self) -> Reader {
        Reader::new(self.reader.clone())
    }

    fn health(&self) -> Arc<Health> {
        self.health.clone()
    }
}

impl Hybrid {
    fn try_commit(&mut self, parts: &[Batch], housekeeping: &Housekeeping) -> Result<Seq, SpoolError> {
        let bodies = self.store_bodies(parts)?;
        let moves = self.gather_moves()?;
        let syncs = self.segments.sync().map_err(|error| self.health.fail(error))?;
        let seq = Seq(self.last_seq.0 + 1);
        let commit = rows::Commit {
            seq,
            messages: self.reader.gauges.messages.load(Ordering::Relaxed),
            trimmed: self.trimmed,
            bodies: &bodies,
            moves: &moves,
            housekeeping,
        };
        let written = {
            let _appending = self.checkpointer.appending();
            commit.write(&mut self.db, parts, &self.reader.segments)
        };
        let done = match written {
            Ok(done) => done,
            Err(RowError::Refused(part, refusal)) => return Err(SpoolError::Refused { part, refusal }),
            Err(RowError::Sql(error)) => return Err(self.health.fail(error)),
        };
        self.last_seq = seq;
        self.trimmed = done.trimmed;
        self.account(&done, syncs);
        self.checkpointer.after_commit(&self.db, &self.reader)?;
        Ok(seq)
    }

    /// Brings the accounts up to what is committed. Credits come first: see [`Segments::release`].
    fn account(&mut self, done: &rows::Done, syncs: u64) {
        for location in &done.credits {
            self.segments.credit(*location);
        }
        for location in &done.releases {
            self.segments.release(*location);
        }
        self.segments.settle();
        for name in &done.files_gone {
            self.staging.remove(&self.staging.path_of(name));
        }
        let gauges: &Gauges = &self.reader.gauges;
        let (files, live) = self.segments.usage();
        gauges.messages.store(done.messages, Ordering::Relaxed);
        gauges.segment_bytes.store(files, Ordering::Relaxed);
        gauges.segment_live_bytes.store(live, Ordering::Relaxed);
        gauges.staged_bytes.fetch_add(done.staged_added, Ordering::Relaxed);
        gauges.staged_bytes.fetch_sub(done.staged_gone, Ordering::Relaxed);
        gauges.syncs.fetch_add(syncs + 1, Ordering::Relaxed);
    }
}

/// At an orderly end everything is copied back: a row whose checksum fails costs its message, a log whose checksum
/// fails would cost all that was committed after it.
impl Drop for Hybrid {
    fn drop(&mut self) {
        self.checkpointer.stop();
        let _nobody_reads = self.reader.keep_out();
        if self.health.check().is_ok() {
            // Failing costs nothing: the log is read back at the next start.
            let _ = checkpoint::checkpoint(&self.db, "TRUNCATE");
        }
    }
}

/// Paths below a spool's directory.
pub(crate) struct Layout<'a> {
    pub(crate) dir: &'a Path,
}

impl Layout<'_> {
    pub(crate) fn database(&self) -> std::path::PathBuf {
        self.dir.join("queue.db")
    }

    pub(crate) fn segments(&self) -> std::path::PathBuf {
        self.dir.join("segments")
    }

    pub(crate) fn staged(&self) -> std::path::PathBuf {
        self.dir.join("large")
    }
}
