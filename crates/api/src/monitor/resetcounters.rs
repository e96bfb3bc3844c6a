//! `resetcounters`.

use serde::{Deserialize, Serialize};

use crate::command::{Command, Effect, Role, Spec, Text, no_more};
use crate::format::AsOf;
use crate::wire::Problem;

/// Asks for the Reset column to begin at zero.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResetCounters {}

/// It begins at zero.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ResetCountersReply {
    /// Since when.
    pub as_of: AsOf,
}

impl Command for ResetCounters {
    type Reply = ResetCountersReply;
    const SPEC: Spec = Spec {
        words: "resetcounters",
        summary: "sets the counters of the Reset column to zero",
        about: "The Reset column and the counters of each destination (`hoststatus`, `tophosts`) begin at zero. The columns Uptime and Lifetime, and gauges, stay as they are. It cannot be taken back.",
        arguments: &[],
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/resetcounters",
        example: "resetcounters",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 0, &Self::SPEC)?;
        Ok(Self {})
    }
}

impl Text for ResetCountersReply {
    fn text(&self) -> String {
        format!("Counters reset: {}\n", self.as_of.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_when() {
        let as_of = AsOf { at_us: 1_597_343_382_000_000, zone: "America/New_York".into() };
        let text = ResetCountersReply { as_of }.text();
        assert_eq!(text, "Counters reset: Thu Aug 13 14:29:42 2020 EDT\n");
    }
}
