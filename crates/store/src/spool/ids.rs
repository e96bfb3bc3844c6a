//! Blocks of ids: what of each sequence was handed out, as far as the disk knows.
//!
//! A limit is durable before any number below it is handed out, so no number is used twice whatever crashes;
//! what of a block was not used before a crash is a gap.

use std::ops::Range;

/// The sequences of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sequence {
    /// Message IDs.
    Mid,
    /// Injection connection IDs.
    Icid,
    /// Delivery connection IDs.
    Dcid,
}

impl Sequence {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Mid, Self::Icid, Self::Dcid];

    pub(crate) fn index(self) -> usize {
        match self {
            Self::Mid => 0,
            Self::Icid => 1,
            Self::Dcid => 2,
        }
    }
}

/// For each sequence the first number that may not be handed out yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdLimits(pub [u64; 3]);

impl IdLimits {
    /// Returns the limit of one sequence.
    pub fn of(&self, sequence: Sequence) -> u64 {
        self.0[sequence.index()]
    }

    /// Returns the larger of each.
    pub(crate) fn max(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i].max(other.0[i])))
    }
}

impl Default for IdLimits {
    /// Numbers begin at 1: 0 means none.
    fn default() -> Self {
        Self([1; 3])
    }
}

/// Numbers of one sequence that are durably ours to hand out.
pub type IdBlock = Range<u64>;
