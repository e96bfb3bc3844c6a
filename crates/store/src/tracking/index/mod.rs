//! Records in an index a week, by the week in which they began.
//!
//! One document a record; a later form of it replaces the earlier one. Nothing of a record is stored but the places of
//! its events, because the ledger has the rest. A week goes as a whole.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailreeve_core::tracking::{Gathered, Query, Tracked};
use tantivy::directory::MmapDirectory;
use tantivy::indexer::IndexWriterOptions;
use tantivy::query::TermQuery;
use tantivy::schema::{IndexRecordOption, Value};
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, Term};

use super::{Cursor, TrackingError};
use crate::ledger::Position;

mod fields;
mod newest;
mod pieces;
mod places;

use fields::Fields;
use newest::{Found, Newest};

/// Microseconds of a week.
const WEEK_US: u64 = 7 * 86_400 * 1_000_000;
/// Octets that documents take in memory before they are written to a segment.
const MEMORY: usize = 48 << 20;

/// The week in which an instant lies, counted from the epoch.
pub(super) const fn week_of(at_us: u64) -> u64 {
    at_us / WEEK_US
}

/// The first instant after a week.
pub(super) const fn end_of(week: u64) -> u64 {
    (week + 1) * WEEK_US
}

/// The places of a record's events, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) tracked: Tracked,
    pub(super) began_at: u64,
    pub(super) places: Vec<Position>,
    pub(super) left_out: u32,
}

/// The side that searches. It sees what was committed when its searchers were made, and so do its copies.
#[derive(Clone)]
pub(super) struct Weeks {
    fields: Arc<Fields>,
    searchers: BTreeMap<u64, Searcher>,
}

/// The side that writes. One owner.
pub(super) struct Writing {
    dir: PathBuf,
    fields: Arc<Fields>,
    open: BTreeMap<u64, Open>,
}

/// A record on its way into its week.
pub(super) struct Put {
    week: u64,
    replaces: Option<Term>,
    document: Option<TantivyDocument>,
}

struct Open {
    index: Index,
    reader: IndexReader,
    writer: Option<IndexWriter>,
}

/// Opens every week in `dir`. Returns both sides, and the farthest place up to which a week is committed.
pub(super) fn open(dir: &Path) -> Result<(Weeks, Writing, Position), TrackingError> {
    let fields = Arc::new(Fields::new());
    let mut weeks = Weeks { fields: Arc::clone(&fields), searchers: BTreeMap::new() };
    let mut writing = Writing { dir: dir.to_owned(), fields, open: BTreeMap::new() };
    let mut farthest = Position::default();
    make_dir(dir)?;
    for entry in fs::read_dir(dir).map_err(TrackingError::io("listing", dir))? {
        let name = entry.map_err(TrackingError::io("listing", dir))?.file_name();
        let Some(week) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        let open = writing.open(week)?;
        let payload = open.index.load_metas()?.payload;
        farthest = farthest.max(payload.as_deref().and_then(position_of).unwrap_or_default());
        weeks.searchers.insert(week, open.reader.searcher());
    }
    Ok((weeks, writing, farthest))
}

impl Weeks {
    /// Finds the newest form of a record that is committed.
    pub(super) fn stored(&self, tracked: Tracked) -> Result<Option<Stored>, TrackingError> {
        let wanted = newest(&Query::default(), 0, None, 1, Arc::default());
        for searcher in self.searchers.values().rev() {
            let term = TermQuery::new(self.fields.key_term(tracked), IndexRecordOption::Basic);
            let found = searcher.search(&term, &wanted)?;
            if let Some(hit) = found.hits.first() {
                return self.read(searcher, hit).map(Some);
            }
        }
        Ok(None)
    }

    /// Finds the records that are committed as still coming in.
    pub(super) fn coming(&self) -> Result<Vec<Stored>, TrackingError> {
        let words = ["sreceiving".to_owned(), "sconnected".to_owned()];
        let query = self.fields.any_word(&words);
        let wanted = newest(&Query::default(), 0, None, usize::MAX, Arc::default());
        let mut all = Vec::new();
        for searcher in self.searchers.values() {
            for hit in &searcher.search(&*query, &wanted)?.hits {
                all.push(self.read(searcher, hit)?);
            }
        }
        Ok(all)
    }

    /// Finds what fits and began at or after `from`, but for `outdated` numbers: how many there are, and of those behind
    /// `after` the `most` newest, in order.
    pub(super) fn find(
        &self,
        query: &Query,
        from: u64,
        after: Option<Cursor>,
        most: usize,
        outdated: Arc<HashSet<u64>>,
    ) -> Result<(u64, Vec<Stored>), TrackingError> {
        let wanted = newest(query, from, after, most, outdated);
        let (mut total, mut rows) = (0, Vec::new());
        for (week, searcher) in self.searchers.iter().rev() {
            if end_of(*week) <= wanted.from || *week * WEEK_US >= wanted.to {
                continue;
            }
            let query = self.fields.query(query, searcher)?;
            let Found { total: here, mut hits } = searcher.search(&*query, &wanted)?;
            total += here;
            hits.sort_unstable_by_key(|hit| std::cmp::Reverse((hit.0, hit.1)));
            let missing = most - rows.len();
            for hit in hits.iter().take(missing) {
                rows.push(self.read(searcher, hit)?);
            }
        }
        Ok((total, rows))
    }

