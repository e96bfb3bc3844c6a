//! Recovery: first every envelope by MID, then what was put aside, by the instant at which it is due.
//!
//! A message of which every waiting recipient was tried before is put aside with its instant (16 octets) on
//! the way and read again when its turn comes. Each page is one short read of its own, so the WAL is never
//! held back.

use std::collections::VecDeque;
use std::sync::Arc;

use mailreeve_core::ids::{Mid, Rid};
use rusqlite::Connection;

use super::database::{key, octets};
use super::read::{HybridReader, StateRow, waiting_of};
use crate::spool::error::ReadError;
use crate::spool::record;
use crate::spool::recovery::{Damaged, Page, PageSource, Recovered};

/// Messages in a page.
const PAGE_MESSAGES: usize = 1000;

/// Where recovery stands.
pub(crate) struct Pages {
    reader: Arc<HybridReader>,
    /// The last MID looked at in the first pass.
    after: Mid,
    /// Messages above this came after the start.
    last: Mid,
    /// Messages put aside: due, MID.
    aside: Vec<(u64, Mid)>,
    /// The second pass, once the first is done.
    second: Option<VecDeque<Mid>>,
}

impl Pages {
    /// `last` is the highest MID in the spool at its start.
    pub(crate) fn new(reader: Arc<HybridReader>, last: Mid) -> Self {
        Self { reader, after: Mid(0), last, aside: Vec::new(), second: None }
    }

    /// Looks at the next messages by MID, filling `page`; false at the end.
    fn first_pass(&mut self, page: &mut Page) -> Result<bool, ReadError> {
        let (after, last) = (self.after, self.last);
        let rows = self.reader.query(|db| rows_after(db, after, last))?;
        let Some(row) = rows.last() else { return Ok(false) };
        self.after = row.mid;
        for row in rows {
            match row.read() {
                Err(damaged) => page.damaged.push(damaged),
                Ok(message) => match earliest_of_tried(&message) {
                    Some(due) => self.aside.push((due, row.mid)),
                    None => page.messages.push(message),
                },
            }
        }
        Ok(true)
    }

    /// Reads the next messages that were put aside. One that is gone meanwhile was removed by an operator.
    fn second_pass(&mut self, page: &mut Page) -> Result<(), ReadError> {
        let second = self.second.get_or_insert_with(|| {
            let mut aside = std::mem::take(&mut self.aside);
            aside.sort_unstable();
            aside.into_iter().map(|(_, mid)| mid).collect()
        });
        while page.messages.len() + page.damaged.len() < PAGE_MESSAGES
            && let Some(mid) = second.front().copied()
        {
            let rows = self.reader.query(|db| rows_after(db, Mid(mid.0 - 1), mid))?;
            second.pop_front();
            for row in rows {
                match row.read() {
                    Err(damaged) => page.damaged.push(damaged),
                    Ok(message) => page.messages.push(message),
                }
            }
        }
        Ok(())
    }
}

impl PageSource for Pages {
    fn next_page(&mut self) -> Result<Option<Page>, ReadError> {
        let mut page = Page::default();
        while self.second.is_none() && page.is_empty() {
            if !self.first_pass(&mut page)? {
                break;
            }
        }
        if page.is_empty() {
            self.second_pass(&mut page)?;
        }
        Ok(if page.is_empty() { None } else { Some(page) })
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

impl Page {
    fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.damaged.is_empty()
    }
}
