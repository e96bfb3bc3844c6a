//! The part for programs: `message/delivery-status` (RFC 3464 2), or its UTF-8 sister (RFC 6533 3).

use mailreeve_smtp::address::Mailbox;

use super::encode::{ascii, decoded_xtext, field, line, token};
use super::{Fact, Outcome, Report};
use crate::Instant;
use crate::envelope::Recipient;
use crate::event::Failure;
use crate::message::date;

/// The part and its media type.
pub(super) struct Part {
    pub(super) kind: &'static str,
    pub(super) body: String,
}

/// Writes the part.
pub(super) fn part(report: &Report<'_>) -> Part {
    let utf8 = facts(report).any(|(_, recipient)| !recipient.mailbox.is_ascii());
    let mut body = String::new();
    field(&mut body, "Reporting-MTA", &format!("dns; {}", token(report.hostname)));
    if let Some(envid) = &report.envelope.params.envid {
        let envid = decoded_xtext(envid);
        field(&mut body, "Original-Envelope-Id", &charset(&line(&envid), utf8));
    }
    field(&mut body, "Arrival-Date", &when(report, Instant(report.envelope.accepted_at)));
    for (fact, recipient) in facts(report) {
        body.push_str("\r\n");
        group(report, fact, recipient, utf8, &mut body);
    }
    let kind = if utf8 { "message/global-delivery-status" } else { "message/delivery-status" };
    Part { kind, body }
}

/// The facts with their recipients; one about a recipient that is not there says nothing.
pub(super) fn facts<'r>(report: &Report<'r>) -> impl Iterator<Item = (&'r Fact<'r>, &'r Recipient)> {
    let (facts, recipients) = (report.recipients, &report.envelope.recipients);
    facts.iter().filter_map(|fact| {
        let at = usize::try_from(fact.rid.0).ok()?;
        recipients.get(at).map(|recipient| (fact, recipient))
    })
}

fn group(report: &Report<'_>, fact: &Fact<'_>, recipient: &Recipient, utf8: bool, body: &mut String) {
    if let Some((kind, address)) = recipient.params.orcpt.as_deref().and_then(|orcpt| orcpt.split_once(';')) {
        let address = decoded_xtext(address);
        field(body, "Original-Recipient", &charset(&format!("{}; {}", token(kind), line(&address)), utf8));
    }
    field(body, "Final-Recipient", &final_recipient(&recipient.mailbox));
    field(body, "Action", action(&fact.outcome));
    field(body, "Status", &status(&fact.outcome));
    if let Some(remote) = fact.remote {
        field(body, "Remote-MTA", &format!("dns; {}", token(remote)));
    }
    if let Some(said) = said(&fact.outcome) {
        field(body, "Diagnostic-Code", &charset(&format!("smtp; {said}"), utf8));
    }
    if let Some(at) = fact.last_attempt {
        field(body, "Last-Attempt-Date", &when(report, at));
    }
    field(body, "Final-Log-ID", &format!("MID {} RID {}", report.envelope.mid, fact.rid));
    if let Outcome::Delayed { until, .. } = fact.outcome {
        field(body, "Will-Retry-Until", &when(report, until));
    }
}

fn final_recipient(mailbox: &Mailbox) -> String {
    let kind = if mailbox.is_ascii() { "rfc822" } else { "utf-8" };
    format!("{kind}; {}", line(mailbox.as_str()))
}

const fn action(outcome: &Outcome<'_>) -> &'static str {
    match outcome {
        Outcome::Failed(_) => "failed",
        Outcome::Delayed { .. } => "delayed",
        Outcome::Relayed { .. } => "relayed",
        Outcome::Delivered { .. } => "delivered",
    }
}

/// The class is that of the action (RFC 3464 2.3.4): a recipient given up after a temporary failure failed.
fn status(outcome: &Outcome<'_>) -> String {
    let of = |class: u8, failure: &Failure| format!("{class}.{}.{}", failure.status.1, failure.status.2);
    match outcome {
        Outcome::Failed(failure) => of(5, failure),
        Outcome::Delayed { failure, .. } => of(4, failure),
        Outcome::Relayed { .. } | Outcome::Delivered { .. } => "2.0.0".to_owned(),
    }
}

/// What the next hop said, on one line; `None` when the words are not those of a host but our own.
pub(super) fn said(outcome: &Outcome<'_>) -> Option<String> {
    match outcome {
        Outcome::Failed(failure) | Outcome::Delayed { failure, .. } => {
            let (class, subject, detail) = failure.status;
            let words = failure.text.join(" ");
            let words = line(&words);
            (failure.code > 0).then(|| format!("{} {class}.{subject}.{detail} {words}", failure.code))
        }
        Outcome::Relayed { reply } | Outcome::Delivered { reply } => Some(format!("250 {}", line(reply))),
    }
}

fn charset(text: &str, utf8: bool) -> String {
    if utf8 { text.to_owned() } else { ascii(text).into_owned() }
}

pub(super) fn when(report: &Report<'_>, at: Instant) -> String {
    let mut out = Vec::with_capacity(32);
    date::write(at, report.zone, &mut out);
    String::from_utf8(out).unwrap_or_default()
}
