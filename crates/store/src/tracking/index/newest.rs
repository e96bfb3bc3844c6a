//! Counts what fits, and keeps the newest of it.
//!
//! A segment knows its oldest and its newest record. Segments are gone through newest first, so that soon nothing in
//! the rest can be among the rows that are wanted: of these only the count is taken, without a look at any time.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;

use tantivy::columnar::Column;
use tantivy::index::SegmentReader;
use tantivy::query::{AllQuery, EnableScoring, Query, Weight};
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocAddress, DocId, Searcher, SegmentOrdinal};

use super::fields::{BEGAN, Fields, KEY};

/// A document that fits: when its record began, its number, where it is.
pub(super) type Hit = (u64, u64, DocAddress);

/// Hits beyond those that are wanted, before the oldest are sorted out.
const SURPLUS: usize = 4_096;
/// Outdated records of a segment that are looked up one by one; above, all numbers of the segment are read.
const LOOKED_UP: usize = 1_000;

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

/// How many fit, and the newest of them, the newest first.
#[derive(Default)]
pub(super) struct Found {
    pub(super) total: u64,
    pub(super) hits: Vec<Hit>,
}

/// A segment with its instants and numbers.
struct Segment<'a> {
    ordinal: SegmentOrdinal,
    reader: &'a SegmentReader,
    key: Column<u64>,
    began: Column<u64>,
}

/// The hits so far, with those that will not be among the newest sorted out now and then.
struct Kept {
    most: usize,
    hits: Vec<Hit>,
    /// Hits that are not newer than this are not among the newest.
    least: Option<(u64, u64)>,
}

impl Newest {
    /// Searches an index.
    pub(super) fn search(
        &self,
        fields: &Fields,
        searcher: &Searcher,
        query: &dyn Query,
    ) -> tantivy::Result<Found> {
        let weight = query.weight(EnableScoring::disabled_from_searcher(searcher))?;
        let mut segments =
            (0..).zip(searcher.segment_readers()).map(Segment::open).collect::<Result<Vec<_>, _>>()?;
        segments.sort_by_key(|segment| Reverse(segment.began.max_value()));
        let mut kept = Kept { most: self.most, hits: Vec::new(), least: None };
        let mut total = 0;
        for segment in &segments {
            total += self.search_segment(fields, segment, &*weight, query.is::<AllQuery>(), &mut kept)?;
        }
        kept.sort_out();
        Ok(Found { total, hits: kept.hits })
    }

    /// Searches a segment; returns how many fit.
    fn search_segment(
        &self,
        fields: &Fields,
        segment: &Segment<'_>,
        weight: &dyn Weight,
        all: bool,
        kept: &mut Kept,
    ) -> tantivy::Result<u64> {
        let (oldest, newest) = (segment.began.min_value(), segment.began.max_value());
        if segment.reader.num_docs() == 0 || newest < self.from || oldest >= self.to {
            return Ok(0);
        }
        let inside = self.from <= oldest && newest < self.to;
        let shown = kept.wants(newest) && self.before.is_none_or(|(began, _)| oldest <= began);
        let outdated = segment.outdated(fields, &self.outdated)?;
        if inside && !shown && outdated.is_empty() {
            let count = if all { segment.reader.num_docs() } else { weight.count(segment.reader)? };
            return Ok(u64::from(count));
        }
        let mut total = 0;
        let mut instants = [0; COLLECT_BLOCK_BUFFER_LEN];
        let alive = segment.reader.alive_bitset();
        weight.for_each_no_score(segment.reader, &mut |docs| {
            if !inside || shown {
                segment.began.values.get_vals(docs, &mut instants[..docs.len()]);
            }
            for (doc, began) in docs.iter().zip(&instants) {
                let is_there = alive.is_none_or(|alive| alive.is_alive(*doc)) && !outdated.contains(doc);
                if !is_there || !(inside || (self.from..self.to).contains(began)) {
                    continue;
                }
                total += 1;
                if shown && kept.wants(*began) {
                    let key = segment.key.values.get_val(*doc);
                    if self.before.is_none_or(|before| (*began, key) < before) {
                        kept.add((*began, key, DocAddress::new(segment.ordinal, *doc)));
                    }
                }
            }
        })?;
        Ok(total)
    }
}

