//! One outbound connection: opened, kept in use, closed. The sans-IO client session decides what is said.
//!
//! ```text
//!   Connect ─► race targets ─► greeting, EHLO, TLS, AUTH ─► Ready ─► (Transact ─► Outcome)* ─► Quit ─► Closed
//!                   ▲                  │ fails                          │ lost
//!                   └── next target ◄──┘                                └─► Outcome(Gone)
//! ```

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use mailreeve_core::delivery::io::{AddressTry, After, Input, PeerFacts, Target, TlsMode};
use mailreeve_core::event::{Cause, Event, Failure, Stage, TlsResult};
use mailreeve_core::ids::{Dcid, Host, Mid, Rid};
use mailreeve_smtp::client::{Credentials, Framing, Output, Session, TlsDemand, Transaction};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Sleep;

use super::bodies::Loaded;
use super::connect::{self, Manner};
use super::content::{self, Body, NotWritten, Writing};
use super::outcome::{Attempt, lost_failure, reply_failure};
use crate::context::{Context, Running};
use crate::stream::{ReadBuffer, Stream};

/// What the shard asks of a connection.
pub(super) enum Order {
    /// Hand this over.
    Transact(Box<Job>),
    /// Say goodbye.
    Quit,
}

/// One transaction to be made.
pub(super) struct Job {
    pub(super) mid: Mid,
    pub(super) rids: Vec<Rid>,
    pub(super) loaded: Loaded,
}

/// What it takes to open a connection.
pub(super) struct Plan {
    pub(super) context: Arc<Context>,
    pub(super) running: Arc<Running>,
    pub(super) dcid: Dcid,
    pub(super) host: Host,
    pub(super) targets: Vec<Target>,
    pub(super) tls: TlsMode,
    pub(super) credentials: Option<Credentials>,
    pub(super) implicit_tls: bool,
    pub(super) inputs: mpsc::UnboundedSender<Input>,
    pub(super) orders: mpsc::Receiver<Order>,
}

/// Runs a connection from its opening to its end; tells the shard everything by inputs.
pub(super) async fn run(mut plan: Plan) {
    let mut failed = Vec::new();
    let Some(mut outbound) = open(&mut plan, &mut failed).await else {
        let _ = plan.inputs.send(Input::Unusable { dcid: plan.dcid, failed });
        return;
    };
    let peer = outbound.facts();
    let target = outbound.target.clone();
    let _ = plan.inputs.send(Input::Ready { dcid: plan.dcid, target, peer, failed });
    outbound.serve(&mut plan).await;
    let _ = tokio::time::timeout(Duration::from_secs(1), outbound.stream_shutdown()).await;
}

/// Tries targets until one is ready for transactions.
async fn open(plan: &mut Plan, failed: &mut Vec<AddressTry>) -> Option<Outbound> {
    let manner = Manner {
        timeout: plan.running.connect_timeout,
        sources: plan.running.source_addresses.clone(),
    };
    let mut targets = std::mem::take(&mut plan.targets);
    let mut again: Option<(Target, String)> = None;
    loop {
        let (in_clear, connected) = match again.take() {
            Some((target, why)) => {
                let mut one = vec![target];
                (Some(why), connect::first_answering(&mut one, failed, &manner, plan.context.clock).await)
            }
            None => (None, connect::first_answering(&mut targets, failed, &manner, plan.context.clock).await),
        };
        let Some(connected) = connected else {
            if targets.is_empty() {
                return None;
            }
            continue;
        };
        let target = connected.target.clone();
        match Outbound::start(plan, connected.stream, connected.target, in_clear).await {
            Ok(outbound) => return Some(outbound),
            Err(Refusal::TlsBroken(why)) if plan.tls == TlsMode::Preferred => {
                plan.context.clear_text.remember(target.address.ip(), &why);
                again = Some((target, why));
            }
            Err(Refusal::TlsBroken(why)) => {
                let cause = if plan.tls == TlsMode::Verify { Cause::TlsCertificate } else { Cause::TlsHandshake };
                let failure = local(Stage::StartTls, cause, (4, 7, 5), why, target.address, plan);
                failed.push(AddressTry { target, failure });
            }
            Err(Refusal::Failed(failure)) => failed.push(AddressTry { target, failure }),
        }
    }
}

