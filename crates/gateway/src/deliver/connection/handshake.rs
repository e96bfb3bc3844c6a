//! TLS put between the session and the wire, and what it showed.

use std::os::fd::AsFd as _;
use std::pin::pin;
use std::sync::Arc;

use mailreeve_core::certificate::Certificate;
use mailreeve_core::event::TlsResult;
use mailreeve_core::tcp::ClosedFirst;
use parking_lot::Mutex;
use rustls::ClientConfig;
use tokio::time::timeout;

use super::Outbound;
use crate::recorder::SHOWN_AFTER;
use crate::stream::Stream;
use crate::tcp;
use crate::tls::{self, Seen};

/// How TLS is spoken, and where a certificate that has to verify is seen.
type Manner = (Arc<ClientConfig>, Option<Arc<Mutex<Seen>>>);

impl Outbound {
    pub(super) async fn start_tls(&mut self) {
        let clock = self.context.clock;
        let failure = match self.handshake().await {
            Ok(stream) => {
                let Stream::Opened(tls) = &stream else { return };
                let facts = tls::facts(tls.get_ref().1, self.verify);
                if let TlsResult::Success { protocol, cipher, .. } = &facts {
                    self.note(|transcript, now| transcript.note(&format!("TLS: {protocol}, {cipher}"), now));
                }
                self.tls = Some(facts);
                if self.story.is_told() {
                    self.certificate = tls::shown_certificate(&stream, self.verify);
                }
                self.stream = Some(stream);
                self.buffer.clear();
                self.session.tls_started(clock.steady());
                return;
            }
            Err(failure) => failure,
        };
        self.session.tls_failed(failure, clock.steady());
    }

    /// Shakes hands. Where the certificate has to verify, one that does not is told as what it is; the handshake has
    /// failed with it all the same.
    async fn handshake(&mut self) -> Result<Stream, String> {
        let Some(Stream::Plain(tcp)) = self.stream.take() else { return Err("no connection".to_owned()) };
        let Some((config, seen)) = self.manner() else {
            return Err("this system has no trust store to verify certificates with".to_owned());
        };
        let name = tls::server_name(&self.target.name, self.target.address);
        let connector = tokio_rustls::TlsConnector::from(config);
        let patience = self.running.client_deadlines.starttls;
        // A handshake that fails takes its socket with it: this one is for the question how it ended.
        let socket = tcp.as_fd().try_clone_to_owned().ok();
        let mut connecting = pin!(connector.connect(name, tcp));
        let shaken = match timeout(SHOWN_AFTER.min(patience), &mut connecting).await {
            Ok(shaken) => Ok(shaken),
            Err(_) => {
                self.story.show(self.transcript.as_ref(), self.about);
                timeout(patience.saturating_sub(SHOWN_AFTER), connecting).await
            }
        };
        let (why, ended_by) = match shaken {
            Ok(Ok(tls)) => return Ok(Stream::Opened(Box::new(tls))),
            Ok(Err(error)) => (crate::tls::words::of_handshake(&error), tcp::ended_by(error.kind())),
            Err(_) => ("timeout".to_owned(), Some(ClosedFirst::Timeout)),
        };
        if self.story.wants_end() {
            self.story.end_of_connection(socket.and_then(|socket| tcp::end(socket, ended_by)));
        }
        Err(self.turned_down(seen.as_deref()).unwrap_or(why))
    }

    /// The manner of TLS that the policy asks for; none where it cannot be had.
    fn manner(&self) -> Option<Manner> {
        let tls = &self.running.client_tls;
        match self.verify {
            true => tls.witnessed(true).map(|(config, seen)| (config, Some(seen))),
            false => Some((tls.opportunistic(), None)),
        }
    }

    /// Says what is wrong with the certificate that was shown, if that is why there is no TLS.
    fn turned_down(&mut self, seen: Option<&Mutex<Seen>>) -> Option<String> {
        let seen = seen?.lock();
        let now = i64::try_from(self.context.clock.wall().0 / 1_000_000).unwrap_or(i64::MAX);
        let why = seen.in_words(&self.target.name, now)?;
        self.certificate = seen.certificate();
        let shown = self.certificate.as_ref().map(in_one_line);
        drop(seen);
        if let Some(shown) = shown {
            self.note(|transcript, now| transcript.note(&shown, now));
        }
        Some(why)
    }
}

/// What a certificate says, as a transcript has it.
fn in_one_line(shown: &Certificate) -> String {
    let Certificate { subject, issuer, names, fingerprint, .. } = shown;
    let names = names.join(", ");
    format!("TLS certificate: {subject}, signed by {issuer}, for {names}; SHA-256 {fingerprint}")
}
