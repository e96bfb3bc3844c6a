//! The part for people: what happened, whose matter it is, what to do.

use std::fmt::Write as _;

use super::encode::{line, wrapped};
use super::programs::{facts, said, when};
use super::words::{Words, words};
use super::{Fact, Outcome, Report};
use crate::envelope::Recipient;
use crate::event::GeneratedKind;

/// Recipients told of one by one; those behind are in the part for programs.
const TOLD: usize = 50;

/// Columns of the labels, the colon counted.
const LABEL: usize = 18;

/// Writes the part.
pub(super) fn part(report: &Report<'_>, kind: GeneratedKind) -> String {
    let mut out = format!("This is the mail system of {}.\r\n\r\n", line(report.hostname));
    out.push_str(match kind {
        GeneratedKind::Bounce => {
            "Your message could not be delivered to everybody. What is said here of a\r\n\
             recipient as failed is final: the message will not be tried again there.\r\n"
        }
        GeneratedKind::Delay => {
            "Your message is delayed. You need not send it again: it is still being\r\n\
             tried.\r\n"
        }
        GeneratedKind::Success => {
            "You asked to be told: your message was handed on. The mail system that has\r\n\
             it now sends no reports, so this is the last you hear of it from us.\r\n"
        }
    });
    for (fact, recipient) in facts(report).take(TOLD) {
        recipient_told(report, fact, recipient, &mut out);
    }
    let untold = facts(report).skip(TOLD).count();
    if untold > 0 {
        // Writing to a String cannot fail.
        _ = write!(out, "\r\nAnd {untold} more recipients, who are in the next part of this report.\r\n");
    }
    _ = write!(
        out,
        "\r\nThe next part says the same for programs; the last returns your message or its\r\n\
         header. Should you ask your postmaster, name this: MID {}.\r\n",
        report.envelope.mid
    );
    out
}

fn recipient_told(report: &Report<'_>, fact: &Fact<'_>, recipient: &Recipient, out: &mut String) {
    // Writing to a String cannot fail.
    _ = write!(out, "\r\n<{}>\r\n", line(recipient.mailbox.as_str()));
    match fact.outcome {
        Outcome::Failed(failure) => told(out, "Failed", words(failure)),
        Outcome::Delayed { failure, until } => {
            told(out, "Delayed", words(failure));
            labelled(out, "Tried until", &when(report, until));
        }
        Outcome::Relayed { .. } => labelled(out, "Handed to", fact.remote.unwrap_or("the next mail system")),
        Outcome::Delivered { .. } => labelled(out, "Delivered by", fact.remote.unwrap_or("its mail system")),
    }
    if let Some(said) = said(&fact.outcome) {
        labelled(out, "Its words", &said);
    }
}

fn told(out: &mut String, outcome: &str, words: Words) {
    labelled(out, outcome, words.what);
    labelled(out, "Whose matter", words.whose);
    labelled(out, "What to do", words.remedy);
}

fn labelled(out: &mut String, label: &str, text: &str) {
    // Writing to a String cannot fail.
    _ = write!(out, "  {:<1$}", format!("{label}:"), LABEL - 3);
    wrapped(out, &line(text), LABEL - 1, &" ".repeat(LABEL - 1));
    out.push_str("\r\n");
}
