//! TLS within a probe: the handshake of delivery, and what it showed.

use std::sync::Arc;

use mailreeve_api::probe::ProbeTls;
use mailreeve_core::delivery::io::{Target, TlsMode};
use mailreeve_core::event::{Cause, TlsResult};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::line::Line;
use super::{STEP, certificate};
use crate::stream::Stream;
use crate::tls;

impl Line<'_> {
    pub(super) async fn start_tls(&mut self) {
        self.steps.begin("TLS");
        let now = || self.talk.ground.clock.steady();
        let failure = match self.handshake().await {
            Ok(word) => {
                self.steps.done(Some(word));
                self.session.tls_started(now());
                if self.talk.demand.implicit_tls {
                    self.steps.begin("banner");
                }
                return;
            }
            Err(failure) => failure,
        };
        self.steps.failed(failure.clone());
        self.session.tls_failed(failure, now());
    }

    async fn handshake(&mut self) -> Result<String, String> {
        let Some(Stream::Plain(tcp)) = self.stream.take() else { return Err("no connection".to_owned()) };
        let (running, target) = (self.talk.ground.running, self.talk.target);
        let verify = self.talk.demand.tls == TlsMode::Verify;
        let Some((config, seen)) = running.client_tls.witnessed(verify) else {
            return Err("this system has no trust store to verify certificates with".to_owned());
        };
        let shaken = shake(config, tcp, target).await;
        let seen = seen.lock().clone();
        let now = i64::try_from(self.talk.ground.clock.wall().0 / 1_000_000).unwrap_or(i64::MAX);
        let told = self.tls.insert(ProbeTls {
            chain: certificate::read(&seen.chain),
            verified: seen.distrust.is_none() && shaken.is_ok(),
            problem: seen.in_words(&target.name, now),
            problem_code: seen.distrust.as_ref().map(|why| why.code().to_owned()),
            ..ProbeTls::default()
        });
        // As delivery has it: what is wrong with a certificate is told as that where the certificate has to verify.
        let stream = shaken.map_err(|error| match (&told.problem, verify) {
            (Some(problem), true) => problem.clone(),
            (None, _) => {
                told.problem = Some(error.clone());
                told.problem_code = Some(Cause::TlsHandshake.code().to_owned());
                error
            }
            (Some(_), false) => error,
        })?;
        if let TlsResult::Success { protocol, cipher, .. } = tls::facts(stream.get_ref().1, verify) {
            (told.protocol, told.cipher) = (protocol, cipher);
        }
        let word = format!("{} {}", told.protocol, told.cipher);
        self.stream = Some(Stream::Opened(Box::new(stream)));
        Ok(word)
    }
}

async fn shake(
    config: Arc<rustls::ClientConfig>,
    tcp: TcpStream,
    target: &Target,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, String> {
    let name = tls::server_name(&target.name, target.address);
    let connector = tokio_rustls::TlsConnector::from(config);
    match timeout(STEP, connector.connect(name, tcp)).await {
        Ok(shaken) => shaken.map_err(|error| tls::words::of_handshake(&error)),
        Err(_) => Err("timeout".to_owned()),
    }
}
