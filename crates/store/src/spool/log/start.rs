//! Opening a log: find its segments, walk them in order, drop the torn frame at the end.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use mailreeve_core::event::Stamped;
use parking_lot::RwLock;

use super::Log;
use super::files::LogFiles;
use super::frame::{self, Head, Item, Kind};
use super::index::{BodyAt, Index};
use super::read::{LogPages, LogReader};
use crate::disk::ensure_dir;
use crate::owner::Owner;
use crate::spool::error::OpenError;
use crate::spool::health::Health;
use crate::spool::hybrid::Place;
use crate::spool::ids::{IdLimits, Sequence};
use crate::spool::open::{Opened, Options, Swept};
use crate::spool::recovery::Recovery;
use crate::spool::staged::Staging;
use crate::spool::{Engine, Housekeeping, Reader, Seq, record};

/// Opens the log in `dir`, whose lock `owner` is.
pub(crate) fn open(dir: &Path, options: &Options, owner: Owner) -> Result<Opened, OpenError> {
    let (log_dir, staged_dir) = (dir.join("log"), dir.join("large"));
    for folder in [&log_dir, &staged_dir] {
        ensure_dir(&*options.disk, folder).map_err(OpenError::io("making", folder))?;
    }
    let files = Arc::new(LogFiles::new(options.disk.clone(), &log_dir));
    let mut replay = Replay::default();
    replay.walk(&files, dir)?;

    let staging = Staging::new(options.disk.clone(), &staged_dir);
    let staged = replay.index.staged_names();
    let (swept, bytes) =
        staging.sweep(&|name| staged.contains(name)).map_err(OpenError::io("sweeping", &staged_dir))?;
    let health = Arc::new(Health::default());
    let syncs = Arc::new(AtomicU64::new(0));
    let messages = replay.index.count();
    let reader = Arc::new(LogReader {
        index: RwLock::new(replay.index),
        files: files.clone(),
        staging: staging.clone(),
        syncs: syncs.clone(),
    });
    let last_seq = replay.last_seq.max(options.seq_floor);
    let mut engine = Log {
        health: health.clone(),
        files,
        reader: reader.clone(),
        staging: staging.clone(),
        capacity: options.segment_bytes,
        segments: replay.segments,
        end: replay.end,
        free: replay.free.into_iter().map(|file| (file, Seq(0))).collect(),
        next_file: replay.next_file,
        last_seq,
        ids: replay.ids,
        keep: None,
        syncs,
        _owner: owner,
    };
    if engine.segments.is_empty() {
        engine.next_segment().map_err(OpenError::io("making", &log_dir))?;
    }
    let ids = reserve_ids(&mut engine, dir, options)?;
    Ok(Opened {
        last_seq: engine.last_seq,
        lost_commits: last_seq.0 - replay.last_seq.0,
        engine: Box::new(engine),
        reader: Reader::new(reader.clone()),
        recovery: Recovery::new(messages, Box::new(LogPages::new(reader))),
        outbox: replay.outbox.into_iter().filter(|(seq, _)| *seq > replay.synced).collect(),
        lost_outbox: replay.lost_outbox,
        ids,
        id_block: options.id_block,
        staging,
        swept: Swept { files: swept, bytes },
        health,
    })
}

fn reserve_ids(
    engine: &mut Log,
    dir: &Path,
    options: &Options,
) -> Result<[std::ops::Range<u64>; 3], OpenError> {
    let start = engine.ids;
    let limits = IdLimits(start.0.map(|first| first.saturating_add(options.id_block)));
    let housekeeping = Housekeeping { ledger_synced: Seq(0), id_limits: Some(limits) };
    engine.commit(&[], &housekeeping).map_err(|error| OpenError::Io {
        what: "writing",
        path: dir.to_owned(),
        source: std::io::Error::other(error),
    })?;
    Ok(Sequence::ALL.map(|sequence| start.of(sequence)..limits.of(sequence)))
}

