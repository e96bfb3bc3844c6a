//! Opening a hybrid spool: what lives, what is left over, what the ledger may miss.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use mailreeve_core::event::Stamped;
use mailreeve_core::ids::Mid;
use parking_lot::{Mutex, RwLock};
use rusqlite::{Connection, OptionalExtension};

use super::checkpoint::Checkpointer;
use super::pages::Pages;
use super::place::Place;
use super::read::{Gauges, HybridReader};
use super::{Hybrid, Layout, database};
use crate::disk::ensure_dir;
use crate::owner::Owner;
use crate::spool::error::OpenError;
use crate::spool::health::Health;
use crate::spool::ids::{IdLimits, Sequence};
use crate::spool::open::{Opened, Options, Swept};
use crate::spool::recovery::Recovery;
use crate::spool::segments::{Location, Segments};
use crate::spool::staged::Staging;
use crate::spool::{Reader, Seq, record};

/// Opens the spool in `dir`, whose lock `owner` is.
pub(crate) fn open(dir: &Path, options: &Options, owner: Owner) -> Result<Opened, OpenError> {
    let layout = Layout { dir };
    for folder in [layout.segments(), layout.staged()] {
        ensure_dir(&*options.disk, &folder).map_err(OpenError::io("making", folder))?;
    }
    let path = layout.database();
    let sql = |source| OpenError::Database { path: path.clone(), source };
    let mut db = open_database(dir, &path, options)?;
    let found = Found::read(&db).map_err(sql)?;
    let ids = reserve_ids(&db, dir, options).map_err(|error| error.unwrap_or_else(sql))?;
    let (staging, segments, swept) = open_files(&layout, options, &found)?;

    let health = Arc::new(Health::default());
    let wal_pages = Arc::new(AtomicU64::new(0));
    let checkpointer =
        Checkpointer::start(&mut db, path.clone(), options.wal_bytes, health.clone(), wal_pages.clone())
            .map_err(sql)?;
    let reader = Arc::new(HybridReader {
        path: path.clone(),
        health: health.clone(),
        segments: segments.files(),
        staging: staging.clone(),
        gauges: found.gauges(wal_pages),
        idle: Mutex::default(),
        gate: RwLock::default(),
    });
    let last_seq = found.last_seq.max(options.seq_floor);
    let engine = Hybrid {
        db,
        health: health.clone(),
        segments,
        staging: staging.clone(),
        reader: reader.clone(),
        checkpointer,
        inline_max: options.inline_max,
        staged_here: Vec::new(),
        last_seq,
        trimmed: Seq(0),
        walk: None,
        _owner: owner,
    };
    let pages = Pages::new(reader.clone(), found.last_mid, options.recovered_by_due);
    Ok(Opened {
        engine: Box::new(engine),
        reader: Reader::new(reader),
        recovery: Recovery::new(found.messages, pages),
        outbox: found.outbox,
        lost_outbox: found.lost_outbox,
        ids,
        id_block: options.id_block,
        staging,
        swept,
        last_seq,
        lost_commits: last_seq.0 - found.last_seq.0,
        health,
    })
}

fn open_database(dir: &Path, path: &Path, options: &Options) -> Result<Connection, OpenError> {
    if !path.exists() {
        // Made here and not by SQLite, so that nobody else may read mail in it; its log takes the same mode.
        let made = options.disk.create(path).and_then(|_| options.disk.sync_dir(dir));
        made.map_err(OpenError::io("making", path))?;
    }
    database::open_writer(path, options.cache_kib)
        .map_err(|source| OpenError::Database { path: path.to_owned(), source })
}

/// Opens segments and staged files, removing what nothing names. With a damaged place it is not known what
/// it names: then nothing is taken for a leftover.
fn open_files(
    layout: &Layout<'_>,
    options: &Options,
    found: &Found,
) -> Result<(Staging, Segments, Swept), OpenError> {
    let sure = !found.damaged_places;
    let staging = Staging::new(options.disk.clone(), &layout.staged());
    let (files, bytes) = staging
        .sweep(&|name| !sure || found.staged.contains(name))
        .map_err(OpenError::io("sweeping", layout.staged()))?;
    let disk = options.disk.clone();
    let segments = Segments::open(disk, &layout.segments(), options.segment_bytes, &found.segments, sure)
        .map_err(OpenError::io("listing", layout.segments()))?;
    Ok((staging, segments, Swept { files, bytes }))
}

