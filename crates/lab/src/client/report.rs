//! What a run of the generator came to.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::histogram::Histogram;
use crate::record::{Acked, Sums};

/// Why a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// Everything that was to be sent was answered.
    #[default]
    Done,
    /// Its deadline passed.
    Deadline,
    /// Somebody stopped it.
    Stopped,
    /// Sessions gave up: the target was away for too long, or away and nobody said to come back.
    GaveUp,
}

/// The result of a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Why it ended.
    pub ended: Ended,
    /// Sums of what was acknowledged.
    pub acked: Sums,
    /// Messages refused, by the reply's first line.
    pub refused: BTreeMap<String, u64>,
    /// Recipients refused in messages that were acknowledged for others.
    pub refused_recipients: u64,
    /// Messages whose content was on the way when the connection broke: nobody knows.
    pub uncertain: u64,
    /// Connections made.
    pub connections: u64,
    /// Connections that broke, or could not be made.
    pub breaks: u64,
    /// From the first connection to the last reply.
    pub elapsed: Duration,
    /// From the last byte of a message to its reply.
    pub latency: Histogram,
    /// The acknowledged messages, where they were kept.
    pub records: Vec<Acked>,
    /// The first few errors, in words.
    pub errors: Vec<String>,
}

impl Report {
    /// Acknowledged messages a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.acked.messages as f64 / seconds } else { 0.0 }
    }

    /// Refused messages.
    #[must_use]
    pub fn refused_messages(&self) -> u64 {
        self.refused.values().sum()
    }

    /// All of it but the records, as JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "ended": self.ended,
            "acked": self.acked,
            "refused": self.refused,
            "refused_recipients": self.refused_recipients,
            "uncertain": self.uncertain,
            "connections": self.connections,
            "breaks": self.breaks,
            "elapsed_s": self.elapsed.as_secs_f64(),
            "rate": self.rate(),
            "latency_us": {
                "mean": self.latency.mean_us(),
                "p50": self.latency.quantile_us(0.5),
                "p99": self.latency.quantile_us(0.99),
                "p999": self.latency.quantile_us(0.999),
                "max": self.latency.max_us(),
            },
            "errors": self.errors,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = |us: u64| us as f64 / 1000.0;
        writeln!(
            formatter,
            "{} messages acknowledged in {:.2} s: {:.0}/s over {} connections.",
            self.acked.messages,
            self.elapsed.as_secs_f64(),
            self.rate(),
            self.connections
        )?;
        writeln!(
            formatter,
            "Latency ms: mean {:.2}, p50 {:.2}, p99 {:.2}, p99.9 {:.2}, max {:.2}.",
            milliseconds(self.latency.mean_us()),
            milliseconds(self.latency.quantile_us(0.5)),
            milliseconds(self.latency.quantile_us(0.99)),
            milliseconds(self.latency.quantile_us(0.999)),
            milliseconds(self.latency.max_us())
        )?;
        for (reply, count) in &self.refused {
            writeln!(formatter, "Refused {count} times: {reply}")?;
        }
        if self.uncertain > 0 || self.breaks > 0 {
            writeln!(
                formatter,
                "Connections broken {}, messages uncertain {}.",
                self.breaks, self.uncertain
            )?;
        }
        for error in &self.errors {
            writeln!(formatter, "Error: {error}")?;
        }
        Ok(())
    }
}
