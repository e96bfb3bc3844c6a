//! `suspend` and `resume`: both directions at once.

use serde::{Deserialize, Serialize};

use super::{SECONDS, SECONDS_ARGUMENT, StandingReply, seconds, seconds_default};
use crate::command::{Command, Effect, Role, Spec, no_more};
use crate::wire::Problem;

/// Suspends receiving on every listener and all delivery.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspend {
    /// How long transactions under way may go on.
    #[serde(default = "seconds_default")]
    pub seconds: u64,
}

/// Resumes all that is suspended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resume {}

impl Command for Suspend {
    type Reply = StandingReply;
    const SPEC: Spec = Spec {
        words: "suspend",
        summary: "suspends receiving and delivery until resumed",
        about: "As `suspendlistener ALL` and `suspenddel ALL`. Senders are answered 421 and keep their mail; what is queued stays queued. It holds over restarts until `resume`.",
        arguments: &[SECONDS_ARGUMENT],
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/suspend",
        example: "suspend 30",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 1, &Self::SPEC)?;
        let seconds = words.first().map_or(Ok(SECONDS), |word| seconds(word))?;
        Ok(Self { seconds })
    }
}

impl Command for Resume {
    type Reply = StandingReply;
    const SPEC: Spec = Spec {
        words: "resume",
        summary: "resumes receiving and delivery",
        about: "Every listener takes mail again and delivery goes on everywhere, whatever was suspended one by one before. The work queue is not concerned: see `workqueue`.",
        arguments: &[],
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/resume",
        example: "resume",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 0, &Self::SPEC)?;
        Ok(Self {})
    }
}
