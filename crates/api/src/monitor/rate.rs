//! `rate`: connections and recipients as they pass, one line a sample.

use serde::{Deserialize, Serialize};

use crate::command::{Command, Effect, Role, Spec, Text};
use crate::format::AsOf;
use crate::repeat::{Pace, Repeat, Sample, seconds};
use crate::wire::Problem;

/// Asks for one sample of what passes through.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Seconds until whoever asks asks again. One call is one sample, whatever it says.
    #[serde(default = "seconds")]
    pub seconds: u32,
    /// How often whoever asks will ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// A sample: gauges, and counters that only grow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RateReply {
    /// When.
    pub as_of: AsOf,
    /// Inbound connections open now.
    pub conn_in: u64,
    /// Outbound connections open now.
    pub conn_out: u64,
    /// Recipients received, ever.
    pub inj_recips: u64,
    /// Recipients completed, ever.
    pub completed_recips: u64,
    /// Kilobytes that the queue uses now.
    pub kbytes_used: u64,
}

impl Command for Rate {
    type Reply = RateReply;
    const SPEC: Spec = Spec {
        words: "rate",
        summary: "shows connections and recipients as they pass, line by line",
        about: "A line every so many seconds until Ctrl-C: connections open now, recipients received and completed ever and since the line before, kilobytes that the queue uses. With --json each sample is one object on a line of its own.",
        arguments: &[Pace::SECONDS, Pace::COUNT],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/rate",
        example: "rate 10",
    };
    const REPEAT: Option<Repeat> = Some(Repeat::of::<Self>());

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let Pace { seconds, count } = Pace::parse(words, &Self::SPEC)?;
        Ok(Self { seconds, count })
    }
}

impl Sample for Rate {
    const HEADER: &'static str = "\
Time         Connections  Recipients                 Recipients                 Queue
              In    Out     Received      Delta       Completed      Delta     K-Used
";

    fn pace(&self) -> Pace {
        Pace { seconds: self.seconds, count: self.count }
    }

    fn line(before: Option<&RateReply>, sample: &RateReply) -> String {
        let delta = |value: fn(&RateReply) -> u64| {
            before.map_or(0, |before| value(sample).saturating_sub(value(before)))
        };
        format!(
            "{}{:>8}{:>7}{:>13}{:>11}{:>16}{:>11}{:>11}\n",
            sample.as_of.time(),
            sample.conn_in,
            sample.conn_out,
            sample.inj_recips,
            delta(|sample| sample.inj_recips),
            sample.completed_recips,
            delta(|sample| sample.completed_recips),
            sample.kbytes_used,
        )
    }
}

impl Text for RateReply {
    fn text(&self) -> String {
        format!("{}{}", Rate::HEADER, Rate::line(None, self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_stand_in_columns_with_what_changed() {
        let sample = |seconds: u64, received, completed| RateReply {
            as_of: AsOf { at_us: (1_219_534_633 + seconds) * 1_000_000, zone: "UTC".into() },
            conn_in: 10,
            conn_out: 2,
            inj_recips: received,
            completed_recips: completed,
            kbytes_used: 64,
        };
        let (first, second) = (sample(0, 41_708_833, 40_842_686), sample(10, 41_708_841, 40_842_692));
        let page = first.text() + &Rate::line(Some(&first), &second) + &Rate::line(Some(&second), &first);
        insta::assert_snapshot!(page, @r"
        Time         Connections  Recipients                 Recipients                 Queue
                      In    Out     Received      Delta       Completed      Delta     K-Used
        23:37:13      10      2     41708833          0        40842686          0         64
        23:37:23      10      2     41708841          8        40842692          6         64
        23:37:13      10      2     41708833          0        40842686          0         64
        ");
    }
}
