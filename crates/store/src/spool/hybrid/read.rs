//! The reading side: a small pool of connections, and the files.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use mailreeve_core::envelope::Envelope;
use mailreeve_core::ids::{Mid, Rid};
use parking_lot::{Mutex, RwLock, RwLockWriteGuard};
use rusqlite::{Connection, OptionalExtension};

use super::database::{is_corrupt, key, octets, open_other};
use super::place::Place;
use crate::spool::content::{ContentFile, HEAD_BYTES, StoredContent};
use crate::spool::error::ReadError;
use crate::spool::health::Health;
use crate::spool::reader::{ApartRecord, Usage, WaitingRecipient};
use crate::spool::record;
use crate::spool::segments::{Found, SegmentFiles};
use crate::spool::staged::Staging;

/// Idle connections kept.
const IDLE_MAX: usize = 8;
/// A place is looked up again when what was found there is another message's: it may just have moved.
const TRIES: usize = 4;

/// Reads the tables and files of a hybrid spool.
pub(crate) struct HybridReader {
    pub(super) path: PathBuf,
    pub(super) health: Arc<Health>,
    pub(super) segments: Arc<SegmentFiles>,
    pub(super) staging: Staging,
    pub(super) gauges: Gauges,
    pub(super) idle: Mutex<Vec<Connection>>,
    /// Held shared while a query runs; see [`HybridReader::keep_out`].
    pub(super) gate: RwLock<()>,
}

/// Numbers kept by the committer.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    pub(super) messages: AtomicU64,
    pub(super) wal_pages: Arc<AtomicU64>,
    pub(super) segment_bytes: AtomicU64,
    pub(super) segment_live_bytes: AtomicU64,
    pub(super) staged_bytes: AtomicU64,
    pub(super) syncs: AtomicU64,
}

/// Content as a row tells it.
enum Row {
    Inline(Bytes),
    Placed(Place),
}

/// What [`Reader`](crate::spool::Reader) offers.
impl HybridReader {
    pub(crate) fn envelope(&self, mid: Mid) -> Result<Envelope, ReadError> {
        let octets: Option<Vec<u8>> = self.query(|db| {
            db.prepare_cached("SELECT record FROM envelope WHERE mid = ?1")?
                .query_row([key(mid)], |row| octets(row, 0).map(<[u8]>::to_vec))
                .optional()
        })?;
        let octets = octets.ok_or(ReadError::NotFound(mid))?;
        record::decode_envelope(mid, &octets).map_err(|detail| damaged(mid, "envelope", detail))
    }

    pub(crate) fn waiting(&self, mid: Mid) -> Result<(Envelope, Vec<WaitingRecipient>), ReadError> {
        let envelope = self.envelope(mid)?;
        let waiting = waiting_of(&envelope, &self.states(mid)?)
            .map_err(|detail| damaged(mid, "recipient state", detail))?;
        Ok((envelope, waiting))
    }

    pub(crate) fn left(&self, mid: Mid) -> Result<usize, ReadError> {
        let envelope = self.envelope(mid)?;
        let recipients = u32::try_from(envelope.recipients.len()).unwrap_or(u32::MAX);
        let states = self.states(mid)?;
        let is_end = |(rid, octets): &&StateRow| rid.0 < recipients && *octets == record::end_of(mid, *rid);
        Ok(envelope.recipients.len() - states.iter().filter(is_end).count())
    }

    fn states(&self, mid: Mid) -> Result<Vec<StateRow>, ReadError> {
        self.query(|db| {
            db.prepare_cached("SELECT rid, record FROM recipient_state WHERE mid = ?1 ORDER BY rid")?
                .query_map([key(mid)], |row| Ok((Rid(row.get(0)?), octets(row, 1)?.to_vec())))?
                .collect()
        })
    }

    pub(crate) fn content(&self, mid: Mid) -> Result<StoredContent, ReadError> {
        self.placed(mid, |place| self.open_file(mid, place), StoredContent::Memory)
    }

    pub(crate) fn head(&self, mid: Mid, length: usize) -> Result<Bytes, ReadError> {
        let head = self.placed(mid, |place| self.file_head(mid, place), |bytes| bytes)?;
        Ok(head.slice(..head.len().min(length).min(HEAD_BYTES)))
    }

    pub(crate) fn aparts(&self) -> Result<Vec<ApartRecord>, ReadError> {
        self.query(|db| {
            db.prepare_cached("SELECT mid, detail, coalesce(length(body), 0) FROM apart ORDER BY mid")?
                .query_map([], |row| {
                    Ok(ApartRecord {
                        mid: Mid(row.get::<_, i64>(0)?.unsigned_abs()),
                        detail: row.get(1)?,
                        content_bytes: row.get::<_, i64>(2)?.unsigned_abs(),
                    })
                })?
                .collect()
        })
    }

    pub(crate) fn usage(&self) -> Usage {
        let gauges = &self.gauges;
        Usage {
            messages: gauges.messages.load(Ordering::Relaxed),
            wal_bytes: gauges.wal_pages.load(Ordering::Relaxed) * 4096,
            segment_bytes: gauges.segment_bytes.load(Ordering::Relaxed),
            segment_live_bytes: gauges.segment_live_bytes.load(Ordering::Relaxed),
            staged_bytes: gauges.staged_bytes.load(Ordering::Relaxed),
            syncs: gauges.syncs.load(Ordering::Relaxed),
        }
    }
}

impl HybridReader {
    /// Keeps every reader out until the guard is dropped. Queries are short: none is open for longer than
    /// one page of recovery.
    pub(super) fn keep_out(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write()
    }

