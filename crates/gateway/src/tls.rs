//! TLS in both directions, behind functions that return plain facts.
//!
//! Receiving: the configured certificate, or a self-signed one made at first start. Delivering: an
//! opportunistic peer is not authenticated anyway, so its certificate is not judged (RFC 7435); `verify`
//! demands one that the system's trust store accepts for the exchanger's name.

mod certificate;
mod self_signed;
mod witness;
pub mod words;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use mailreeve_core::delivery::io::TlsMode;
use mailreeve_core::event::TlsResult;
use mailreeve_smtp::client::TlsDemand;
use parking_lot::Mutex;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme};
use rustls_platform_verifier::Verifier;

pub use self::certificate::{read_certificate, shown_certificate};
pub use self::witness::Seen;
use self::witness::Witness;

/// What delivery needs to speak TLS.
#[derive(Clone)]
pub struct ClientTls {
    opportunistic: Arc<ClientConfig>,
    any: Arc<dyn ServerCertVerifier>,
    /// What this system trusts.
    trusts: Option<Arc<dyn ServerCertVerifier>>,
}

impl ClientTls {
    /// Prepares both manners. A system without a trust store can still deliver opportunistically.
    pub fn new() -> Result<Self> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let any: Arc<dyn ServerCertVerifier> = Arc::new(AnyCertificate(Arc::clone(&provider)));
        let trusts = Verifier::new(Arc::clone(&provider)).ok();
        let trusts = trusts.map(|verifier| Arc::new(verifier) as Arc<dyn ServerCertVerifier>);
        let opportunistic = client_config(&provider, Arc::clone(&any))?;
        Ok(Self { opportunistic, any, trusts })
    }

    /// Returns the manner that takes any certificate.
    pub fn opportunistic(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.opportunistic)
    }

    /// Returns the same manner for one handshake, and where it will tell what it saw. It takes up no session of an
    /// earlier one: what is to be seen is shown in full handshakes only.
    pub fn witnessed(&self, verify: bool) -> Option<(Arc<ClientConfig>, Arc<Mutex<Seen>>)> {
        let decides = if verify { self.trusts.clone()? } else { Arc::clone(&self.any) };
        let seen = Arc::new(Mutex::new(Seen::default()));
        let witness = Witness::new(decides, self.trusts.clone(), Arc::clone(&seen));
        let mut config = ClientConfig::clone(&self.opportunistic);
        config.dangerous().set_certificate_verifier(Arc::new(witness));
        config.resumption = Resumption::disabled();
        Some((Arc::new(config), seen))
    }
}

fn client_config(
    provider: &Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<Arc<ClientConfig>> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    Ok(Arc::new(builder.with_no_client_auth()))
}

/// Whom a certificate must be for: the exchanger, or its address where it has no name.
pub fn server_name(name: &str, address: SocketAddr) -> ServerName<'static> {
    ServerName::try_from(name.to_owned()).unwrap_or_else(|_| ServerName::IpAddress(address.ip().into()))
}

/// What a session asks of TLS, by the policy of its destination; `in_clear` when TLS is known to be broken there.
pub const fn demand(mode: TlsMode, in_clear: bool) -> TlsDemand {
    match (mode, in_clear) {
        (TlsMode::Off, _) | (TlsMode::Preferred, true) => TlsDemand::Never,
        (TlsMode::Preferred, false) => TlsDemand::Opportunistic,
        (TlsMode::Required | TlsMode::Verify, _) => TlsDemand::Required,
    }
}

/// Reads the certificate and key; without configured ones those of our own in `folder`, made when there are none.
pub fn server_config(
    configured: Option<(&Path, &Path)>,
    folder: &Path,
    hostname: &str,
) -> Result<Arc<ServerConfig>> {
    let mut config = match configured {
        Some((certificate, key)) => presenting(certificate, key)?,
        None => self_signed::presenting_it(folder, hostname)?,
    };
    // A client that came for another protocol is turned away (ALPACA); one that names none is an ordinary one.
    config.alpn_protocols = vec![b"smtp".to_vec(), b"esmtp".to_vec()];
    Ok(Arc::new(config))
}

fn presenting(certificate: &Path, key: &Path) -> Result<ServerConfig> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .with_context(|| format!("reading the certificate {}", certificate.display()))?;
    let key = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("reading the private key {}", key.display()))?;
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("the certificate and the key do not fit together")
}

/// Protocol and cipher of a finished handshake, in the words of the logs.
pub fn facts(connection: &rustls::CommonState, verified: bool) -> TlsResult {
    let protocol = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3".to_owned(),
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2".to_owned(),
        other => format!("{other:?}"),
    };
    let cipher = connection
        .negotiated_cipher_suite()
        .map_or_else(|| "unknown".to_owned(), |suite| format!("{:?}", suite.suite()));
    TlsResult::Success { protocol, cipher, verified }
}

/// Takes any certificate: opportunistic TLS protects against listeners, not against impostors. Signatures are
/// not checked either, so that peers with old certificates get encryption instead of clear text.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = self.0.signature_verification_algorithms.supported_schemes();
        schemes.extend([SignatureScheme::RSA_PKCS1_SHA1, SignatureScheme::ECDSA_SHA1_Legacy]);
        schemes
    }
}
