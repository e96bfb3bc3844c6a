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
    DataVerdict, EndReason, Greeting, Message, Notice, Question, Session, Shutdown, Verdict,
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
    pub(super) listener: Arc<super::Listener>,
    pub(super) receipts: Arc<Receipts>,
    pub(super) icid: Icid,
    pub(super) local: SocketAddr,
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
    staged: Option<StagedFile>,
    lease: Option<BodyLease>,
    lost: Option<String>,
    messages: u32,
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
            staged: None,
            lease: None,
            lost: None,
            messages: 0,
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
            _ = self.at.stop.wait_for(|stop| *stop), if !self.session.shutting_down() => {
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
        let mid = mailreeve_core::ids::Mid(self.at.context.ids.mid.next());
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
        let staged = self.staged.take();
        let spool = self.at.context.spool_dir.clone();
        let written = tokio::task::spawn_blocking(move || {
            let mut staged = match staged {
                Some(staged) => staged,
                None => StagedFile::create(&spool)?,
            };
            staged.write(&chunk)?;
            Ok::<_, io::Error>(staged)
        })
        .await;
        let now = self.at.context.clock.steady();
        match written {
            Ok(Ok(staged)) => {
                self.staged = Some(staged);
                self.session.answer_spill(Ok(()), now);
            }
            Ok(Err(error)) => self.spill_failed(&error.to_string()),
            Err(error) => self.spill_failed(&error.to_string()),
        }
    }

    fn spill_failed(&mut self, detail: &str) {
        let reply = Reply::new(452, Enhanced(4, 3, 1), "Insufficient storage here, please try again later");
        if let Some(draft) = self.draft.take() {
            self.at.context.events.tell(draft.aborted(AbortReason::Spool(detail.to_owned())));
        }
        self.session.answer_spill(Err(reply), self.at.context.clock.steady());
    }

    /// Makes the message durable, then says 250: law 4.
    async fn store(&mut self, message: Message) {
        let verdict = match self.draft.take() {
            Some(draft) => {
                let mid = draft.mid;
                match self.commit(draft, message).await {
                    Ok(()) => {
                        self.messages += 1;
                        Verdict::AcceptWith(format!("Ok: queued as MID {mid}"))
                    }
                    Err((draft, reply, detail)) => {
                        if let Some(draft) = draft {
                            self.at.context.events.tell(draft.aborted(AbortReason::Spool(detail)));
                        }
                        Verdict::Refuse(reply)
                    }
                }
            }
            None => Verdict::Refuse(Reply::new(503, Enhanced(5, 5, 1), "MAIL first")),
        };
        self.lease = None;
        self.session.answer_message(verdict, self.at.context.clock.steady());
    }

    async fn commit(
        &mut self,
        draft: Draft,
        mut message: Message,
    ) -> Result<(), (Option<Draft>, Reply, String)> {
        let failed = || Reply::new(451, Enhanced(4, 3, 0), "The message could not be stored, please try again later");
        let tail = std::mem::take(&mut message.tail);
        let (facts, content, size) = match self.staged.take() {
            None => {
                let size = tail.len() as u64;
                (message::header_facts(&tail), in_memory(tail), size)
            }
            Some(staged) => match finish_staged(staged, tail).await {
                Ok((facts, content, size)) => (facts, content, size),
                Err(error) => return Err((Some(draft), failed(), error.to_string())),
            },
        };
        let (token, receipt) = self.at.receipts.wait();
        let mid = draft.mid;
        let icid = self.at.icid;
        let now = self.at.context.clock.wall().0;
        let change = draft.into_change(&message, facts, content, size, now, token);
        if self.at.context.commits.submit(change).is_err() {
            self.at.receipts.forget(token);
            self.tell_spool_abort(mid, icid, "the commit queue is full");
            let reply = Reply::new(452, Enhanced(4, 3, 1), "Too busy to store mail, please try again later");
            return Err((None, reply, String::new()));
        }
        let detail = match receipt.await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(not_stored)) => not_stored.0,
            Err(_) => "the spool is closed".to_owned(),
        };
        self.tell_spool_abort(mid, icid, &detail);
        Err((None, failed(), detail))
    }

    fn tell_spool_abort(&self, mid: mailreeve_core::ids::Mid, icid: Icid, detail: &str) {
        let why = AbortReason::Spool(detail.to_owned());
        self.at.context.events.tell(Event::MessageAborted { mid, icid, why });
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
        while let Some(notice) = self.session.notice() {
            match notice {
                Notice::Helo { name, esmtp } => {
                    self.helo = name;
                    self.esmtp = esmtp;
                }
                Notice::Aborted(abort) => {
                    self.staged = None;
                    self.lease = None;
                    if let Some(draft) = self.draft.take() {
                        self.at.context.events.tell(draft.aborted(super::envelope::abort_reason(abort)));
                    }
                }
                Notice::BadCommand(text) => {
                    self.at.context.events.tell(Event::BadCommand { icid: self.at.icid, text });
                }
            }
        }
    }

    fn closed(&mut self, started: mailreeve_core::Instant) {
        self.judgement.close();
        let why = match self.session.ended().map(|ended| ended.reason.clone()) {
            Some(EndReason::Quit) => CloseReason::Quit,
            Some(EndReason::PeerClosed { before_commands, data_bytes }) => {
                if let Some(draft) = self.draft.take() {
                    let why = AbortReason::Lost { data_bytes };
                    self.at.context.events.tell(draft.aborted(why));
                }
                let detail = self.lost.take().unwrap_or_else(|| "closed by the peer".to_owned());
                CloseReason::Lost { before_commands, detail }
            }
            Some(EndReason::Timeout { stage }) => CloseReason::Timeout { stage: stage.to_string() },
            Some(other) => CloseReason::ByUs(other.to_string()),
            None => CloseReason::ByUs("ended".to_owned()),
        };
        if let Some(draft) = self.draft.take() {
            self.at.context.events.tell(draft.aborted(AbortReason::Refused("connection closed".to_owned())));
        }
        self.at.context.events.tell(Event::ConnectionClosed {
            icid: self.at.icid,
            peer: self.at.peer.ip(),
            why,
            lasted_us: u64::try_from(self.at.context.clock.steady().since(started).as_micros()).unwrap_or(0),
            messages: self.messages,
        });
    }
}

/// Completes a staged file; its facts are read from its first part by the caller of `header_facts`.
async fn finish_staged(
    mut staged: StagedFile,
    tail: Vec<u8>,
) -> io::Result<(message::HeaderFacts, Content, u64)> {
    tokio::task::spawn_blocking(move || {
        staged.write(&tail)?;
        let facts = message::header_facts(&staged.head()?);
        let content = staged.finish()?;
        let size = match &content {
            Content::Memory(bytes) => bytes.len() as u64,
            Content::Staged { size, .. } => *size,
        };
        Ok((facts, content, size))
    })
    .await
    .map_err(io::Error::other)?
}
