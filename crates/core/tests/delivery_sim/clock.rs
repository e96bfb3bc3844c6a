//! Two times: the steady one, in which the world really moves, and the wall's, which jumps and which is all
//! that the scheduler is told.

use mailreeve_core::Instant;

/// One second in microseconds.
pub(crate) const SECOND: u64 = 1_000_000;
/// One millisecond in microseconds.
pub(crate) const MILLI: u64 = 1_000;
/// One hour in microseconds.
pub(crate) const HOUR: u64 = 3_600 * SECOND;

/// The two times of the simulation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// True time, microseconds; only moves forward.
    pub(crate) steady: u64,
    skew: i64,
    /// When the wall last jumped, steady time; 0 when never.
    pub(crate) last_jump: u64,
}

/// A moment remembered in both times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// True time.
    pub(crate) steady: u64,
    /// What the wall said then.
    pub(crate) wall: u64,
}

impl Clock {
    /// Starts in November 2023, far from both ends of the number.
    pub(crate) fn new() -> Self {
        Self { steady: 1_700_000_000 * SECOND, skew: 0, last_jump: 0 }
    }

    /// Returns what the wall says.
    pub(crate) fn wall(&self) -> Instant {
        Instant(self.to_wall(self.steady))
    }

    /// Returns what the wall will say at a steady time, without further jumps.
    pub(crate) fn to_wall(&self, steady: u64) -> u64 {
        steady.saturating_add_signed(self.skew)
    }

    /// Returns the steady time at which the wall says `wall`, without further jumps.
    pub(crate) fn to_steady(&self, wall: u64) -> u64 {
        wall.saturating_add_signed(-self.skew)
    }

    /// Returns the present moment.
    pub(crate) fn moment(&self) -> Moment {
        Moment { steady: self.steady, wall: self.wall().0 }
    }

    /// Moves the wall, not the time.
    pub(crate) fn jump(&mut self, by: i64) {
        self.skew += by;
        self.last_jump = self.steady;
    }

    /// Tells whether a reported instant is this moment. Facts of the past are told in the wall time of their
    /// day, whatever the wall did afterwards.
    pub(crate) fn is_moment(reported: u64, moment: Moment) -> bool {
        reported.abs_diff(moment.wall) <= SECOND
    }
}
