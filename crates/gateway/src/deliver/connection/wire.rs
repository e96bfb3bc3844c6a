//! The session's IO: what it says goes out, what the peer says comes in, TLS is put in between.

use std::io;
use std::time::Duration;

use mailreeve_core::Instant;
use mailreeve_core::event::Failure;
use mailreeve_core::tcp::ClosedFirst;
use mailreeve_smtp::client::{Framing, Output};
use mailreeve_smtp::transcript::Transcript;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::Outbound;
use crate::deliver::content::{self, Body, NotWritten, Stored, Writing};
use crate::tcp;

impl Outbound {
    /// Does the session's IO until it has something to say that is not IO.
    pub(super) async fn next(&mut self) -> Output {
        loop {
            while let Some(output) = self.session.poll() {
                match output {
                    Output::Write(bytes) => {
                        self.note(|transcript, now| transcript.said_commands(&bytes, now));
                        if let Err(error) = self.write(&bytes).await {
                            self.write_failed(error.kind()).await;
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
                            Err(NotWritten::Network) => {
                                self.write_failed(io::ErrorKind::Other).await;
                            }
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
    pub(super) fn note(&mut self, note: impl FnOnce(&mut Transcript, Instant)) {
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
        timeout(patience, async {
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
    async fn write_failed(&mut self, error: io::ErrorKind) {
        self.ended_by = self.ended_by.or(tcp::ended_by(error));
        let _ = timeout(Duration::from_secs(1), self.read()).await;
        self.session.peer_closed(self.context.clock.steady());
    }

    async fn read(&mut self) {
        let clock = self.context.clock;
        if self.due().is_some_and(|due| due < self.armed) {
            self.arm();
        }
        let Some(stream) = &mut self.stream else {
            self.session.peer_closed(clock.steady());
            return;
        };
        tokio::select! {
            biased;
            read = stream.read(self.buffer.room()) => match read {
                Ok(0) => {
                    self.ended_by.get_or_insert(ClosedFirst::They);
                    self.session.peer_closed(clock.steady());
                }
                Err(error) => {
                    self.ended_by = self.ended_by.or(tcp::ended_by(error.kind()));
                    self.session.peer_closed(clock.steady());
                }
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
                    self.ended_by = Some(ClosedFirst::Timeout);
                    self.session.timeout(now);
                }
                if self.story.show_due(self.transcript.as_ref()).is_some_and(|due| now >= due) {
                    self.story.show(self.transcript.as_ref(), self.about);
                }
                self.arm();
            }
        }
    }

    /// When something has to be done though nothing comes: the session's deadline, or showing what was said.
    fn due(&mut self) -> Option<Instant> {
        let show = self.story.show_due(self.transcript.as_ref());
        self.session.deadline().into_iter().chain(show).min()
    }

    /// Asks the kernel about the connection, which ends now; once.
    pub(super) fn note_tcp_end(&mut self) {
        if self.story.wants_end()
            && let Some(stream) = &self.stream
        {
            self.story.end_of_connection(tcp::end(stream.tcp(), self.ended_by));
        }
    }

    /// Sets the timer to the session's deadline, or to a look in a while where there is none.
    fn arm(&mut self) {
        const LOOK: Duration = Duration::from_secs(60);
        let now = self.context.clock.steady();
        self.armed = self.due().unwrap_or(now + LOOK).clamp(now, now + LOOK);
        let wait = self.armed.since(now).max(Duration::from_millis(1));
        self.timer.as_mut().reset(tokio::time::Instant::now() + wait);
    }

    pub(super) async fn stream_shutdown(&mut self) {
        if let Some(stream) = &mut self.stream {
            let _ = stream.shutdown().await;
        }
    }
}
