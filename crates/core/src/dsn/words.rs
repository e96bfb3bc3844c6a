//! What a failure means to the one who sent the message.
//!
//! Our own networks, routes and settings are not named here: the sender may be anybody.

use crate::event::{Cause, Failure};

/// Sentences about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// What happened.
    pub(super) what: &'static str,
    /// Whose matter it is.
    pub(super) whose: &'static str,
    /// What to do.
    pub(super) remedy: &'static str,
}

const fn say(what: &'static str, whose: &'static str, remedy: &'static str) -> Words {
    Words { what, whose, remedy }
}

const YOURS: &str = "Yours.";
const THEIRS: &str = "The recipient's mail system.";
const OURS: &str = "The mail system that sends this report.";
const REACH: &str =
    "Reach the recipient in another way, and tell them that their mail system is to be looked at.";
const CHECK: &str = "Check the address, letter by letter, and send the message again.";
const ASK_OURS: &str = "Forward this report to your postmaster.";
const SHRINK: &str = "Make the message smaller, or send what is attached in another way.";

/// Finds the words for a failure.
pub(super) fn words(failure: &Failure) -> Words {
    match failure.cause {
        Cause::Reply5xx | Cause::Reply4xx => refused(failure),
        Cause::ConnectRefused | Cause::ConnectTimeout | Cause::NoRoute | Cause::ConnectError => {
            say("The recipient's mail system could not be reached.", THEIRS, REACH)
        }
        Cause::BannerTimeout | Cause::SmtpTimeout => {
            say("The recipient's mail system was reached, but did not answer in time.", THEIRS, REACH)
        }
        Cause::ConnectionLost | Cause::LostAfterData => {
            say("The recipient's mail system broke off the connection.", THEIRS, REACH)
        }
        Cause::GreetingRejected | Cause::HelloRejected => {
            say("The recipient's mail system did not want to talk to ours.", THEIRS, REACH)
        }
        Cause::ProtocolError => {
            say("The recipient's mail system gave an answer that makes no sense.", THEIRS, REACH)
        }
        Cause::TlsNotOffered
        | Cause::TlsHandshake
        | Cause::TlsCertificate
        | Cause::TlsCertificateExpired
        | Cause::TlsNameMismatch
        | Cause::TlsCertificateUntrusted => say(
            "The message may only travel encrypted, and no trusted connection to the recipient's mail system \
             could be made.",
            THEIRS,
            REACH,
        ),
        Cause::AuthFailed | Cause::ResolverUnreachable | Cause::RecordCorrupt | Cause::MailLoop => {
            say("A fault in our own mail system keeps the message from going on.", OURS, ASK_OURS)
        }
        Cause::DnsNxdomain => say("The domain of the address does not exist.", YOURS, CHECK),
        Cause::NullMx => say("The domain of the address says that it takes no mail at all.", YOURS, CHECK),
        Cause::DnsServfail
        | Cause::DnsTimeout
        | Cause::MxNoAddress
        | Cause::CnameLoop
        | Cause::RefusedNetwork => say(
            "The domain of the address exists, but does not say in a usable way where its mail goes.",
            "Whoever looks after the recipient's domain.",
            REACH,
        ),
        Cause::Utf8NotOffered => say(
            "The message has an internationalised address, and a mail system on its way does not know those.",
            THEIRS,
            "Send it from and to addresses in plain ASCII, if there are.",
        ),
        Cause::TooBigForPeer => {
            say("The message is larger than the recipient's mail system takes.", YOURS, SHRINK)
        }
        Cause::EightBitNotOffered => say(
            "The message has 8-bit text, and the recipient's mail system takes only 7-bit text.",
            THEIRS,
            "Send it with another encoding (quoted-printable or base64).",
        ),
        Cause::Expired => say(
            "The message was tried again and again, and could not be delivered in all the time there was.",
            THEIRS,
            REACH,
        ),
        Cause::Operator => say("The message was returned by an operator.", OURS, ASK_OURS),
    }
}

/// A mail system that refuses says why by its enhanced status code (RFC 3463).
fn refused(failure: &Failure) -> Words {
    match (failure.status.1, failure.status.2) {
        (1, 1..=3 | 6 | 10) => say("There is no such address at the recipient's mail system.", YOURS, CHECK),
        (1, 7 | 8) => say(
            "The recipient's mail system does not accept your own address as that of a sender.",
            YOURS,
            "Check the address that your mail program sends from; else forward this report to your postmaster.",
        ),
        (2, 1) => say(
            "The recipient's mailbox is closed.",
            "The recipient's.",
            "Reach the recipient in another way.",
        ),
        (2, 2) => say(
            "The recipient's mailbox is full.",
            "The recipient's.",
            "Tell the recipient in another way, and send the message again later.",
        ),
        (2 | 3, 3 | 4) => say("The message is larger than the recipient's mail system takes.", YOURS, SHRINK),
        (4, _) | (3, 0..=2) => say("The recipient's mail system has difficulties of its own.", THEIRS, REACH),
        (6, _) => say(
            "The recipient's mail system does not take what is in the message.",
            YOURS,
            "Send it as plain text, or what is attached in another way.",
        ),
        (7, _) => say(
            "The recipient's mail system refused the message by its rules.",
            "The recipient's mail system, or yours: its words below say more.",
            "Do as its words say; else forward this report to your postmaster.",
        ),
        _ => say(
            "The recipient's mail system refused the message.",
            "The recipient's mail system: its words below say more.",
            "Do as its words say; else forward this report to your postmaster.",
        ),
    }
}
