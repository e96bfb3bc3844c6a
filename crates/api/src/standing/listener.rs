//! `suspendlistener` and `resumelistener`.

use serde::{Deserialize, Serialize};

use super::{SECONDS_AFTER_NAMES, StandingReply, names, names_and_seconds, seconds_default};
use crate::command::{Argument, Command, Effect, Role, Spec, no_more};
use crate::wire::Problem;

const LISTENERS: Argument = Argument {
    name: "listeners",
    help: "names of listeners, joined by commas, or ALL (ALL)",
    required: false,
    choices: &[],
};

/// Suspends receiving.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuspendListener {
    /// Names of listeners; empty for all.
    #[serde(default)]
    pub listeners: Vec<String>,
    /// How long transactions under way may go on.
    #[serde(default = "seconds_default")]
    pub seconds: u64,
}

/// Resumes receiving.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResumeListener {
    /// Names of listeners; empty for all.
    #[serde(default)]
    pub listeners: Vec<String>,
}

impl Command for SuspendListener {
    type Reply = StandingReply;
    const SPEC: Spec = Spec {
        words: "suspendlistener",
        summary: "suspends receiving until resumed",
        about: "New connections are answered 421 and sessions end with 421 at their next command, so that senders keep their mail and come back. It holds over restarts until `resumelistener`. For a planned pause of the servers behind this gateway this is the order to give: mail waits with its senders.",
        arguments: &[LISTENERS, SECONDS_AFTER_NAMES],
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/suspendlistener",
        example: "suspendlistener ALL 30",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let (listeners, seconds) = names_and_seconds(words, &Self::SPEC)?;
        Ok(Self { listeners, seconds })
    }
}

impl Command for ResumeListener {
    type Reply = StandingReply;
    const SPEC: Spec = Spec {
        words: "resumelistener",
        summary: "resumes receiving",
        about: "Suspended listeners take mail again.",
        arguments: &[LISTENERS],
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/resumelistener",
        example: "resumelistener ALL",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 1, &Self::SPEC)?;
        Ok(Self { listeners: words.first().map_or(Ok(Vec::new()), |word| names(word))? })
    }
}
