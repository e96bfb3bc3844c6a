//! Counters as they are kept: at the opening of each ledger segment, and so across restarts.
//!
//! A format number, then postcard. Rates are not kept: after a restart they build up again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Connections, Counters, CurrentIds, Destination, System, Tally};
use crate::ids::{Dcid, Host, Icid, Mid};

/// The one format so far.
const FORMAT: u8 = 1;

/// Why octets are no counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Written by a newer release.
    #[error("the counters are in format {0}, which this release does not know")]
    Newer(u8),
    /// Not counters, or damaged.
    #[error("the counters are damaged")]
    Damaged,
}

/// What is kept.
#[derive(Serialize, Deserialize)]
struct Stored {
    lifetime: Counters,
    at_start: Counters,
    at_reset: Counters,
    started_at: Option<u64>,
    reset_at: Option<u64>,
    ids: (Mid, Icid, Dcid),
    connections: (u64, u64),
    destinations: BTreeMap<Host, Destination>,
}

impl Tally {
    /// Returns the counters as octets.
    pub fn to_bytes(&self) -> Vec<u8> {
        let system = &self.system;
        let CurrentIds { mid, icid, dcid } = system.ids;
        let stored = Stored {
            lifetime: system.lifetime,
            at_start: system.at_start,
            at_reset: system.at_reset,
            started_at: system.started_at,
            reset_at: system.reset_at,
            ids: (mid, icid, dcid),
            connections: (system.connections.inbound, system.connections.outbound),
            destinations: self.destinations.clone(),
        };
        // Numbers, names and maps of known length: nothing of which serialising could fail.
        postcard::to_extend(&stored, vec![FORMAT]).unwrap_or_default()
    }

    /// Reads counters back. No octets at all are counters that count nothing yet.
    ///
    /// # Errors
    /// [`Unreadable`]: the caller tells an operator, and counts from zero or from an older segment.
    pub fn from_bytes(octets: &[u8]) -> Result<Self, Unreadable> {
        let stored: Stored = match octets.split_first() {
            None => return Ok(Self::default()),
            Some((&FORMAT, body)) => postcard::from_bytes(body).map_err(|_| Unreadable::Damaged)?,
            Some((newer, _)) => return Err(Unreadable::Newer(*newer)),
        };
        let (mid, icid, dcid) = stored.ids;
        let (inbound, outbound) = stored.connections;
        let system = System {
            lifetime: stored.lifetime,
            at_start: stored.at_start,
            at_reset: stored.at_reset,
            started_at: stored.started_at,
            reset_at: stored.reset_at,
            ids: CurrentIds { mid, icid, dcid },
            connections: Connections { inbound, outbound },
        };
        Ok(Self { system, destinations: stored.destinations, ..Self::default() })
    }
}