    /// Runs queries on a connection of the pool. One on which something failed is not used again.
    pub(super) fn query<T>(
        &self,
        run: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, ReadError> {
        let idle = self.idle.lock().pop();
        let db = match idle {
            Some(db) => db,
            None => open_other(&self.path).map_err(ReadError::io)?,
        };
        let result = {
            let _gate = self.gate.read();
            run(&db)
        };
        match result {
            Ok(value) => {
                let mut idle = self.idle.lock();
                if idle.len() < IDLE_MAX {
                    idle.push(db);
                }
                Ok(value)
            }
            Err(error) => {
                if is_corrupt(&error) {
                    self.health.fail(&error);
                }
                Err(ReadError::io(error))
            }
        }
    }

    fn row(&self, mid: Mid) -> Result<Row, ReadError> {
        let (inline, placed) = self.query(|db| {
            let inline = db
                .prepare_cached("SELECT crc, bytes FROM body WHERE mid = ?1")?
                .query_row([key(mid)], |row| {
                    let crc = row.get_ref(0)?.as_i64().ok().and_then(|crc| u32::try_from(crc).ok());
                    Ok((crc, Bytes::copy_from_slice(octets(row, 1)?)))
                })
                .optional()?;
            if inline.is_some() {
                return Ok((inline, None));
            }
            let placed: Option<Vec<u8>> = db
                .prepare_cached("SELECT record FROM place WHERE mid = ?1")?
                .query_row([key(mid)], |row| octets(row, 0).map(<[u8]>::to_vec))
                .optional()?;
            Ok((None, placed))
        })?;
        match (inline, placed) {
            (Some((crc, bytes)), _) if crc == Some(record::content_checksum(mid, &bytes)) => {
                Ok(Row::Inline(bytes))
            }
            (Some(_), _) => Err(damaged(mid, "content", "the checksum of its row does not match".to_owned())),
            (None, Some(octets)) => {
                Place::decode(mid, &octets).map(Row::Placed).map_err(|detail| damaged(mid, "content", detail))
            }
            (None, None) => Err(self.missing(mid)),
        }
    }

    /// No content: either there is no message, or its row is gone.
    fn missing(&self, mid: Mid) -> ReadError {
        match self.envelope(mid) {
            Ok(_) => damaged(mid, "content", "its row is missing".to_owned()),
            Err(error) => error,
        }
    }

    /// Reads what a row names. `read` is tried again while the row changes: its message may be moving.
    fn placed<T>(
        &self,
        mid: Mid,
        read: impl Fn(&Place) -> std::io::Result<Found<T>>,
        inline: impl Fn(Bytes) -> T,
    ) -> Result<T, ReadError> {
        let mut last: Option<(Place, String)> = None;
        for _ in 0..TRIES {
            let place = match self.row(mid)? {
                Row::Inline(bytes) => return Ok(inline(bytes)),
                Row::Placed(place) => place,
            };
            match last {
                Some((before, detail)) if before == place => {
                    return Err(damaged(mid, "content", format!("{} ({})", detail, told(&place))));
                }
                Some(_) | None => {}
            }
            match read(&place).map_err(ReadError::io)? {
                Found::Good(value) => return Ok(value),
                Found::Bad(detail) => last = Some((place, detail.to_owned())),
            }
        }
        Err(ReadError::io("the content moved again and again while it was read"))
    }

    fn open_file(&self, mid: Mid, place: &Place) -> std::io::Result<Found<StoredContent>> {
        match place {
            Place::Segment(location) => Ok(match self.segments.read(mid, *location)? {
                Found::Good(bytes) => Found::Good(StoredContent::Memory(bytes)),
                Found::Bad(detail) => Found::Bad(detail),
            }),
            Place::File { name, size, crc, .. } => match self.staging.open(name) {
                Ok(file) => Ok(Found::Good(StoredContent::File(ContentFile::new(mid, file, *size, *crc)))),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    Ok(Found::Bad("the staged file is missing"))
                }
                Err(error) => Err(error),
            },
        }
    }

    fn file_head(&self, mid: Mid, place: &Place) -> std::io::Result<Found<Bytes>> {
        match place {
            Place::Segment(location) => self.segments.read_head(mid, *location),
            Place::File { name, size, head_crc, .. } => self.staging.read_head(name, *size, *head_crc),
        }
    }
}

/// A row of `recipient_state`.
pub(crate) type StateRow = (Rid, Vec<u8>);

/// Returns the recipients of an envelope that have not ended; `rows` are in order of RID.
pub(crate) fn waiting_of(envelope: &Envelope, rows: &[StateRow]) -> Result<Vec<WaitingRecipient>, String> {
    let mut rows = rows.iter().peekable();
    let mut waiting = Vec::with_capacity(envelope.recipients.len());
    for index in 0..u32::try_from(envelope.recipients.len()).unwrap_or(u32::MAX) {
        let rid = Rid(index);
        match rows.next_if(|(row, _)| *row == rid) {
            None => waiting.push((rid, None)),
            Some((_, octets)) if *octets == record::end_of(envelope.mid, rid) => {}
            Some((_, octets)) => {
                waiting.push((rid, Some(record::decode_state(envelope.mid, rid, octets)?)));
            }
        }
    }
    Ok(waiting)
}

fn told(place: &Place) -> String {
    match place {
        Place::Segment(at) => format!("segment {:016x}, offset {}", at.segment, at.offset),
        Place::File { name, .. } => format!("staged file {name}"),
    }
}

fn damaged(mid: Mid, what: &'static str, detail: String) -> ReadError {
    ReadError::Damaged { mid, what, detail }
}
