//! Moving the survivors of nearly empty segments, a little in each commit.
//!
//! Without it one old message would pin a whole segment. A move is an ordinary record in the active segment
//! and an update of the row that names it, in the same commit: a crash leaves either place, both whole.

use bytes::Bytes;
use mailreeve_core::ids::Mid;
use rusqlite::{Connection, OptionalExtension};

use super::Hybrid;
use super::database::{key, octets};
use super::place::Place;
use crate::spool::error::SpoolError;
use crate::spool::segments::{Found, Location, SegmentFiles, Walk};

/// Octets moved in one commit, about: a commit must not take long because of it.
const MOVED_BYTES_MAX: u64 = 512 * 1024;
/// Frames looked at in one commit.
const LOOKED_AT_MAX: usize = 64;

/// A record that lives in a new place once its commit is done.
#[derive(Debug)]
pub(crate) struct Move {
    pub(crate) mid: Mid,
    pub(crate) from: Location,
    pub(crate) to: Location,
}

impl Hybrid {
    /// Writes copies of the next survivors, when a segment is worth emptying.
    pub(super) fn gather_moves(&mut self) -> Result<Vec<Move>, SpoolError> {
        let walk = self.walk.filter(|walk| self.segments.is_sealed(walk.segment));
        let Some(mut walk) = walk.or_else(|| self.segments.victim().map(Walk::new)) else {
            self.walk = None;
            return Ok(Vec::new());
        };
        let files = self.reader.segments.clone();
        let (found, ended) =
            survivors(&self.db, &files, &mut walk).map_err(|error| self.health.fail(error))?;
        self.walk = Some(walk);
        if ended && found.is_empty() {
            // Whatever is still counted there cannot be moved: it must go by itself.
            self.walk = None;
            self.segments.pin(walk.segment);
        }
        let records: Vec<(Mid, Bytes)> = found.iter().map(|(mid, _, bytes)| (*mid, bytes.clone())).collect();
        let Ok(places) = self.segments.append(&records) else {
            // No room for tidying up: new mail will find out for itself whether there is room for it.
            self.walk = None;
            return Ok(Vec::new());
        };
        let moves = found.into_iter().zip(places);
        Ok(moves.map(|((mid, from, _), to)| Move { mid, from, to }).collect())
    }
}

type FoundRecord = (Mid, Location, Bytes);

/// Returns the next live records of a walk, and whether it came to the end.
fn survivors(
    db: &Connection,
    files: &SegmentFiles,
    walk: &mut Walk,
) -> Result<(Vec<FoundRecord>, bool), Box<dyn std::error::Error>> {
    let mut found = Vec::new();
    let mut bytes = 0;
    let mut statement = db.prepare_cached("SELECT record FROM place WHERE mid = ?1")?;
    for _ in 0..LOOKED_AT_MAX {
        let Some(frame) = walk.next(files)? else { return Ok((found, true)) };
        let row: Option<Vec<u8>> =
            statement.query_row([key(frame.mid)], |row| octets(row, 0).map(<[u8]>::to_vec)).optional()?;
        let named = row.and_then(|octets| Place::decode(frame.mid, &octets).ok());
        if named != Some(Place::Segment(frame.location)) {
            continue;
        }
        if let Found::Good(content) = files.read(frame.mid, frame.location)? {
            bytes += content.len() as u64;
            found.push((frame.mid, frame.location, content));
        }
        if bytes >= MOVED_BYTES_MAX {
            break;
        }
    }
    Ok((found, false))
}
