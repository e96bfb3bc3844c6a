//! A client that sends numbered messages over many sessions and records what was acknowledged.
//!
//! It is both halves of two jobs: the load of a benchmark (bodies are printed before, an envelope goes out in
//! one write, a message in another) and the witness of a kill test (a message counts as acknowledged, and is
//! written to the journal, only after the last byte of its 250 was read). It always ends by itself: every
//! reply has a deadline and so has the run.

mod histogram;
mod letter;
pub(crate) mod line;
mod load;
mod manner;
mod report;
mod session;
mod transaction;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

pub use histogram::Histogram;
pub use letter::Body;
pub use load::{Flow, Load, Quota, Transfer};
pub use report::{Ended, Report};

use crate::record::{Acked, Journal};
use letter::Press;

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Messages acknowledged.
    pub acked: u64,
    /// Messages refused.
    pub refused: u64,
    /// Messages whose content is on the way, or whose last reply is awaited.
    pub in_flight: u64,
    /// Messages whose content was on the way when the connection broke: nobody knows.
    pub uncertain: u64,
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
            uncertain: report.uncertain,
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
