//! How long one input, or one question, holds the shard: while it does, nothing else is decided.

use std::time::{Duration, Instant};

use prometheus_client::metrics::histogram::Histogram;

/// Upper bounds of the classes, seconds. No input may hold the shard for longer than 0.005.
const CLASSES: [f64; 7] = [0.000_1, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1];

/// Counts how long the shard was held.
pub struct ShardTime {
    held: Histogram,
}

impl Default for ShardTime {
    fn default() -> Self {
        Self { held: Histogram::new(CLASSES) }
    }
}

impl ShardTime {
    /// Runs something that holds the shard, and counts for how long.
    pub(super) fn during<T>(&self, run: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let result = run();
        self.note(began.elapsed());
        result
    }

    fn note(&self, held: Duration) {
        self.held.observe(held.as_secs_f64());
    }

    /// The counts, for a registry.
    pub fn histogram(&self) -> Histogram {
        self.held.clone()
    }
}
