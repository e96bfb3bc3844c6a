//! From a failure to the finding behind it, and how certain that is.

use super::finding::Finding;
use super::reply::{Basis, ReplyClass, read_failure};
use crate::event::{Cause, Failure, Stage};

/// Whether something was seen, or concluded from what was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// An answer, a reply, an error of the system, an order on record.
    Observed,
    /// Concluded from a code that has more than one meaning, or from what is missing.
    Inferred,
}

impl Certainty {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Inferred => "inferred",
        }
    }
}

/// What stands behind a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blame {
    /// The cause.
    pub finding: Finding,
    /// How certain that is.
    pub certainty: Certainty,
    /// The block list that the peer named.
    pub list: Option<String>,
}

impl Blame {
    /// Something that was seen.
    pub const fn observed(finding: Finding) -> Self {
        Self { finding, certainty: Certainty::Observed, list: None }
    }

    /// Reads a failure.
    pub fn of(failure: &Failure) -> Self {
        match failure.cause {
            Cause::Reply4xx | Cause::Reply5xx => Self::of_reply(failure),
            Cause::GreetingRejected => Self::of_greeting(failure),
            // Older records have one code for all faults of certificates.
            Cause::TlsCertificate => Self::observed(of_certificate(&failure.text)),
            Cause::NoRoute if failure.stage == Stage::Local => Self::observed(Finding::MissingRoute),
            cause => Self::observed(of_cause(cause)),
        }
    }

    fn of_reply(failure: &Failure) -> Self {
        let Some(reading) = read_failure(failure) else {
            return Self::observed(of_cause(failure.cause));
        };
        let certainty = match reading.basis {
            Basis::Status | Basis::Words => Certainty::Observed,
            Basis::Code if reading.class == ReplyClass::Other => Certainty::Observed,
            Basis::Code => Certainty::Inferred,
        };
        Self { finding: Finding::of_reply(reading.class, reading.hard), certainty, list: reading.list }
    }

    /// A greeting that turns everybody away is the peer's state; one that says what is wrong with us is about us.
    fn of_greeting(failure: &Failure) -> Self {
        let of_us = read_failure(failure).filter(|reading| {
            reading.basis == Basis::Words
                && matches!(reading.class, ReplyClass::IpBlocklisted | ReplyClass::NoReverseDns)
        });
        match of_us {
            Some(_) => Self::of_reply(failure),
            None => Self::observed(Finding::GreetingRejected),
        }
    }
}

/// What is wrong with a certificate, from the words of our own TLS.
fn of_certificate(text: &[String]) -> Finding {
    let said = text.join(" ").to_lowercase();
    let has = |words: &str| said.contains(words);
    // Names that a peer chose stand behind our words: what tells of them is looked for first.
    match () {
        () if has("certificate is for ") || has("not valid for name") || has("notvalidforname") => {
            Finding::TlsNameMismatch
        }
        () if has("not trusted here") || has("unknownissuer") || has("unknown issuer") => {
            Finding::TlsCertificateUntrusted
        }
        () if has("self-signed") => Finding::TlsCertificateUntrusted,
        () if has("certificate expired") => Finding::TlsCertificateExpired,
        () if has("certificate") => Finding::TlsCertificate,
        () => Finding::TlsHandshake,
    }
}

const fn of_cause(cause: Cause) -> Finding {
    match cause {
        Cause::ConnectRefused => Finding::ConnectRefused,
        Cause::ConnectTimeout => Finding::ConnectTimeout,
        Cause::NoRoute => Finding::NoRoute,
        Cause::ConnectError => Finding::ConnectError,
        Cause::BannerTimeout => Finding::BannerTimeout,
        Cause::SmtpTimeout => Finding::SmtpTimeout,
        Cause::GreetingRejected => Finding::GreetingRejected,
        Cause::HelloRejected => Finding::HelloRejected,
        Cause::ConnectionLost => Finding::ConnectionLost,
        Cause::LostAfterData => Finding::LostAfterData,
        Cause::ProtocolError => Finding::ProtocolError,
        Cause::TlsNotOffered => Finding::TlsNotOffered,
        Cause::TlsHandshake => Finding::TlsHandshake,
        Cause::TlsCertificate => Finding::TlsCertificate,
        Cause::TlsCertificateExpired => Finding::TlsCertificateExpired,
        Cause::TlsNameMismatch => Finding::TlsNameMismatch,
        Cause::TlsCertificateUntrusted => Finding::TlsCertificateUntrusted,
        Cause::AuthFailed => Finding::AuthFailed,
        Cause::Reply4xx => Finding::RefusedForNow,
        Cause::Reply5xx => Finding::RefusedForGood,
        Cause::DnsNxdomain => Finding::DnsNxdomain,
        Cause::DnsServfail => Finding::DnsServfail,
        Cause::DnsTimeout => Finding::DnsTimeout,
        Cause::ResolverUnreachable => Finding::ResolverUnreachable,
        Cause::NullMx => Finding::NullMx,
        Cause::MxNoAddress => Finding::MxNoAddress,
        Cause::CnameLoop => Finding::CnameLoop,
        Cause::RefusedNetwork => Finding::RefusedNetwork,
        Cause::MailLoop => Finding::MailLoop,
        Cause::Utf8NotOffered => Finding::Utf8NotOffered,
        Cause::TooBigForPeer => Finding::TooBigForPeer,
        Cause::EightBitNotOffered => Finding::EightBitNotOffered,
        Cause::Expired => Finding::Expired,
        Cause::Operator => Finding::BouncedByOperator,
        Cause::RecordCorrupt => Finding::RecordCorrupt,
    }
}

impl Finding {
    /// Tells whether it holds for the whole destination and is over once that took other mail.
    pub(super) const fn passes_with_success(self) -> bool {
        matches!(
            self,
            Self::ConnectRefused
                | Self::ConnectTimeout
                | Self::NoRoute
                | Self::ConnectError
                | Self::BannerTimeout
                | Self::SmtpTimeout
                | Self::GreetingRejected
                | Self::HelloRejected
                | Self::ConnectionLost
                | Self::ProtocolError
                | Self::PeerBusy
                | Self::PeerOutOfSpace
                | Self::PeerFault
                | Self::DnsServfail
                | Self::DnsTimeout
                | Self::ResolverUnreachable
                | Self::MxNoAddress
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{Certificate, Distrust};

    #[test]
    fn what_is_wrong_with_a_certificate_comes_to_the_finding_of_its_code() {
        let evil = "CN=certificate expired, self-signed".to_owned();
        let shown = Certificate { subject: evil.clone(), issuer: evil, ..Certificate::default() };
        for distrust in [
            Distrust::Expired,
            Distrust::NotYetValid,
            Distrust::OtherName,
            Distrust::SelfSigned,
            Distrust::UnknownAuthority,
            Distrust::Revoked,
            Distrust::BadSignature,
            Distrust::OtherPurpose,
            Distrust::Unreadable,
            Distrust::NoTrustStore,
            Distrust::Other("of no kind that is known".to_owned()),
        ] {
            for shown in [None, Some(&shown)] {
                let words = format!("TLS failed: {}", distrust.in_words(shown, "mx.example", 7));
                assert_eq!(of_certificate(std::slice::from_ref(&words)).code(), distrust.code(), "{words}");
            }
        }
    }
}
