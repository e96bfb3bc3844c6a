//! The two threads of message tracking: one reads the ledger behind the journal, one writes the index.
//!
//! Mail waits for neither. The first keeps what an answer knows within half a second of what happened. The second gives
//! way to everybody else on the machine; what it has not written yet is found in memory. An index that fails is tried
//! again, one that is damaged is made anew from the ledger; both are alerted.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mailreeve_core::event::Severity;
use mailreeve_store::space::SpaceGuard;
use mailreeve_store::tracking::{Bounds, Follower, Indexer, OpenedTracking, Tracking, TrackingError};
use parking_lot::{Condvar, Mutex};

use crate::clock::Clock;
use crate::events::EventSink;

/// How often the ledger is looked at when all of it has been read.
const LOOK: Duration = Duration::from_millis(200);
/// Between two looks while there is more: others must be able to ask meanwhile.
const BREATH: Duration = Duration::from_millis(2);
/// How often it is looked whether enough has gathered for the index.
const INDEX_LOOK: Duration = Duration::from_millis(500);
/// How long what happened stays out of the index, at most.
const INDEX_EVERY: Duration = Duration::from_secs(60);
/// How long both wait after something went wrong.
const TROUBLED: Duration = Duration::from_secs(10);
/// How far the thread that reads the ledger stands back (nice(2)): it must keep up with the mail that goes first.
const FOLLOWS: i32 = 5;
/// Failures in a row that are waited out before the index is made anew.
const WAITED_OUT: u32 = 6;
/// An index is made anew by itself at most so often: a disk that damages one will damage the next.
const ANEW_EVERY: Duration = Duration::from_secs(3_600);
/// How far the thread that writes the index stands back.
const GIVES_WAY: i32 = 10;

/// Both threads.
pub(crate) struct Threads {
    stop: Arc<Stop>,
    running: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Stop {
    wanted: Mutex<bool>,
    told: Condvar,
}

impl Stop {
    /// Waits; true when it is time to end.
    fn wait(&self, patience: Duration) -> bool {
        let mut wanted = self.wanted.lock();
        if !*wanted {
            self.told.wait_for(&mut wanted, patience);
        }
        *wanted
    }
}

/// Tells the first failure of a row.
struct Trouble {
    events: EventSink,
    /// Failures in a row.
    failures: u32,
    /// When the index was last made anew.
    anew: Option<Instant>,
}

impl Trouble {
    const fn new(events: EventSink) -> Self {
        Self { events, failures: 0, anew: None }
    }

    /// Has an index made anew that is damaged, or that cannot be written for reasons of its own.
    fn mend(&mut self, indexer: &Indexer, failed: Option<&TrackingError>) {
        let stuck =
            failed.filter(|error| self.failures >= WAITED_OUT && matches!(error, TrackingError::Index(_)));
        let Some(why) = indexer.damage().or_else(|| stuck.map(ToString::to_string)) else { return };
        if self.anew.is_some_and(|at| at.elapsed() < ANEW_EVERY) {
            return;
        }
        (self.anew, self.failures) = (Some(Instant::now()), 0);
        indexer.begin_anew();
        rebuilt(&self.events, &why);
    }

    /// Whether it went well.
    fn is_over<T>(&mut self, outcome: &Result<T, TrackingError>) -> bool {
        match outcome {
            Ok(_) => {
                self.failures = 0;
                true
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                if self.failures == 1 {
                    self.events.alert(
                        Severity::Warning,
                        "tracking-failed",
                        format!("message tracking is behind: {error}"),
                        "no mail is concerned; look at the disk of data_dir, and if it goes on give \
                         `track rebuild`",
                    );
                }
                false
            }
        }
    }
}

/// What both threads need beside the records.
pub(crate) struct Surroundings {
    /// How much is kept.
    pub(crate) bounds: Bounds,
    /// How much room there is: the index takes none that mail may need.
    pub(crate) space: Arc<SpaceGuard>,
    /// Reads clocks.
    pub(crate) clock: Clock,
    /// Tells trouble.
    pub(crate) events: EventSink,
    /// Whether anything is followed at all.
    pub(crate) enabled: bool,
}

/// Starts both threads, or none when messages are not to be tracked.
///
/// # Errors
/// What the operating system says.
pub(crate) fn start(opened: OpenedTracking, around: Surroundings) -> io::Result<(Arc<Tracking>, Threads)> {
    let Surroundings { bounds, space, clock, events, enabled } = around;
    let stop = Arc::new(Stop::default());
    let tracking = Arc::new(opened.tracking);
    if !enabled {
        return Ok((tracking, Threads { stop, running: Vec::new() }));
    }
    if let Some(why) = &opened.rebuilt {
        rebuilt(&events, why);
    }
    let (follower, indexer) = (opened.follower, opened.indexer);
    let (told, trouble) = (Arc::clone(&stop), Trouble::new(events.clone()));
    let following = thread::Builder::new().name("tracking".to_owned());
    let following = following.spawn(move || follow(follower, clock, &told, trouble))?;
    let (told, trouble) = (Arc::clone(&stop), Trouble::new(events));
    let writing = thread::Builder::new().name("tracking-index".to_owned());
    let writing = writing.spawn(move || write(indexer, bounds, &space, &told, trouble))?;
    Ok((tracking, Threads { stop, running: vec![following, writing] }))
}

fn rebuilt(events: &EventSink, why: &str) {
    events.alert(
        Severity::Information,
        "tracking-rebuilt",
        format!("the index of message tracking is made anew from the ledger: {why}"),
        "nothing is to be done; until it is there `track` says how far its records reach",
    );
}

impl Threads {
    /// Ends both. What is not in the index is read from the ledger again at the next start.
    pub(crate) fn stop(self) {
        *self.stop.wanted.lock() = true;
        self.stop.told.notify_all();
        for thread in self.running {
            // One that panicked has nothing left to wait for.
            let _ = thread.join();
        }
    }
}

fn follow(mut follower: Follower, clock: Clock, stop: &Stop, mut trouble: Trouble) {
    // Where it is refused the thread is only less polite.
    let _ = rustix::process::nice(FOLLOWS);
    loop {
        let followed = follower.follow(clock.wall().0);
        let pause = if followed.as_ref().is_ok_and(|followed| !followed.at_end && !followed.held) {
            BREATH
        } else {
            LOOK
        };
        let pause = if trouble.is_over(&followed) { pause } else { TROUBLED };
        if stop.wait(pause) {
            return;
        }
    }
}

fn write(mut indexer: Indexer, bounds: Bounds, space: &SpaceGuard, stop: &Stop, mut trouble: Trouble) {
    // Where it is refused the thread is only less polite.
    let _ = rustix::process::nice(GIVES_WAY);
    let mut written = Instant::now();
    loop {
        let mut pause = INDEX_LOOK;
        trouble.mend(&indexer, None);
        let due = written.elapsed() >= INDEX_EVERY || indexer.has_enough();
        // On a full disk it is found in memory, and the ledger has it.
        if due && space.accepts() {
            written = Instant::now();
            let outcome = indexer.commit().and_then(|_| indexer.retain(&bounds));
            if !trouble.is_over(&outcome) {
                trouble.mend(&indexer, outcome.as_ref().err());
                pause = TROUBLED;
            }
        }
        if stop.wait(pause) {
            return;
        }
    }
}
