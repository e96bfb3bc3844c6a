//! Messages that are older than the records and wait all the same: found by what the spool has of them.
//!
//! The records reach as far back as the ledger, which is bounded; a message may wait for longer than that.

use std::collections::BTreeSet;
use std::sync::Arc;

use mailreeve_api::wire::Problem;
use mailreeve_core::delivery::io::Scope;
use mailreeve_core::envelope::Envelope;
use mailreeve_core::event::{Event, Stamped};
use mailreeve_core::ids::{Dcid, Mid};
use mailreeve_core::message::header_facts;
use mailreeve_core::tracking::{Query, Record, Tracked};
use mailreeve_store::spool::{Reader, WaitingRecipient};
use mailreeve_store::tracking::{Cursor, History, Page, Paging, Reach, Tracking, TrackingError};

use super::unreadable;
use crate::commands::{Commands, stopping};

/// Recipients among whom the old ones are looked for: those of the lowest MIDs.
const LOOKED_AT: usize = 1_000;

/// A message from before the records.
pub(super) struct Older {
    pub(super) record: Record,
    events: Vec<Stamped>,
}

impl Older {
    /// What is known of its way.
    pub(super) fn history(&self, reach: Reach) -> History {
        History { record: Some(self.record.clone()), events: self.events.clone(), left_out: 0, reach }
    }
}

impl Commands {
    /// The messages that fit, are not among the records, and wait or left something in the records; the newest first.
    pub(super) async fn older(&self, query: &Query, page: &Page) -> Result<Vec<Older>, Problem> {
        let mids = match query.mid {
            Some(_) if page.total > 0 => return Ok(Vec::new()),
            Some(mid) => BTreeSet::from([mid]),
            None => self.waiting_from_before(page.reach.from).await?,
        };
        if mids.is_empty() {
            return Ok(Vec::new());
        }
        let look = self.looking(query);
        let found = tokio::task::spawn_blocking(move || look.at_all(&mids)).await;
        found.map_err(|_| stopping())?.map_err(|error| unreadable(&error))
    }

    /// Makes records whole whose beginning is not there any more, from what the spool has of them; returns these.
    pub(super) async fn completed(&self, page: &mut Page) -> Result<Vec<Older>, Problem> {
        let cut = |record: &&Record| record.sender.is_none();
        let mids: BTreeSet<Mid> = page.rows.iter().filter(cut).filter_map(message).collect();
        if mids.is_empty() {
            return Ok(Vec::new());
        }
        let look = self.looking(&Query::default());
        let found = tokio::task::spawn_blocking(move || {
            mids.into_iter().filter_map(|mid| look.whole(mid).transpose()).collect::<Result<Vec<_>, _>>()
        });
        let whole = found.await.map_err(|_| stopping())?.map_err(|error| unreadable(&error))?;
        for older in &whole {
            let same = |record: &&mut Record| record.tracked == older.record.tracked;
            if let Some(record) = page.rows.iter_mut().find(same) {
                *record = older.record.clone();
            }
        }
        Ok(whole)
    }

    fn looking(&self, query: &Query) -> Look {
        let (tracking, reader) = (Arc::clone(&self.context.tracking), self.context.reader.clone());
        Look { tracking, reader, query: query.clone() }
    }

    /// Those that wait and were accepted before `from`.
    async fn waiting_from_before(&self, from: u64) -> Result<BTreeSet<Mid>, Problem> {
        let ask = self.context.shard.ask(move |delivery, now| {
            let first = delivery.recipients(&Scope::All, None, LOOKED_AT, now).recipients;
            first.into_iter().filter(|view| view.accepted_at < from).map(|view| view.mid).collect()
        });
        let mut mids: BTreeSet<Mid> = ask.await.map_err(|_| stopping())?;
        let (held, reader) =
            (self.context.work_queue.page(None, None, LOOKED_AT), self.context.reader.clone());
        let old = tokio::task::spawn_blocking(move || {
            let is_old = |mid: &Mid| reader.envelope(*mid).is_ok_and(|envelope| envelope.accepted_at < from);
            held.into_iter().take_while(is_old).collect::<Vec<_>>()
        });
        mids.extend(old.await.map_err(|_| stopping())?);
        Ok(mids)
    }
}

fn message(record: &Record) -> Option<Mid> {
    match record.tracked {
        Tracked::Message(mid) => Some(mid),
        Tracked::Connection(_) => None,
    }
}

/// What is looked at, off the runtime's thread.
struct Look {
    tracking: Arc<Tracking>,
    reader: Reader,
    query: Query,
}

impl Look {
    fn at_all(&self, mids: &BTreeSet<Mid>) -> Result<Vec<Older>, TrackingError> {
        let mut found = Vec::new();
        for mid in mids.iter().rev() {
            found.extend(self.at(*mid)?);
        }
        Ok(found)
    }

