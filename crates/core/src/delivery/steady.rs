//! Time that only runs forwards: what every clock of the shard is measured in.
//!
//! Inputs carry the wall clock, and a wall clock jumps: it is corrected, a machine is suspended, an operator
//! mistypes a year. Waiting must not depend on that (no recipient expires early, none waits longer than its
//! clock), so durations are measured in [`Steady`] time, which follows the wall clock except across a jump.
//!
//! How a jump is told from time passing: a shard always names the instant at which it wants to be woken, at
//! most [`HEARTBEAT`] away while it holds anything that ages. An input that comes more than [`LATE`] after that
//! instant, or before the previous input, did not come by waiting. Such a step counts as no time at all;
//! everything planned moves with the wall clock. The error of one jump is therefore at most the time that really
//! passed since the previous input: never early, late by at most a heartbeat.
//!
//! Facts of the past (since when, at what time) are kept in wall time, as they were told.

use std::time::Duration;

use crate::Instant;

/// The longest sleep that a shard with something in memory asks for.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(30);

/// A wake-up later than this is a jump of the wall clock.
const LATE: Duration = Duration::from_secs(60);

/// Microseconds of steady time; equal to the wall clock at the first input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Steady(pub(super) u64);

impl Steady {
    /// Later than everything.
    pub(super) const NEVER: Self = Self(u64::MAX);

    pub(super) fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)))
    }

    pub(super) fn plus_secs(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Returns the time passed since `earlier`, zero when that lies ahead.
    pub(super) fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// Keeps steady time beside the wall clock.
#[derive(Debug, Default)]
pub(super) struct Clock {
    wall: u64,
    now: Steady,
    started: bool,
}

impl Clock {
    /// Takes in the wall clock of an input; `wanted` is the instant for which a wake-up was asked.
    pub(super) fn observe(&mut self, wall: Instant, wanted: Steady) {
        self.now = self.peek(wall, wanted);
        self.wall = wall.0;
        self.started = true;
    }

    /// Returns what [`observe`](Self::observe) would make the present.
    pub(super) fn peek(&self, wall: Instant, wanted: Steady) -> Steady {
        if !self.started {
            return Steady(wall.0);
        }
        let Some(step) = wall.0.checked_sub(self.wall) else { return self.now };
        let reached = Steady(self.now.0.saturating_add(step));
        if reached > wanted.plus(LATE) { self.now } else { reached }
    }

    /// The present, as of the last input.
    pub(super) fn now(&self) -> Steady {
        self.now
    }

    /// The wall clock of the last input.
    pub(super) fn wall_now(&self) -> u64 {
        self.wall
    }

    /// Returns what the wall clock says at a steady instant, as far as one can know.
    pub(super) fn wall(&self, at: Steady) -> u64 {
        match at.0.checked_sub(self.now.0) {
            Some(ahead) => self.wall.saturating_add(ahead),
            None => self.wall.saturating_sub(self.now.0 - at.0),
        }
    }

    /// Returns the steady instant of a reading of the wall clock.
    pub(super) fn steady(&self, wall: u64) -> Steady {
        match wall.checked_sub(self.wall) {
            Some(ahead) => Steady(self.now.0.saturating_add(ahead)),
            None => Steady(self.now.0.saturating_sub(self.wall - wall)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600;

    fn started() -> Clock {
        let mut clock = Clock::default();
        clock.observe(Instant::from_secs(1_000_000), Steady::NEVER);
        clock
    }

    #[test]
    fn ordinary_steps_pass_and_jumps_do_not() {
        let start = Steady(1_000_000_000_000);
        // step of the wall clock, wake-up asked for in, seconds that pass
        let table: [(i64, u64, u64); 7] = [
            (59, 60, 59),
            (60, 60, 60),
            (119, 60, 119),
            (121, 60, 0),
            (HOUR as i64, 300, 0),
            (10 * 365 * 24 * HOUR as i64, 300, 0),
            (-(24 * HOUR as i64), 300, 0),
        ];
        for (step, wanted, passes) in table {
            let mut clock = started();
            let wall = Instant(1_000_000_000_000_u64.wrapping_add_signed(step * 1_000_000));
            clock.observe(wall, start.plus_secs(wanted));
            assert_eq!(clock.now(), start.plus_secs(passes), "step {step} wanted {wanted}");
            assert_eq!(clock.wall(start.plus_secs(passes)), wall.0, "the wall clock moves along");
        }
    }

    #[test]
    fn without_a_wish_any_silence_is_real() {
        let mut clock = started();
        clock.observe(Instant::from_secs(1_000_000 + 500 * HOUR), Steady::NEVER);
        assert_eq!(clock.now(), Steady(0).plus_secs(1_000_000 + 500 * HOUR));
    }

    #[test]
    fn wall_and_steady_are_inverse_after_a_jump() {
        let mut clock = started();
        clock.observe(Instant::from_secs(500_000), Steady::NEVER);
        for at in [Steady(0).plus_secs(999_000), Steady(0).plus_secs(1_000_050)] {
            assert_eq!(clock.steady(clock.wall(at)), at);
        }
        assert_eq!(clock.wall(Steady(0).plus_secs(1_000_060)), Instant::from_secs(500_060).0);
    }
}
