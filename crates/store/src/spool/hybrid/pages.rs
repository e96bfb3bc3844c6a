//! Recovery in three passes: what was never tried, by MID; the most urgent of the rest, by the instant at
//! which they are due; everything else, by MID.
//!
//! A message of which every waiting recipient was tried before is put aside with its instant (16 octets) in
//! the first pass. Reading by instant jumps about in the tables, so only as many as are soon due come that
//! way. Each page is one short read of its own, so the WAL is never held back.

use std::collections::VecDeque;
use std::sync::Arc;

use mailreeve_core::ids::{Mid, Rid};
use rusqlite::{Connection, OptionalExtension};

use super::database::{key, octets};
use super::read::{HybridReader, StateRow, waiting_of};
use crate::spool::error::ReadError;
use crate::spool::record;
use crate::spool::recovery::{Damaged, Page, Recovered};

/// Messages in a page.
const PAGE_MESSAGES: usize = 1000;

/// Where recovery stands.
pub(crate) struct Pages {
    reader: Arc<HybridReader>,
    /// Messages above this came after the start.
    last: Mid,
    /// How many come by the instant at which they are due.
    by_due: usize,
    pass: Pass,
}

enum Pass {
    /// Every message above this MID; those put aside so far, with their instants.
    Untried(Mid, Vec<(u64, Mid)>),
    /// The next to come, and what comes after all of them, by MID.
    Urgent(VecDeque<Mid>, Vec<Mid>),
    /// Those of the list above this MID.
    Rest(Mid, Vec<Mid>),
}

impl Pages {
    /// `last` is the highest MID in the spool at its start.
    pub(crate) fn new(reader: Arc<HybridReader>, last: Mid, by_due: usize) -> Self {
        Self { reader, last, by_due, pass: Pass::Untried(Mid(0), Vec::new()) }
    }

    /// Returns the next page, `None` after the last; a page that would be empty is not handed out.
    pub(crate) fn next_page(&mut self) -> Result<Option<Page>, ReadError> {
        loop {
            match self.step()? {
                Some(page) if page.messages.is_empty() && page.damaged.is_empty() => {}
                page => return Ok(page),
            }
        }
    }

    /// Reads some messages; `None` after the last. A message that is gone meanwhile was removed by an
    /// operator.
    fn step(&mut self) -> Result<Option<Page>, ReadError> {
        let (reader, last) = (&self.reader, self.last);
        let mut page = Page::default();
        match &mut self.pass {
            Pass::Untried(after, aside) => {
                let rows = reader.query(|db| rows_after(db, *after, last))?;
                match rows.last() {
                    Some(row) => *after = row.mid,
                    None => self.pass = after_untried(std::mem::take(aside), self.by_due),
                }
                if let Pass::Untried(_, aside) = &mut self.pass {
                    page.sort_out(&rows, aside);
                }
            }
            Pass::Urgent(next, rest) => {
                let mids: Vec<Mid> = next.iter().take(PAGE_MESSAGES).copied().collect();
                page.take(&reader.query(|db| rows_of(db, &mids))?);
                next.drain(..mids.len());
                if next.is_empty() {
                    self.pass = Pass::Rest(Mid(0), std::mem::take(rest));
                }
            }
            Pass::Rest(after, rest) => {
                let mut rows = reader.query(|db| rows_after(db, *after, last))?;
                let Some(row) = rows.last().filter(|_| !rest.is_empty()) else { return Ok(None) };
                *after = row.mid;
                rows.retain(|row| rest.binary_search(&row.mid).is_ok());
                page.take(&rows);
            }
        }
        Ok(Some(page))
    }
}

/// Splits what was put aside: the most urgent by their instants, the others by MID.
fn after_untried(mut aside: Vec<(u64, Mid)>, by_due: usize) -> Pass {
    aside.sort_unstable();
    let mut rest: Vec<Mid> = aside.iter().skip(by_due).map(|(_, mid)| *mid).collect();
    rest.sort_unstable();
    Pass::Urgent(aside.into_iter().take(by_due).map(|(_, mid)| mid).collect(), rest)
}

