//! One inbound connection: bytes to the session, its questions to the gateway, replies back.
//!
//! All decisions about the protocol are the sans-IO session's; all about mail are the policy's. This file
//! awaits in one place ([`Inbound::turn`]) and otherwise only carries things from one to the other.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use mailreeve_core::event::{AbortReason, CloseReason, Event, PeerAction, RecipientRule, TlsResult};
use mailreeve_core::ids::Icid;
use mailreeve_core::message::{self, Trace};
use mailreeve_core::policy::PeerVerdict;
use mailreeve_smtp::address::{Mailbox, ReversePath};
use mailreeve_smtp::params::{MailParams, RcptParams};
use mailreeve_smtp::reply::{Enhanced, Reply};
use mailreeve_smtp::server::{
    Abort, DataVerdict, EndReason, Greeting, Message, Notice, Question, Session, Shutdown, Stage, Verdict,
};
use mailreeve_store::spool::{Content, StagedFile};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Sleep;

use super::envelope::{Draft, in_memory};
use super::judge::Judgement;
use crate::context::{Context, Running};
use crate::intake::BodyLease;
use crate::receipts::Receipts;
use crate::stream::{ReadBuffer, Stream};

/// Time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(60);
/// Memory reserved for a message whose size is not declared.
const UNDECLARED_BYTES: u64 = 64 * 1024;

/// What is known when a connection arrives.
pub(super) struct Arrival {
    pub(super) context: Arc<Context>,
    pub(super) running: Arc<Running>,
    pub(super) receipts: Arc<Receipts>,
    pub(super) icid: Icid,
    pub(super) peer: SocketAddr,
    pub(super) verdict: PeerVerdict,
    pub(super) stop: watch::Receiver<bool>,
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
    stopping: bool,
}

