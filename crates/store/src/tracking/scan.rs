//! Answers by reading the whole ledger.

use std::path::Path;

use mailreeve_core::event::Stamped;
use mailreeve_core::tracking::{Gather, Query, Tracked};

use super::{Cursor, History, Page, Paging, Reach, TrackingError};
use crate::ledger::{Item, LedgerReader, Position};

pub(super) fn history(ledger: &Path, tracked: Tracked) -> Result<History, TrackingError> {
    let (gather, reach) = gather(ledger)?;
    let Some(gathered) = gather.get(tracked) else {
        return Ok(History { record: None, events: Vec::new(), left_out: 0, reach });
    };
    let mut reader = LedgerReader::open(ledger);
    let mut events: Vec<Stamped> = Vec::new();
    for place in &gathered.places {
        reader.seek(*place);
        if let Some(Item::Event(_, entry)) = reader.next_item()? {
            events.push(entry.stamped);
        }
    }
    Ok(History { record: Some(gathered.record.clone()), events, left_out: gathered.left_out, reach })
}

pub(super) fn find(ledger: &Path, query: &Query, paging: &Paging) -> Result<Page, TrackingError> {
    let (gather, reach) = gather(ledger)?;
    let fitting = gather.records().map(|gathered| &gathered.record).filter(|record| query.fits(record));
    let mut rows: Vec<_> = fitting.cloned().collect();
    let total = rows.len() as u64;
    rows.sort_unstable_by_key(|record| std::cmp::Reverse(Cursor::of(record)));
    rows.retain(|record| paging.after.is_none_or(|after| Cursor::of(record) < after));
    let more = rows.len() > paging.rows;
    rows.truncate(paging.rows);
    let next = rows.last().filter(|_| more).map(Cursor::of);
    Ok(Page { rows, total, next, reach })
}

fn gather(ledger: &Path) -> Result<(Gather<Position>, Reach), TrackingError> {
    let mut reader = LedgerReader::open(ledger);
    let (mut gather, mut reach) = (Gather::default(), Reach::default());
    while let Some(item) = reader.next_item()? {
        match item {
            Item::Event(place, entry) => {
                reach.to = reach.to.max(entry.stamped.at);
                gather.note(place, &entry.stamped);
            }
            Item::Opened(_, opening) if reach.from == 0 => reach.from = opening.opened_at,
            Item::Opened(..) | Item::Damaged(..) => {}
        }
    }
    Ok((gather, reach))
}
