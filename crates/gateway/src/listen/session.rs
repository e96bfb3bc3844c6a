//! One inbound connection: bytes to the session, its questions to the gateway, replies back.
//!
//! All decisions about the protocol are the sans-IO session's; all about mail are the policy's. This file
//! awaits in one place ([`Inbound::turn`]) and otherwise only carries things from one to the other.

mod answer;
mod end;
mod handshake;
mod record;
mod store;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use mailreeve_core::Instant;
use mailreeve_core::event::Event;
use mailreeve_core::ids::Icid;
use mailreeve_core::policy::PeerVerdict;
use mailreeve_core::tcp::{ClosedFirst, TcpEnd};
use mailreeve_smtp::reply::Reply;
use mailreeve_smtp::server::{EndReason, Greeting, Message, Session, Settings, Shutdown};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Sleep, timeout};

use self::store::Spilled;
use super::envelope::Draft;
use super::judge::Judgement;
use super::suspension::{self, Door};
use crate::context::{Context, Running};
use crate::intake::BodyLease;
use crate::receipts::Receipts;
use crate::recorder::Conversation;
use crate::stream::{ReadBuffer, Stream};
use crate::tcp;

/// What is known when a connection arrives.
pub(super) struct Arrival {
    pub(super) context: Arc<Context>,
    pub(super) running: Arc<Running>,
    pub(super) smtp: Arc<Settings>,
    pub(super) receipts: Arc<Receipts>,
    pub(super) icid: Icid,
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
    pub(super) listener: Arc<str>,
    pub(super) verdict: PeerVerdict,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) door: watch::Receiver<Door>,
}

/// A connection being served.
pub(super) struct Inbound {
    at: Arrival,
    session: Session,
    judgement: Arc<Judgement>,
    helo: String,
    esmtp: bool,
    tls: Option<(String, String)>,
    draft: Option<Draft>,
    spilled: Option<Spilled>,
    lease: Option<BodyLease>,
    lost: Option<String>,
    /// Why it was closed in the middle, when an operator had it closed.
    cut: Option<&'static str>,
    door_seen: Door,
    stopping: bool,
    /// Where what is said goes, unless nobody records it.
    conversation: Option<Conversation>,
    /// What was seen of the end of the connection, and what the kernel knew of it.
    ended_by: Option<ClosedFirst>,
    tcp: Option<TcpEnd>,
    /// When the timer fires. It is never later than the session's deadline, and often earlier: most deadlines
    /// move on, and then one look when it fires is cheaper than a new timer for each command.
    armed: Instant,
}

/// What a question needs that cannot be had at once.
enum Await {
    Nothing,
    Spill(Vec<u8>),
    Message(Message),
    StartTls,
}

impl Inbound {
    pub(super) fn new(at: Arrival) -> Self {
        let mut session = Session::new(Arc::clone(&at.smtp), at.context.clock.steady());
        let conversation = record::begin(&at, &mut session);
        let judgement = Judgement::start(Arc::clone(&at.context), at.icid, at.peer.ip(), at.verdict.clone());
        Self {
            at,
            session,
            judgement,
            helo: String::new(),
            esmtp: false,
            tls: None,
            draft: None,
            spilled: None,
            lease: None,
            lost: None,
            cut: None,
            door_seen: Door::Open,
            stopping: false,
            conversation,
            ended_by: None,
            tcp: None,
            armed: Instant(u64::MAX),
        }
    }

    /// Serves the connection to its end. `refusal` is said instead of the banner.
    pub(super) async fn run(mut self, stream: TcpStream, refusal: Option<Reply>) {
        let started = self.at.context.clock.steady();
        let greeting = match refusal {
            Some(reply) => Greeting::Refuse(reply),
            None => Greeting::Accept,
        };
        self.session.greet(greeting, started);
        let mut stream = Some(Stream::Plain(stream));
        let mut buffer = ReadBuffer::new();
        self.armed = self.session.deadline();
        let timer = tokio::time::sleep(self.at.context.clock.until(self.armed));
        tokio::pin!(timer);
        if self.flush(&mut stream).await.is_ok() {
            self.at.context.events.tell(Event::Greeted { icid: self.at.icid, waited_us: 0 });
        }
        while self.session.ended().is_none() {
            if let Err(error) = self.turn(&mut stream, &mut buffer, timer.as_mut()).await {
                self.ended_by = self.ended_by.or(tcp::ended_by(error.kind()));
                self.lost = Some(crate::tls::words::of_system(&error));
                let now = self.at.context.clock.steady();
                self.session.peer_closed(now);
            }
            self.notices();
        }
        // The last reply may still be on its way out; the peer may be gone, which is no news any more.
        let _ = self.flush(&mut stream).await;
        if self.session.ended().is_some_and(|ended| ended.reason == EndReason::Quit) {
            self.ended_by = Some(ClosedFirst::They);
        }
        if let Some(mut stream) = stream {
            self.note_tcp_end(stream.tcp());
            let _ = timeout(Duration::from_secs(1), stream.shutdown()).await;
        }
        self.closed(started);
    }

