//! A verifier that decides as delivery does and remembers what it saw: the certificates, and whether this system would
//! have trusted them. So a record or a probe tells what is wrong with a certificate that is turned down as well as with
//! one that is taken.

use std::sync::Arc;

use mailreeve_core::certificate::{Certificate, Distrust, Trust};
use parking_lot::Mutex;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};

use super::certificate::{distrust, read_certificate};

/// What a handshake showed.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The certificates, the host's own first; empty when the handshake did not come so far.
    pub chain: Vec<CertificateDer<'static>>,
    /// Why this system does not trust them for the name of the host.
    pub distrust: Option<Distrust>,
}

impl Seen {
    /// Returns what the host's own certificate says of itself and what is to be held of it.
    pub fn certificate(&self) -> Option<Certificate> {
        let read = read_certificate(self.chain.first()?)?;
        let trust = self.distrust.clone().map_or(Trust::Verified, Trust::Refused);
        Some(Certificate { trust, ..read })
    }

    /// Says why the certificate of the host `name` is not trusted, at `now` (seconds since the epoch).
    pub fn in_words(&self, name: &str, now: i64) -> Option<String> {
        Some(self.distrust.as_ref()?.in_words(self.certificate().as_ref(), name, now))
    }
}

/// The verifier of one handshake.
#[derive(Debug)]
pub(super) struct Witness {
    decides: Arc<dyn ServerCertVerifier>,
    trusts: Option<Arc<dyn ServerCertVerifier>>,
    seen: Arc<Mutex<Seen>>,
}

impl Witness {
    /// Makes one that decides as `decides` does; `trusts` says what this system trusts, where it can say so.
    pub(super) fn new(
        decides: Arc<dyn ServerCertVerifier>,
        trusts: Option<Arc<dyn ServerCertVerifier>>,
        seen: Arc<Mutex<Seen>>,
    ) -> Self {
        Self { decides, trusts, seen }
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let trusted = match &self.trusts {
            Some(trusts) => {
                trusts.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            None => Err(rustls::Error::NoCertificatesPresented),
        };
        let distrust = trusted.err().map(|error| match self.trusts {
            Some(_) => distrust(&error, end_entity),
            None => Distrust::NoTrustStore,
        });
        let chain = std::iter::once(end_entity).chain(intermediates);
        let chain = chain.map(|certificate| certificate.clone().into_owned()).collect();
        *self.seen.lock() = Seen { chain, distrust };
        self.decides.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.decides.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.decides.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.decides.supported_verify_schemes()
    }
}
