//! `workqueue`: what was accepted and has not entered delivery.

mod held;
mod rate;

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::command::{Argument, Command, Effect, Role, Spec, Text, no_more};
use crate::format::AsOf;
use crate::wire::Problem;

pub use held::Held;
pub use rate::{WorkQueueRate, WorkQueueRateReply};

/// Octets of a reason.
const REASON_MAX: usize = 200;

/// Asks how the work queue is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkQueue {}

/// The same, by its longer name.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkQueueStatus {}

/// Pauses the work queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkQueuePause {
    /// Why, for those who wonder later.
    #[serde(default)]
    pub reason: String,
}

/// Resumes the work queue.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkQueueResume {}

/// How the work queue is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkQueueReply {
    /// When.
    pub as_of: AsOf,
    /// What is in it, and who paused it.
    #[serde(flatten)]
    pub held: Held,
}

impl Text for WorkQueueReply {
    fn text(&self) -> String {
        let mut out = format!("Status as of:  {}\n", self.as_of.now());
        let held = &self.held;
        let status = match (&held.paused_by, held.reason.as_deref().unwrap_or_default()) {
            (None, _) => "Operational".to_owned(),
            (Some(by), "") => format!("Paused by {by}"),
            (Some(by), reason) => format!("Paused by {by}: {reason}"),
        };
        let _ = writeln!(out, "Status:        {status}");
        if let Some(since) = held.since_us {
            let _ = writeln!(out, "Since:         {}", self.as_of.show(since));
        }
        let _ = writeln!(out, "Messages:      {}", held.messages);
        out
    }
}

impl Command for WorkQueue {
    type Reply = WorkQueueReply;
    const SPEC: Spec = Spec {
        words: "workqueue",
        summary: "shows the work queue: paused or not, messages in it",
        about: "The work queue is between acceptance and delivery. As `workqueue status`.",
        arguments: &[],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/workqueue",
        example: "workqueue",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 0, &Self::SPEC)?;
        Ok(Self {})
    }
}

impl Command for WorkQueueStatus {
    type Reply = WorkQueueReply;
    const SPEC: Spec = Spec {
        words: "workqueue status",
        summary: "shows the work queue: paused or not, messages in it",
        about: "Who paused it, why and since when, and how many messages wait in it.",
        arguments: &[],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/workqueue/status",
        example: "workqueue status",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 0, &Self::SPEC)?;
        Ok(Self {})
    }
}

impl Command for WorkQueuePause {
    type Reply = WorkQueueReply;
    const SPEC: Spec = Spec {
        words: "workqueue pause",
        summary: "keeps new mail from entering delivery until resumed",
        about: "Messages that begin from now on are accepted and kept, and wait in the work queue; what is queued already is delivered. It holds over restarts until `workqueue resume`. Reports that the gateway makes itself pass.",
        arguments: &[Argument {
            name: "reason",
            help: "why, in quotes: others see it in `workqueue` and `status`",
            required: false,
            choices: &[],
        }],
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/workqueue/pause",
        example: "workqueue pause checking",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 1, &Self::SPEC)?;
        let reason = words.first().cloned().unwrap_or_default();
        if reason.len() > REASON_MAX {
            let message = format!("the reason has {} octets", reason.len());
            return Err(Problem::new(message, format!("{REASON_MAX} octets at most")));
        }
        Ok(Self { reason })
    }
}

impl Command for WorkQueueResume {
    type Reply = WorkQueueReply;
    const SPEC: Spec = Spec {
        words: "workqueue resume",
        summary: "lets what waits in the work queue enter delivery",
        about: "In the order in which the messages began, in slices: with many of them it takes a moment, and `workqueue` shows how many are left.",
        arguments: &[],
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/workqueue/resume",
        example: "workqueue resume",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 0, &Self::SPEC)?;
        Ok(Self {})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_reads_as_operators_know_it() {
        let as_of = AsOf { at_us: 1_061_150_550_000_000, zone: "GMT".to_owned() };
        let mut reply = WorkQueueReply { as_of, held: Held { messages: 1243, ..Held::default() } };
        assert_eq!(
            reply.text(),
            "Status as of:  Sun Aug 17 20:02:30 2003 GMT\nStatus:        Operational\nMessages:      1243\n"
        );
        reply.held.paused_by = Some("admin".to_owned());
        reply.held.reason = Some("checking LDAP server".to_owned());
        assert!(reply.text().contains("Status:        Paused by admin: checking LDAP server\n"));
        reply.held.reason = Some(String::new());
        assert!(reply.text().contains("Status:        Paused by admin\n"));
    }
}
