//! `attempts`: every try of a recipient that is kept.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{CertificateLine, TcpLine, span};
use crate::command::{Argument, Command, Effect, Role, Spec, Text, no_more};
use crate::format::AsOf;
use crate::mid;
use crate::wire::Problem;

/// Asks for the attempts of a message, or of one recipient of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempts {
    /// The message.
    pub mid: u64,
    /// The recipient.
    #[serde(default)]
    pub rid: Option<u32>,
}

/// The attempts that are kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AttemptsReply {
    /// When, and in which zone.
    pub as_of: AsOf,
    /// The message.
    pub mid: u64,
    /// By recipient, oldest first. Of each the first and the newest are kept.
    pub attempts: Vec<AttemptLine>,
}

/// One try of one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptLine {
    /// The recipient.
    pub rid: u32,
    /// Which of its tries it is, from 1; those that an operator forced count too.
    #[serde(default)]
    pub number: u32,
    /// The recipient host.
    pub host: String,
    /// The connection; 0 when the try ended before there was one.
    pub dcid: u64,
    /// When it began, microseconds since the epoch.
    pub began_us: u64,
    /// How long it took, microseconds.
    pub took_us: u64,
    /// Stages that were passed, in order.
    pub stages: Vec<StageLine>,
    /// The exchanger's name, once a connection stood.
    pub exchanger: Option<String>,
    /// Its address and port.
    pub peer: Option<String>,
    /// Our address and port.
    pub local: Option<String>,
    /// TLS in words, when it was tried.
    pub tls: Option<String>,
    /// The certificate that the other end showed.
    pub certificate: Option<CertificateLine>,
    /// Addresses that were tried before.
    pub passed_over: Vec<PassedOver>,
    /// `delivered`, `deferred` or `bounced`.
    pub outcome: String,
    /// The reply, or the lines that refused.
    pub reply: Vec<String>,
    /// What went wrong.
    pub failure: Option<FailureLine>,
    /// The end of its connection, once that has ended.
    pub tcp: Option<TcpLine>,
}

/// A stage that was passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageLine {
    /// Its name.
    pub stage: String,
    /// When it was answered, microseconds after the beginning of the try.
    pub after_us: u64,
}

/// An address that was tried before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// The exchanger's name.
    pub exchanger: String,
    /// Its address and port.
    pub address: Option<String>,
    /// What became of it.
    pub failure: FailureLine,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureLine {
    /// How far it got.
    pub stage: String,
    /// The stable code of the cause.
    pub cause: String,
    /// The enhanced status.
    pub status: String,
    /// The reply's code, 0 when there was none.
    pub code: u16,
    /// The lines of the reply, or our words.
    pub text: Vec<String>,
}

impl Command for Attempts {
    type Reply = AttemptsReply;
    const SPEC: Spec = Spec {
        words: "attempts",
        summary: "shows every try to deliver a message: when, where, how far",
        about: "Of each recipient the first try and the newest are kept, with the instant of every stage, the addresses, TLS and the reply. A failed connection counts for the one recipient that it was opened for.",
        arguments: &[
            Argument { name: "mid", help: "the MID of a message", required: true, choices: &[] },
            Argument { name: "rid", help: "the number of one recipient", required: false, choices: &[] },
        ],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/attempts",
        example: "attempts 52",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let problem = |what: &str| Problem::new(what, "for example: attempts 52, or attempts 52 0");
        let (mid, rest) = mid::take(words, &Self::SPEC)?;
        no_more(rest, 1, &Self::SPEC)?;
        let rid = rest.first().map(|word| word.parse());
        let rid = rid.transpose().map_err(|_| problem("the second word is the number of a recipient"))?;
        Ok(Self { mid, rid })
    }
}

impl Text for AttemptsReply {
    fn text(&self) -> String {
        let mut out = String::new();
        let mut rid = None;
        for attempt in &self.attempts {
            if rid != Some(attempt.rid) {
                rid = Some(attempt.rid);
                let blank = if out.is_empty() { "" } else { "\n" };
                let _ = writeln!(out, "{blank}MID {} RID {} to {}", self.mid, attempt.rid, attempt.host);
            }
            self.one(&mut out, attempt);
        }
        out
    }
}

impl AttemptsReply {
    fn one(&self, out: &mut String, attempt: &AttemptLine) {
        let began = self.as_of.show_plain(attempt.began_us);
        let (number, outcome, took) = (attempt.number, &attempt.outcome, span(attempt.took_us));
        let _ = writeln!(out, "\n  {began}   attempt {number}: {outcome}, after {took}");
        for passed in &attempt.passed_over {
            let address = passed.address.as_deref().unwrap_or("");
            let failure = failure_text(&passed.failure);
            let _ = writeln!(out, "    Before:   {} {address}: {failure}", passed.exchanger);
        }
        if let Some(peer) = &attempt.peer {
            let exchanger = attempt.exchanger.as_deref().unwrap_or("");
            let from = attempt.local.as_ref().map_or_else(String::new, |local| format!(" from {local}"));
            let _ = writeln!(out, "    Way:      DCID {}, {exchanger} {peer}{from}", attempt.dcid);
        }
        if let Some(tls) = &attempt.tls {
            let _ = writeln!(out, "    TLS:      {tls}");
        }
        if let Some(certificate) = &attempt.certificate {
            certificate.write(&self.as_of, out);
        }
        if !attempt.stages.is_empty() {
            let mut before = 0;
            let stages = attempt.stages.iter().map(|line| {
                let took = line.after_us.saturating_sub(before);
                before = line.after_us;
                format!("{} {}", line.stage, span(took))
            });
            let _ = writeln!(out, "    Stages:   {}", stages.collect::<Vec<_>>().join(", "));
        }
        match &attempt.failure {
            Some(failure) => {
                let _ = writeln!(out, "    Failure:  {}", failure_text(failure));
            }
            None => {
                let _ = writeln!(out, "    Reply:    {}", attempt.reply.join(" "));
            }
        }
        if let Some(tcp) = &attempt.tcp {
            let _ = writeln!(out, "    TCP:      {}", tcp.in_words());
        }
    }
}

fn failure_text(failure: &FailureLine) -> String {
    let code = if failure.code > 0 { format!("{} ", failure.code) } else { String::new() };
    format!("{} ({}): {code}{}", failure.stage, failure.cause, failure.text.join(" "))
}

#[cfg(test)]
mod tests;