enum Refusal {
    TlsBroken(String),
    Failed(Failure),
}

fn local(
    stage: Stage,
    cause: Cause,
    status: (u8, u16, u16),
    text: String,
    peer: SocketAddr,
    plan: &Plan,
) -> Failure {
    let at = plan.context.clock.wall().0;
    Failure { stage, cause, status, code: 0, text: vec![text], address: Some(peer), at }
}

struct Outbound {
    context: Arc<Context>,
    running: Arc<Running>,
    session: Session,
    stream: Option<Stream>,
    buffer: ReadBuffer,
    timer: Pin<Box<Sleep>>,
    target: Target,
    verify: bool,
    tls: Option<TlsResult>,
    /// Jobs handed to the session and not answered yet, with their content.
    loaded: Option<Loaded>,
    /// The stored content turned out to be damaged while it was being sent.
    damaged: Option<String>,
}

impl Outbound {
    async fn start(
        plan: &Plan,
        stream: TcpStream,
        target: Target,
        in_clear: Option<String>,
    ) -> Result<Self, Refusal> {
        let peer = target.address;
        if let (Ok(local), Ok(peer)) = (stream.local_addr(), stream.peer_addr()) {
            plan.context.events.tell(Event::DeliveryOpened {
                dcid: plan.dcid,
                host: plan.host.clone(),
                local,
                peer,
                name: target.name.clone(),
            });
        }
        let remembered = match (&in_clear, plan.tls) {
            (Some(why), _) => Some(why.clone()),
            (None, TlsMode::Preferred) => plan.context.clear_text.why(peer.ip()),
            (None, TlsMode::Off | TlsMode::Required | TlsMode::Verify) => None,
        };
        let demand = match (plan.tls, &remembered) {
            (TlsMode::Off, _) | (TlsMode::Preferred, Some(_)) => TlsDemand::Never,
            (TlsMode::Preferred, None) => TlsDemand::Opportunistic,
            (TlsMode::Required | TlsMode::Verify, _) => TlsDemand::Required,
        };
        let settings = plan.running.client_settings(demand, plan.credentials.clone(), plan.implicit_tls);
        let mut outbound = Self {
            session: Session::new(Arc::new(settings), plan.context.clock.steady()),
            context: Arc::clone(&plan.context),
            running: Arc::clone(&plan.running),
            stream: Some(Stream::Plain(stream)),
            buffer: ReadBuffer::new(),
            timer: Box::pin(tokio::time::sleep(Duration::from_secs(60))),
            target,
            verify: plan.tls == TlsMode::Verify,
            tls: None,
            loaded: None,
            damaged: None,
        };
        outbound.tls = remembered.map(|why| TlsResult::Failed { why, clear: true });
        outbound.get_ready(plan).await?;
        Ok(outbound)
    }

    /// Goes through greeting, EHLO, TLS and AUTH.
    async fn get_ready(&mut self, plan: &Plan) -> Result<(), Refusal> {
        let peer = self.target.address;
        let failed = |stage, cause, reply: &mailreeve_smtp::reply::Reply| {
            Refusal::Failed(reply_failure(reply, stage, cause, peer, plan.context.clock.wall()))
        };
        loop {
            match self.next().await {
                Output::Ready => return Ok(()),
                Output::GreetingRejected(reply) => {
                    return Err(failed(Stage::Greeting, Cause::GreetingRejected, &reply));
                }
                Output::HelloRejected(reply) => return Err(failed(Stage::Ehlo, Cause::HelloRejected, &reply)),
                Output::AuthFailed(reply) => return Err(failed(Stage::Auth, Cause::AuthFailed, &reply)),
                Output::TlsUnavailable(why) => {
                    if matches!(plan.tls, TlsMode::Required | TlsMode::Verify) {
                        let cause = Cause::TlsNotOffered;
                        return Err(Refusal::Failed(local(
                            Stage::StartTls,
                            cause,
                            (4, 7, 4),
                            why,
                            peer,
                            plan,
                        )));
                    }
                    self.tls = Some(TlsResult::Failed { why, clear: true });
                }
                Output::Lost { stage, why, after_data, .. } => {
                    if let Some(TlsResult::Failed { why, clear: false }) = &self.tls {
                        return Err(Refusal::TlsBroken(why.clone()));
                    }
                    let now = plan.context.clock.wall();
                    return Err(Refusal::Failed(lost_failure(stage, &why, after_data, peer, now)));
                }
                Output::Closed => {
                    let text = "connection closed before it was ready".to_owned();
                    let failure =
                        local(Stage::Greeting, Cause::ConnectionLost, (4, 4, 2), text, peer, plan);
                    return Err(Refusal::Failed(failure));
                }
                Output::Write(_)
                | Output::Content { .. }
                | Output::StartTls
                | Output::Recipient { .. }
                | Output::MailRejected { .. }
                | Output::Done { .. } => {}
            }
        }
    }

