//! `smtpping`: a probe, and a small message that is sent and followed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{PATIENCE, Probe, ProbePart, ProbeReply, ProbeTarget, TARGET, mailbox};
use crate::command::{Argument, Command, Effect, Role, Spec, no_more};
use crate::parts::{InParts, Parts};
use crate::wire::Problem;

/// Sends a small message to a destination, and follows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpPing {
    /// Where to.
    pub to: ProbeTarget,
    /// Who gets it.
    pub recipient: String,
    /// Who sends it; nobody when absent.
    #[serde(default)]
    pub sender: Option<String>,
}

impl Command for SmtpPing {
    type Reply = ProbeReply;
    const SPEC: Spec = Spec {
        words: "smtpping",
        summary: "probes a destination, sends a small test message and follows it",
        about: "As `probe` with --send: every address is probed; if one takes the recipient a small message is put into the queue for that destination, and every step of it is shown until it has ended, 25 seconds at most. It is ordinary mail: on disk before anything else, with a MID, in every counter, found by `track`, tried again if it has to be, and its sender, if it has one, is sent reports about it. What is left of it can be taken out with `deleterecipients`.",
        arguments: &[
            TARGET,
            Argument { name: "recipient", help: "who gets the message", required: true, choices: &[] },
            Argument { name: "sender", help: "who sends it (nobody: <>)", required: false, choices: &[] },
        ],
        role: Role::Administrator,
        effect: Effect::Change,
        route: "/api/v1/smtpping",
        example: "smtpping example.com user@example.com",
    };
    const PATIENCE: Duration = PATIENCE;
    const PARTS: Option<Parts> = Some(Parts::of::<Self>());

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let hint = || format!("for example: {}", Self::SPEC.example);
        let target =
            words.first().ok_or_else(|| Problem::new("smtpping needs a destination or a host", hint()))?;
        let recipient = words.get(1).ok_or_else(|| Problem::new("smtpping needs a recipient", hint()))?;
        let sender = words.get(2).map(|word| mailbox(word)).transpose()?;
        no_more(words, 3, &Self::SPEC)?;
        Ok(Self { to: ProbeTarget::parse(target)?, recipient: mailbox(recipient)?, sender })
    }
}

impl InParts for SmtpPing {
    type Part = ProbePart;

    fn part(part: &ProbePart) -> String {
        part.text()
    }

    fn rest(reply: &ProbeReply) -> String {
        reply.rest()
    }
}

impl From<SmtpPing> for Probe {
    fn from(ping: SmtpPing) -> Self {
        Self { to: ping.to, recipient: Some(ping.recipient), sender: ping.sender, send: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_a_recipient_and_perhaps_a_sender() {
        let ping = |words: &str| {
            let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            SmtpPing::parse(&words).map(Probe::from).map_err(|problem| problem.message)
        };
        let sent = ping("a.test b@a.test c@d.test").map(|probe| (probe.send, probe.recipient, probe.sender));
        assert_eq!(sent, Ok((true, Some("b@a.test".into()), Some("c@d.test".into()))));
        assert_eq!(ping("a.test").err().as_deref(), Some("smtpping needs a recipient"));
        assert_eq!(ping("").err().as_deref(), Some("smtpping needs a destination or a host"));
    }
}