/// What a walk through the log finds.
#[derive(Default)]
struct Replay {
    index: Index,
    segments: Vec<(u64, Seq)>,
    end: u64,
    free: Vec<u64>,
    next_file: u64,
    last_seq: Seq,
    synced: Seq,
    ids: IdLimits,
    outbox: Vec<(Seq, Vec<Stamped>)>,
    lost_outbox: Vec<Seq>,
}

impl Replay {
    fn walk(&mut self, files: &LogFiles, dir: &Path) -> Result<(), OpenError> {
        let io = |source| OpenError::Io { what: "reading", path: dir.to_owned(), source };
        let mut found: BTreeMap<u64, u64> = BTreeMap::new();
        for file in files.list().map_err(io)? {
            self.next_file = self.next_file.max(file + 1);
            let octets = files.read_file(file).map_err(io)?;
            match Head::decode(&octets).filter(|head| head.offset == 0) {
                Some(head) => {
                    found.insert(head.segment, file);
                }
                None => self.free.push(file),
            }
        }
        let begin = match found.last_key_value() {
            Some((_, file)) => last_begin(&files.read_file(*file).map_err(io)?),
            None => return Ok(()),
        };
        let last = found.keys().next_back().copied();
        for (segment, file) in found {
            if segment < begin {
                self.free.push(file);
                continue;
            }
            files.assign(segment, file).map_err(io)?;
            let octets = files.read_file(file).map_err(io)?;
            self.segment(segment, &octets, last == Some(segment));
        }
        Ok(())
    }

    /// Walks the frames of one segment; in the last one the last frame may be torn.
    fn segment(&mut self, segment: u64, octets: &[u8], is_last: bool) {
        let mut at = 0;
        while let Some((head, items)) = frame_at(octets, segment, at) {
            let is_final = is_last && frame_at(octets, segment, at + head.bytes()).is_none();
            if is_final && !items.iter().all(Item::is_whole) {
                break;
            }
            for item in &items {
                self.item(segment, head.seq, item);
            }
            self.last_seq = head.seq;
            self.synced = self.synced.max(head.synced);
            at += head.bytes();
        }
        self.segments.push((segment, self.last_seq));
        self.end = at;
    }

    fn item(&mut self, segment: u64, seq: Seq, item: &Item<'_>) {
        if let Some(effect) = item.effect(segment) {
            self.index.apply(effect);
        }
        match item.kind {
            Kind::Events => match record::decode_events(seq, item.octets) {
                Ok((_, events)) => self.outbox.push((seq, events)),
                Err(_) => self.lost_outbox.push(seq),
            },
            Kind::Ids => self.ids = frame::decode_ids(item.octets).unwrap_or(self.ids),
            Kind::Put | Kind::PutFile | Kind::Update | Kind::End | Kind::Del | Kind::Apart => {}
        }
    }
}

fn frame_at(octets: &[u8], segment: u64, at: u64) -> Option<(Head, Vec<Item<'_>>)> {
    let octets = octets.get(usize::try_from(at).ok()?..)?;
    let head = Head::decode(octets).filter(|head| (head.segment, head.offset) == (segment, at))?;
    let items = frame::items(&head, octets)?;
    Some((head, items))
}

/// Returns the first segment of the log as its last whole frame tells it.
fn last_begin(octets: &[u8]) -> u64 {
    let Some(first) = Head::decode(octets) else { return 0 };
    let (mut at, mut begin) = (0, first.begin);
    while let Some((head, items)) = frame_at(octets, first.segment, at) {
        if items.iter().all(Item::is_whole) {
            begin = head.begin;
        }
        at += head.bytes();
    }
    begin
}

impl Index {
    fn staged_names(&self) -> std::collections::HashSet<String> {
        self.all()
            .filter_map(|(_, message)| match &message.placed.body {
                BodyAt::Here { .. } => None,
                BodyAt::File(place) => match &**place {
                    Place::File { name, .. } => Some(name.clone()),
                    Place::Segment(_) => None,
                },
            })
            .collect()
    }
}
