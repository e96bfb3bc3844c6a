//! How the hosts of the world behave: reachability, greeting, TLS, mail, name service. Each temper is a
//! ground truth; what the shell reports of it is derived here and nowhere else.

use std::net::SocketAddr;

use mailreeve_core::event::{Cause, Failure, Stage};

use crate::clock::{MILLI, SECOND};
use crate::coverage::Point;
use crate::rng::Rng;

/// What happens to somebody who connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Open,
    Refuses,
    DropsSyn,
    NoRoute,
    SystemError,
    Silent,
    ClosesAtOnce,
    Greets4xx,
    Greets5xx,
    Greets521,
    RejectsHello,
    HelloTimeout,
    Babbles,
    RejectsLogin,
}

/// What its TLS is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    Good,
    Missing,
    Broken,
    BadCertificate,
}

/// What happens to a message that is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mail {
    Takes,
    Rcpt4xx,
    Rcpt5xx,
    Mixed,
    ClosesMidway,
    ClosesAfterData,
    TimesOut,
    Throttles,
    TakesAndCloses,
}

/// What the name service says about a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dns {
    Answers,
    Servfail,
    Timeout,
    NoAddress,
    Nxdomain,
    NullMx,
    Loop,
}

/// A failure without the circumstances: where, what, status, reply code.
type Blow = (Stage, Cause, (u8, u16, u16), u16);

impl Reach {
    /// All of them, with the weight of being chosen.
    pub(crate) const ALL: [(u64, Self); 14] = [
        (30, Self::Open),
        (8, Self::Refuses),
        (5, Self::DropsSyn),
        (4, Self::NoRoute),
        (2, Self::SystemError),
        (4, Self::Silent),
        (3, Self::ClosesAtOnce),
        (3, Self::Greets4xx),
        (3, Self::Greets5xx),
        (2, Self::Greets521),
        (2, Self::RejectsHello),
        (2, Self::HelloTimeout),
        (2, Self::Babbles),
        (3, Self::RejectsLogin),
    ];

    /// Returns the failure that a connection meets, or `None` when it becomes ready.
    pub(crate) fn blow(self, login: bool) -> Option<Blow> {
        let answered = (4, 4, 2);
        Some(match self {
            Self::Open => return None,
            Self::RejectsLogin if !login => return None,
            Self::RejectsLogin => (Stage::Auth, Cause::AuthFailed, (4, 7, 0), 535),
            Self::Refuses => (Stage::Connect, Cause::ConnectRefused, (4, 4, 1), 0),
            Self::DropsSyn => (Stage::Connect, Cause::ConnectTimeout, (4, 4, 1), 0),
            Self::NoRoute => (Stage::Connect, Cause::NoRoute, (4, 4, 1), 0),
            Self::SystemError => (Stage::Connect, Cause::ConnectError, (4, 4, 1), 0),
            Self::Silent => (Stage::Greeting, Cause::BannerTimeout, answered, 0),
            Self::ClosesAtOnce => (Stage::Greeting, Cause::ConnectionLost, answered, 0),
            Self::Greets4xx => (Stage::Greeting, Cause::GreetingRejected, (4, 3, 2), 421),
            Self::Greets5xx => (Stage::Greeting, Cause::GreetingRejected, (4, 3, 2), 554),
            Self::Greets521 => (Stage::Greeting, Cause::GreetingRejected, (5, 3, 2), 521),
            Self::RejectsHello => (Stage::Ehlo, Cause::HelloRejected, (4, 5, 0), 550),
            Self::HelloTimeout => (Stage::Ehlo, Cause::SmtpTimeout, answered, 0),
            Self::Babbles => (Stage::Greeting, Cause::ProtocolError, (4, 5, 0), 0),
        })
    }

    /// Returns how long it takes until that is known, microseconds.
    pub(crate) fn latency(self, rng: &mut Rng) -> u64 {
        match self {
            Self::DropsSyn => 30 * SECOND,
            Self::Silent | Self::HelloTimeout => rng.range(60, 300) * SECOND,
            Self::Refuses | Self::NoRoute | Self::SystemError => rng.range(1, 20) * MILLI,
            Self::Open
            | Self::ClosesAtOnce
            | Self::Greets4xx
            | Self::Greets5xx
            | Self::Greets521
            | Self::RejectsHello
            | Self::Babbles
            | Self::RejectsLogin => rng.range(5, 3_000) * MILLI,
        }
    }