/// Content that did not fit in memory, on its way into a file.
enum Spilled {
    Into(StagedFile, message::HeaderFacts),
    /// The disk did not take it: the rest is read and thrown away, then the message is refused.
    Failed(String),
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
        let session = Session::new(Arc::clone(&at.running.smtp), at.context.clock.steady());
        let judgement =
            Judgement::start(Arc::clone(&at.context), at.icid, at.peer.ip(), at.verdict.clone());
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
            stopping: false,
        }
    }

    /// Serves the connection to its end. `refusal` is said instead of the banner when a limit is reached.
    pub(super) async fn run(mut self, stream: TcpStream, refusal: Option<&str>) {
        let started = self.at.context.clock.steady();
        let greeting = match refusal {
            Some(text) => Greeting::Refuse(Reply::new(421, Enhanced(4, 7, 0), text)),
            None => Greeting::Accept,
        };
        self.session.greet(greeting, started);
        let mut stream = Some(Stream::Plain(stream));
        let mut buffer = ReadBuffer::new();
        let timer = tokio::time::sleep(self.at.context.clock.until(self.session.deadline()));
        tokio::pin!(timer);
        if self.flush(&mut stream).await.is_ok() {
            self.at.context.events.tell(Event::Greeted { icid: self.at.icid, waited_us: 0 });
        }
        while self.session.ended().is_none() {
            if let Err(error) = self.turn(&mut stream, &mut buffer, timer.as_mut()).await {
                self.lost = Some(error.to_string());
                let now = self.at.context.clock.steady();
                self.session.peer_closed(now);
            }
            self.notices();
        }
        // The last reply may still be on its way out; the peer may be gone, which is no news any more.
        let _ = self.flush(&mut stream).await;
        if let Some(mut stream) = stream {
            let _ = tokio::time::timeout(Duration::from_secs(1), stream.shutdown()).await;
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
        tokio::select! {
            biased;
            read = stream.read(buffer.room()) => match read? {
                0 => self.session.peer_closed(self.at.context.clock.steady()),
                count => buffer.filled(count),
            },
            () = timer.as_mut() => {
                let now = self.at.context.clock.steady();
                if now >= self.session.deadline() {
                    self.session.timeout(now);
                }
                let wait = self.at.context.clock.until(self.session.deadline());
                timer.reset(tokio::time::Instant::now() + wait.max(Duration::from_millis(1)));
                buffer.rest();
            }
            () = super::told(&mut self.at.stop), if !self.stopping => {
                self.stopping = true;
                self.session.shutdown(Shutdown::Stopping, self.at.context.clock.steady());
            }
        }
        Ok(())
    }

    async fn flush(&mut self, stream: &mut Option<Stream>) -> io::Result<()> {
        let output = self.session.output();
        if output.is_empty() {
            return Ok(());
        }
        let Some(stream) = stream else { return Err(io::ErrorKind::NotConnected.into()) };
        let patience = self.at.running.smtp.deadlines.command;
        match tokio::time::timeout(patience, stream.write_all(output)).await {
            Ok(written) => written?,
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        }
        output.clear();
        if matches!(stream, Stream::Accepted(_)) {
            stream.flush().await?;
        }
        Ok(())
    }

    fn answer(&mut self, question: Question) -> Await {
        let now = self.at.context.clock.steady();
        match question {
            Question::Mail { path, params } => {
                let verdict = self.mail(path, params);
                self.session.answer_mail(verdict, now);
            }
            Question::Recipient { mailbox, params } => {
                let verdict = self.recipient(mailbox, params);
                self.session.answer_recipient(verdict, now);
            }
            Question::Data => {
                let verdict = self.data();
                self.session.answer_data(verdict, now);
            }
            Question::Spill(chunk) => return Await::Spill(chunk),
            Question::Message(message) => return Await::Message(message),
            Question::StartTls => return Await::StartTls,
        }
        Await::Nothing
    }

    fn mail(&mut self, path: ReversePath, params: MailParams) -> Verdict {
        if let Some(reply) = self.at.context.intake.refusal() {
            self.refused_sender(&path, &reply);
            return Verdict::Refuse(reply);
        }
        let declared = params.size.unwrap_or(UNDECLARED_BYTES);
        let spill = self.at.running.smtp.limits.spill_bytes;
        let bytes = usize::try_from(declared).unwrap_or(spill).min(spill);
        let Some(lease) = self.at.context.intake.lease(bytes) else {
            let reply = Reply::new(452, Enhanced(4, 3, 1), "Too much mail in flight here, please try again later");
            self.refused_sender(&path, &reply);
            return Verdict::Refuse(reply);
        };
        self.lease = Some(lease);
        let Some(mid) = self.at.context.ids.mid() else {
            let reply = Reply::new(451, Enhanced(4, 3, 0), "Storage failure here, please try again later");
            self.refused_sender(&path, &reply);
            return Verdict::Refuse(reply);
        };
        self.at.context.events.tell(Event::MessageStarted {
            mid,
            icid: self.at.icid,
            sender: path.to_string(),
        });
        self.draft = Some(Draft::new(mid, self.at.icid, path, params));
        Verdict::Accept
    }

    fn refused_sender(&self, path: &ReversePath, reply: &Reply) {
        self.at.context.events.tell(Event::SenderRejected {
            icid: self.at.icid,
            sender: path.to_string(),
            reply: reply.to_string(),
        });
    }

    fn recipient(&mut self, mailbox: Mailbox, params: RcptParams) -> Verdict {
        let icid = self.at.icid;
        let Some(draft) = &mut self.draft else {
            return Verdict::Refuse(Reply::new(503, Enhanced(5, 5, 1), "MAIL first"));
        };
        let address = mailbox.to_string();
        match self.at.running.policy.judge_recipient(self.at.verdict.action, &mailbox) {
            Ok(host) => {
                let rid = draft.add(mailbox, params, host);
                let mid = draft.mid;
                self.at.context.events.tell(Event::RecipientAccepted { mid, icid, rid, address });
                Verdict::Accept
            }
            Err(mailreeve_core::policy::NotAccepted) => {
                let reply = match self.at.verdict.action {
                    PeerAction::Accept | PeerAction::Relay => {
                        Reply::new(550, Enhanced(5, 7, 1), "Mail for this address is not accepted here")
                    }
                    PeerAction::Reject => Reply::new(554, Enhanced(5, 7, 1), "Your host is not accepted here"),
                };
                self.at.context.events.tell(Event::RecipientRejected {
                    mid: draft.mid,
                    icid,
                    address,
                    rule: RecipientRule::RelayDenied,
                    reply: reply.to_string(),
                });
                Verdict::Refuse(reply)
            }
        }
    }

    fn data(&mut self) -> DataVerdict {
        if let Some(reply) = self.at.context.intake.refusal() {
            return DataVerdict::Refuse(reply);
        }
        let Some(draft) = &self.draft else {
            return DataVerdict::Refuse(Reply::new(503, Enhanced(5, 5, 1), "MAIL first"));
        };
        let name = self.judgement.name();
        let trace = Trace {
            helo: &self.helo,
            reverse: name.as_ref().and_then(|name| name.name.as_deref()),
            peer: self.at.peer.ip(),
            by: &self.at.running.smtp.hostname,
            esmtp: self.esmtp,
            utf8: draft.utf8(),
            tls: self.tls.as_ref().map(|(protocol, cipher)| (protocol.as_str(), cipher.as_str())),
            mid: draft.mid,
            recipient: draft.only_recipient(),
            at: self.at.context.clock.wall(),
            zone: &self.at.running.zone,
        };
        let mut prefix = Vec::with_capacity(4096);
        message::write_received(&trace, &mut prefix);
        DataVerdict::Go { prefix }
    }

    async fn spill(&mut self, chunk: Vec<u8>) {
        let staging = self.at.context.staging.clone();
        let spilled = match self.spilled.take() {
            Some(Spilled::Failed(detail)) => Spilled::Failed(detail),
            before => tokio::task::spawn_blocking(move || {
                let (mut file, facts) = match before {
                    Some(Spilled::Into(file, facts)) => (file, facts),
                    Some(Spilled::Failed(_)) | None => (staging.create()?, message::header_facts(&chunk)),
                };
                file.write(&chunk)?;
                Ok::<_, io::Error>(Spilled::Into(file, facts))
            })
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)))
            .unwrap_or_else(|error| Spilled::Failed(error.to_string())),
        };
        self.spilled = Some(spilled);
        self.session.answer_spill(self.at.context.clock.steady());
    }

    /// Makes the message durable, then says 250: law 4.
    async fn store(&mut self, message: Message) {
        let verdict = match self.draft.take() {
            Some(draft) => {
                let mid = draft.mid;
                match self.commit(draft, message).await {
                    Ok(()) => Verdict::AcceptWith(format!("2.0.0 Ok: queued as MID {mid}")),
                    Err(NotCommitted { reply, detail }) => {
                        let why = AbortReason::Spool(detail);
                        self.at.context.events.tell(Event::MessageAborted { mid, icid: self.at.icid, why });
                        Verdict::Refuse(reply)
                    }
                }
            }
            None => Verdict::Refuse(Reply::new(503, Enhanced(5, 5, 1), "MAIL first")),
        };
        self.lease = None;
        self.session.answer_message(verdict, self.at.context.clock.steady());
    }

    async fn commit(&mut self, draft: Draft, mut message: Message) -> Result<(), NotCommitted> {
        let tail = std::mem::take(&mut message.tail);
        let (facts, content) = match self.spilled.take() {
            None => (message::header_facts(&tail), in_memory(tail)),
            Some(Spilled::Failed(detail)) => return Err(NotCommitted::full(detail)),
            Some(Spilled::Into(file, facts)) => (facts, finish(file, tail).await?),
        };
        let (token, receipt) = self.at.receipts.wait();
        let now = self.at.context.clock.wall().0;
        let change = draft.into_change(&message, facts, content, now, token);
        if self.at.context.commits.submit(change).is_err() {
            self.at.receipts.forget(token);
            return Err(NotCommitted::full("the commit queue is full".to_owned()));
        }
        match receipt.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_stored)) => Err(NotCommitted::failed(not_stored.0)),
            Err(_) => Err(NotCommitted::failed("the spool is closed".to_owned())),
        }
    }

    async fn start_tls(&mut self, stream: &mut Option<Stream>) {
        let clock = self.at.context.clock;
        let icid = self.at.icid;
        let (Some(Stream::Plain(tcp)), Some(acceptor)) = (stream.take(), &self.at.running.tls) else {
            self.session.tls_failed(clock.steady());
            return;
        };
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(acceptor));
        let failure = match tokio::time::timeout(HANDSHAKE, acceptor.accept(tcp)).await {
            Ok(Ok(tls)) => {
                let result = crate::tls::facts(tls.get_ref().1, false);
                if let TlsResult::Success { protocol, cipher, .. } = &result {
                    self.tls = Some((protocol.clone(), cipher.clone()));
                }
                self.at.context.events.tell(Event::InboundTls { icid, result });
                *stream = Some(Stream::Accepted(Box::new(tls)));
                self.session.tls_started(clock.steady());
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "timeout".to_owned(),
        };
        let result = TlsResult::Failed { why: failure, clear: false };
        self.at.context.events.tell(Event::InboundTls { icid, result });
        self.session.tls_failed(clock.steady());
    }

    fn notices(&mut self) {
        while let Some(notice) = self.session.notices() {
            match notice {
                Notice::Helo { name, esmtp } => {
                    self.helo = name;
                    self.esmtp = esmtp;
                }
                Notice::TransactionAborted(abort) => {
                    self.spilled = None;
                    self.lease = None;
                    if let Some(draft) = self.draft.take() {
                        let why = abort_reason(abort, self.session.ended().map(|ended| ended.reason));
                        self.at.context.events.tell(draft.aborted(why));
                    }
                }
            }
        }
    }

    fn closed(&mut self, started: mailreeve_core::Instant) {
        self.judgement.close();
        let why = match self.session.ended().map(|ended| ended.reason) {
            Some(EndReason::Quit) => CloseReason::Quit,
            Some(EndReason::PeerClosed { stage, .. }) => {
                let before_commands = matches!(stage, Stage::Greeting) || self.session.last_command().is_none();
                let detail = self.lost.take().unwrap_or_else(|| "closed by the peer".to_owned());
                CloseReason::Lost { before_commands, detail }
            }
            Some(EndReason::Timeout(stage) | EndReason::SessionTime(stage)) => {
                CloseReason::Timeout { stage: format!("{stage:?}").to_ascii_lowercase() }
            }
            Some(other) => CloseReason::ByUs(closed_by_us(other).to_owned()),
            None => CloseReason::ByUs("ended".to_owned()),
        };
        let lasted = self.at.context.clock.steady().since(started);
        self.at.context.events.tell(Event::ConnectionClosed {
            icid: self.at.icid,
            peer: self.at.peer.ip(),
            why,
            lasted_us: u64::try_from(lasted.as_micros()).unwrap_or(u64::MAX),
            messages: u32::try_from(self.session.messages()).unwrap_or(u32::MAX),
        });
    }
}

