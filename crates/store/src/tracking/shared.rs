//! What those who write and those who ask have in common.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use mailreeve_core::tracking::{Gather, Gathered, Query, Record, Tracked};
use parking_lot::RwLock;

use super::index::{self, Weeks};
use super::{Cursor, History, Page, Paging, Reach, TrackingError};
use crate::ledger::{Picker, Position};

/// Shared by handle, follower and indexer.
pub(super) struct Shared {
    pub(super) ledger: PathBuf,
    pub(super) state: RwLock<State>,
}

/// What is known.
pub(super) struct State {
    /// Records that are open, or not in the index as they are now.
    pub(super) gather: Gather<Position>,
    /// Records that are in the index.
    pub(super) weeks: Weeks,
    /// Everything before this place has been read.
    pub(super) read: Position,
    /// How far records reach.
    pub(super) reach: Reach,
    /// Octets of the index.
    pub(super) octets: u64,
    /// Events read since the index was last written.
    pub(super) unstored: u64,
    /// One more whenever records leave the memory.
    pub(super) commits: u64,
    /// One more whenever everything is read again.
    pub(super) epoch: u64,
    /// A rebuild is wanted.
    pub(super) rebuild: bool,
    /// What was found to be wrong with the index.
    pub(super) damage: Option<String>,
}

impl State {
    pub(super) fn new(gather: Gather<Position>, weeks: Weeks, read: Position) -> Self {
        let reach = Reach::default();
        Self {
            gather,
            weeks,
            read,
            reach,
            octets: 0,
            unstored: 0,
            commits: 0,
            epoch: 0,
            rebuild: false,
            damage: None,
        }
    }
}

impl Shared {
    pub(super) fn history(&self, tracked: Tracked) -> Result<History, TrackingError> {
        let (here, weeks, reach) = {
            let state = self.state.read();
            let here = state.gather.get(tracked).filter(|gathered| !gathered.void);
            (
                here.map(|gathered| (gathered.places.clone(), gathered.left_out)),
                state.weeks.clone(),
                state.reach,
            )
        };
        let (places, left_out) = match here {
            Some(here) => here,
            None => match weeks.stored(tracked)? {
                Some(stored) => (stored.places, stored.left_out),
                None => return Ok(History { record: None, events: Vec::new(), left_out: 0, reach }),
            },
        };
        let events = Picker::open(&self.ledger).events(&places)?;
        let record = (!events.is_empty()).then(|| Record::of(tracked, &events));
        Ok(History { record, events, left_out, reach })
    }

    pub(super) fn find(&self, query: &Query, paging: &Paging) -> Result<Page, TrackingError> {
        let most = paging.rows.saturating_add(1);
        // What is in memory and what is in the index are taken at one instant: together they are all there is.
        let (weeks, reach, outdated, mut total, mut rows) = {
            let state = self.state.read();
            let changed = || state.gather.records().filter(|gathered| gathered.is_changed());
            let stored = changed().filter(|gathered| gathered.stored);
            let outdated: HashSet<u64> =
                stored.map(|gathered| index::number(gathered.record.tracked)).collect();
            let records = changed().filter(|gathered| !gathered.void).map(|gathered| &gathered.record);
            let mut fitting: Vec<(Cursor, &Record)> = records
                .filter(|record| record.began_at >= state.reach.from && query.fits(record))
                .map(|record| (Cursor::of(record), record))
                .collect();
            let total = fitting.len() as u64;
            fitting.retain(|(cursor, _)| paging.after.is_none_or(|after| *cursor < after));
            fitting.sort_unstable_by_key(|(cursor, _)| std::cmp::Reverse(*cursor));
            let rows: Vec<Record> =
                fitting.into_iter().take(most).map(|(_, record)| record.clone()).collect();
            (state.weeks.clone(), state.reach, outdated, total, rows)
        };
        let (indexed, stored) = weeks.find(query, reach.from, paging.after, most, Arc::new(outdated))?;
        total += indexed;
        let mut picker = Picker::open(&self.ledger);
        for stored in stored {
            let events = picker.events(&stored.places)?;
            rows.push(Record::of(stored.tracked, &events));
        }
        rows.sort_unstable_by_key(|record| std::cmp::Reverse(Cursor::of(record)));
        let more = rows.len() > paging.rows;
        rows.truncate(paging.rows);
        let next = rows.last().filter(|_| more).map(Cursor::of);
        Ok(Page { rows, total, next, reach })
    }

    /// Reads a record back whose events are stored by their places.
    pub(super) fn restored(&self, stored: &index::Stored) -> Result<Gathered<Position>, TrackingError> {
        let events = Picker::open(&self.ledger).events(&stored.places)?;
        let places = stored.places.iter().copied().zip(&events);
        Ok(Gathered::restored(stored.tracked, places, stored.left_out))
    }
}
