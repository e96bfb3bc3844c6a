//! `suspenddel` and `resumedel`.

use serde::{Deserialize, Serialize};

use super::{SECONDS_AFTER_NAMES, StandingReply, names, names_and_seconds, seconds_default};
use crate::command::{Argument, Command, Effect, Role, Spec, no_more};
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
        if let Some(wrong) = domains.iter().find(|name| !can_be_a_host(name)) {
            return Err(Problem::new(
                format!("`{wrong}` is no recipient host"),
                "domains as example.com (in other scripts as xn--...), or literals as [192.0.2.1], or ALL",
            ));
        }
        Ok(Self { domains: domains.iter().map(|name| domain(name)).collect(), seconds })
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
        Ok(Self { domains: domains.iter().map(|name| domain(name)).collect() })
    }
}

fn domain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// Whether any mail may have this destination: a host name (RFC 1123 section 2.1, with `_`) of ASCII, or what has
/// the look of an address literal (RFC 5321 section 4.1.3).
fn can_be_a_host(name: &str) -> bool {
    if let Some(literal) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let part = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b':');
        return !literal.is_empty() && literal.bytes().all(part);
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    name.len() <= 253 && name.split('.').all(label)
}