    /// One round: consume what is there, answer, write, and only then wait for more.
    async fn turn(
        &mut self,
        stream: &mut Option<Stream>,
        buffer: &mut ReadBuffer,
        mut timer: Pin<&mut Sleep>,
    ) -> io::Result<()> {
        loop {
            let now = self.at.context.clock.steady();
            let consumed = self.session.receive(buffer.unread(), now);
            buffer.consume(consumed);
            self.notices();
            let Some(question) = self.session.question() else { break };
            match self.answer(question) {
                Await::Nothing => {}
                Await::Spill(chunk) => self.spill(chunk).await,
                Await::Message(message) => {
                    // Replies to commands before the content must not wait for the disk.
                    self.flush(stream).await?;
                    self.store(message).await;
                }
                Await::StartTls => {
                    self.flush(stream).await?;
                    buffer.clear();
                    self.start_tls(stream).await;
                }
            }
            if self.session.ended().is_some() {
                return Ok(());
            }
        }
        self.flush(stream).await?;
        if self.session.ended().is_some() {
            return Ok(());
        }
        let Some(stream) = stream else { return Err(io::ErrorKind::NotConnected.into()) };
        if self.due() < self.armed {
            self.arm(timer.as_mut());
        }
        tokio::select! {
            biased;
            read = stream.read(buffer.room()) => match read? {
                0 => {
                    self.ended_by = Some(ClosedFirst::They);
                    self.session.peer_closed(self.at.context.clock.steady());
                }
                count => buffer.filled(count),
            },
            () = timer.as_mut() => {
                self.time_passed();
                self.arm(timer.as_mut());
                buffer.rest();
            }
            () = super::told(&mut self.at.stop), if !self.stopping => {
                self.stopping = true;
                self.session.shutdown(Shutdown::Stopping, self.at.context.clock.steady());
            }
            door = suspension::beyond(&mut self.at.door, self.door_seen) => {
                self.door_seen = door;
                if door == Door::Cut {
                    return Err(self.cut_off());
                }
                self.session.shutdown(Shutdown::Suspended, self.at.context.clock.steady());
            }
        }
        Ok(())
    }

    /// The timer fired: the session's time may be over, or what was said has to be shown.
    fn time_passed(&mut self) {
        let now = self.at.context.clock.steady();
        if now >= self.session.deadline() {
            self.ended_by = Some(ClosedFirst::Timeout);
            self.session.timeout(now);
        }
        self.show_if_due(now);
    }

    /// The time that an operator gave to those under way is over.
    fn cut_off(&mut self) -> io::Error {
        self.cut = Some("receiving is suspended and the time to end was over");
        io::ErrorKind::ConnectionAborted.into()
    }

    /// Sets the timer to the deadline of what the session waits for now, or to when what was said is shown.
    fn arm(&mut self, timer: Pin<&mut Sleep>) {
        self.armed = self.due();
        let wait = self.at.context.clock.until(self.armed).max(Duration::from_millis(1));
        timer.reset(tokio::time::Instant::now() + wait);
    }

    async fn flush(&mut self, stream: &mut Option<Stream>) -> io::Result<()> {
        self.session.note_output(self.at.context.clock.steady());
        self.hand_over_if_full();
        let output = self.session.output();
        if output.is_empty() {
            return Ok(());
        }
        let Some(stream) = stream else { return Err(io::ErrorKind::NotConnected.into()) };
        let patience = self.at.smtp.deadlines.command;
        let written = tokio::select! {
            biased;
            written = timeout(patience, stream.write_all(output)) => Some(written),
            () = suspension::cut(&mut self.at.door) => None,
        };
        match written {
            Some(Ok(written)) => written?,
            Some(Err(_)) => return Err(io::ErrorKind::TimedOut.into()),
            None => return Err(self.cut_off()),
        }
        self.session.output_written();
        if matches!(stream, Stream::Accepted(_)) {
            stream.flush().await?;
        }
        Ok(())
    }
}
