//! How far the index is, in a small file of its own.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::TrackingError;
use crate::disk::replace;
use crate::ledger::Position;

/// The form of index and file; another one is built anew from the ledger.
const FORMAT: u32 = 1;
const NAME: &str = "mark";

/// How far the index is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Everything before this place of the ledger is in the index.
    pub(super) done: Position,
    /// From this place on the ledger tells of connections that were open there.
    pub(super) recall: Position,
    /// What began before this instant was removed for want of room, microseconds since the epoch.
    pub(super) since: u64,
}

#[derive(Serialize, Deserialize)]
struct Written {
    format: u32,
    mark: Mark,
}

impl Mark {
    /// Reads the mark in `dir`; `None` when there is none that can be used.
    pub(super) fn read(dir: &Path) -> Option<Self> {
        let octets = fs::read(dir.join(NAME)).ok()?;
        let written: Written = serde_json::from_slice(&octets).ok()?;
        (written.format == FORMAT).then_some(written.mark)
    }

    /// Writes the mark, durably.
    pub(super) fn write(&self, dir: &Path) -> Result<(), TrackingError> {
        let path = dir.join(NAME);
        let written =
            serde_json::to_vec(&Written { format: FORMAT, mark: *self }).map_err(std::io::Error::other);
        let done = written.and_then(|octets| replace(&path, &octets));
        done.map_err(TrackingError::io("writing", &path))
    }
}