/// Why a message was not taken over, for the peer and for the operator (law 9).
struct NotCommitted {
    reply: Reply,
    detail: String,
}

impl NotCommitted {
    fn full(detail: String) -> Self {
        let text = "Insufficient storage here, please try again later";
        Self { reply: Reply::new(452, Enhanced(4, 3, 1), text), detail }
    }

    fn failed(detail: String) -> Self {
        let text = "The message could not be stored, please try again later";
        Self { reply: Reply::new(451, Enhanced(4, 3, 0), text), detail }
    }
}

/// Completes the file of a large message and syncs it, off the runtime's thread.
async fn finish(mut file: StagedFile, tail: Vec<u8>) -> Result<Content, NotCommitted> {
    let finished = tokio::task::spawn_blocking(move || {
        file.write(&tail)?;
        file.finish()
    });
    match finished.await {
        Ok(Ok(content)) => Ok(content),
        Ok(Err(error)) => Err(NotCommitted::full(error.to_string())),
        Err(error) => Err(NotCommitted::failed(error.to_string())),
    }
}

fn abort_reason(abort: Abort, ended: Option<EndReason>) -> AbortReason {
    match (abort, ended) {
        (_, Some(EndReason::PeerClosed { data_bytes, .. })) => AbortReason::Lost { data_bytes },
        (_, Some(EndReason::LineEnds)) => AbortReason::LineEnds,
        (_, Some(other)) => AbortReason::Refused(closed_by_us(other).to_owned()),
        (Abort::Reset | Abort::Hello | Abort::StartTls | Abort::Ended, None) => AbortReason::BySender,
        (Abort::ContentRefused, None) => AbortReason::Refused("its content broke a limit".to_owned()),
        (Abort::DataRefused, None) => AbortReason::Refused("mail is not taken at present".to_owned()),
    }
}

/// The end of a session in words for the operator.
const fn closed_by_us(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Quit => "quit",
        EndReason::Timeout(_) => "no command within the time allowed",
        EndReason::SessionTime(_) => "exceeded allowable connection time",
        EndReason::TooSlow { .. } => "content came in too slowly",
        EndReason::TooManyErrors => "too many errors",
        EndReason::TooManyCommands => "too many commands without a message",
        EndReason::TooManyMessages => "too many messages",
        EndReason::LineEnds => "bare CR, bare LF or NUL in content",
        EndReason::WrongProtocol => "the peer speaks HTTP",
        EndReason::PeerClosed { .. } => "closed by the peer",
        EndReason::Shutdown(Shutdown::Stopping) => "the gateway is stopping",
        EndReason::Shutdown(Shutdown::Overloaded) => "the gateway is overloaded",
        EndReason::Refused => "refused",
        EndReason::TlsFailed => "the TLS handshake failed",
    }
}
