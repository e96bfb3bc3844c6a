//! `workqueue rate`: what comes into the work queue and leaves it, line by line.

use serde::{Deserialize, Serialize};

use crate::command::{Argument, Command, Effect, Role, Spec, Text};
use crate::format::AsOf;
use crate::repeat::{Pace, Repeat, Sample, seconds};
use crate::wire::Problem;

/// Asks for one sample.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkQueueRate {
    /// Seconds between two samples.
    #[serde(default = "seconds")]
    pub seconds: u32,
    /// How many samples; without end when absent.
    #[serde(default)]
    pub count: Option<u32>,
}

/// A sample.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkQueueRateReply {
    /// When it was taken.
    pub as_of: AsOf,
    /// Messages in the work queue.
    pub pending: u64,
    /// Messages received from outside, ever: each comes into the work queue.
    pub received: u64,
}

impl Command for WorkQueueRate {
    type Reply = WorkQueueRateReply;
    const SPEC: Spec = Spec {
        words: "workqueue rate",
        summary: "shows the work queue as messages pass, line by line",
        about: "Messages in the work queue, and how many came in and went on to delivery since the line before. While it is not paused messages pass at once.",
        arguments: &[
            Argument {
                name: "seconds",
                help: "seconds between two lines (10)",
                required: false,
                choices: &[],
            },
            Argument {
                name: "count",
                help: "how many lines, also as `--count N`; without it until interrupted",
                required: false,
                choices: &[],
            },
        ],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/workqueue/rate",
        example: "workqueue rate 10",
    };
    const REPEAT: Option<Repeat> = Some(Repeat::of::<Self>());

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let Pace { seconds, count } = Pace::parse(words, &Self::SPEC)?;
        Ok(Self { seconds, count })
    }
}

impl Sample for WorkQueueRate {
    const HEADER: &'static str = "Time          Pending        In       Out\n";

    fn pace(&self) -> Pace {
        Pace { seconds: self.seconds, count: self.count }
    }

    fn line(before: Option<&WorkQueueRateReply>, sample: &WorkQueueRateReply) -> String {
        let before = before.unwrap_or(sample);
        let came = sample.received.saturating_sub(before.received);
        let went = (before.pending + came).saturating_sub(sample.pending);
        let shown = sample.as_of.show_plain(sample.as_of.at_us);
        let time = shown.split(' ').nth(3).unwrap_or(&shown);
        format!("{time:<10}{:>11}{came:>10}{went:>10}\n", sample.pending)
    }
}

impl Text for WorkQueueRateReply {
    fn text(&self) -> String {
        format!("{}{}", WorkQueueRate::HEADER, WorkQueueRate::line(None, self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_what_changed() {
        let at = |second: u64, pending, received| WorkQueueRateReply {
            as_of: AsOf { at_us: 1_061_150_550_000_000 + second * 1_000_000, zone: "GMT".to_owned() },
            pending,
            received,
        };
        let line = WorkQueueRate::line(Some(&at(0, 100, 1_000)), &at(10, 70, 1_005));
        assert_eq!(line, "20:02:40           70         5        35\n");
        assert_eq!(
            at(0, 100, 1_000).text(),
            "Time          Pending        In       Out\n20:02:30          100         0         0\n"
        );
    }
}
