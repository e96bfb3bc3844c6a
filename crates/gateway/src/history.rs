//! The thread behind the history of destinations: reads the ledger behind the journal.
//!
//! Mail waits for it nowhere. It keeps what an answer knows within half a second of what happened.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use mailreeve_core::event::Severity;
use mailreeve_store::history::{Follower, History, HistoryError, Opened};
use mailreeve_store::ledger::Ledger;
use parking_lot::{Condvar, Mutex};

use crate::clock::Clock;
use crate::events::EventSink;

/// How often the ledger is looked at when all of it has been read.
const LOOK: Duration = Duration::from_millis(200);
/// Between two looks while there is more.
const BREATH: Duration = Duration::from_millis(2);
/// How often what is too old is removed.
const RETAIN_EVERY: Duration = Duration::from_secs(60);
/// How long it waits after something went wrong.
const TROUBLED: Duration = Duration::from_secs(10);

/// The thread.
pub(crate) struct Thread {
    stop: Arc<(Mutex<bool>, Condvar)>,
    running: JoinHandle<()>,
}

/// Opens the history of destinations in the data folder `dir`, and starts what keeps it.
///
/// # Errors
/// The folder cannot be used, or what the operating system says.
pub(crate) fn open(
    ledger: &Ledger,
    dir: &Path,
    events: &EventSink,
    clock: Clock,
) -> Result<(History, Thread)> {
    let opened = History::open(&dir.join("history"), &dir.join("ledger"), ledger.position());
    let Opened { history, follower, trouble } = opened.context("opening the history of destinations")?;
    tell(events, trouble, &mut false);
    Ok((history, start(follower, clock, events.clone())?))
}

/// Starts it.
fn start(follower: Follower, clock: Clock, events: EventSink) -> io::Result<Thread> {
    let stop = Arc::new((Mutex::new(false), Condvar::new()));
    let told = Arc::clone(&stop);
    let thread = thread::Builder::new().name("history".to_owned());
    let running = thread.spawn(move || follow(follower, clock, &told, &events))?;
    Ok(Thread { stop, running })
}

impl Thread {
    /// Ends it. What it has not read yet it reads at the next start.
    pub(crate) fn stop(self) {
        *self.stop.0.lock() = true;
        self.stop.1.notify_all();
        // One that panicked has nothing left to wait for.
        let _ = self.running.join();
    }
}

fn follow(mut follower: Follower, clock: Clock, stop: &(Mutex<bool>, Condvar), events: &EventSink) {
    let (mut retained, mut troubled) = (None::<Instant>, false);
    loop {
        let mut outcome = follower.follow(clock.wall().0);
        if outcome.is_ok() && retained.is_none_or(|at| at.elapsed() >= RETAIN_EVERY) {
            retained = Some(Instant::now());
            outcome = follower.retain().and(outcome);
        }
        let pause = match &outcome {
            Ok(true) => LOOK,
            Ok(false) => BREATH,
            Err(_) => TROUBLED,
        };
        tell(events, outcome.err(), &mut troubled);
        let mut wanted = stop.0.lock();
        if !*wanted {
            stop.1.wait_for(&mut wanted, pause);
        }
        if *wanted {
            return;
        }
    }
}

/// Tells the first failure of a row.
fn tell(events: &EventSink, error: Option<HistoryError>, troubled: &mut bool) {
    let told = std::mem::replace(troubled, error.is_some());
    if let Some(error) = error.filter(|_| !told) {
        events.alert(
            Severity::Warning,
            "history-failed",
            format!("the history of destinations is behind: {error}"),
            "no mail is concerned; look at the disk of data_dir, and if it goes on give `track rebuild`",
        );
    }
}
