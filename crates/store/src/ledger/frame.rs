//! How a segment looks.
//!
//! Head: magic (8), format (4), length of the opening (4), its CRC-32 (4), the opening in postcard's form with
//! the last commit before this segment and, behind it, the newest alerts. Then records: length (4) and CRC-32 (4) of what follows, commit
//! number (8; 0 for none), the event in postcard's form. Numbers are little-endian.
//!
//! A record with the number [`SYNCED`] is no event: it says how much of the segment was durable when it was
//! written. Damage before that point is damage; behind it, it is a torn tail.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mailreeve_core::event::Stamped;
use serde::{Deserialize, Serialize};

use super::{Entry, LedgerError, Opening};
use crate::encoding;
use crate::spool::Seq;

pub(super) const MAGIC: [u8; 8] = *b"MREELEDG";
/// The newest format read here and the one written.
pub(super) const FORMAT: u32 = 1;
/// Octets before the opening.
pub(super) const HEAD_BYTES: usize = 20;
/// Octets before a record's commit number.
pub(super) const RECORD_HEAD_BYTES: usize = 8;
/// Largest record: an event holds lines of a session, never content.
pub(super) const RECORD_MAX: usize = 1 << 20;
const SYNCED: u64 = u64::MAX;

/// The opening as it is stored.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredOpening {
    pub(super) last_seq: u64,
    pub(super) opening: Opening,
}

/// A record as it is read back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record {
    Event(Entry),
    /// So many octets of the segment were durable when this was written.
    Synced(u64),
}

/// What stands at a place in a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// A record and its length.
    Record(Record, usize),
    /// The octets end before the record does.
    Incomplete,
    /// No record.
    Damaged,
}

/// Returns the path of a segment.
pub(super) fn path(dir: &Path, segment: u64) -> PathBuf {
    dir.join(format!("{segment:016x}.ledger"))
}

/// Returns the number of the segment of this name.
pub(super) fn number(name: &str) -> Option<u64> {
    u64::from_str_radix(name.strip_suffix(".ledger")?, 16).ok()
}

/// Returns the octets that a segment begins with.
pub(super) fn head(opening: &Opening, last_seq: Seq) -> Result<Vec<u8>, LedgerError> {
    let stored = StoredOpening { last_seq: last_seq.0, opening: opening.clone() };
    let body = postcard::to_stdvec(&stored)
        .and_then(|body| postcard::to_extend(&opening.alerts, body))
        .map_err(|error| LedgerError::Unrecordable(error.to_string()))?;
    let length = u32::try_from(body.len()).map_err(|error| LedgerError::Unrecordable(error.to_string()))?;
    let mut octets = Vec::with_capacity(HEAD_BYTES + body.len());
    octets.extend_from_slice(&MAGIC);
    octets.extend_from_slice(&FORMAT.to_le_bytes());
    octets.extend_from_slice(&length.to_le_bytes());
    octets.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
    octets.extend_from_slice(&body);
    Ok(octets)
}

/// The head of a segment as found.
#[derive(Debug)]
pub(super) enum Head {
    /// Good: what it says, and where records begin.
    Good(StoredOpening, usize),
    /// A newer release's.
    Newer(u32),
    /// None, or a damaged one.
    Bad,
}

/// Reads the head of a segment from its first octets.
pub(super) fn parse_head(octets: &[u8]) -> Head {
    let Some((head, rest)) = octets.split_first_chunk::<HEAD_BYTES>() else { return Head::Bad };
    if head[..8] != MAGIC {
        return Head::Bad;
    }
    let format = u32_at(head, 8);
    if format > FORMAT {
        return Head::Newer(format);
    }
    let length = u32_at(head, 12) as usize;
    let Some(body) = rest.get(..length) else { return Head::Bad };
    if crc32fast::hash(body) != u32_at(head, 16) {
        return Head::Bad;
    }
    match parse_opening(body) {
        Ok(opening) => Head::Good(opening, HEAD_BYTES + length),
        Err(_) => Head::Bad,
    }
}

/// Reads an opening; one that an earlier release wrote ends before the alerts.
fn parse_opening(body: &[u8]) -> postcard::Result<StoredOpening> {
    let (mut stored, rest): (StoredOpening, _) = postcard::take_from_bytes(body)?;
    if !rest.is_empty() {
        stored.opening.alerts = postcard::from_bytes(rest)?;
    }
    Ok(stored)
}

/// Appends the record of an event.
pub(super) fn push(buffer: &mut Vec<u8>, entry: &Entry) -> Result<(), LedgerError> {
    let seq = entry.seq.map_or(0, |seq| seq.0);
    push_record(buffer, seq, |buffer| {
        encoding::append(&entry.stamped, buffer).map_err(|error| LedgerError::Unrecordable(error.to_string()))
    })
}

