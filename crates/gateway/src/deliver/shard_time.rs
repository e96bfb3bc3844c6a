//! How long one input, or one question, holds the shard: while it does, nothing else is decided.

use std::time::Instant;

use prometheus_client::metrics::histogram::Histogram;

/// Upper bounds of the classes, seconds. No input may hold the shard for longer than 0.005.
const CLASSES: [f64; 7] = [0.000_1, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1];

/// Counts how long the shard was held.
pub struct ShardTime {
    inputs: Histogram,
    questions: Histogram,
}

impl Default for ShardTime {
    fn default() -> Self {
        Self { inputs: Histogram::new(CLASSES), questions: Histogram::new(CLASSES) }
    }
}

impl ShardTime {
    /// Runs what an input sets off, and counts for how long.
    pub(super) fn input<T>(&self, run: impl FnOnce() -> T) -> T {
        during(&self.inputs, run)
    }

    /// Runs a question, and counts for how long.
    pub(super) fn question<T>(&self, run: impl FnOnce() -> T) -> T {
        during(&self.questions, run)
    }

    /// The counts for a registry: of inputs, of questions.
    pub fn histograms(&self) -> [Histogram; 2] {
        [self.inputs.clone(), self.questions.clone()]
    }
}

fn during<T>(held: &Histogram, run: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = run();
    held.observe(began.elapsed().as_secs_f64());
    result
}
