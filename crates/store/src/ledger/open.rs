//! Opening a ledger: find the last segment, cut its torn tail, go on there.

use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

use super::frame::{self, Head};
use super::tail::Scan;
use super::{Ledger, LedgerError, Opening, Options, SyncedPosition, SyncedSeq, Tail};
use crate::disk::{Disk, DiskFile, ensure_dir};
use crate::owner::{Owner, OwnerError};
use crate::spool::Seq;

/// Opens the ledger in `dir`.
pub(super) fn open(dir: &Path, options: &Options) -> Result<(Ledger, Tail), LedgerError> {
    ensure_dir(&*options.disk, dir).map_err(LedgerError::io("making", dir))?;
    let owner = Owner::take(dir).map_err(|error| match error {
        OwnerError::InUse(pid) => LedgerError::InUse { path: dir.to_owned(), pid },
        OwnerError::Io(source) => LedgerError::io("locking", dir)(source),
    })?;
    let mut segments = list(dir).map_err(LedgerError::io("listing", dir))?;
    let newest = segments.last().copied();
    let mut damaged_bytes = 0;
    while let Some(segment) = segments.pop() {
        match Found::read(&*options.disk, dir, segment)? {
            Found::Good(found) => {
                let (mut tail, known) = found.settle(dir)?;
                tail.damaged_bytes += damaged_bytes;
                let ledger = if newest == Some(segment) {
                    found.into_ledger(dir, options, owner, &known)
                } else {
                    // A segment whose head is gone came after it: begin another behind both.
                    let next = newest.unwrap_or(segment) + 1;
                    let opening = Opening { opened_at: found.opening.opened_at, ..options.first.clone() };
                    fresh(dir, options, owner, next, opening, tail.last_seq)?
                };
                return Ok((ledger, tail));
            }
            Found::Headless(length) => damaged_bytes += put_aside(&*options.disk, dir, segment, length)?,
        }
    }
    let next = newest.map_or(1, |newest| newest + 1);
    let ledger = fresh(dir, options, owner, next, options.first.clone(), Seq(0))?;
    Ok((ledger, Tail { damaged_bytes, ..Tail::default() }))
}

/// Lists the segments, oldest first.
pub(super) fn list(dir: &Path) -> io::Result<Vec<u64>> {
    let mut segments = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        if let Some(number) = entry?.file_name().to_str().and_then(frame::number) {
            segments.push(number);
        }
    }
    segments.sort_unstable();
    Ok(segments)
}

/// Makes a segment durable, with nothing in it but its head.
pub(super) fn begin_segment(
    disk: &dyn Disk,
    dir: &Path,
    segment: u64,
    opening: &Opening,
    last_seq: Seq,
) -> io::Result<(Arc<dyn DiskFile>, u64)> {
    let head = frame::head(opening, last_seq).map_err(io::Error::other)?;
    let file = disk.create(&frame::path(dir, segment))?;
    file.write_at(&[IoSlice::new(&head)], 0)?;
    file.sync()?;
    disk.sync_dir(dir)?;
    Ok((file, head.len() as u64))
}

/// A segment as it was left.
struct FoundSegment {
    segment: u64,
    file: Arc<dyn DiskFile>,
    opening: Opening,
    seq_before: Seq,
    octets: Vec<u8>,
    records_at: usize,
}

enum Found {
    Good(Box<FoundSegment>),
    /// No head: so many octets.
    Headless(u64),
}

impl Found {
    fn read(disk: &dyn Disk, dir: &Path, segment: u64) -> Result<Self, LedgerError> {
        let path = frame::path(dir, segment);
        let read = || {
            let file = disk.open(&path)?;
            let length = usize::try_from(file.len()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
            let mut octets = vec![0; length];
            file.read_exact_at(&mut octets, 0)?;
            Ok((file, octets))
        };
        let (file, octets) = read().map_err(LedgerError::io("reading", &path))?;
        match frame::parse_head(&octets) {
            Head::Newer(found) => Err(LedgerError::NewerFormat { path, found, known: frame::FORMAT }),
            Head::Bad => Ok(Self::Headless(octets.len() as u64)),
            Head::Good(stored, records_at) => Ok(Self::Good(Box::new(FoundSegment {
                segment,
                file,
                opening: stored.opening,
                seq_before: Seq(stored.last_seq),
                octets,
                records_at,
            }))),
        }
    }
}

impl FoundSegment {
    /// Cuts the torn tail.
    fn settle(&self, dir: &Path) -> Result<(Tail, Scan), LedgerError> {
        let scan = Scan::of(&self.octets, self.records_at);
        let cut_bytes = (self.octets.len() - scan.end) as u64;
        if cut_bytes > 0 {
            let cut = self.file.truncate(scan.end as u64).and_then(|()| self.file.sync());
            cut.map_err(LedgerError::io("cutting", &frame::path(dir, self.segment)))?;
        }
        let tail = Tail {
            cut_bytes,
            damaged_bytes: scan.damaged_bytes,
            last_seq: scan.last_seq.unwrap_or(self.seq_before),
            // All events of a commit are in one segment: before this one there are only whole commits.
            last_seq_events: if scan.last_seq.is_some() { scan.last_seq_events } else { usize::MAX },
        };
        Ok((tail, scan))
    }

    fn into_ledger(self, dir: &Path, options: &Options, owner: Owner, scan: &Scan) -> Ledger {
        Ledger {
            dir: dir.to_owned(),
            disk: options.disk.clone(),
            segment_bytes: options.segment_bytes,
            segment: self.segment,
            opening: self.opening,
            file: self.file,
            end: scan.end as u64,
            // What was read back may still be only in memory: the first sync covers it.
            synced_end: 0,
            sync_untold: false,
            last_seq: scan.last_seq.unwrap_or(self.seq_before),
            synced: SyncedSeq::default(),
            synced_position: SyncedPosition::default(),
            failed: None,
            buffer: Vec::new(),
            _owner: owner,
        }
    }
}

fn fresh(
    dir: &Path,
    options: &Options,
    owner: Owner,
    segment: u64,
    opening: Opening,
    last_seq: Seq,
) -> Result<Ledger, LedgerError> {
    let begun = begin_segment(&*options.disk, dir, segment, &opening, last_seq);
    let (file, end) = begun.map_err(LedgerError::io("beginning", &frame::path(dir, segment)))?;
    Ok(Ledger {
        dir: dir.to_owned(),
        disk: options.disk.clone(),
        segment_bytes: options.segment_bytes,
        segment,
        opening,
        file,
        end,
        synced_end: end,
        sync_untold: false,
        last_seq,
        synced: SyncedSeq::default(),
        synced_position: SyncedPosition::default(),
        failed: None,
        buffer: Vec::new(),
        _owner: owner,
    })
}

/// Takes a segment without a head out of the way: a crash while it was begun left it, or damage.
///
/// One that never held an event is removed; anything longer is kept under another name for people.
fn put_aside(disk: &dyn Disk, dir: &Path, segment: u64, length: u64) -> Result<u64, LedgerError> {
    let path = frame::path(dir, segment);
    let begun_only = length <= frame::HEAD_BYTES as u64;
    let done =
        if begun_only { disk.remove(&path) } else { std::fs::rename(&path, path.with_extension("damaged")) };
    done.and_then(|()| disk.sync_dir(dir)).map_err(LedgerError::io("putting aside", &path))?;
    Ok(if begun_only { 0 } else { length })
}
