//! The other engine: one log of our own for envelopes, bodies, states and events.
//!
//! A commit is one frame, written and synced in one go. Memory holds an index of where the records of each
//! message are; a start builds it by walking the log. Segments are freed strictly from the oldest on, after
//! their survivors were written again at the head, so that no end or delete is ever forgotten before the
//! record that it ends. Freed segments are written over: their old frames name another place.
//!
//! Only the last frame can be torn (each is synced before the next is written); it was never answered, so it
//! is dropped. Bodies are verified at each read, like everything else.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use mailreeve_core::ids::Mid;

use super::error::SpoolError;
use super::health::Health;
use super::ids::IdLimits;
use super::reader::Reader;
use super::staged::Staging;
use super::{Batch, Content, Engine, Housekeeping, Seq, record};
use crate::owner::Owner;

mod build;
mod check;
mod files;
mod frame;
mod index;
mod keep;
mod read;
mod start;

use build::Builder;
use check::Check;
use files::LogFiles;
use frame::Kind;
use index::Body;
use read::LogReader;

pub(crate) use start::open;

/// Name recorded in the spool's format file.
pub(crate) const NAME: &str = "log";

/// Content in memory above this goes to a staged file.
const BODY_MAX: usize = 1 << 20;

/// The committing side.
pub(crate) struct Log {
    health: Arc<Health>,
    files: Arc<LogFiles>,
    reader: Arc<LogReader>,
    staging: Staging,
    capacity: u64,
    /// Segments in use, oldest first, with the last commit in each. The last one is written to.
    segments: Vec<(u64, Seq)>,
    end: u64,
    /// Files to be written over, with the commit after which they were freed.
    free: Vec<(u64, Seq)>,
    next_file: u64,
    last_seq: Seq,
    ids: IdLimits,
    keep: Option<keep::Walk>,
    syncs: Arc<AtomicU64>,
    _owner: Owner,
}

impl Engine for Log {
    fn commit(&mut self, parts: &[Batch], housekeeping: &Housekeeping) -> Result<Seq, SpoolError> {
        self.health.check()?;
        {
            let index = self.reader.index.read();
            Check::new(&index).parts(parts, &self.staging)?;
        }
        let seq = Seq(self.last_seq.0 + 1);
        let mut builder = Builder::default();
        for part in parts {
            self.build(part, &mut builder)?;
        }
        self.keep_survivors(&mut builder)?;
        self.push_events(seq, parts, &mut builder)?;
        if self.end > 0 && self.end + builder.length() + frame::IDS_BYTES > self.capacity {
            self.next_segment().map_err(|error| self.io_error(error))?;
        }
        let limits = housekeeping.id_limits.unwrap_or(self.ids);
        if housekeeping.id_limits.is_some() || self.end == 0 {
            builder.push_ids(limits).map_err(|error| self.health.fail(error))?;
        }
        self.write(seq, housekeeping, &builder)?;
        self.last_seq = seq;
        self.ids = limits;
        let length = builder.length();
        let gone = {
            let mut index = self.reader.index.write();
            let segment = self.segments.last().map_or(0, |(segment, _)| *segment);
            builder.apply(&mut index, segment, self.end)
        };
        self.end += length;
        for name in gone {
            self.staging.remove(&self.staging.path_of(&name));
        }
        self.free_oldest(housekeeping.ledger_synced);
        Ok(seq)
    }

    fn reader(&self) -> Reader {
        Reader::new(self.reader.clone())
    }

    fn health(&self) -> Arc<Health> {
        self.health.clone()
    }
}

