//! `hostrate`: one destination as its mail passes, one line a sample.

use serde::{Deserialize, Serialize};

use crate::command::{Argument, Command, Effect, Role, Spec, Text};
use crate::destination::destination;
use crate::format::AsOf;
use crate::repeat::{Pace, Repeat, Sample, seconds};
use crate::wire::Problem;

/// Asks for one sample of a destination.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostRate {
    /// The recipient host.
    pub host: String,
    /// Seconds until whoever asks asks again. One call is one sample, whatever it says.
    #[serde(default = "seconds")]
    pub seconds: u32,
    /// How often whoever asks will ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// A sample: gauges, and counters since the last reset.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HostRateReply {
    /// When.
    pub as_of: AsOf,
    /// The destination.
    pub host: String,
    /// `up`, `down` or `unknown`.
    pub status: String,
    /// Connections to it open now.
    pub conn_out: u64,
    /// Recipients waiting now.
    pub active_recips: u64,
    /// Delivered.
    pub delivered_recips: u64,
    /// Hard bounced.
    pub hard_bounced_recips: u64,
    /// Soft bounce events.
    pub soft_bounced_evts: u64,
}

impl Command for HostRate {
    type Reply = HostRateReply;
    const SPEC: Spec = Spec {
        words: "hostrate",
        summary: "shows one destination as its mail passes, line by line",
        about: "A line every so many seconds until Ctrl-C: up, down or unknown, connections, recipients that wait, and what was delivered and bounced since the line before. With --json each sample is one object on a line of its own.",
        arguments: &[
            Argument {
                name: "host",
                help: "the recipient host, for example example.com",
                required: true,
                choices: &[],
            },
            Pace::SECONDS,
            Pace::COUNT,
        ],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/hostrate",
        example: "hostrate example.com 10",
    };
    const REPEAT: Option<Repeat> = Some(Repeat::of::<Self>());

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let host = words.first().ok_or_else(|| {
            Problem::new("hostrate needs a recipient host", "for example: hostrate example.com 10")
        })?;
        let Pace { seconds, count } = Pace::parse(&words[1..], &Self::SPEC)?;
        Ok(Self { host: destination(host)?, seconds, count })
    }
}

impl Sample for HostRate {
    const HEADER: &'static str = " Time    Host    CrtCncOut   ActvRcp  ActvRcp  DlvRcp  HrdBncRcp  SftBncEvt
         Status                        Delta    Delta      Delta      Delta
";

    fn pace(&self) -> Pace {
        Pace { seconds: self.seconds, count: self.count }
    }

    fn line(before: Option<&HostRateReply>, sample: &HostRateReply) -> String {
        let before = before.unwrap_or(sample);
        // What waits goes both ways; counters only grow, and fall only when somebody resets them.
        let waiting = i128::from(sample.active_recips) - i128::from(before.active_recips);
        format!(
            "{}   {:<7}{:>6}{:>12}{:>9}{:>8}{:>11}{:>11}\n",
            sample.as_of.time(),
            sample.status,
            sample.conn_out,
            sample.active_recips,
            waiting,
            sample.delivered_recips.saturating_sub(before.delivered_recips),
            sample.hard_bounced_recips.saturating_sub(before.hard_bounced_recips),
            sample.soft_bounced_evts.saturating_sub(before.soft_bounced_evts),
        )
    }
}

impl Text for HostRateReply {
    fn text(&self) -> String {
        format!("{}{}", HostRate::HEADER, HostRate::line(None, self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_stand_in_columns_with_what_changed() {
        let sample = |status: &str, waiting, delivered| HostRateReply {
            as_of: AsOf { at_us: 1_219_534_703_000_000, zone: "UTC".into() },
            host: "example.com".into(),
            status: status.into(),
            conn_out: 1,
            active_recips: waiting,
            delivered_recips: delivered,
            hard_bounced_recips: 3,
            soft_bounced_evts: 5,
        };
        let (first, second) = (sample("up", 7, 4), sample("unknown", 5, 8));
        let page = first.text() + &HostRate::line(Some(&first), &second);
        insta::assert_snapshot!(page, @r"
         Time    Host    CrtCncOut   ActvRcp  ActvRcp  DlvRcp  HrdBncRcp  SftBncEvt
                 Status                        Delta    Delta      Delta      Delta
        23:38:23   up          1           7        0       0          0          0
        23:38:23   unknown     1           5       -2       4          0          0
        ");
    }
}
