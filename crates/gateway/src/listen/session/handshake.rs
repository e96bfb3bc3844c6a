//! TLS put between the session and the wire.

use std::os::fd::AsFd as _;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use mailreeve_core::event::{Event, TlsResult};
use mailreeve_core::tcp::ClosedFirst;
use tokio::time::timeout;

use super::Inbound;
use crate::recorder::SHOWN_AFTER;
use crate::stream::Stream;
use crate::tcp;

/// Time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(60);

impl Inbound {
    pub(super) async fn start_tls(&mut self, stream: &mut Option<Stream>) {
        let clock = self.at.context.clock;
        let icid = self.at.icid;
        let (Some(Stream::Plain(tcp)), Some(acceptor)) = (stream.take(), &self.at.running.tls) else {
            self.session.tls_failed(clock.steady());
            return;
        };
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(acceptor));
        // A handshake that fails takes its socket with it: this one is for the question how it ended.
        let socket = tcp.as_fd().try_clone_to_owned().ok();
        let mut accepting = pin!(acceptor.accept(tcp));
        let shaken = match timeout(SHOWN_AFTER, &mut accepting).await {
            Ok(shaken) => Ok(shaken),
            Err(_) => {
                self.show();
                timeout(HANDSHAKE.saturating_sub(SHOWN_AFTER), accepting).await
            }
        };
        let (failure, ended_by) = match shaken {
            Ok(Ok(tls)) => {
                let result = crate::tls::facts(tls.get_ref().1, false);
                if let TlsResult::Success { protocol, cipher, .. } = &result {
                    self.tls = Some((protocol.clone(), cipher.clone()));
                }
                self.note_tls(&result);
                self.at.context.events.tell(Event::InboundTls { icid, result });
                *stream = Some(Stream::Accepted(Box::new(tls)));
                self.session.tls_started(clock.steady());
                return;
            }
            Ok(Err(error)) => (crate::tls::words::of_handshake(&error), tcp::ended_by(error.kind())),
            Err(_) => ("timeout".to_owned(), Some(ClosedFirst::Timeout)),
        };
        self.ended_by = ended_by;
        if let Some(socket) = socket {
            self.note_tcp_end(socket);
        }
        let result = TlsResult::Failed { why: failure, clear: false };
        self.note_tls(&result);
        self.at.context.events.tell(Event::InboundTls { icid, result });
        self.session.tls_failed(clock.steady());
    }
}
