//! The way of an event from where it happened to its readers.
//!
//! Producers push into one bounded queue and never wait: the journal thread takes all that is there a few
//! milliseconds later, so nobody is woken for a single event. Queue events arrive only after the commit that
//! carries them (from the commit thread, which does wait when the journal falls behind: that is the
//! back-pressure that finally stops acceptance). Other events are dropped and counted when the journal is far
//! behind; the ledger says how many.

use std::sync::Arc;
use std::time::Duration;

use mailreeve_core::event::{Alert, Event, Severity, Stamped};
use mailreeve_store::ledger::Entry;
use mailreeve_store::spool::Seq;
use parking_lot::{Condvar, Mutex};

use crate::clock::Clock;

/// Entries that may wait before events without a queue change are dropped.
const DROP_ABOVE: usize = 200_000;
/// Entries that may wait before the commit thread is held.
const HOLD_ABOVE: usize = 100_000;

#[derive(Default)]
struct Waiting {
    entries: Vec<Entry>,
    dropped: u64,
    idle: bool,
    closed: bool,
}

struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    taken: Condvar,
}

/// The producers' end. Cheap to clone.
#[derive(Clone)]
pub struct EventSink {
    queue: Arc<Queue>,
    clock: Clock,
}

/// The journal's end.
pub struct EventSource {
    queue: Arc<Queue>,
}

/// What the journal took.
pub struct Taken {
    /// Entries in order of arrival.
    pub entries: Vec<Entry>,
    /// Events dropped since the last time.
    pub dropped: u64,
    /// No producer is left: this is the end.
    pub closed: bool,
}

/// Makes the two ends.
pub fn channel(clock: Clock) -> (EventSink, EventSource) {
    let queue = Arc::new(Queue {
        waiting: Mutex::new(Waiting::default()),
        arrived: Condvar::new(),
        taken: Condvar::new(),
    });
    (EventSink { queue: Arc::clone(&queue), clock }, EventSource { queue })
}

impl EventSink {
    /// Tells a fact that changes no queue, now.
    pub fn tell(&self, event: Event) {
        let stamped = Stamped { at: self.clock.wall().0, event };
        self.push(Entry { seq: None, stamped });
    }

    /// Alerts the operator.
    pub fn alert(&self, severity: Severity, code: &str, text: impl Into<String>, hint: impl Into<String>) {
        self.tell(Event::Alert(Alert {
            severity,
            code: code.to_owned(),
            text: text.into(),
            hint: hint.into(),
        }));
    }

    /// Passes the events of a commit on. Waits while the journal is far behind.
    pub fn committed(&self, seq: Seq, events: impl Iterator<Item = Stamped>) {
        let mut waiting = self.queue.waiting.lock();
        while waiting.entries.len() >= HOLD_ABOVE && !waiting.closed {
            self.queue.taken.wait(&mut waiting);
        }
        waiting.entries.extend(events.map(|stamped| Entry { seq: Some(seq), stamped }));
        self.wake(&mut waiting);
    }

    /// Tells the journal that nothing more will come.
    pub fn close(&self) {
        let mut waiting = self.queue.waiting.lock();
        waiting.closed = true;
        self.queue.arrived.notify_one();
        self.queue.taken.notify_all();
    }

    fn push(&self, entry: Entry) {
        let mut waiting = self.queue.waiting.lock();
        if waiting.entries.len() >= DROP_ABOVE {
            waiting.dropped += 1;
            return;
        }
        waiting.entries.push(entry);
        self.wake(&mut waiting);
    }

    fn wake(&self, waiting: &mut Waiting) {
        if waiting.idle {
            waiting.idle = false;
            self.queue.arrived.notify_one();
        }
    }
}

impl EventSource {
    /// Waits for entries, at most `patience`, and takes all of them.
    pub fn take(&self, patience: Duration) -> Taken {
        let mut waiting = self.queue.waiting.lock();
        if waiting.entries.is_empty() && !waiting.closed {
            waiting.idle = true;
            self.queue.arrived.wait_for(&mut waiting, patience);
            waiting.idle = false;
        }
        let entries = std::mem::take(&mut waiting.entries);
        self.queue.taken.notify_all();
        Taken { entries, dropped: std::mem::take(&mut waiting.dropped), closed: waiting.closed }
    }
}
