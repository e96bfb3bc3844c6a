//! How long a destination stood how.

use crate::history::timeline::{Standing, Timeline};

/// How long a destination stood how, microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// Up.
    pub up: u64,
    /// Down.
    pub down: u64,
    /// Unknown, the gateway running.
    pub unknown: u64,
    /// The gateway did not run.
    pub not_running: u64,
    /// Before the first record of it.
    pub before: u64,
}

impl Timeline {
    /// Counts how long it stood how between two instants.
    pub fn shares(&self, from: u64, to: u64) -> Shares {
        let mut shares = Shares::default();
        let first = self.steps().first().map_or(to, |step| step.at);
        shares.before = first.clamp(from, to.max(from)).saturating_sub(from);
        for (place, step) in self.steps().iter().enumerate() {
            let end = self.steps().get(place + 1).map_or(to, |next| next.at).min(to);
            let held = end.saturating_sub(step.at.max(from));
            match step.state.standing {
                Standing::Up => shares.up += held,
                Standing::Down => shares.down += held,
                Standing::Unknown => shares.unknown += held,
                Standing::NotRunning => shares.not_running += held,
            }
        }
        shares
    }
}