/// Appends the record that tells how much is durable.
pub(super) fn push_synced(buffer: &mut Vec<u8>, synced: u64) {
    let done = push_record(buffer, SYNCED, |buffer| {
        buffer.extend_from_slice(&synced.to_le_bytes());
        Ok(())
    });
    debug_assert!(done.is_ok(), "sixteen octets fit in a record");
}

fn push_record(
    buffer: &mut Vec<u8>,
    seq: u64,
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    let start = buffer.len();
    let octets = buffer;
    octets.extend_from_slice(&[0; RECORD_HEAD_BYTES]);
    octets.extend_from_slice(&seq.to_le_bytes());
    body(octets)?;
    let length = octets.len() - start - RECORD_HEAD_BYTES;
    if length > RECORD_MAX {
        return Err(LedgerError::Unrecordable(format!("{length} octets are too many for one event")));
    }
    let crc = crc32fast::hash(&octets[start + RECORD_HEAD_BYTES..]);
    octets[start..start + 4].copy_from_slice(&(length as u32).to_le_bytes());
    octets[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
    Ok(())
}

/// Tells whether the octets end before the record that they begin with.
pub(super) fn is_incomplete(octets: &[u8]) -> bool {
    let Some(head) = octets.first_chunk::<RECORD_HEAD_BYTES>() else { return true };
    let length = u32_at(head, 0) as usize;
    (8..=RECORD_MAX).contains(&length) && octets.len() < RECORD_HEAD_BYTES + length
}

/// Returns the number of an event's kind, as postcard writes it: behind the instant.
pub(super) fn kind_of(fields: &[u8]) -> Option<u64> {
    let (_, rest) = varint(fields)?;
    varint(rest).map(|(kind, _)| kind)
}

/// Reads a number in groups of seven bits, the least first.
fn varint(octets: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (place, octet) in octets.iter().take(10).enumerate() {
        number |= u64::from(octet & 0x7f).checked_shl(7 * place as u32)?;
        if octet & 0x80 == 0 {
            return Some((number, &octets[place + 1..]));
        }
    }
    None
}

/// Returns the length of the whole, undamaged record at the beginning of `octets` when it is of none of `kinds`.
pub(super) fn of_no_kind(octets: &[u8], kinds: &BTreeSet<u64>) -> Option<usize> {
    let (head, rest) = octets.split_first_chunk::<RECORD_HEAD_BYTES>()?;
    let length = u32_at(head, 0) as usize;
    let body = rest.get(..length).filter(|_| (8..=RECORD_MAX).contains(&length))?;
    let (seq, fields) = body.split_first_chunk::<8>()?;
    let other =
        u64::from_le_bytes(*seq) == SYNCED || kind_of(fields).is_some_and(|kind| !kinds.contains(&kind));
    (other && crc32fast::hash(body) == u32_at(head, 4)).then_some(RECORD_HEAD_BYTES + length)
}

/// Reads what stands at the beginning of `octets`.
pub(super) fn parse(octets: &[u8]) -> Parsed {
    if is_incomplete(octets) {
        return Parsed::Incomplete;
    }
    let Some((head, rest)) = octets.split_first_chunk::<RECORD_HEAD_BYTES>() else {
        return Parsed::Incomplete;
    };
    let length = u32_at(head, 0) as usize;
    let Some(body) = rest.get(..length).filter(|_| (8..=RECORD_MAX).contains(&length)) else {
        return Parsed::Damaged;
    };
    if crc32fast::hash(body) != u32_at(head, 4) {
        return Parsed::Damaged;
    }
    let Some((seq, fields)) = body.split_first_chunk::<8>() else { return Parsed::Damaged };
    let seq = u64::from_le_bytes(*seq);
    let record = if seq == SYNCED {
        fields.first_chunk::<8>().map(|synced| Record::Synced(u64::from_le_bytes(*synced)))
    } else {
        let stamped: Result<Stamped, _> = postcard::from_bytes(fields);
        let seq = (seq > 0).then_some(Seq(seq));
        stamped.ok().map(|stamped| Record::Event(Entry { seq, stamped }))
    };
    match record {
        Some(record) => Parsed::Record(record, RECORD_HEAD_BYTES + length),
        None => Parsed::Damaged,
    }
}

/// Returns where the next good record begins at or after `from`, if there is one.
pub(super) fn resync(octets: &[u8], from: usize) -> Option<usize> {
    (from..octets.len()).find(|at| matches!(parse(&octets[*at..]), Parsed::Record(..)))
}

fn u32_at(octets: &[u8], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&octets[at..at + 4]);
    u32::from_le_bytes(number)
}
