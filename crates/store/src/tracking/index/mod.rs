//! Records in an index a week, by the week in which they began.
//!
//! One document a record; a later form of it replaces the earlier one. Nothing of a record is stored but the places of
//! its events, because the ledger has the rest. A week goes as a whole.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use mailreeve_core::tracking::{Query, Tracked};
use tantivy::query::TermQuery;
use tantivy::schema::{IndexRecordOption, Value};
use tantivy::{Searcher, TantivyDocument};

use super::{Cursor, TrackingError};
use crate::ledger::Position;

mod fields;
mod newest;
mod pieces;
mod places;
mod writing;

use fields::Fields;
use newest::Newest;
pub(super) use writing::Writing;

/// Microseconds of a week.
const WEEK_US: u64 = 7 * 86_400 * 1_000_000;

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

/// Both sides of an index of which nothing is there yet; its folder is made with its first week.
pub(super) fn none(dir: &Path) -> (Weeks, Writing, Position) {
    let fields = Arc::new(Fields::new());
    let weeks = Weeks { fields: Arc::clone(&fields), searchers: BTreeMap::new() };
    (weeks, Writing::new(dir.to_owned(), fields), Position::default())
}

/// Opens every week in `dir`. Returns both sides, and the farthest place up to which a week is committed.
pub(super) fn open(dir: &Path) -> Result<(Weeks, Writing, Position), TrackingError> {
    let (mut weeks, mut writing, mut farthest) = none(dir);
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
            let found = wanted.search(&self.fields, searcher, &term)?;
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
            for hit in &wanted.search(&self.fields, searcher, &*query)?.hits {
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
        let mut wanted = newest(query, from, after, most, outdated);
        let (mut total, mut rows) = (0, Vec::new());
        for (week, searcher) in self.searchers.iter().rev() {
            if end_of(*week) <= wanted.from || *week * WEEK_US >= wanted.to {
                continue;
            }
            let query = self.fields.query(query, searcher)?;
            wanted.most = most - rows.len();
            let found = wanted.search(&self.fields, searcher, &*query)?;
            total += found.total;
            for hit in &found.hits {
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

pub(super) fn make_dir(dir: &Path) -> Result<(), TrackingError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(TrackingError::io("making", dir))
}
