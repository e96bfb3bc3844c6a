//! The recorder's thread: opens the files, takes what gathered, writes it, answers those who wait.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use mailreeve_core::config;
use mailreeve_core::event::{Severity, SpoolSpace};
use mailreeve_store::recorder::{Attempts, RecorderError, Ring};
use std::sync::Arc;

use super::Recorder;
use super::queue::Item;
use crate::clock::Clock;
use crate::events::EventSink;
use crate::intake::Intake;

#[cfg(test)]
mod tests;

/// How long items gather before they are written.
const GATHER: Duration = Duration::from_millis(20);
/// How long an idle thread waits.
const PATIENCE: Duration = Duration::from_millis(500);
/// How far the thread stands back (nice(2)): mail goes first. It still gets a quarter of a core that is wanted.
const GIVES_WAY: i32 = 5;
/// After a failure the files are opened again after so long, at first; each further failure doubles it.
const AGAIN: Duration = Duration::from_secs(1);
/// At most.
const AGAIN_MAX: Duration = Duration::from_secs(300);
/// What was dropped is told at most this often.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// What the thread works with.
pub(super) struct Work {
    pub(super) recorder: Recorder,
    pub(super) settings: config::Recorder,
    pub(super) dir: PathBuf,
    pub(super) intake: Arc<Intake>,
    pub(super) events: EventSink,
    pub(super) clock: Clock,
}

impl Work {
    /// Runs until the queue is closed and empty. Files that fail are opened again, later and later; meanwhile nothing
    /// is taken.
    pub(super) fn run(self) {
        // Where it is refused the thread is only less polite.
        let _ = rustix::process::nice(GIVES_WAY);
        let queue = &self.recorder.queue;
        let (mut again, mut failing) = (AGAIN, false);
        loop {
            let failed = match self.open() {
                Err(error) => error,
                Ok(()) => {
                    if std::mem::take(&mut failing) {
                        queue.resume();
                        self.back();
                    }
                    let Err(error) = self.record(&mut again) else { return };
                    *self.recorder.kept.attempts.lock() = None;
                    *self.recorder.kept.ring.lock() = None;
                    self.put_aside_if_damaged(&error);
                    error.to_string()
                }
            };
            queue.pause();
            if !std::mem::replace(&mut failing, true) {
                self.fail(&failed);
            }
            if queue.take(again).closed {
                return;
            }
            again = (again * 2).min(AGAIN_MAX);
        }
    }

    /// Writes what is told, until the queue is closed and empty.
    fn record(&self, again: &mut Duration) -> Result<(), RecorderError> {
        let queue = &self.recorder.queue;
        let mut told = Told { dropped: queue.counts().dropped, at: None };
        let begun = Instant::now();
        loop {
            let taken = queue.take(PATIENCE);
            let waits = taken.items.iter().any(|item| matches!(item, Item::Settle(_)));
            let items = taken.items.len() as u64;
            match self.write(taken.items) {
                // Files that open and fail again are no success, whatever was taken between.
                Ok(()) if begun.elapsed() >= AGAIN_MAX => *again = AGAIN,
                Ok(()) => {}
                // There may be room later.
                Err(error) if error.is_full() => queue.note_dropped(items),
                Err(error) => {
                    queue.note_dropped(items);
                    return Err(error);
                }
            }
            told.tell(queue.counts().dropped, &self.events);
            if taken.closed {
                return Ok(());
            }
            if !waits {
                std::thread::sleep(GATHER);
            }
        }
    }

