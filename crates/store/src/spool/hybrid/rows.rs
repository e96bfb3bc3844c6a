//! The rows of one commit, written in one transaction.

use mailreeve_core::ids::{Mid, Rid};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params};

use super::RowError;
use super::bodies::Body;
use super::database::{encoding_error, key, octets, write_id_limits};
use super::moves::Move;
use super::place::Place;
use super::statements::Statements;
use crate::spool::error::Refusal;
use crate::spool::record;
use crate::spool::segments::{Location, SegmentFiles};
use crate::spool::{Apart, Batch, Content, Housekeeping, Put, Seq};

/// Everything that a transaction needs beside the parts themselves.
pub(crate) struct Commit<'a> {
    pub(crate) seq: Seq,
    /// Messages before it.
    pub(crate) messages: u64,
    /// Outbox entries removed so far.
    pub(crate) trimmed: Seq,
    /// Where the content of each put is, in order.
    pub(crate) bodies: &'a [Body],
    pub(crate) moves: &'a [Move],
    pub(crate) housekeeping: &'a Housekeeping,
}

/// What changed outside the database's own pages, to be accounted for after the commit.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) messages: u64,
    pub(crate) trimmed: Seq,
    pub(crate) credits: Vec<Location>,
    pub(crate) releases: Vec<Location>,
    pub(crate) files_gone: Vec<String>,
    pub(crate) staged_added: u64,
    pub(crate) staged_gone: u64,
}

impl Commit<'_> {
    /// Writes and commits. On any error nothing was done.
    pub(crate) fn write(
        &self,
        db: &mut Connection,
        parts: &[Batch],
        segments: &SegmentFiles,
    ) -> Result<Done, RowError> {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut done = Done { messages: self.messages, trimmed: self.trimmed, ..Done::default() };
        let mut bodies = self.bodies.iter();
        let mut statements = Statements::of(&tx);
        for (index, part) in parts.iter().enumerate() {
            let refused = |refusal| RowError::Refused(index, refusal);
            for (put, body) in part.puts.iter().zip(&mut bodies) {
                insert(&mut statements, put, body, &mut done, &refused)?;
            }
            for state in &part.updates {
                let octets =
                    record::encode_state(state).map_err(|_| refused(Refusal::Unencodable(state.mid)))?;
                set_state(&tx, state.mid, state.rid, Some(&octets), &refused)?;
            }
            for (mid, rid) in &part.ends {
                set_state(&tx, *mid, *rid, None, &refused)?;
            }
            for mid in &part.dels {
                delete(&mut statements, *mid, &mut done, &refused)?;
            }
            for apart in &part.aparts {
                set_apart(&tx, apart, segments, &mut done, &refused)?;
            }
        }
        drop(statements);
        self.relocate(&tx, &mut done)?;
        self.outbox(&tx, parts, &mut done)?;
        if let Some(limits) = self.housekeeping.id_limits {
            write_id_limits(&tx, limits)?;
        }
        tx.commit()?;
        Ok(done)
    }

    fn relocate(&self, tx: &Transaction<'_>, done: &mut Done) -> Result<(), RowError> {
        for moved in self.moves {
            let encode = |location| Place::Segment(location).encode(moved.mid).map_err(encoding_error);
            let mut statement =
                tx.prepare_cached("UPDATE place SET record = ?2 WHERE mid = ?1 AND record = ?3")?;
            let values = params![key(moved.mid), encode(moved.to)?, encode(moved.from)?];
            // Not there any more: the message ended in this very commit, and its old place with it.
            if statement.execute(values)? == 1 {
                done.credits.push(moved.to);
                done.releases.push(moved.from);
            }
        }
        Ok(())
    }

    /// Writes the events, and removes those that the ledger has. The newest entry always stays: it carries
    /// the number to go on from and the count of messages.
    fn outbox(&self, tx: &Transaction<'_>, parts: &[Batch], done: &mut Done) -> Result<(), RowError> {
        let events: Vec<_> = parts.iter().flat_map(|part| &part.events).collect();
        if events.is_empty() && done.messages == self.messages {
            return Ok(());
        }
        let octets = record::encode_events(self.seq, done.messages, &events).map_err(encoding_error)?;
        let seq = number(self.seq.0)?;
        tx.prepare_cached("INSERT INTO outbox (seq, record) VALUES (?1, ?2)")?
            .execute(params![seq, octets])?;
        let synced = self.housekeeping.ledger_synced.min(Seq(self.seq.0 - 1));
        if synced > self.trimmed {
            tx.prepare_cached("DELETE FROM outbox WHERE seq <= ?1")?.execute([number(synced.0)?])?;
            done.trimmed = synced;
        }
        Ok(())
    }
}

type Refused<'a> = &'a dyn Fn(Refusal) -> RowError;

