//! What certificates say, for people.

use mailreeve_api::probe::Certificate;
use mailreeve_core::certificate as core;
use rustls::pki_types::CertificateDer;

use crate::tls::read_certificate;

/// Certificates shown of a chain.
const CHAIN: usize = 5;

/// Reads a chain; what cannot be read says so in place of its subject.
pub(super) fn read(chain: &[CertificateDer<'_>]) -> Vec<Certificate> {
    chain.iter().take(CHAIN).map(one).collect()
}

fn one(der: &CertificateDer<'_>) -> Certificate {
    let Some(read) = read_certificate(der) else {
        let subject = "a certificate that cannot be read".to_owned();
        return Certificate { subject, ..Certificate::default() };
    };
    let (from, until) = (read.not_before, read.not_after);
    let core::Certificate { subject, issuer, names, fingerprint, .. } = read;
    Certificate { subject, issuer, from, until, names, fingerprint }
}