    fn open(&self) -> Result<(), String> {
        use std::os::unix::fs::DirBuilderExt as _;
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir);
        made.map_err(|error| format!("making {}: {error}", self.dir.display()))?;
        let told = |error: RecorderError| error.to_string();
        let (attempts, damage) = Attempts::open(&self.dir, self.settings.attempts_max_bytes).map_err(told)?;
        let (ring, cut) = Ring::open(&self.dir, self.settings.max_bytes).map_err(told)?;
        *self.recorder.kept.attempts.lock() = Some(attempts);
        *self.recorder.kept.ring.lock() = Some(ring);
        if let Some(damage) = damage {
            self.damaged(&damage);
        }
        if cut > 0 {
            self.events.alert(
                Severity::Information,
                "recorder-cut",
                format!(
                    "{cut} octets of conversations were half written when the gateway ended, and were cut"
                ),
                "nothing to do; no mail is concerned",
            );
        }
        Ok(())
    }

    /// A file of attempts that turned out damaged is not opened again.
    fn put_aside_if_damaged(&self, error: &RecorderError) {
        // Where that fails it is tried again with the next failure.
        if error.is_damage() && Attempts::put_aside(&self.dir).is_ok() {
            self.damaged(&error.to_string());
        }
    }

    fn damaged(&self, damage: &str) {
        self.events.alert(
            Severity::Warning,
            "recorder-damaged",
            format!("the recorder's file of attempts was damaged and is begun anew: {damage}"),
            "no mail is concerned; look at the disk of data_dir",
        );
    }

    fn fail(&self, error: &str) {
        self.events.alert(
            Severity::Warning,
            "recorder-failed",
            format!("attempts and conversations are not recorded at present: {error}"),
            "no mail is concerned; look at the disk of data_dir; it is tried again by itself",
        );
    }

    fn back(&self) {
        self.events.alert(
            Severity::Information,
            "recorder-back",
            "attempts and conversations are recorded again".to_owned(),
            "nothing is to be done; what was tried and said meanwhile was not recorded, the log has what happened",
        );
    }

    fn write(&self, items: Vec<Item>) -> Result<(), RecorderError> {
        let kept = &self.recorder.kept;
        let (mut on_disk, mut stretches, mut waiting, mut newest) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for item in items {
            match item {
                Item::Attempts(attempts) => {
                    newest.extend(attempts.last().cloned());
                    on_disk.extend(attempts);
                }
                Item::UnderWay(stretch) => kept.under_way.lock().show(*stretch),
                Item::Stretch(stretch) => {
                    kept.under_way.lock().over(stretch.parties.which);
                    newest.extend(stretch.attempts.last().cloned());
                    stretches.push(*stretch);
                }
                Item::Settle(told) => waiting.push(told),
            }
        }
        {
            let mut hosts = kept.hosts.lock();
            newest.into_iter().for_each(|attempt| hosts.note(attempt));
        }
        let room = matches!(self.intake.space(), SpoolSpace::Enough);
        if !room {
            // What is left of the disk is for mail.
            self.recorder.queue.note_dropped((on_disk.len() + stretches.len()) as u64);
        }
        if room
            && !on_disk.is_empty()
            && let Some(attempts) = kept.attempts.lock().as_mut()
        {
            attempts.keep(&on_disk)?;
        }
        if room
            && !stretches.is_empty()
            && let Some(ring) = kept.ring.lock().as_mut()
        {
            ring.keep(&stretches, self.clock.wall().0)?;
        }
        for told in waiting {
            // Whoever asked may have lost patience.
            let _ = told.send(());
        }
        Ok(())
    }
}

/// What of the dropped items was told.
struct Told {
    dropped: u64,
    at: Option<Instant>,
}

impl Told {
    fn tell(&mut self, dropped: u64, events: &EventSink) {
        let lately = self.at.is_some_and(|at| at.elapsed() < TELL_EVERY);
        if dropped == self.dropped || lately {
            return;
        }
        let more = dropped - self.dropped;
        (self.dropped, self.at) = (dropped, Some(Instant::now()));
        events.alert(
            Severity::Warning,
            "recorder-behind",
            format!("{more} attempts or conversations were not recorded: the recorder was behind, or the disk full"),
            "no mail is concerned; give data_dir a faster or larger disk, or switch the recorder off",
        );
    }
}
