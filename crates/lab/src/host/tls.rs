//! TLS of the lab's hosts: a small authority of our own, and every way to get TLS wrong.
//!
//! The authority is made anew for each process; its certificate can be had for those who should trust it.

use std::io;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The quality of a host's TLS.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsTemper {
    /// A certificate of the lab's authority for the host's name.
    Good,
    /// Like [`Self::Good`], no newer than TLS 1.2.
    OnlyTls12,
    /// A certificate for the host's name that it signed itself.
    SelfSigned,
    /// A certificate of the authority that ended in 2020.
    Expired,
    /// A certificate of the authority for this name.
    WrongName(String),
    /// STARTTLS is offered and answered 454.
    Refuse,
    /// After the 220 come bytes that are not TLS.
    Garbage,
    /// After the 220 comes nothing.
    Hang,
    /// After the 220 the connection is closed.
    Close,
    /// The handshake is answered with the alert that there is no common version.
    NoCommonVersion,
    /// The 220 is followed, in clear text and the same segment, by these bytes; then the handshake is good.
    Inject(String),
}

/// What to do once the client was told to go ahead.
pub(super) enum Handshake {
    /// A real handshake.
    Real(Arc<ServerConfig>),
    /// These bytes, then the end.
    Bytes(&'static [u8]),
    /// Nothing, for ever.
    Hang,
    /// The end.
    Close,
}

/// A fatal `protocol_version` alert (RFC 8446 section 6.2).
const NO_COMMON_VERSION: &[u8] = &[0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46];
const GARBAGE: &[u8] = b"250 this is not a handshake\r\n\x00\xff\xfe\x16\x03garbage\r\n";

/// An authority that signs for hosts of the lab.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Authority")
    }
}

impl Authority {
    /// Makes one, with a new key.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn new() -> io::Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Lab root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)?;
        Ok(Self { issuer })
    }

    /// Its own certificate, to be trusted, as PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// The handshake that a host called `name` of this temper does.
    pub(super) fn handshake(&self, temper: &TlsTemper, name: &str) -> io::Result<Handshake> {
        Ok(match temper {
            TlsTemper::Good | TlsTemper::Inject(_) => {
                Handshake::Real(self.config(name, Signed::Authority, true)?)
            }
            TlsTemper::OnlyTls12 => Handshake::Real(self.config(name, Signed::Authority, false)?),
            TlsTemper::SelfSigned => Handshake::Real(self.config(name, Signed::Itself, true)?),
            TlsTemper::Expired => Handshake::Real(self.config(name, Signed::Expired, true)?),
            TlsTemper::WrongName(other) => Handshake::Real(self.config(other, Signed::Authority, true)?),
            TlsTemper::Garbage => Handshake::Bytes(GARBAGE),
            TlsTemper::NoCommonVersion => Handshake::Bytes(NO_COMMON_VERSION),
            TlsTemper::Hang => Handshake::Hang,
            TlsTemper::Close | TlsTemper::Refuse => Handshake::Close,
        })
    }

    fn config(&self, name: &str, signed: Signed, tls13: bool) -> io::Result<Arc<ServerConfig>> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = CertificateParams::new(vec![name.to_owned()]).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = match signed {
            Signed::Itself => params.self_signed(&key),
            Signed::Authority => params.signed_by(&key, &self.issuer),
            Signed::Expired => {
                params.not_before = rcgen::date_time_ymd(2019, 1, 1);
                params.not_after = rcgen::date_time_ymd(2020, 1, 1);
                params.signed_by(&key, &self.issuer)
            }
        };
        let chain = vec![certificate.map_err(io::Error::other)?.der().clone()];
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let versions = if tls13 { vec![&TLS13, &TLS12] } else { vec![&TLS12] };
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&versions)
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(io::Error::other)?;
        Ok(Arc::new(config))
    }
}

/// Who signs a certificate.
#[derive(Clone, Copy)]
enum Signed {
    Itself,
    Authority,
    Expired,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore, ServerConnection};
    use rustls_pki_types::ServerName;

    use super::*;

    /// What a client that trusts the authority, and wants `mx.house.test`, says to a host of this temper.
    fn meet(authority: &Authority, temper: &TlsTemper) -> Result<rustls::ProtocolVersion, rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.issuer.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("mx.house.test").unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        let Ok(Handshake::Real(config)) = authority.handshake(temper, "mx.house.test") else {
            unreachable!("{temper:?} shakes hands");
        };
        let mut server = ServerConnection::new(config).unwrap();
        for _ in 0..10 {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            server.read_tls(&mut wire.as_slice()).unwrap();
            server.process_new_packets()?;
            wire.clear();
            server.write_tls(&mut wire).unwrap();
            client.read_tls(&mut wire.as_slice()).unwrap();
            client.process_new_packets()?;
        }
        assert!(!client.is_handshaking());
        Ok(client.protocol_version().unwrap())
    }

    #[test]
    fn certificates_are_good_or_bad_as_told() {
        let authority = Authority::new().unwrap();
        assert_eq!(meet(&authority, &TlsTemper::Good), Ok(rustls::ProtocolVersion::TLSv1_3));
        assert_eq!(meet(&authority, &TlsTemper::OnlyTls12), Ok(rustls::ProtocolVersion::TLSv1_2));
        let wrong = TlsTemper::WrongName("other.test".to_owned());
        for (temper, expected) in [
            (TlsTemper::SelfSigned, "UnknownIssuer"),
            (TlsTemper::Expired, "Expired"),
            (wrong, "NotValidForName"),
        ] {
            let Err(rustls::Error::InvalidCertificate(error)) = meet(&authority, &temper) else {
                unreachable!("{temper:?} is refused");
            };
            let found = match &error {
                CertificateError::UnknownIssuer => "UnknownIssuer",
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => "Expired",
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    "NotValidForName"
                }
                _ => "another",
            };
            assert_eq!(found, expected, "{temper:?} {error:?}");
        }
    }

    #[test]
    fn each_authority_is_trusted_for_itself_only() {
        let (one, other) = (Authority::new().unwrap(), Authority::new().unwrap());
        assert_ne!(one.pem(), other.pem());
        assert!(one.pem().starts_with("-----BEGIN CERTIFICATE-----"));
    }
}
