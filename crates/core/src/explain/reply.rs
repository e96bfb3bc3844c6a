//! What a refusal means: from an SMTP reply to a class that somebody can act on.
//!
//! Three sources, the more telling one first: an enhanced status that can mean one thing only (`reply/status.rs`), the
//! words (`reply/patterns.rs`), and what is left of code, status and stage. Which of them decided is a part of the
//! answer, for what was guessed from a code is said with less certainty than what was read.
//!
//! Words are read without mailboxes, names of machines and addresses in them, so that nobody's name decides.

mod listed;
mod patterns;
mod status;
mod words;

use crate::event::{Failure, Stage};
use words::Spoken;

/// What a refusing reply is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReplyClass {
    /// There is no such mailbox, or no more.
    UnknownRecipient,
    /// The mailbox is there and takes nothing: disabled, suspended, inactive.
    RecipientDisabled,
    /// The peer does not deliver for the recipient's domain.
    UnknownDomain,
    /// The mailbox has no room.
    MailboxFull,
    /// Strangers are to come again.
    Greylisted,
    /// Our address is on a list.
    IpBlocklisted,
    /// Our address has a bad name with the peer itself.
    IpReputation,
    /// A domain or link of the message is on a list.
    DomainBlocklisted,
    /// Our address has no name, or one that does not lead back.
    NoReverseDns,
    /// Too much from us in too short a time.
    PeerRateLimit,
    /// The peer has too much to do.
    PeerBusy,
    /// The peer's disk or queue has no room.
    PeerOutOfSpace,
    /// Something is broken at the peer.
    PeerFault,
    /// The content was taken for spam, or is of a kind that is not wanted.
    ContentRejected,
    /// Something harmful was found in the content.
    VirusFound,
    /// The message is not formed as the peer demands.
    MalformedMessage,
    /// A rule of the peer, not told further.
    Policy,
    /// The envelope sender is not wanted.
    SenderRejected,
    /// The envelope sender's domain is not in the name service, or takes no mail.
    SenderDomainUnresolvable,
    /// SPF, DKIM or DMARC.
    AuthenticationFailed,
    /// The peer relays nothing for us.
    RelayDenied,
    /// A name and a password are wanted.
    LoginRequired,
    /// TLS is wanted.
    EncryptionRequired,
    /// The message is too large.
    TooBig,
    /// Too many recipients in one transaction.
    TooManyRecipients,
    /// The message goes round in circles.
    MailLoop,
    /// A command or parameter was not liked.
    CommandRefused,
    /// The peer never takes mail.
    NoMailHere,
    /// Nothing that is known here.
    Other,
}

/// What told the class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// An enhanced status with one meaning.
    Status,
    /// The words.
    Words,
    /// The code and where it was said: a guess.
    Code,
}

/// A reply as it was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What it is about.
    pub class: ReplyClass,
    /// What told so.
    pub basis: Basis,
    /// The peer said never (5xx), not later (4xx).
    pub hard: bool,
    /// The block list that it names.
    pub list: Option<String>,
}

/// Reads a refusing reply: its code, the enhanced status that the peer gave, its lines, and what it answered.
///
/// Codes are those of RFC 5321 section 4.2, statuses those of RFC 3463 and its registry (RFC 5248).
pub fn read(stage: Stage, code: u16, status: Option<(u8, u16, u16)>, lines: &[String]) -> Reading {
    let spoken = Spoken::of(lines);
    let (class, basis) = class_of(stage, code, status, &spoken);
    let list = match class {
        ReplyClass::IpBlocklisted | ReplyClass::DomainBlocklisted => listed::name(lines),
        _ => None,
    };
    Reading { class, basis, hard: code >= 500, list }
}

/// Reads the reply of a failure, or `None` when the peer said nothing.
pub fn read_failure(failure: &Failure) -> Option<Reading> {
    (failure.code >= 400)
        .then(|| read(failure.stage, failure.code, status::said(&failure.text), &failure.text))
}

fn class_of(stage: Stage, code: u16, status: Option<(u8, u16, u16)>, spoken: &Spoken) -> (ReplyClass, Basis) {
    if let Some(class) = patterns::beyond_doubt(spoken) {
        return (class, Basis::Words);
    }
    if let Some(class) = status.and_then(status::certain) {
        return (class, Basis::Status);
    }
    let general = |class: &ReplyClass| matches!(class, ReplyClass::Policy | ReplyClass::PeerBusy);
    let words = patterns::of(spoken);
    if let Some(class) = words.filter(|class| !general(class)) {
        return (class, Basis::Words);
    }
    if let Some(class) = status.and_then(status::telling) {
        return (class, Basis::Status);
    }
    if listed::sends_us_to_a_list(spoken) {
        return (ReplyClass::IpBlocklisted, Basis::Words);
    }
    if spoken.has_address && spoken.plain.contains("blocked") {
        return (ReplyClass::IpReputation, Basis::Words);
    }
    if let Some(class) = words {
        return (class, Basis::Words);
    }
    match status.and_then(|status| status::probable(stage, code, status)) {
        Some(class) => (class, Basis::Code),
        None => (by_code(stage, code), Basis::Code),
    }
}

/// What a code alone most often means, by what it answered.
const fn by_code(stage: Stage, code: u16) -> ReplyClass {
    match (code, stage) {
        (521 | 556, _) => ReplyClass::NoMailHere,
        (421, _) => ReplyClass::PeerBusy,
        (530 | 534 | 535 | 538, _) => ReplyClass::LoginRequired,
        (454 | 523, Stage::Mail | Stage::StartTls) => ReplyClass::EncryptionRequired,
        (500..=504 | 555, _) => ReplyClass::CommandRefused,
        (551, _) | (550, Stage::Rcpt) => ReplyClass::UnknownRecipient,
        (552, Stage::Rcpt) => ReplyClass::MailboxFull,
        (552, _) => ReplyClass::TooBig,
        (452, _) => ReplyClass::PeerOutOfSpace,
        (450 | 451, Stage::Rcpt) => ReplyClass::Greylisted,
        _ => ReplyClass::Other,
    }
}

#[cfg(test)]
mod tests;
