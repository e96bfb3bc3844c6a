//! A client that sends numbered messages over many sessions and records what was acknowledged.
//!
//! It is both halves of two jobs: the load of a benchmark (bodies are printed before, an envelope goes out in
//! one write, a message in another) and the witness of a kill test (a message counts as acknowledged, and is
//! written to the journal, only after the last byte of its 250 was read). It always ends by itself: every
//! reply has a deadline and so has the run.

mod histogram;
mod letter;
mod line;
mod report;
mod session;
mod transaction;
mod unverified;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

pub use histogram::Histogram;
pub use letter::Body;
pub use report::{Ended, Report};

use crate::record::{Acked, Journal};
use crate::words::fresh_seed;
use letter::Press;

/// How many messages a run sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// So many in all.
    Total(u64),
    /// So many in each session.
    PerSession(u64),
    /// As many as go until the deadline, or until it is stopped.
    Endless,
}

/// How far a session speaks ahead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// One command, one reply.
    LockStep,
    /// MAIL, RCPT and DATA in one write (RFC 2920).
    #[default]
    Pipelined,
    /// And the next message's MAIL, RCPT and DATA with the end of this one.
    Chained,
}

/// How content is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transfer {
    /// DATA.
    #[default]
    Data,
    /// BDAT in chunks of at most so many bytes (RFC 3030), DATA where CHUNKING is not offered.
    Bdat(usize),
}

/// What to send, where, and how.
#[derive(Clone, Debug)]
pub struct Load {
    /// The gateway, or the sink itself.
    pub target: SocketAddr,
    /// Local addresses, taken in turn by the sessions; none leaves it to the system.
    pub sources: Vec<IpAddr>,
    /// Sessions at a time.
    pub sessions: usize,
    /// How many messages.
    pub quota: Quota,
    /// Bytes of a message, within a hundred.
    pub size: usize,
    /// Recipients of a message.
    pub recipients: usize,
    /// Messages on a connection before it is closed and made anew.
    pub per_connection: Option<u64>,
    /// How far it speaks ahead.
    pub flow: Flow,
    /// How content is sent.
    pub transfer: Transfer,
    /// Messages a second over all sessions (nothing is chained then); none is as fast as it goes.
    pub rate: Option<f64>,
    /// STARTTLS where it is offered, without looking at the certificate.
    pub starttls: bool,
    /// The name in EHLO.
    pub helo: String,
    /// The domain of senders.
    pub sender_domain: String,
    /// The domains of recipients, taken in turn.
    pub recipient_domains: Vec<String>,
    /// What bodies look like.
    pub body: Body,
    /// A file to which acknowledged messages are appended.
    pub journal: Option<PathBuf>,
    /// Whether acknowledged messages are also kept for the report.
    pub keep: bool,
    /// Go on after a broken connection, and give up when the target was away for so long.
    pub reconnect: Option<Duration>,
    /// Try again after a 4xx instead of counting a refusal.
    pub persist: bool,
    /// How long a reply may take.
    pub patience: Duration,
    /// How long the run may take.
    pub deadline: Duration,
    /// Where the run's number and bodies come from.
    pub seed: u64,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            target: SocketAddr::from(([127, 0, 0, 1], 25)),
            sources: Vec::new(),
            sessions: 1,
            quota: Quota::Total(1),
            size: 4096,
            recipients: 1,
            per_connection: None,
            flow: Flow::default(),
            transfer: Transfer::default(),
            rate: None,
            starttls: false,
            helo: "client.lab.test".to_owned(),
            sender_domain: "sender.test".to_owned(),
            recipient_domains: vec!["example.test".to_owned()],
            body: Body::default(),
            journal: None,
            keep: false,
            reconnect: None,
            persist: false,
            patience: Duration::from_secs(60),
            deadline: Duration::from_secs(600),
            seed: fresh_seed(),
        }
    }
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Messages acknowledged.
    pub acked: u64,
    /// Messages refused.
    pub refused: u64,
    /// Messages whose content is on the way, or whose last reply is awaited.
    pub in_flight: u64,
    /// Connections that broke, or could not be made.
    pub breaks: u64,
}

