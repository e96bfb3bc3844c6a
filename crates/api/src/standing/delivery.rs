//! `suspenddel` and `resumedel`.

use serde::{Deserialize, Serialize};

use super::{SECONDS_AFTER_NAMES, StandingReply, names, names_and_seconds, seconds_default};
use crate::command::{Argument, Command, Effect, Role, Spec, no_more};
use crate::destination::{destination, normal};
use crate::wire::Problem;

const DOMAINS: Argument = Argument {
    name: "domains",
    help: "recipient hosts, joined by commas, or ALL (ALL)",
    required: false,
    choices: &[],
};

/// Suspends delivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuspendDel {
    /// Recipient hosts; empty for all.
    #[serde(default)]
    pub domains: Vec<String>,
    /// How long transactions under way may go on.
    #[serde(default = "seconds_default")]
    pub seconds: u64,
}

/// Resumes delivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResumeDel {
    /// Recipient hosts; empty for all.
    #[serde(default)]
    pub domains: Vec<String>,
}

impl Command for SuspendDel {
    type Reply = StandingReply;
    const SPEC: Spec = Spec {
        words: "suspenddel",
        summary: "suspends delivery until resumed",
        about: "Nothing new is handed over, everywhere or to the named recipient hosts; mail is accepted as before and waits. It holds over restarts until `resumedel`. Waiting mail still expires.",
        arguments: &[DOMAINS, SECONDS_AFTER_NAMES],
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/suspenddel",
        example: "suspenddel example.com,example.net 30",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let (domains, seconds) = names_and_seconds(words, &Self::SPEC)?;
        let domains = domains.iter().map(|name| destination(name)).collect::<Result<_, _>>()?;
        Ok(Self { domains, seconds })
    }
}

impl Command for ResumeDel {
    type Reply = StandingReply;
    const SPEC: Spec = Spec {
        words: "resumedel",
        summary: "resumes delivery",
        about: "`ALL` also resumes what was suspended by name. Without an argument all is resumed.",
        arguments: &[DOMAINS],
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/resumedel",
        example: "resumedel ALL",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 1, &Self::SPEC)?;
        let domains = words.first().map_or(Ok(Vec::new()), |word| names(word))?;
        // Whatever is suspended can be resumed.
        let domains = domains.iter().map(|name| normal(name)).collect();
        Ok(Self { domains })
    }
}
