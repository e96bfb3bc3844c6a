//! A clock that runs on true time and may fire a little late after the wall has jumped, never early.

use crate::clock::{Clock, SECOND};

/// What a jump of the wall may cost: the scheduler cannot know how much true time passed around it.
pub(crate) const JUMP_SLACK: u64 = 30 * SECOND;

/// A running clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timer {
    /// Steady time.
    due: u64,
    late: u64,
}

impl Timer {
    /// Fires at the steady time `due`.
    pub(crate) fn at(due: u64) -> Self {
        Self { due, late: 0 }
    }

    /// Acting on it now is not too early.
    pub(crate) fn may_have_fired(&self, now: u64) -> bool {
        now + SECOND >= self.due
    }

    /// Not having acted on it now is too late.
    pub(crate) fn must_have_fired(&self, now: u64) -> bool {
        now > self.due + self.late + SECOND
    }

    /// Compares with the instant that the scheduler names, and from then on expects exactly that one.
    ///
    /// One that both hold to be past is agreed on, whatever its distance: a scheduler that waits for nothing
    /// asks for no wake-up and so takes a jump for a long silence, and nothing acts on a past instant twice.
    pub(crate) fn agrees(&mut self, until: u64, clock: &Clock) -> bool {
        if self.latest() <= clock.steady && until <= clock.wall().0 {
            return true;
        }
        let named = clock.to_steady(until);
        let legal = named + SECOND >= self.due && named <= self.due + self.late + SECOND;
        if legal && self.late > 0 {
            *self = Self::at(named.max(self.due));
        }
        legal
    }

    /// The wall jumped.
    pub(crate) fn jumped(&mut self) {
        self.late += JUMP_SLACK;
    }

    /// Returns when it fires at the latest, steady.
    pub(crate) fn latest(&self) -> u64 {
        self.due + self.late
    }
}