/// A run that goes on in a thread of its own. Dropping it stops the run and waits for its end.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Report>>,
}

impl Running {
    /// Where the run stands.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.shared.progress()
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Lets each session finish the message that it is sending, then ends the run.
    pub fn stop(&self) {
        self.shared.stop();
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// When the run's thread broke down.
    pub fn join(mut self) -> io::Result<Report> {
        let thread = self.thread.take().ok_or_else(|| io::Error::other("joined before"))?;
        thread.join().map_err(|_| io::Error::other("the client broke down"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.shared.stop();
            let _ = thread.join();
        }
    }
}

/// Sends all of it and waits for the end.
///
/// # Errors
/// When the journal cannot be opened, or the system gives no thread.
pub fn run(load: Load) -> io::Result<Report> {
    start(load)?.join()
}

/// Starts to send.
///
/// # Errors
/// When the journal cannot be opened, or the system gives no thread.
pub fn start(load: Load) -> io::Result<Running> {
    let journal = load.journal.as_deref().map(Journal::open).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let shared = Arc::new(Shared {
        press: Press::new(&load),
        load,
        journal,
        claimed: AtomicU64::new(0),
        paced: AtomicU64::new(0),
        in_flight: AtomicU64::new(0),
        stopped: AtomicBool::new(false),
        stop: Notify::new(),
        report: Mutex::default(),
    });
    let sender = shared.clone();
    let thread = std::thread::Builder::new()
        .name("lab-client".to_owned())
        .spawn(move || runtime.block_on(send_all(sender)))?;
    Ok(Running { shared, thread: Some(thread) })
}

async fn send_all(shared: Arc<Shared>) -> Report {
    let begin = Instant::now();
    let mut sessions = JoinSet::new();
    for number in 0..shared.load.sessions.max(1) {
        sessions.spawn(session::run(shared.clone(), number, begin));
    }
    let finish = async { while sessions.join_next().await.is_some() {} };
    let in_time = tokio::time::timeout(shared.load.deadline, finish).await.is_ok();
    // Sessions that are still at it end here; what they had on the way counts as uncertain.
    sessions.shutdown().await;
    let mut report = std::mem::take(&mut *shared.report.lock());
    report.elapsed = begin.elapsed();
    report.ended = if !in_time {
        Ended::Deadline
    } else if shared.stopped.load(Ordering::Relaxed) {
        Ended::Stopped
    } else {
        report.ended
    };
    report
}

/// What the sessions of a run share.
#[derive(Debug)]
struct Shared {
    load: Load,
    press: Press,
    journal: Option<Journal>,
    claimed: AtomicU64,
    paced: AtomicU64,
    in_flight: AtomicU64,
    stopped: AtomicBool,
    stop: Notify,
    report: Mutex<Report>,
}

impl Shared {
    fn progress(&self) -> Progress {
        let report = self.report.lock();
        Progress {
            acked: report.acked.messages,
            refused: report.refused_messages(),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            breaks: report.breaks,
        }
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.stop.notify_waiters();
    }

    /// Records an acknowledged message: in the journal first.
    fn acked(
        &self,
        letter: &letter::Letter<'_>,
        rcpts: Vec<String>,
        refused: usize,
        latency_us: u64,
        reply: &str,
    ) {
        let recipients = rcpts.len();
        let wanted = self.journal.is_some() || self.load.keep;
        let record = wanted.then(|| Acked {
            id: letter.id.clone(),
            mail: letter.mail.clone(),
            rcpts,
            bytes: letter.bytes() as u64,
            sha256: letter.sha256(),
            latency_us,
            at_us: crate::record::now_us(),
            reply: reply.to_owned(),
        });
        let written = match (&self.journal, &record) {
            (Some(journal), Some(record)) => journal.append(record),
            (Some(_) | None, _) => Ok(()),
        };
        let mut report = self.report.lock();
        if let Err(error) = written {
            report.errors.push(format!("the journal could not be written: {error}"));
        }
        report.acked.add(recipients, letter.bytes() as u64, letter.crc());
        report.refused_recipients += refused as u64;
        report.latency.add(latency_us);
        if let Some(record) = record.filter(|_| self.load.keep) {
            report.records.push(record);
        }
    }
}
