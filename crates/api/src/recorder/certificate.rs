//! A certificate that was shown in a try.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::format::AsOf;

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateLine {
    /// Whom it names.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Names that it is for.
    pub names: Vec<String>,
    /// It holds from, seconds since the epoch.
    pub not_before: i64,
    /// It holds until, seconds since the epoch.
    pub not_after: i64,
    /// SHA-256 of all of it, in hexadecimal digits.
    pub fingerprint: String,
    /// Whether it verified; absent where that was not asked, because TLS is used if possible and no more.
    pub verified: Option<bool>,
    /// Why not.
    pub problem: Option<String>,
    /// The stable code of that: `tls-certificate-expired`, `tls-name-mismatch`, `tls-certificate-untrusted`,
    /// `tls-certificate`.
    pub problem_code: Option<String>,
}

impl CertificateLine {
    /// Writes it below an attempt.
    pub(super) fn write(&self, as_of: &AsOf, out: &mut String) {
        let at =
            |seconds: i64| as_of.show_plain(u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000));
        let Self { subject, issuer, names, fingerprint, .. } = self;
        let _ = writeln!(out, "    Shown:    {subject}, signed by {issuer}");
        let names = if names.is_empty() { "no name".to_owned() } else { names.join(", ") };
        let (from, until) = (at(self.not_before), at(self.not_after));
        let _ = writeln!(out, "              for {names}; from {from} until {until}");
        let _ = writeln!(out, "              SHA-256 {fingerprint}");
        if let Some(problem) = &self.problem {
            let code = self.problem_code.as_deref().unwrap_or_default();
            let _ = writeln!(out, "              turned down: {problem} [{code}]");
        }
    }
}
