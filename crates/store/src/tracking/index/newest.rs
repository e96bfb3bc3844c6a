//! Counts what fits, and keeps the newest of it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::sync::Arc;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::index::SegmentReader;
use tantivy::{DocAddress, DocId, Score, SegmentOrdinal};

use super::fields::{BEGAN, KEY};

/// A document that fits: when its record began, its number, where it is.
pub(super) type Hit = (u64, u64, DocAddress);

/// What is wanted of all that fits.
#[derive(Clone)]
pub(super) struct Newest {
    /// Begun at or after this instant.
    pub(super) from: u64,
    /// Begun before this instant.
    pub(super) to: u64,
    /// Standing behind this one, the newest first.
    pub(super) before: Option<(u64, u64)>,
    /// How many are kept.
    pub(super) most: usize,
    /// Numbers of records of which a newer form is in memory.
    pub(super) outdated: Arc<HashSet<u64>>,
}

/// How many fit, and the newest of them, in no order.
#[derive(Default)]
pub(super) struct Found {
    pub(super) total: u64,
    pub(super) hits: Vec<Hit>,
}

/// The same within one segment.
pub(super) struct Segment {
    wanted: Newest,
    ordinal: SegmentOrdinal,
    key: Column<u64>,
    began: Column<u64>,
    total: u64,
    hits: BinaryHeap<Reverse<Hit>>,
}

impl Collector for Newest {
    type Fruit = Found;
    type Child = Segment;

    fn for_segment(&self, ordinal: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<Segment> {
        let columns = segment.fast_fields();
        let (key, began) = (columns.u64(KEY)?, columns.u64(BEGAN)?);
        Ok(Segment { wanted: self.clone(), ordinal, key, began, total: 0, hits: BinaryHeap::new() })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<Found>) -> tantivy::Result<Found> {
        Ok(segments.into_iter().fold(Found::default(), |mut all, found| {
            all.total += found.total;
            all.hits.extend(found.hits);
            all
        }))
    }
}

impl SegmentCollector for Segment {
    type Fruit = Found;

    fn collect(&mut self, doc: DocId, _: Score) {
        let wanted = &self.wanted;
        let began = self.began.first(doc).unwrap_or(0);
        if began < wanted.from || began >= wanted.to {
            return;
        }
        let key = self.key.first(doc).unwrap_or(0);
        if !wanted.outdated.is_empty() && wanted.outdated.contains(&key) {
            return;
        }
        self.total += 1;
        if wanted.before.is_some_and(|before| (began, key) >= before) {
            return;
        }
        let full = self.hits.len() >= wanted.most;
        if full && self.hits.peek().is_none_or(|Reverse(oldest)| (began, key) <= (oldest.0, oldest.1)) {
            return;
        }
        self.hits.push(Reverse((began, key, DocAddress::new(self.ordinal, doc))));
        if full {
            self.hits.pop();
        }
    }

    fn harvest(self) -> Found {
        Found { total: self.total, hits: self.hits.into_iter().map(|Reverse(hit)| hit).collect() }
    }
}
