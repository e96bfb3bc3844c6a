//! The place of content that is not in a row.

use mailreeve_core::ids::Mid;
use serde::{Deserialize, Serialize};

use crate::spool::record::{self, Damage};
use crate::spool::segments::Location;

/// Second half of the key of place records.
const PLACE_KEY: u64 = u64::MAX - 1;

/// Where content is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Place {
    /// In a segment.
    Segment(Location),
    /// In a staged file of this name.
    File { name: String, size: u64, crc: u32, head_crc: u32 },
}

impl Place {
    pub(crate) fn encode(&self, mid: Mid) -> Result<Vec<u8>, Damage> {
        record::encode([mid.0, PLACE_KEY], self)
    }

    pub(crate) fn decode(mid: Mid, octets: &[u8]) -> Result<Self, Damage> {
        record::decode([mid.0, PLACE_KEY], octets)
    }
}
