//! Certificates that peers show, as plain facts, and what verification made of them: one vocabulary for records,
//! commands and explanations.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::Cause;

/// What a certificate says of itself, and what was made of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Whom it names.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// DNS names and addresses that it is for, the first few.
    pub names: Vec<String>,
    /// It holds from, seconds since the epoch.
    pub not_before: i64,
    /// It holds until, seconds since the epoch.
    pub not_after: i64,
    /// SHA-256 of all of it, in hexadecimal digits.
    pub fingerprint: String,
    /// What verification made of it.
    pub trust: Trust,
}

/// What verification made of a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trust {
    /// Nothing: whoever encrypts if it is possible takes any certificate (RFC 7435).
    #[default]
    NotLookedAt,
    /// It holds for the name that was asked for, and somebody vouches for it whom this system trusts.
    Verified,
    /// It was turned down.
    Refused(Distrust),
}

/// Why a certificate is turned down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Distrust {
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It is for other names.
    OtherName,
    /// Nobody vouches for it but itself.
    SelfSigned,
    /// Whoever vouches for it is not trusted here.
    UnknownAuthority,
    /// Whoever vouched for it took that back.
    Revoked,
    /// A signature in it, or by its key, is not right.
    BadSignature,
    /// It is not one for servers.
    OtherPurpose,
    /// It is none, as far as can be read.
    Unreadable,
    /// This system trusts nobody: it has no trust store.
    NoTrustStore,
    /// Something else, in the words of the TLS library.
    Other(String),
}

impl Distrust {
    /// Returns the cause of a failure that it is.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Expired => Cause::TlsCertificateExpired,
            Self::OtherName => Cause::TlsNameMismatch,
            Self::SelfSigned | Self::UnknownAuthority => Cause::TlsCertificateUntrusted,
            Self::NotYetValid
            | Self::Revoked
            | Self::BadSignature
            | Self::OtherPurpose
            | Self::Unreadable
            | Self::NoTrustStore
            | Self::Other(_) => Cause::TlsCertificate,
        }
    }

    /// Returns the stable code, that of the page which explains it.
    pub const fn code(&self) -> &'static str {
        self.cause().code()
    }

    /// Says it in words: of this certificate, where it could be read, shown by the host `name`, at `now` (seconds
    /// since the epoch).
    pub fn in_words(&self, shown: Option<&Certificate>, name: &str, now: i64) -> String {
        let instant = |of: fn(&Certificate) -> i64| shown.map(of);
        match self {
            Self::Expired => match instant(|shown| shown.not_after) {
                Some(at) => format!("the certificate expired {} ago, on {}", span(now - at), date(at)),
                None => "the certificate expired".to_owned(),
            },
            Self::NotYetValid => match instant(|shown| shown.not_before) {
                Some(at) => {
                    format!("the certificate is not valid before {}, in {}", date(at), span(at - now))
                }
                None => "the certificate is not valid yet".to_owned(),
            },
            Self::OtherName => {
                let whom = shown.map_or_else(|| "another name".to_owned(), Certificate::whom);
                format!("the certificate is for {whom}, not for {name}")
            }
            Self::SelfSigned => "the certificate is self-signed: nobody vouches for it".to_owned(),
            Self::UnknownAuthority => match shown {
                Some(shown) => format!(
                    "the certificate is signed by an authority that is not trusted here: {}",
                    shown.issuer
                ),
                None => "the certificate is signed by an authority that is not trusted here".to_owned(),
            },
            Self::Revoked => "the certificate was revoked".to_owned(),
            Self::BadSignature => "a signature of the certificate is not right".to_owned(),
            Self::OtherPurpose => "the certificate is not one for servers".to_owned(),
            Self::Unreadable => "the certificate cannot be read".to_owned(),
            Self::NoTrustStore => {
                "the certificate cannot be verified: this system has no trust store".to_owned()
            }
            Self::Other(detail) => format!("the certificate was not accepted: {detail}"),
        }
    }
}

/// Names of a certificate that are told in a sentence.
const NAMES_TOLD: usize = 3;

impl Certificate {
    /// Whom it is for, in a few words.
    fn whom(&self) -> String {
        match self.names.split_at_checked(NAMES_TOLD) {
            Some((told, more)) if !more.is_empty() => {
                format!("{} and {} more", told.join(", "), more.len())
            }
            Some(_) | None if !self.names.is_empty() => self.names.join(", "),
            Some(_) | None => self.subject.clone(),
        }
    }
}

fn date(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(
        |_| "an instant beyond all calendars".to_owned(),
        |at| at.strftime("%Y-%m-%d").to_string(),
    )
}

/// A span in its largest unit that leaves it at least two of them.
fn span(seconds: i64) -> String {
    let (number, unit) = match seconds.max(0) {
        seconds @ 0..120 => (seconds, "second"),
        seconds @ 120..7_200 => (seconds / 60, "minute"),
        seconds @ 7_200..172_800 => (seconds / 3_600, "hour"),
        seconds => (seconds / 86_400, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown() -> Certificate {
        Certificate {
            subject: "CN=mx.example".to_owned(),
            issuer: "CN=Some Root".to_owned(),
            names: ["a.example", "b.example", "c.example", "d.example"].map(str::to_owned).to_vec(),
            not_before: 1_600_000_000,
            not_after: 1_610_000_000,
            fingerprint: "00".repeat(32),
            trust: Trust::NotLookedAt,
        }
    }

    #[test]
    fn reasons_are_told_in_plain_words() {
        let shown = shown();
        let said = |why: &Distrust, now| why.in_words(Some(&shown), "mx.example", now);
        let day = 86_400;
        for (why, now, words) in [
            (Distrust::Expired, 1_610_000_000 + 3 * day, "the certificate expired 3 days ago, on 2021-01-07"),
            (Distrust::Expired, 1_610_000_061, "the certificate expired 61 seconds ago, on 2021-01-07"),
            (Distrust::Expired, 1, "the certificate expired 0 seconds ago, on 2021-01-07"),
            (
                Distrust::NotYetValid,
                1_600_000_000 - 7_200,
                "the certificate is not valid before 2020-09-13, in 2 hours",
            ),
            (
                Distrust::OtherName,
                0,
                "the certificate is for a.example, b.example, c.example and 1 more, not for mx.example",
            ),
            (
                Distrust::UnknownAuthority,
                0,
                "the certificate is signed by an authority that is not trusted here: CN=Some Root",
            ),
        ] {
            assert_eq!(said(&why, now), words);
        }
        let few = Certificate { names: vec!["a.example".to_owned()], ..shown.clone() };
        let none = Certificate { names: Vec::new(), ..shown };
        let other = |shown| Distrust::OtherName.in_words(Some(shown), "mx", 0);
        assert_eq!(other(&few), "the certificate is for a.example, not for mx");
        assert_eq!(other(&none), "the certificate is for CN=mx.example, not for mx");
        assert_eq!(Distrust::Expired.in_words(None, "mx", 0), "the certificate expired");
    }
}