/// What a start reads before anything else runs.
struct Found {
    messages: u64,
    last_mid: Mid,
    last_seq: Seq,
    outbox: Vec<(Seq, Vec<Stamped>)>,
    lost_outbox: Vec<Seq>,
    segments: Vec<Location>,
    staged: HashSet<String>,
    staged_bytes: u64,
    damaged_places: bool,
}

impl Found {
    fn read(db: &Connection) -> rusqlite::Result<Self> {
        let last_mid: Option<i64> =
            db.query_row("SELECT max(mid) FROM envelope", [], |row| row.get(0)).optional()?.flatten();
        let mut found = Self {
            messages: 0,
            last_mid: Mid(last_mid.unwrap_or(0).unsigned_abs()),
            last_seq: Seq(0),
            outbox: Vec::new(),
            lost_outbox: Vec::new(),
            segments: Vec::new(),
            staged: HashSet::new(),
            staged_bytes: 0,
            damaged_places: false,
        };
        found.read_outbox(db)?;
        found.read_places(db)?;
        Ok(found)
    }

    fn gauges(&self, wal_pages: Arc<AtomicU64>) -> Gauges {
        Gauges {
            messages: self.messages.into(),
            staged_bytes: self.staged_bytes.into(),
            wal_pages,
            ..Gauges::default()
        }
    }

    /// The newest entry knows how many messages there are; where it is damaged they are counted.
    fn read_outbox(&mut self, db: &Connection) -> rusqlite::Result<()> {
        let mut known = Some(0);
        let mut statement = db.prepare("SELECT seq, record FROM outbox ORDER BY seq")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let seq = Seq(row.get::<_, i64>(0)?.unsigned_abs());
            self.last_seq = seq;
            match record::decode_events(seq, database::octets(row, 1)?) {
                Ok((messages, events)) => {
                    known = Some(messages);
                    self.outbox.push((seq, events));
                }
                Err(_) => {
                    known = None;
                    self.lost_outbox.push(seq);
                }
            }
        }
        self.messages = match known {
            Some(messages) => messages,
            None => {
                db.query_row("SELECT count(*) FROM envelope", [], |row| row.get::<_, i64>(0))?.unsigned_abs()
            }
        };
        Ok(())
    }

    /// What rows name must be kept: places of messages, and those of messages set apart (their staged files).
    fn read_places(&mut self, db: &Connection) -> rusqlite::Result<()> {
        let mut statement = db.prepare("SELECT mid, record FROM place")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let mid = Mid(row.get::<_, i64>(0)?.unsigned_abs());
            match Place::decode(mid, database::octets(row, 1)?) {
                Ok(Place::Segment(location)) => self.segments.push(location),
                Ok(Place::File { name, size, .. }) => {
                    self.staged.insert(name);
                    self.staged_bytes += size;
                }
                // The first read reports it.
                Err(_) => self.damaged_places = true,
            }
        }
        let mut statement = db.prepare("SELECT mid, place FROM apart WHERE place IS NOT NULL")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let mid = Mid(row.get::<_, i64>(0)?.unsigned_abs());
            match Place::decode(mid, database::octets(row, 1)?) {
                Ok(Place::File { name, .. }) => {
                    self.staged.insert(name);
                }
                Ok(Place::Segment(_)) => {}
                Err(_) => self.damaged_places = true,
            }
        }
        Ok(())
    }
}

/// Makes the first block of each sequence ours, durably.
///
/// The error is SQLite's unless the stored limits are damaged.
fn reserve_ids(
    db: &Connection,
    dir: &Path,
    options: &Options,
) -> Result<[std::ops::Range<u64>; 3], Result<OpenError, rusqlite::Error>> {
    let start = match database::read_id_limits(db).map_err(Err)? {
        Ok(limits) => limits,
        Err(detail) => return Err(Ok(OpenError::Damaged { path: dir.to_owned(), detail })),
    };
    let limits = IdLimits(start.0.map(|first| first.saturating_add(options.id_block)));
    database::write_id_limits(db, limits).map_err(Err)?;
    Ok(Sequence::ALL.map(|sequence| start.of(sequence)..limits.of(sequence)))
}
