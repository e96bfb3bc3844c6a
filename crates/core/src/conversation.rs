//! A conversation as it is kept: who spoke with whom, and what was said, stretch by stretch.
//!
//! A stretch ends with a transaction, with the conversation, or when there is much of it. Which of them are kept for
//! how long is decided by [`Fate`]: those that failed go last, and no destination and no peer takes more than its
//! share of what is kept longer.

use std::net::SocketAddr;

use mailreeve_smtp::transcript;
use serde::{Deserialize, Serialize};

use crate::attempt::Attempt;
use crate::ids::{Dcid, Host, Icid, Mid};
use crate::tcp::TcpEnd;

/// Which conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Which {
    /// Somebody came.
    Inbound(Icid),
    /// We went.
    Outbound(Dcid),
}

/// Who speaks with whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parties {
    /// Which conversation.
    pub which: Which,
    /// When it began, microseconds since the epoch.
    pub began_at: u64,
    /// Our address.
    pub local: Option<SocketAddr>,
    /// Theirs.
    pub peer: SocketAddr,
    /// The listener, or the exchanger's name.
    pub name: String,
    /// The destination, of an outbound one.
    pub host: Option<Host>,
}

/// A stretch of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// Who.
    pub parties: Parties,
    /// Its number in the conversation, from 0.
    pub number: u32,
    /// The conversation ended with it, and how.
    pub ended: Option<String>,
    /// The message that it is about.
    pub mid: Option<Mid>,
    /// Somebody was refused in it, or it broke off.
    pub failed: bool,
    /// Microseconds from the beginning to that from which its steps count.
    pub from_us: u64,
    /// Octets of text that were not kept for want of room.
    pub unkept: u64,
    /// Its steps, for [`transcript::steps`].
    #[serde(with = "octets")]
    pub steps: Vec<u8>,
    /// Attempts that were made in it and are kept nowhere else.
    pub attempts: Vec<Attempt>,
    /// The end of the connection, when the conversation ended with it.
    pub tcp: Option<TcpEnd>,
}

impl Stretch {
    /// Makes one of what the transcript of a conversation has so far.
    pub fn new(parties: Parties, number: u32, said: transcript::Stretch) -> Self {
        let transcript::Stretch { octets: steps, failed, from_us, unkept } = said;
        let (ended, mid, attempts, tcp) = (None, None, Vec::new(), None);
        Self { parties, number, ended, mid, failed, from_us, unkept, steps, attempts, tcp }
    }
}

/// Octets in one piece, and not one by one.
mod octets {
    use serde::de::{Deserializer, Error, Visitor};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(octets: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(octets)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        struct Octets;
        impl Visitor<'_> for Octets {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("octets")
            }

            fn visit_bytes<E: Error>(self, octets: &[u8]) -> Result<Self::Value, E> {
                Ok(octets.to_vec())
            }
        }
        from.deserialize_bytes(Octets)
    }
}

/// How long a stretch is kept, compared with others: the first goes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It failed.
    Failed,
    /// It went well, or it failed and its destination or peer has had its share of those.
    Routine,
    /// Its destination or peer has had its share of that too.
    Crowd,
}

impl Fate {
    /// All, those kept longest first.
    pub const ALL: [Self; 3] = [Self::Failed, Self::Routine, Self::Crowd];

    /// Returns its name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Routine => "routine",
            Self::Crowd => "crowd",
        }
    }

    /// Returns what a stretch comes to. `over_share` tells whether its destination or peer has had its share of a
    /// fate.
    pub fn of(failed: bool, over_share: impl Fn(Self) -> bool) -> Self {
        let first = if failed { Self::Failed } else { Self::Routine };
        Self::ALL
            .into_iter()
            .find(|fate| *fate >= first && (*fate == Self::Crowd || !over_share(*fate)))
            .unwrap_or(Self::Crowd)
    }

    /// Returns how many of `all` octets are there for it: half for those that failed, a quarter for each of the
    /// others.
    pub const fn room(self, all: u64) -> u64 {
        match self {
            Self::Failed => all / 2,
            Self::Routine | Self::Crowd => all / 4,
        }
    }
}

/// A destination or peer has at most one part in so many of what is kept longer than the crowd.
pub const SHARES: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_kept_longest_and_nobody_takes_all_of_that() {
        assert_eq!(Fate::of(true, |_| false), Fate::Failed);
        assert_eq!(Fate::of(false, |_| false), Fate::Routine);
        assert_eq!(Fate::of(true, |fate| fate == Fate::Failed), Fate::Routine);
        assert_eq!(Fate::of(false, |fate| fate == Fate::Failed), Fate::Routine);
        assert_eq!(Fate::of(true, |_| true), Fate::Crowd);
        assert_eq!(Fate::of(false, |_| true), Fate::Crowd);
        let rooms: u64 = Fate::ALL.into_iter().map(|fate| fate.room(1_000)).sum();
        assert_eq!(rooms, 1_000);
    }
}