    /// Takes in what was committed since.
    pub(super) fn renew(&mut self, changed: Vec<(u64, Searcher)>) {
        self.searchers.extend(changed);
    }

    /// Forgets weeks before `week`.
    pub(super) fn forget_before(&mut self, week: u64) {
        self.searchers = self.searchers.split_off(&week);
    }

    /// How many records are committed.
    pub(super) fn len(&self) -> u64 {
        self.searchers.values().map(Searcher::num_docs).sum()
    }

    fn read(&self, searcher: &Searcher, hit: &newest::Hit) -> Result<Stored, TrackingError> {
        let document: TantivyDocument = searcher.doc(hit.2)?;
        let octets = document.get_first(self.fields.places).and_then(|value| value.as_bytes());
        let (places, left_out) = places::read(octets.unwrap_or_default());
        Ok(Stored { tracked: fields::tracked(hit.1), began_at: hit.0, places, left_out })
    }
}

impl Writing {
    /// Makes the document of a record.
    pub(super) fn document(&self, gathered: &Gathered<Position>) -> Put {
        Put {
            week: week_of(gathered.record.began_at),
            replaces: gathered.stored.then(|| self.fields.key_term(gathered.record.tracked)),
            document: (!gathered.void).then(|| self.fields.document(gathered)),
        }
    }

    /// Puts a record into its week, instead of an earlier form of it if there may be one.
    pub(super) fn put(&mut self, put: Put) -> Result<(), TrackingError> {
        let writer = self.writer(put.week)?;
        if let Some(term) = put.replaces {
            writer.delete_term(term);
        }
        if let Some(document) = put.document {
            writer.add_document(document)?;
        }
        Ok(())
    }

    /// Forgets what was put and not committed.
    pub(super) fn give_up(&mut self) {
        self.open.values_mut().for_each(|open| open.writer = None);
    }

    /// Makes everything that was put durable, as what is known up to `position`. Returns searchers of weeks that have
    /// changed; of the writers only that of the newest week stays.
    pub(super) fn commit(&mut self, position: Position) -> Result<Vec<(u64, Searcher)>, TrackingError> {
        let mut changed = Vec::new();
        let newest = self.open.keys().next_back().copied();
        for (week, open) in &mut self.open {
            let Some(writer) = &mut open.writer else { continue };
            let mut prepared = writer.prepare_commit()?;
            prepared.set_payload(&format!("{} {}", position.segment, position.offset));
            prepared.commit()?;
            open.reader.reload()?;
            changed.push((*week, open.reader.searcher()));
            if Some(*week) != newest {
                open.writer = None;
            }
        }
        Ok(changed)
    }

    /// Removes weeks before `week`.
    pub(super) fn remove_before(&mut self, week: u64) -> Result<(), TrackingError> {
        let kept = self.open.split_off(&week);
        for (week, open) in std::mem::replace(&mut self.open, kept) {
            drop(open);
            let dir = self.dir.join(week.to_string());
            fs::remove_dir_all(&dir).map_err(TrackingError::io("removing", &dir))?;
        }
        Ok(())
    }

    /// The weeks, oldest first, each with its octets on disk.
    pub(super) fn sizes(&self) -> Vec<(u64, u64)> {
        self.open.keys().map(|week| (*week, octets(&self.dir.join(week.to_string())))).collect()
    }

    fn writer(&mut self, week: u64) -> Result<&mut IndexWriter, TrackingError> {
        let open = self.open(week)?;
        let writer = match open.writer.take() {
            Some(writer) => writer,
            None => {
                let options = IndexWriterOptions::builder()
                    .num_worker_threads(1)
                    .num_merge_threads(1)
                    .memory_budget_per_thread(MEMORY)
                    .build();
                open.index.writer_with_options(options)?
            }
        };
        Ok(open.writer.insert(writer))
    }

    /// The index of a week, made when it is new.
    fn open(&mut self, week: u64) -> Result<&mut Open, TrackingError> {
        match self.open.entry(week) {
            Entry::Occupied(open) => Ok(open.into_mut()),
            Entry::Vacant(place) => {
                let dir = self.dir.join(week.to_string());
                make_dir(&dir)?;
                let directory = MmapDirectory::open(&dir).map_err(tantivy::TantivyError::from)?;
                let index = Index::open_or_create(directory, self.fields.schema.clone())?;
                index.tokenizers().register(fields::PIECES, TextAnalyzer::from(pieces::Cutter));
                let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual);
                let reader = reader.doc_store_cache_num_blocks(8).try_into()?;
                Ok(place.insert(Open { index, reader, writer: None }))
            }
        }
    }
}

fn newest(
    query: &Query,
    from: u64,
    after: Option<Cursor>,
    most: usize,
    outdated: Arc<HashSet<u64>>,
) -> Newest {
    Newest {
        from: query.from.unwrap_or(0).max(from),
        to: query.to.unwrap_or(u64::MAX),
        before: after.map(|cursor| (cursor.began_at, fields::key(cursor.tracked))),
        most,
        outdated,
    }
}

/// The number of a record, by which records of one instant are in order.
pub(super) const fn number(tracked: Tracked) -> u64 {
    fields::key(tracked)
}

fn position_of(payload: &str) -> Option<Position> {
    let (segment, offset) = payload.split_once(' ')?;
    Some(Position { segment: segment.parse().ok()?, offset: offset.parse().ok()? })
}

fn make_dir(dir: &Path) -> Result<(), TrackingError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(TrackingError::io("making", dir))
}

fn octets(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}
