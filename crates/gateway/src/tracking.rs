//! The two threads of message tracking: one reads the ledger behind the journal, one writes the index.
//!
//! Mail waits for neither. The first keeps what an answer knows within half a second of what happened. The second gives
//! way to everybody else on the machine; what it has not written yet is found in memory.

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
    told: bool,
}

impl Trouble {
    /// Whether it went well.
    fn is_over<T>(&mut self, outcome: Result<T, TrackingError>) -> bool {
        match outcome {
            Ok(_) => {
                self.told = false;
                true
            }
            Err(error) => {
                if !std::mem::replace(&mut self.told, true) {
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
}

/// Starts both threads.
///
/// # Errors
/// What the operating system says.
pub(crate) fn start(opened: OpenedTracking, around: Surroundings) -> io::Result<(Arc<Tracking>, Threads)> {
    let Surroundings { bounds, space, clock, events } = around;
    if let Some(why) = &opened.rebuilt {
        events.alert(
            Severity::Information,
            "tracking-rebuilt",
            format!("the index of message tracking is made anew from the ledger: {why}"),
            "nothing is to be done; until it is there `track` says how far its records reach",
        );
    }
    let stop = Arc::new(Stop::default());
    let (follower, indexer) = (opened.follower, opened.indexer);
    let (told, trouble) = (Arc::clone(&stop), Trouble { events: events.clone(), told: false });
    let following = thread::Builder::new().name("tracking".to_owned());
    let following = following.spawn(move || follow(follower, clock, &told, trouble))?;
    let (told, trouble) = (Arc::clone(&stop), Trouble { events, told: false });
    let writing = thread::Builder::new().name("tracking-index".to_owned());
    let writing = writing.spawn(move || write(indexer, bounds, &space, &told, trouble))?;
    Ok((Arc::new(opened.tracking), Threads { stop, running: vec![following, writing] }))
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
        let pause = if trouble.is_over(followed) { pause } else { TROUBLED };
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
        let due = written.elapsed() >= INDEX_EVERY || indexer.has_enough();
        // On a full disk it is found in memory, and the ledger has it.
        if due && space.accepts() {
            written = Instant::now();
            if !trouble.is_over(indexer.commit().and_then(|_| indexer.retain(&bounds))) {
                pause = TROUBLED;
            }
        }
        if stop.wait(pause) {
            return;
        }
    }
}