    fn at(&self, mid: Mid) -> Result<Option<Older>, TrackingError> {
        let one = Query { mid: Some(mid), ..self.query.clone() };
        if self.tracking.find(&one, &Paging::first(1))?.total > 0 {
            return Ok(None);
        }
        Ok(self.whole(mid)?.filter(|older| self.query.fits(&older.record)))
    }

    /// Everything that records and spool have of a message together.
    fn whole(&self, mid: Mid) -> Result<Option<Older>, TrackingError> {
        let told = self.tracking.history(Tracked::Message(mid))?;
        let known = told.record.filter(|record| record.sender.is_some());
        if let Some(record) = known {
            return Ok(Some(Older { record, events: told.events }));
        }
        // One that has ended meanwhile, or is damaged, is told by the log.
        let Ok((envelope, waiting)) = self.reader.waiting(mid) else { return Ok(None) };
        let header = self.reader.header(mid).unwrap_or_default();
        let (mut events, failures) = events_of(&envelope, &waiting, &header);
        events.extend(if told.events.is_empty() { failures } else { told.events });
        Ok(Some(Older { record: Record::of(Tracked::Message(mid), &events), events }))
    }
}

/// The events that the spool knows of: how it came and who waits; and the last failure of each.
fn events_of(
    envelope: &Envelope,
    waiting: &[WaitingRecipient],
    header: &[u8],
) -> (Vec<Stamped>, Vec<Stamped>) {
    let (mid, icid, sender) = (envelope.mid, envelope.icid, envelope.sender.to_string());
    let facts = header_facts(header);
    let mut events = vec![Event::MessageStarted { mid, icid, sender: sender.clone() }];
    let mut failed = Vec::new();
    let mut destinations = Vec::new();
    for (rid, state) in waiting {
        let Some(recipient) = envelope.recipients.get(rid.0 as usize) else { continue };
        let host =
            state.as_ref().and_then(|state| state.host.clone()).unwrap_or_else(|| recipient.host.clone());
        let address = recipient.mailbox.to_string();
        events.push(Event::RecipientAccepted { mid, icid, rid: *rid, address });
        destinations.push((host.clone(), vec![*rid]));
        let last = state.as_ref().and_then(|state| state.last.clone().map(|failure| (state, failure)));
        failed.extend(last.map(|(state, failure)| {
            let (next_at, attempts) = (state.due_at, state.attempts);
            Stamped {
                at: failure.at,
                event: Event::Deferred { dcid: Dcid(0), mid, rid: *rid, host, failure, next_at, attempts },
            }
        }));
    }
    let recipients = u32::try_from(envelope.recipients.len()).unwrap_or(u32::MAX);
    let (message_id, subject, size) = (facts.message_id, facts.subject, envelope.size);
    events.push(Event::Accepted { mid, icid, size, sender, message_id, subject, recipients });
    events.push(Event::Queued { mid, destinations });
    let told = events.into_iter().map(|event| Stamped { at: envelope.accepted_at, event });
    failed.sort_by_key(|stamped: &Stamped| stamped.at);
    (told.collect(), failed)
}

/// Puts them behind the records of the last page: they are older than all of them.
pub(super) fn put_behind(page: &mut Page, older: &[Older], paging: &Paging) {
    page.total += older.len() as u64;
    if page.next.is_some() {
        return;
    }
    let records = older.iter().map(|older| &older.record);
    let behind = records.filter(|record| paging.after.is_none_or(|after| Cursor::of(record) < after));
    page.rows.extend(behind.cloned());
    page.rows.sort_by_key(|record| std::cmp::Reverse(Cursor::of(record)));
    if page.rows.len() > paging.rows {
        page.rows.truncate(paging.rows);
        page.next = page.rows.last().map(Cursor::of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn older(number: u64) -> Older {
        let event = Event::MessageStarted {
            mid: Mid(number),
            icid: mailreeve_core::ids::Icid(1),
            sender: String::new(),
        };
        let events = vec![Stamped { at: number, event }];
        Older { record: Record::of(Tracked::Message(Mid(number)), &events), events }
    }

    #[test]
    fn what_is_older_follows_on_the_last_pages_and_is_counted_on_each() {
        let older = [older(3), older(2), older(1)];
        let page = || Page { rows: vec![], total: 7, next: None, reach: Reach::default() };
        let mut first = Page { next: Some(Cursor::of(&older[0].record)), ..page() };
        put_behind(&mut first, &older, &Paging::first(2));
        assert_eq!((first.total, first.rows.len()), (10, 0));
        let mut last = page();
        put_behind(&mut last, &older, &Paging::first(2));
        assert_eq!((last.total, last.rows.len(), last.next), (10, 2, Some(Cursor::of(&older[1].record))));
        let mut end = page();
        put_behind(&mut end, &older, &Paging::after(last.next.unwrap_or(Cursor::of(&older[0].record)), 2));
        assert_eq!((end.rows, end.next), (vec![older[2].record.clone()], None));
    }
}