    /// The coverage point for having been met.
    pub(crate) fn point(self) -> Point {
        match self {
            Self::Open => Point::ReachOpen,
            Self::Refuses => Point::ReachRefuses,
            Self::DropsSyn => Point::ReachDropsSyn,
            Self::NoRoute => Point::ReachNoRoute,
            Self::SystemError => Point::ReachSystemError,
            Self::Silent => Point::ReachSilent,
            Self::ClosesAtOnce => Point::ReachClosesAtOnce,
            Self::Greets4xx => Point::ReachGreets4xx,
            Self::Greets5xx => Point::ReachGreets5xx,
            Self::Greets521 => Point::ReachGreets521,
            Self::RejectsHello => Point::ReachRejectsHello,
            Self::HelloTimeout => Point::ReachHelloTimeout,
            Self::Babbles => Point::ReachBabbles,
            Self::RejectsLogin => Point::ReachRejectsLogin,
        }
    }
}

impl Tls {
    /// All of them, with weights.
    pub(crate) const ALL: [(u64, Self); 4] =
        [(6, Self::Good), (2, Self::Missing), (1, Self::Broken), (2, Self::BadCertificate)];

    /// The coverage point for having been met.
    pub(crate) fn point(self) -> Point {
        match self {
            Self::Good => Point::TlsGood,
            Self::Missing => Point::TlsMissing,
            Self::Broken => Point::TlsBroken,
            Self::BadCertificate => Point::TlsBadCertificate,
        }
    }
}

impl Mail {
    /// All of them, with weights.
    pub(crate) const ALL: [(u64, Self); 9] = [
        (14, Self::Takes),
        (4, Self::Rcpt4xx),
        (2, Self::Rcpt5xx),
        (3, Self::Mixed),
        (2, Self::ClosesMidway),
        (2, Self::ClosesAfterData),
        (2, Self::TimesOut),
        (2, Self::Throttles),
        (2, Self::TakesAndCloses),
    ];

    /// The coverage point for having been met.
    pub(crate) fn point(self) -> Point {
        match self {
            Self::Takes => Point::MailTakes,
            Self::Rcpt4xx => Point::MailRcpt4xx,
            Self::Rcpt5xx => Point::MailRcpt5xx,
            Self::Mixed => Point::MailMixed,
            Self::ClosesMidway => Point::MailClosesMidway,
            Self::ClosesAfterData => Point::MailClosesAfterData,
            Self::TimesOut => Point::MailTimesOut,
            Self::Throttles => Point::MailThrottles,
            Self::TakesAndCloses => Point::MailTakesAndCloses,
        }
    }
}

impl Dns {
    /// All of them, with weights.
    pub(crate) const ALL: [(u64, Self); 7] = [
        (14, Self::Answers),
        (3, Self::Servfail),
        (2, Self::Timeout),
        (2, Self::NoAddress),
        (1, Self::Nxdomain),
        (1, Self::NullMx),
        (1, Self::Loop),
    ];

    /// Returns the failure, and whether it is final.
    pub(crate) fn blow(self) -> Option<(Cause, bool)> {
        match self {
            Self::Answers => None,
            Self::Servfail => Some((Cause::DnsServfail, false)),
            Self::Timeout => Some((Cause::DnsTimeout, false)),
            Self::NoAddress => Some((Cause::MxNoAddress, false)),
            Self::Nxdomain => Some((Cause::DnsNxdomain, true)),
            Self::NullMx => Some((Cause::NullMx, true)),
            Self::Loop => Some((Cause::MailLoop, true)),
        }
    }

    /// The coverage point for having been met.
    pub(crate) fn point(self) -> Point {
        match self {
            Self::Answers => Point::DnsAnswers,
            Self::Servfail => Point::DnsServfail,
            Self::Timeout => Point::DnsTimeout,
            Self::NoAddress => Point::DnsNoAddress,
            Self::Nxdomain => Point::DnsNxdomain,
            Self::NullMx => Point::DnsNullMx,
            Self::Loop => Point::DnsLoop,
        }
    }
}

/// Builds a failure in full.
pub(crate) fn failure((stage, cause, status, code): Blow, address: Option<SocketAddr>, wall: u64) -> Failure {
    Failure { stage, cause, status, code, text: vec![format!("{cause:?}")], address, at: wall }
}