impl<'a> Segment<'a> {
    fn open((ordinal, reader): (SegmentOrdinal, &'a SegmentReader)) -> tantivy::Result<Self> {
        let columns = reader.fast_fields();
        Ok(Self { ordinal, reader, key: columns.u64(KEY)?, began: columns.u64(BEGAN)? })
    }

    /// The documents here of which a newer form is in memory.
    fn outdated(&self, fields: &Fields, numbers: &HashSet<u64>) -> tantivy::Result<HashSet<DocId>> {
        let here = self.key.min_value()..=self.key.max_value();
        let near: Vec<u64> = numbers.iter().filter(|number| here.contains(number)).copied().collect();
        let mut docs = HashSet::new();
        if near.len() > LOOKED_UP {
            let all =
                (0..self.reader.max_doc()).filter(|doc| numbers.contains(&self.key.values.get_val(*doc)));
            docs.extend(all);
            return Ok(docs);
        }
        for number in near {
            docs.extend(fields.docs_of(number, self.reader)?);
        }
        Ok(docs)
    }
}

impl Kept {
    fn wants(&self, began: u64) -> bool {
        self.most > 0 && self.least.is_none_or(|(least, _)| began >= least)
    }

    fn add(&mut self, hit: Hit) {
        if self.least.is_some_and(|least| (hit.0, hit.1) <= least) {
            return;
        }
        self.hits.push(hit);
        if self.hits.len() >= self.most.saturating_add(SURPLUS) {
            self.sort_out();
        }
    }

    /// Leaves the newest, in order.
    fn sort_out(&mut self) {
        if self.hits.len() > self.most && self.most > 0 {
            self.hits.select_nth_unstable_by_key(self.most - 1, |hit| Reverse((hit.0, hit.1)));
        }
        self.hits.truncate(self.most);
        self.hits.sort_unstable_by_key(|hit| Reverse((hit.0, hit.1)));
        if self.hits.len() == self.most {
            self.least = self.hits.last().map(|hit| (hit.0, hit.1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(most: usize, hits: impl Iterator<Item = (u64, u64)>) -> Kept {
        let mut kept = Kept { most, hits: Vec::new(), least: None };
        for (began, key) in hits {
            if kept.wants(began) {
                kept.add((began, key, DocAddress::new(0, 0)));
            }
        }
        kept.sort_out();
        kept
    }

    #[test]
    fn the_newest_stay_in_order_however_many_come() {
        let many = 3 * SURPLUS as u64;
        // Two of each instant, rising, falling and mixed.
        let mixed = |number: u64| number.wrapping_mul(7_919) % many;
        for order in [|number: u64| number, |number| 3 * SURPLUS as u64 - 1 - number] {
            let found = kept(5, (0..many).map(|number| (mixed(order(number)) / 2, mixed(order(number)))));
            let expected: Vec<u64> = (many - 5..many).rev().collect();
            assert_eq!(found.hits.iter().map(|hit| hit.1).collect::<Vec<_>>(), expected);
            assert!(found.hits.len() == 5 && !found.wants(found.hits[4].0 - 1));
        }
        let rising = kept(3, (0..many).map(|number| (number, number)));
        assert_eq!(rising.hits.iter().map(|hit| hit.1).collect::<Vec<_>>(), [many - 1, many - 2, many - 3]);
        assert!(kept(0, (0..9).map(|number| (number, number))).hits.is_empty());
        assert_eq!(kept(usize::MAX, (0..many).map(|number| (number, number))).hits.len() as u64, many);
    }
}