impl Log {
    fn build(&self, part: &Batch, builder: &mut Builder) -> Result<(), SpoolError> {
        let fail = |detail: String| self.health.fail(detail);
        for put in &part.puts {
            let mid = put.envelope.mid;
            let count = put.envelope.recipients.len() as u32;
            let envelope = record::encode_envelope(&put.envelope).map_err(fail)?;
            match &put.content {
                Content::Memory(bytes) if bytes.len() <= BODY_MAX => {
                    builder.push_put(mid, count, &envelope, Body::Bytes(bytes.clone()));
                }
                Content::Memory(bytes) => {
                    let staged = self.stage(bytes).map_err(|error| self.io_error(error))?;
                    builder.push_put(mid, count, &envelope, Body::of_staged(mid, &staged).map_err(fail)?);
                }
                Content::Staged { .. } => {
                    builder.push_put(
                        mid,
                        count,
                        &envelope,
                        Body::of_staged(mid, &put.content).map_err(fail)?,
                    );
                }
            }
        }
        for state in &part.updates {
            builder.push(Kind::Update, state.mid, state.rid.0, &record::encode_state(state).map_err(fail)?);
        }
        for (mid, rid) in &part.ends {
            builder.push(Kind::End, *mid, rid.0, &[]);
        }
        for mid in &part.dels {
            builder.push(Kind::Del, *mid, 0, &[]);
        }
        for apart in &part.aparts {
            builder.push(Kind::Apart, apart.mid, 0, apart.detail.as_bytes());
        }
        Ok(())
    }

    fn stage(&self, bytes: &Bytes) -> io::Result<Content> {
        let mut file = self.staging.create()?;
        file.write(bytes)?;
        file.finish()
    }

    fn push_events(&self, seq: Seq, parts: &[Batch], builder: &mut Builder) -> Result<(), SpoolError> {
        let events: Vec<_> = parts.iter().flat_map(|part| &part.events).collect();
        if events.is_empty() {
            return Ok(());
        }
        let octets = record::encode_events(seq, 0, &events).map_err(|detail| self.health.fail(detail))?;
        builder.push(Kind::Events, Mid(seq.0), 0, &octets);
        Ok(())
    }

    /// Writes the frame behind the last and syncs it: now it is the truth.
    fn write(&mut self, seq: Seq, housekeeping: &Housekeeping, builder: &Builder) -> Result<(), SpoolError> {
        let begin = self.segments.first().map_or(1, |(segment, _)| *segment);
        let Some((segment, last)) = self.segments.last_mut() else {
            return Err(self.health.fail("the log has no segment"));
        };
        *last = seq;
        let head = frame::Head {
            segment: *segment,
            offset: self.end,
            seq,
            begin,
            synced: housekeeping.ledger_synced,
            ..builder.head()
        };
        let head = head.encode();
        let mut parts = vec![IoSlice::new(&head)];
        parts.extend(builder.slices());
        let file = self.files.file(*segment);
        let written = file.and_then(|file| file.write_at(&parts, self.end).map(|()| file));
        let file = written.map_err(|error| self.io_error(error))?;
        file.sync().map_err(|error| self.health.fail(error))?;
        self.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn next_segment(&mut self) -> io::Result<()> {
        let segment = self.segments.last().map_or(1, |(segment, _)| segment + 1);
        // One that was freed in the last commit is still part of the log as that commit told it.
        let usable = self.free.iter().position(|(_, freed)| *freed < self.last_seq);
        match usable.map(|at| self.free.swap_remove(at)) {
            Some((file, _)) => self.files.assign(segment, file)?,
            None => {
                self.files.create(segment, self.next_file, self.capacity)?;
                self.next_file += 1;
            }
        }
        self.segments.push((segment, self.last_seq));
        self.end = 0;
        Ok(())
    }

    /// Frees the oldest segments when nothing in them lives and the ledger has their events. The next frame
    /// says so before any of them is written over.
    fn free_oldest(&mut self, synced: Seq) {
        while self.segments.len() > 1 {
            let (oldest, last) = self.segments[0];
            if last > synced || self.reader.index.read().lives_in(oldest) {
                return;
            }
            self.segments.remove(0);
            if let Some(file) = self.files.release(oldest) {
                self.free.push((file, self.last_seq));
            }
        }
    }

    /// A full disk found before the sync is no failure: the frame is not there.
    fn io_error(&self, error: io::Error) -> SpoolError {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded => SpoolError::NoSpace,
            _ => self.health.fail(error),
        }
    }
}
