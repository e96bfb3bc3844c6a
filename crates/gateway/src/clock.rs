//! The one place that reads clocks.
//!
//! Two readings: [`Clock::wall`] for records and for the queue (it follows the system's time and may jump),
//! [`Clock::steady`] for deadlines inside a conversation (it never jumps). Both are microseconds since the
//! epoch, so the sans-IO code cannot tell them apart and must not mix them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mailreeve_core::Instant;

/// Reads the clocks. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base: std::time::Instant,
    base_us: u64,
}

impl Clock {
    /// Anchors the steady clock at the present wall time.
    pub fn start() -> Self {
        Self { base: std::time::Instant::now(), base_us: wall_us() }
    }

    /// Returns the wall time.
    pub fn wall(&self) -> Instant {
        Instant(wall_us())
    }

    /// Returns a time that only moves forward, at the speed of time.
    pub fn steady(&self) -> Instant {
        Instant(self.base_us) + self.base.elapsed()
    }

    /// Returns how long it is from now to `deadline` on the steady clock.
    pub fn until(&self, deadline: Instant) -> Duration {
        deadline.since(self.steady())
    }
}

fn wall_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