    fn facts(&self) -> PeerFacts {
        let offered = self.session.capabilities();
        PeerFacts {
            size_limit: offered.size,
            smtputf8: offered.smtputf8,
            eight_bit: offered.eight_bit_mime,
            dsn: offered.dsn,
            recipients_max: offered.recipients_max.unwrap_or(usize::MAX),
            transactions_max: offered.transactions_max,
            tls: self.tls.clone(),
        }
    }

    /// Carries orders out until the connection ends.
    async fn serve(&mut self, plan: &mut Plan) {
        loop {
            let order = tokio::select! {
                biased;
                order = plan.orders.recv() => order.unwrap_or(Order::Quit),
                // Idle: anything that comes now is the peer going away.
                output = self.next() => {
                    let why = self.ended_idle(&output);
                    let _ = plan.inputs.send(Input::Closed { dcid: plan.dcid, why });
                    return;
                }
            };
            match order {
                Order::Transact(job) => {
                    let mid = job.mid;
                    let (results, after) = self.transact(*job).await;
                    let gone = matches!(after, After::Gone(_));
                    if let Some(detail) = self.damaged.take() {
                        let _ = plan.inputs.send(Input::RecordCorrupt { dcid: plan.dcid, mid, detail });
                        let _ = plan.inputs.send(Input::Closed { dcid: plan.dcid, why: None });
                        return;
                    }
                    let _ = plan.inputs.send(Input::Outcome { dcid: plan.dcid, mid, results, after });
                    if gone {
                        return;
                    }
                }
                Order::Quit => {
                    self.session.quit(self.context.clock.steady());
                    while !matches!(self.next().await, Output::Closed | Output::Lost { .. }) {}
                    let _ = plan.inputs.send(Input::Closed { dcid: plan.dcid, why: None });
                    return;
                }
            }
        }
    }

    fn ended_idle(&self, output: &Output) -> Option<Failure> {
        match output {
            Output::Lost { stage, why, after_data, .. } => {
                let now = self.context.clock.wall();
                Some(lost_failure(*stage, why, *after_data, self.target.address, now))
            }
            Output::Write(_)
            | Output::Content { .. }
            | Output::StartTls
            | Output::Ready
            | Output::GreetingRejected(_)
            | Output::HelloRejected(_)
            | Output::TlsUnavailable(_)
            | Output::AuthFailed(_)
            | Output::Recipient { .. }
            | Output::MailRejected { .. }
            | Output::Done { .. }
            | Output::Closed => None,
        }
    }

