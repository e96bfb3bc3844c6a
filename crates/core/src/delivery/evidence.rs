//! What addresses that failed show of their host: an answer more than a refusal, a refusal more than silence.

use crate::delivery::io::AddressTry;
use crate::event::{Cause, Failure, HostStatus, Stage};

/// How much a failure says about the host: an answer more than a refusal, a refusal more than silence.
fn weight(failure: &Failure) -> Shows {
    match failure.cause {
        Cause::ConnectRefused | Cause::NoRoute | Cause::BannerTimeout | Cause::SmtpTimeout => Shows::Against,
        Cause::ConnectionLost if failure.stage <= Stage::Greeting => Shows::Against,
        Cause::GreetingRejected
        | Cause::HelloRejected
        | Cause::ConnectionLost
        | Cause::LostAfterData
        | Cause::ProtocolError
        | Cause::TlsNotOffered
        | Cause::TlsHandshake
        | Cause::TlsCertificate
        | Cause::TlsCertificateExpired
        | Cause::TlsNameMismatch
        | Cause::TlsCertificateUntrusted
        | Cause::AuthFailed
        | Cause::Reply4xx
        | Cause::Reply5xx => Shows::Answered,
        Cause::ConnectTimeout
        | Cause::ConnectError
        | Cause::DnsNxdomain
        | Cause::DnsServfail
        | Cause::DnsTimeout
        | Cause::ResolverUnreachable
        | Cause::NullMx
        | Cause::MxNoAddress
        | Cause::CnameLoop
        | Cause::RefusedNetwork
        | Cause::MailLoop
        | Cause::Utf8NotOffered
        | Cause::TooBigForPeer
        | Cause::EightBitNotOffered
        | Cause::Expired
        | Cause::Operator
        | Cause::RecordCorrupt => Shows::Silent,
    }
}

/// What a failed address shows of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shows {
    /// Nothing came back.
    Silent,
    /// It is there and does not serve, or fell silent inside SMTP.
    Against,
    /// It spoke SMTP.
    Answered,
}

/// Returns the failure that tells most, the first of equals.
pub fn telling_failure(failed: &[AddressTry]) -> Option<&Failure> {
    failed.iter().map(|tried| &tried.failure).rev().max_by_key(|failure| weight(failure))
}

/// Returns the verdict after an attempt that failed at these addresses: a host that answers is up even if it
/// rejects.
pub(super) fn status_after(failed: &[AddressTry]) -> HostStatus {
    match telling_failure(failed).map(weight) {
        Some(Shows::Answered) => HostStatus::Up,
        Some(Shows::Against) => HostStatus::Down,
        Some(Shows::Silent) | None => HostStatus::Unknown,
    }
}