fn insert(
    statements: &mut Statements<'_>,
    put: &Put,
    body: &Body,
    done: &mut Done,
    refused: Refused<'_>,
) -> Result<(), RowError> {
    let mid = put.envelope.mid;
    let octets = record::encode_envelope(&put.envelope).map_err(|_| refused(Refusal::Unencodable(mid)))?;
    match statements.insert_envelope.get()?.execute(params![key(mid), octets]) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            return Err(refused(Refusal::DuplicateMid(mid)));
        }
        result => result?,
    };
    match (body, &put.content) {
        (Body::Placed(place), _) => {
            let octets = place.encode(mid).map_err(encoding_error)?;
            statements.insert_place.get()?.execute(params![key(mid), octets])?;
            match place {
                Place::Segment(location) => done.credits.push(*location),
                Place::File { size, .. } => done.staged_added += size,
            }
        }
        (Body::Inline, Content::Memory(bytes)) => {
            let crc = record::content_checksum(mid, bytes);
            statements.insert_body.get()?.execute(params![key(mid), crc, bytes.as_ref()])?;
        }
        (Body::Inline, Content::Staged { .. }) => return Err(refused(Refusal::ContentMismatch(mid))),
    }
    done.messages += 1;
    Ok(())
}

/// Sets what is known of a recipient; `None` is its end, which nothing undoes.
fn set_state(
    tx: &Transaction<'_>,
    mid: Mid,
    rid: Rid,
    octets: Option<&[u8]>,
    refused: Refused<'_>,
) -> Result<(), RowError> {
    let end = record::end_of(mid, rid);
    let changed = tx
        .prepare_cached(
            "INSERT INTO recipient_state (mid, rid, record)
             SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM envelope WHERE mid = ?1)
             ON CONFLICT (mid, rid) DO UPDATE SET record = excluded.record
             WHERE recipient_state.record <> ?4",
        )?
        .execute(params![key(mid), rid.0, octets.unwrap_or(&end), end])?;
    if changed == 1 {
        return Ok(());
    }
    let there: Option<i64> = tx
        .prepare_cached("SELECT 1 FROM envelope WHERE mid = ?1")?
        .query_row([key(mid)], |row| row.get(0))
        .optional()?;
    match (there, octets) {
        (None, _) => Err(refused(Refusal::UnknownMid(mid))),
        (Some(_), Some(_)) => Err(refused(Refusal::Ended(mid, rid))),
        (Some(_), None) => Ok(()),
    }
}

fn delete(
    statements: &mut Statements<'_>,
    mid: Mid,
    done: &mut Done,
    refused: Refused<'_>,
) -> Result<(), RowError> {
    if statements.delete_envelope.get()?.execute([key(mid)])? == 0 {
        return Err(refused(Refusal::UnknownMid(mid)));
    }
    done.messages = done.messages.saturating_sub(1);
    statements.delete_states.get()?.execute([key(mid)])?;
    if statements.delete_body.get()?.execute([key(mid)])? == 1 {
        return Ok(());
    }
    match take_place(statements, mid)? {
        Some((Ok(Place::Segment(location)), _)) => done.releases.push(location),
        Some((Ok(Place::File { name, size, .. }), _)) => {
            done.files_gone.push(name);
            done.staged_gone += size;
        }
        // A damaged place: its octets stay unused until the next start counts anew.
        Some((Err(_), _)) | None => {}
    }
    Ok(())
}

type TakenPlace = (Result<Place, record::Damage>, Vec<u8>);

fn take_place(statements: &mut Statements<'_>, mid: Mid) -> Result<Option<TakenPlace>, RowError> {
    let found: Option<Vec<u8>> = statements
        .take_place
        .get()?
        .query_row([key(mid)], |row| octets(row, 0).map(<[u8]>::to_vec))
        .optional()?;
    Ok(found.map(|octets| (Place::decode(mid, &octets), octets)))
}

/// Takes a message out of the queue and keeps whatever is left of it. Content in a segment is copied, since
/// segments are recycled; a staged file stays where it is and its place is kept.
fn set_apart(
    tx: &Transaction<'_>,
    apart: &Apart,
    segments: &SegmentFiles,
    done: &mut Done,
    refused: Refused<'_>,
) -> Result<(), RowError> {
    let mid = apart.mid;
    let kept = tx
        .prepare_cached(
            "INSERT OR REPLACE INTO apart (mid, detail, envelope, states, crc, body)
             SELECT ?1, ?2, envelope.record,
                    (SELECT group_concat(rid || ':' || hex(record), ' ')
                     FROM recipient_state WHERE mid = ?1),
                    body.crc, body.bytes
             FROM envelope LEFT JOIN body ON body.mid = envelope.mid WHERE envelope.mid = ?1",
        )?
        .execute(params![key(mid), apart.detail])?;
    if kept == 0 {
        return Err(refused(Refusal::UnknownMid(mid)));
    }
    if let Some((place, octets)) = take_place(&mut Statements::of(tx), mid)? {
        let copied = match place {
            Ok(Place::Segment(location)) => {
                done.releases.push(location);
                segments.read_raw(location).ok()
            }
            Ok(Place::File { .. }) | Err(_) => None,
        };
        tx.prepare_cached("UPDATE apart SET place = ?2, body = ?3 WHERE mid = ?1")?.execute(params![
            key(mid),
            octets,
            copied.as_deref()
        ])?;
    }
    for table in ["envelope", "body", "recipient_state"] {
        tx.prepare_cached(&format!("DELETE FROM {table} WHERE mid = ?1"))?.execute([key(mid)])?;
    }
    done.messages = done.messages.saturating_sub(1);
    Ok(())
}

fn number(value: u64) -> Result<i64, RowError> {
    i64::try_from(value).map_err(|error| RowError::Sql(rusqlite::Error::ToSqlConversionFailure(error.into())))
}
