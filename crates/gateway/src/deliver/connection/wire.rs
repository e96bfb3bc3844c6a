//! The session's IO: what it says goes out, what the peer says comes in, TLS is put in between.

use std::io;
use std::time::Duration;

use mailreeve_core::Instant;
use mailreeve_core::event::{Failure, TlsResult};
use mailreeve_smtp::client::{Framing, Output};
use mailreeve_smtp::transcript::Transcript;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::Outbound;
use crate::deliver::content::{self, Body, NotWritten, Stored, Writing};
use crate::stream::Stream;

impl Outbound {
    /// Does the session's IO until it has something to say that is not IO.
    pub(super) async fn next(&mut self) -> Output {
        loop {
            while let Some(output) = self.session.poll() {
                match output {
                    Output::Write(bytes) => {
                        self.note(|transcript, now| transcript.said_commands(&bytes, now));
                        if self.write(&bytes).await.is_err() {
                            self.write_failed().await;
                        }
                    }
                    Output::Content { framing, follow, .. } => {
                        let size = self.loaded.as_ref().map_or(0, |loaded| loaded.envelope.size);
                        self.note(|transcript, now| {
                            transcript.said_content(size, now);
                            transcript.said_commands(&follow, now);
                        });
                        match self.write_content(framing, &follow).await {
                            Ok(()) => self.session.content_written(self.context.clock.steady()),
                            Err(NotWritten::Network) => self.write_failed().await,
                            Err(NotWritten::Unread(unread)) => {
                                // The terminator was not sent: the peer has nothing it could take for whole.
                                self.unread = Some(unread);
                                self.session.peer_closed(self.context.clock.steady());
                            }
                        }
                    }
                    Output::StartTls => self.start_tls().await,
                    said => return said,
                }
            }
            self.read().await;
        }
    }

    /// Notes what is said, when somebody records it.
    fn note(&mut self, note: impl FnOnce(&mut Transcript, Instant)) {
        if let Some(transcript) = &mut self.transcript {
            note(transcript, self.context.clock.steady());
        }
    }

    /// Notes that the conversation broke off.
    pub(super) fn note_end(&mut self, failure: &Failure) {
        self.note(|transcript, now| {
            transcript.note(&failure.text.join(" "), now);
            transcript.fail();
        });
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let patience = self.running.client_deadlines.data_block;
        let Some(stream) = &mut self.stream else { return Err(io::ErrorKind::NotConnected.into()) };
        tokio::time::timeout(patience, async {
            stream.write_all(bytes).await?;
            stream.flush().await
        })
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    async fn write_content(&mut self, framing: Framing, follow: &[u8]) -> Result<(), NotWritten> {
        let Some(loaded) = &mut self.loaded else { return Err(NotWritten::Network) };
        if matches!(loaded.content, Body::Stored) {
            // Another is taken, with the content's part: nobody may wait for room and keep some.
            loaded.share = None;
        }
        let loaded = loaded.clone();
        let how = Writing {
            framing,
            dots: loaded.envelope.content.dots,
            follow,
            patience: self.running.client_deadlines.data_block,
        };
        let Some(stream) = &mut self.stream else { return Err(NotWritten::Network) };
        match &loaded.content {
            Body::Memory(content) => content::write(stream, content, how).await?,
            Body::Stored => {
                let stored =
                    Stored { reader: &self.context.reader, room: &self.room, envelope: &loaded.envelope };
                content::write_stored(stream, stored, how).await?;
            }
        }
        Ok(stream.flush().await?)
    }

    /// After a failed write the peer may have said why: read that before giving the connection up.
    async fn write_failed(&mut self) {
        let _ = tokio::time::timeout(Duration::from_secs(1), self.read()).await;
        self.session.peer_closed(self.context.clock.steady());
    }

    async fn read(&mut self) {
        let clock = self.context.clock;
        if self.session.deadline().is_some_and(|deadline| deadline < self.armed) {
            self.arm();
        }
        let Some(stream) = &mut self.stream else {
            self.session.peer_closed(clock.steady());
            return;
        };
        tokio::select! {
            biased;
            read = stream.read(self.buffer.room()) => match read {
                Ok(0) | Err(_) => self.session.peer_closed(clock.steady()),
                Ok(count) => {
                    self.buffer.filled(count);
                    if let Some(transcript) = &mut self.transcript {
                        transcript.heard_replies(self.buffer.unread(), clock.steady());
                    }
                    let consumed = self.session.receive(self.buffer.unread(), clock.steady());
                    self.buffer.consume(consumed);
                }
            },
            () = self.timer.as_mut() => {
                let now = clock.steady();
                if self.session.deadline().is_some_and(|deadline| now >= deadline) {
                    self.session.timeout(now);
                }
                self.arm();
            }
        }
    }

    /// Sets the timer to the session's deadline, or to a look in a while where there is none.
    fn arm(&mut self) {
        const LOOK: Duration = Duration::from_secs(60);
        let now = self.context.clock.steady();
        self.armed = self.session.deadline().unwrap_or(now + LOOK).clamp(now, now + LOOK);
        let wait = self.armed.since(now).max(Duration::from_millis(1));
        self.timer.as_mut().reset(tokio::time::Instant::now() + wait);
    }

    async fn start_tls(&mut self) {
        let clock = self.context.clock;
        let failure = match self.handshake().await {
            Ok(stream) => {
                let Stream::Opened(tls) = &stream else { return };
                let facts = crate::tls::facts(tls.get_ref().1, self.verify);
                if let TlsResult::Success { protocol, cipher, .. } = &facts {
                    self.note(|transcript, now| transcript.note(&format!("TLS: {protocol}, {cipher}"), now));
                }
                self.tls = Some(facts);
                self.stream = Some(stream);
                self.buffer.clear();
                self.session.tls_started(clock.steady());
                return;
            }
            Err(failure) => failure,
        };
        self.session.tls_failed(failure, clock.steady());
    }

    async fn handshake(&mut self) -> Result<Stream, String> {
        let Some(Stream::Plain(tcp)) = self.stream.take() else { return Err("no connection".to_owned()) };
        let Some(config) = self.running.client_tls.manner(self.verify) else {
            return Err("this system has no trust store to verify certificates with".to_owned());
        };
        let name = crate::tls::server_name(&self.target.name, self.target.address);
        let connector = tokio_rustls::TlsConnector::from(config);
        let patience = self.running.client_deadlines.starttls;
        match tokio::time::timeout(patience, connector.connect(name, tcp)).await {
            Ok(Ok(tls)) => Ok(Stream::Opened(Box::new(tls))),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("timeout".to_owned()),
        }
    }

    pub(super) async fn stream_shutdown(&mut self) {
        if let Some(stream) = &mut self.stream {
            let _ = stream.shutdown().await;
        }
    }
}
