//! Certificates read: from what the TLS library has to the plain facts of [`Certificate`], bounded.

use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};
use mailreeve_core::certificate::{Certificate, Distrust, Trust};
use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, Error};
use x509_parser::extensions::GeneralName;

use crate::stream::Stream;

/// Names of a certificate that are told.
const NAMES: usize = 8;
/// Octets of each text in it that are told: a certificate is as large as its host likes.
const TEXT: usize = 256;

/// What the certificate says of itself that the other end of a connection of ours showed.
pub fn shown_certificate(stream: &Stream, verified: bool) -> Option<Certificate> {
    let Stream::Opened(tls) = stream else { return None };
    let [certificate, ..] = tls.get_ref().1.peer_certificates()? else { return None };
    let trust = if verified { Trust::Verified } else { Trust::NotLookedAt };
    Some(Certificate { trust, ..read_certificate(certificate)? })
}

/// What a certificate says of itself; nothing when it cannot be read.
pub fn read_certificate(certificate: &CertificateDer<'_>) -> Option<Certificate> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let alternative = parsed.subject_alternative_name().ok().flatten();
    let named = alternative.iter().flat_map(|names| &names.value.general_names);
    let names = named.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(bounded(name)),
        GeneralName::IPAddress(octets) => address(octets),
        _ => None,
    });
    Some(Certificate {
        subject: bounded(&parsed.subject().to_string()),
        issuer: bounded(&parsed.issuer().to_string()),
        names: names.take(NAMES).collect(),
        not_before: parsed.validity().not_before.timestamp(),
        not_after: parsed.validity().not_after.timestamp(),
        fingerprint: fingerprint(certificate),
        trust: Trust::NotLookedAt,
    })
}

/// Text in the length in which it is told, without what would steer a terminal.
fn bounded(text: &str) -> String {
    let shown = text[..text.floor_char_boundary(TEXT)].chars();
    shown.map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn address(octets: &[u8]) -> Option<String> {
    let address = match octets.len() {
        4 => IpAddr::from(*octets.first_chunk::<4>()?),
        16 => IpAddr::from(*octets.first_chunk::<16>()?),
        _ => return None,
    };
    Some(address.to_string())
}

fn fingerprint(certificate: &[u8]) -> String {
    digest(&SHA256, certificate).as_ref().iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Why verification turned a certificate down, in our vocabulary.
pub(super) fn distrust(error: &Error, certificate: &CertificateDer<'_>) -> Distrust {
    let Error::InvalidCertificate(why) = error else { return Distrust::Other(bounded(&error.to_string())) };
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Distrust::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Distrust::NotYetValid,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Distrust::OtherName
        }
        CertificateError::UnknownIssuer if is_self_signed(certificate) => Distrust::SelfSigned,
        CertificateError::UnknownIssuer => Distrust::UnknownAuthority,
        CertificateError::Revoked => Distrust::Revoked,
        CertificateError::BadSignature => Distrust::BadSignature,
        CertificateError::BadEncoding => Distrust::Unreadable,
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            Distrust::OtherPurpose
        }
        // One that says to be an authority, as many that sign themselves do.
        _ if is_self_signed(certificate) => Distrust::SelfSigned,
        other => Distrust::Other(bounded(&other.to_string())),
    }
}

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    x509_parser::parse_x509_certificate(certificate)
        .is_ok_and(|(_, parsed)| parsed.subject() == parsed.issuer())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    #[test]
    fn what_a_certificate_says_is_bounded_and_steers_no_terminal() {
        let mut params = CertificateParams::new(vec!["mx.test".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, format!("evil\u{1b}[2J{}", "x".repeat(5_000)));
        params.subject_alt_names.push(SanType::IpAddress("192.0.2.1".parse().unwrap()));
        for number in 0..100 {
            params.subject_alt_names.push(SanType::DnsName(format!("n{number}.test").try_into().unwrap()));
        }
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let read = read_certificate(made.der()).unwrap();
        assert!(read.subject.len() <= TEXT && !read.subject.contains('\u{1b}'), "{}", read.subject);
        assert_eq!((read.names.len(), &*read.names[0], &*read.names[1]), (NAMES, "mx.test", "192.0.2.1"));
        assert_eq!(read.fingerprint.len(), 64);
        assert!(read.fingerprint.bytes().all(|digit| digit.is_ascii_hexdigit()));
        assert_eq!(read_certificate(&CertificateDer::from(vec![0x30, 0x03, 1, 2, 3])), None);
        let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        assert_eq!(distrust(&unknown, made.der()), Distrust::SelfSigned);
        assert_eq!(distrust(&unknown, &CertificateDer::from(vec![1])), Distrust::UnknownAuthority);
    }
}