impl Page {
    fn take(&mut self, rows: &[MessageRows]) {
        for row in rows {
            match row.read() {
                Err(damaged) => self.damaged.push(damaged),
                Ok(message) => self.messages.push(message),
            }
        }
    }

    /// Takes what was never tried or cannot be read; the others are put aside.
    fn sort_out(&mut self, rows: &[MessageRows], aside: &mut Vec<(u64, Mid)>) {
        for row in rows {
            match row.read() {
                Err(damaged) => self.damaged.push(damaged),
                Ok(message) => match earliest_of_tried(&message) {
                    Some(due) => aside.push((due, row.mid)),
                    None => self.messages.push(message),
                },
            }
        }
    }
}

/// The rows of one message.
struct MessageRows {
    mid: Mid,
    envelope: Vec<u8>,
    states: Vec<StateRow>,
}

impl MessageRows {
    fn read(&self) -> Result<Recovered, Damaged> {
        let damaged = |detail| Damaged { mid: self.mid, detail };
        let envelope = record::decode_envelope(self.mid, &self.envelope)
            .map_err(|detail| damaged(format!("its envelope: {detail}")))?;
        let waiting = waiting_of(&envelope, &self.states)
            .map_err(|detail| damaged(format!("a recipient's state: {detail}")))?;
        Ok(Recovered { envelope: Arc::new(envelope), waiting })
    }
}

/// Returns the rows of these messages, in their order, as one read.
fn rows_of(db: &Connection, mids: &[Mid]) -> rusqlite::Result<Vec<MessageRows>> {
    let read = db.unchecked_transaction()?;
    let mut envelopes = read.prepare_cached("SELECT record FROM envelope WHERE mid = ?1")?;
    let mut states =
        read.prepare_cached("SELECT rid, record FROM recipient_state WHERE mid = ?1 ORDER BY rid")?;
    let mut messages = Vec::with_capacity(mids.len());
    for mid in mids.iter().copied() {
        let envelope =
            envelopes.query_row([key(mid)], |row| octets(row, 0).map(<[u8]>::to_vec)).optional()?;
        let Some(envelope) = envelope else { continue };
        let states = states
            .query_map([key(mid)], |row| Ok((Rid(row.get(0)?), octets(row, 1)?.to_vec())))?
            .collect::<rusqlite::Result<_>>()?;
        messages.push(MessageRows { mid, envelope, states });
    }
    Ok(messages)
}

/// Returns the rows of the next messages with `after < mid <= last`.
fn rows_after(db: &Connection, after: Mid, last: Mid) -> rusqlite::Result<Vec<MessageRows>> {
    let mut messages: Vec<MessageRows> = db
        .prepare_cached(
            "SELECT mid, record FROM envelope WHERE mid > ?1 AND mid <= ?2 ORDER BY mid LIMIT ?3",
        )?
        .query_map(rusqlite::params![key(after), key(last), PAGE_MESSAGES as i64], |row| {
            let mid = Mid(row.get::<_, i64>(0)?.unsigned_abs());
            Ok(MessageRows { mid, envelope: octets(row, 1)?.to_vec(), states: Vec::new() })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let Some(end) = messages.last().map(|message| message.mid) else { return Ok(messages) };
    let mut statement = db.prepare_cached(
        "SELECT mid, rid, record FROM recipient_state WHERE mid > ?1 AND mid <= ?2 ORDER BY mid, rid",
    )?;
    let mut rows = statement.query(rusqlite::params![key(after), key(end)])?;
    let mut at = 0;
    while let Some(row) = rows.next()? {
        let mid = Mid(row.get::<_, i64>(0)?.unsigned_abs());
        while messages.get(at).is_some_and(|message| message.mid < mid) {
            at += 1;
        }
        match messages.get_mut(at) {
            Some(message) if message.mid == mid => {
                message.states.push((Rid(row.get(1)?), octets(row, 2)?.to_vec()))
            }
            Some(_) | None => {}
        }
    }
    Ok(messages)
}

/// Returns when the first recipient is due, if all that wait were tried before.
fn earliest_of_tried(message: &Recovered) -> Option<u64> {
    let dues: Option<Vec<u64>> =
        message.waiting.iter().map(|(_, state)| state.as_ref().map(|state| state.due_at)).collect();
    dues?.into_iter().min()
}
