//! One outbound connection: opened, kept in use, closed. The sans-IO client session decides what is said.
//!
//! ```text
//!   Connect ─► race targets ─► greeting, EHLO, TLS, AUTH ─► Ready ─► (Transact ─► Outcome)* ─► Quit ─► Closed
//!                   ▲                  │ fails                          │ lost
//!                   └── next target ◄──┘                                └─► Outcome(Gone)
//! ```

mod handshake;
mod opening;
mod ready;
mod refusal;
pub(super) mod story;
mod wire;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use mailreeve_core::Instant;
use mailreeve_core::certificate::Certificate;
use mailreeve_core::delivery::io::{After, Input, RecipientResult, Target, TlsMode};
use mailreeve_core::event::{Failure, TlsResult};
use mailreeve_core::ids::{Dcid, Host, Mid, Rid};
use mailreeve_core::tcp::ClosedFirst;
use mailreeve_smtp::client::{Credentials, Output, Session, Transaction};
use mailreeve_smtp::transcript::Transcript;
use tokio::sync::{Notify, mpsc};
use tokio::time::Sleep;

use self::opening::open;
use self::refusal::cut_off;
use self::story::{Story, Transacted};
use super::bodies::Loaded;
use super::outcome::{Attempt, lost_failure};
use super::reading::{Unread, not_read};
use super::room::Room;
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
    /// One of them was tried before.
    pub(super) again: bool,
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
    /// Ends the connection at once, whatever it carries.
    pub(super) cut: Arc<Notify>,
    pub(super) room: Room,
}

/// Runs a connection from its opening to its end; tells the shard everything by inputs.
pub(super) async fn run(mut plan: Plan, story: Box<Story>) {
    let mut failed = Vec::new();
    let mut outbound = match open(&mut plan, story, &mut failed).await {
        Ok(outbound) => outbound,
        Err(story) => {
            let recorder = &plan.context.recorder;
            if let Some(attempt) = recorder.is_on().then(|| story.unusable(&failed)).flatten() {
                recorder.attempts(vec![attempt]);
            }
            let _ = plan.inputs.send(Input::Unusable { dcid: plan.dcid, failed });
            return;
        }
    };
    outbound.story.passed(&failed);
    let peer = outbound.facts();
    let target = outbound.target.clone();
    let _ = plan.inputs.send(Input::Ready { dcid: plan.dcid, target, peer, failed });
    outbound.serve(&mut plan).await;
    outbound.note_tcp_end();
    outbound.story.ended(outbound.transcript.as_mut());
    let _ = tokio::time::timeout(Duration::from_secs(1), outbound.stream_shutdown()).await;
}

struct Outbound {
    context: Arc<Context>,
    running: Arc<Running>,
    room: Room,
    session: Session,
    stream: Option<Stream>,
    buffer: ReadBuffer,
    timer: Pin<Box<Sleep>>,
    /// When the timer fires: never later than the session's deadline.
    armed: Instant,
    target: Target,
    verify: bool,
    tls: Option<TlsResult>,
    /// The certificate that was shown.
    certificate: Option<Certificate>,
    /// Jobs handed to the session and not answered yet, with their content.
    loaded: Option<Loaded>,
    /// The stored content could not be read while it was being sent.
    unread: Option<Unread>,
    /// What is said, unless nobody records it.
    transcript: Option<Transcript>,
    story: Box<Story>,
    /// The message that a transaction under way is about.
    about: Option<Mid>,
    /// What was seen of the end of the connection.
    ended_by: Option<ClosedFirst>,
}

impl Outbound {
    /// Carries orders out until the connection ends.
    async fn serve(&mut self, plan: &mut Plan) {
        loop {
            let order = tokio::select! {
                biased;
                order = plan.orders.recv() => order.unwrap_or(Order::Quit),
                () = plan.cut.notified() => Order::Quit,
                // Idle: anything that comes now is the peer going away.
                output = self.next() => {
                    let why = self.ended_idle(&output);
                    if let Some(failure) = &why {
                        self.note_end(failure);
                    }
                    let _ = plan.inputs.send(Input::Closed { dcid: plan.dcid, why });
                    return;
                }
            };
            match order {
                Order::Transact(job) => {
                    let (mid, again) = (job.mid, job.again);
                    let began = self.context.clock.steady();
                    self.about = Some(mid);
                    let (results, after) = self.transact(*job, &plan.cut).await;
                    self.about = None;
                    let gone = matches!(after, After::Gone(_));
                    if gone {
                        self.note_tcp_end();
                    }
                    if let Some(Unread::Damaged(detail)) = self.unread.take() {
                        let _ = plan.inputs.send(Input::RecordCorrupt { dcid: plan.dcid, mid, detail });
                        let _ = plan.inputs.send(Input::Closed { dcid: plan.dcid, why: None });
                        return;
                    }
                    if self.context.recorder.is_on() {
                        let broke = match &after {
                            After::Gone(why) => why.as_ref().map(|failure| failure.text.join(" ")),
                            After::Usable => None,
                        };
                        let tls = self.tls.as_ref();
                        let done = Transacted { mid, results: &results, again, began, tls, broke };
                        self.story.transacted(&self.session, done, self.transcript.as_mut());
                    }
                    let _ = plan.inputs.send(Input::Outcome { dcid: plan.dcid, mid, results, after });
                    if gone {
                        return;
                    }
                }
                Order::Quit => {
                    self.ended_by = Some(ClosedFirst::We);
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

    async fn transact(&mut self, job: Job, cut: &Notify) -> (Vec<(Rid, RecipientResult)>, After) {
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
        let mut attempt = Attempt::new(&job.rids, self.target.address, self.session.capabilities().dsn);
        self.loaded = Some(job.loaded);
        self.session.transact(transaction, clock.steady());
        let after = loop {
            let output = tokio::select! {
                biased;
                output = self.next() => output,
                () = cut.notified() => {
                    let failure = cut_off(self.target.address, clock.wall());
                    attempt.lost(failure.clone());
                    break After::Gone(Some(failure));
                }
            };
            match output {
                Output::Recipient { index, reply, .. } => attempt.recipient(index, &reply, clock.wall()),
                Output::MailRejected { reply, .. } => attempt.mail_rejected(&reply, clock.wall()),
                Output::Done { result, .. } => {
                    attempt.done(&result, clock.wall());
                    break After::Usable;
                }
                Output::Lost { stage, why, after_data, .. } => {
                    if let Some(Unread::Later(detail)) = &self.unread {
                        attempt.lost(not_read(detail, clock.wall()));
                        break After::Gone(None);
                    }
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
}