    async fn transact(&mut self, job: Job) -> (Vec<(Rid, mailreeve_core::delivery::io::RecipientResult)>, After) {
        let clock = self.context.clock;
        let envelope = Arc::clone(&job.loaded.envelope);
        let recipients = job.rids.iter().filter_map(|rid| envelope.recipients.get(rid.0 as usize));
        let transaction = Transaction {
            tag: job.mid.0,
            mail: envelope.sender.clone(),
            params: envelope.params.clone(),
            recipients: recipients.map(|r| (r.mailbox.clone(), r.params.clone())).collect(),
            size: envelope.size,
            eight_bit: envelope.content.eight_bit,
            utf8_needed: envelope.content.utf8_needed,
        };
        let mut attempt =
            Attempt::new(&job.rids, self.target.address, self.session.capabilities().dsn);
        self.loaded = Some(job.loaded);
        self.session.transact(transaction, clock.steady());
        let after = loop {
            match self.next().await {
                Output::Recipient { index, reply, .. } => attempt.recipient(index, &reply, clock.wall()),
                Output::MailRejected { reply, .. } => attempt.mail_rejected(&reply, clock.wall()),
                Output::Done { result, .. } => {
                    attempt.done(&result, clock.wall());
                    break After::Usable;
                }
                Output::Lost { stage, why, after_data, .. } => {
                    let failure = lost_failure(stage, &why, after_data, self.target.address, clock.wall());
                    attempt.lost(failure.clone());
                    break After::Gone(Some(failure));
                }
                Output::Closed => break After::Gone(None),
                Output::Write(_)
                | Output::Content { .. }
                | Output::StartTls
                | Output::Ready
                | Output::GreetingRejected(_)
                | Output::HelloRejected(_)
                | Output::TlsUnavailable(_)
                | Output::AuthFailed(_) => {}
            }
        };
        self.loaded = None;
        let after = if self.session.closed() { After::Gone(None) } else { after };
        (attempt.into_results(clock.wall()), after)
    }

    /// Does the session's IO until it has something to say that is not IO.
    async fn next(&mut self) -> Output {
        loop {
            while let Some(output) = self.session.poll() {
                match output {
                    Output::Write(bytes) => {
                        if self.write(&bytes).await.is_err() {
                            self.write_failed().await;
                        }
                    }
                    Output::Content { framing, follow, .. } => {
                        match self.write_content(framing, &follow).await {
                            Ok(()) => self.session.content_written(self.context.clock.steady()),
                            Err(NotWritten::Network) => self.write_failed().await,
                            Err(NotWritten::Damaged(detail)) => {
                                // The terminator was not sent: the peer has nothing it could take for whole.
                                self.damaged = Some(detail);
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
        let Some(loaded) = self.loaded.clone() else { return Err(NotWritten::Network) };
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
                content::write_stored(stream, &self.context.reader, loaded.envelope.mid, how).await?;
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
                    let consumed = self.session.receive(self.buffer.unread(), clock.steady());
                    self.buffer.consume(consumed);
                }
            },
            () = self.timer.as_mut() => {
                let now = clock.steady();
                let wait = match self.session.deadline() {
                    Some(deadline) if now >= deadline => {
                        self.session.timeout(now);
                        Duration::from_secs(1)
                    }
                    Some(deadline) => deadline.since(now),
                    None => Duration::from_secs(60),
                };
                let wait = wait.clamp(Duration::from_millis(1), Duration::from_secs(60));
                self.timer.as_mut().reset(tokio::time::Instant::now() + wait);
            }
        }
    }

    async fn start_tls(&mut self) {
        let clock = self.context.clock;
        let failure = match self.handshake().await {
            Ok(stream) => {
                let Stream::Opened(tls) = &stream else { return };
                self.tls = Some(crate::tls::facts(tls.get_ref().1, self.verify));
                self.stream = Some(stream);
                self.buffer.clear();
                self.session.tls_started(clock.steady());
                return;
            }
            Err(failure) => failure,
        };
        self.tls = Some(TlsResult::Failed { why: failure.clone(), clear: false });
        self.session.tls_failed(failure, clock.steady());
    }

    async fn handshake(&mut self) -> Result<Stream, String> {
        let Some(Stream::Plain(tcp)) = self.stream.take() else { return Err("no connection".to_owned()) };
        let Some(config) = self.running.client_tls.manner(self.verify) else {
            return Err("this system has no trust store to verify certificates with".to_owned());
        };
        let name = match ServerName::try_from(self.target.name.clone()) {
            Ok(name) => name,
            Err(_) => ServerName::IpAddress(self.target.address.ip().into()),
        };
        let connector = tokio_rustls::TlsConnector::from(config);
        let patience = self.running.client_deadlines.starttls;
        match tokio::time::timeout(patience, connector.connect(name, tcp)).await {
            Ok(Ok(tls)) => Ok(Stream::Opened(Box::new(tls))),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("timeout".to_owned()),
        }
    }

    async fn stream_shutdown(&mut self) {
        if let Some(stream) = &mut self.stream {
            let _ = stream.shutdown().await;
        }
    }
}
