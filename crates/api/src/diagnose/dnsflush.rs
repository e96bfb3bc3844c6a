//! `dnsflush`.

use serde::{Deserialize, Serialize};

use crate::command::{Argument, Command, Effect, Role, Spec, Text, no_more};
use crate::wire::Problem;

/// Asks to forget what the name service said.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsFlush {
    /// It is meant.
    pub confirmed: bool,
}

/// It is forgotten.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct DnsFlushReply {}

impl Command for DnsFlush {
    type Reply = DnsFlushReply;
    const SPEC: Spec = Spec {
        words: "dnsflush",
        summary: "forgets cached answers of the name service",
        about: "Every cached answer and every remembered name of a connecting host is forgotten, so the next look-up asks a name server. Addresses that a destination uses already stay until their time is over; `delivernow` forgets those. It asks before it acts, unless `y` stands after it.",
        arguments: &[Argument { name: "y", help: "do not ask", required: false, choices: &[] }],
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/dnsflush",
        example: "dnsflush y",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 1, &Self::SPEC)?;
        match words.first().map(|word| word.to_ascii_lowercase()).as_deref() {
            None => Ok(Self { confirmed: false }),
            Some("y" | "yes") => Ok(Self { confirmed: true }),
            Some(other) => Err(Problem::new(
                format!("`{other}` is not an answer to whether the cache is to be cleared"),
                "give `dnsflush y`",
            )),
        }
    }

    fn question(&self) -> Option<&'static str> {
        (!self.confirmed).then_some("Are you sure you want to clear out the DNS cache? [N]> ")
    }
}

impl Text for DnsFlushReply {
    fn text(&self) -> String {
        "The DNS cache is cleared.\n".to_owned()
    }
}
