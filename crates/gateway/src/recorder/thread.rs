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

/// How long items gather before they are written.
const GATHER: Duration = Duration::from_millis(20);
/// How long an idle thread waits.
const PATIENCE: Duration = Duration::from_millis(500);
/// How far the thread stands back (nice(2)): mail goes first. It still gets a quarter of a core that is wanted.
const GIVES_WAY: i32 = 5;
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
    /// Runs until the queue is closed and empty.
    pub(super) fn run(self) {
        // Where it is refused the thread is only less polite.
        let _ = rustix::process::nice(GIVES_WAY);
        if let Err(error) = self.open() {
            return self.fail(&error);
        }
        let queue = &self.recorder.queue;
        let mut told = Told { dropped: 0, at: None };
        loop {
            let taken = queue.take(PATIENCE);
            let waits = taken.items.iter().any(|item| matches!(item, Item::Settle(_)));
            let items = taken.items.len() as u64;
            match self.write(taken.items) {
                Ok(()) => {}
                // There may be room later.
                Err(error) if error.is_full() => queue.note_dropped(items),
                Err(error) => return self.fail(&error.to_string()),
            }
            told.tell(queue.counts().dropped, &self.events);
            if taken.closed {
                return;
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
            self.events.alert(
                Severity::Warning,
                "recorder-damaged",
                format!("the recorder's file of attempts was damaged and is begun anew: {damage}"),
                "no mail is concerned; look at the disk of data_dir",
            );
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

    /// Nothing is recorded until a restart.
    fn fail(&self, error: &str) {
        self.recorder.queue.close();
        self.recorder.queue.take(Duration::ZERO);
        self.events.alert(
            Severity::Warning,
            "recorder-failed",
            format!("attempts and conversations are not recorded any more: {error}"),
            "no mail is concerned; look at the disk of data_dir, then restart the gateway",
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use mailreeve_core::attempt::{Attempt, Outcome};
    use mailreeve_core::event::{Cause, Event, Failure, Stage};
    use mailreeve_core::ids::{Dcid, Host, Mid, Rid};

    use super::*;
    use crate::events::{self, EventSource};

    fn attempt() -> Attempt {
        let failure = Failure {
            stage: Stage::Connect,
            cause: Cause::ConnectRefused,
            status: (4, 4, 1),
            code: 0,
            text: vec!["refused".to_owned()],
            address: None,
            at: 7,
        };
        Attempt {
            mid: Mid(1),
            rid: Rid(0),
            host: Host::new("a.test"),
            dcid: Dcid(1),
            began_at: 5,
            stages: Vec::new(),
            way: None,
            tls: None,
            certificate: None,
            passed_over: Vec::new(),
            outcome: Outcome::Soft(failure),
            tcp: None,
        }
    }

    /// Runs a recorder in `dir` that is told one attempt while the disk is in this state, to its end.
    fn told(dir: PathBuf, space: SpoolSpace) -> (Recorder, Vec<String>) {
        let clock = Clock::start();
        let (events, source) = events::channel(clock);
        let intake = Arc::new(Intake::default());
        intake.set_space(space);
        let settings = config::Recorder::default();
        let (recorder, thread) = Recorder::start(&settings, &dir, intake, &events, clock).unwrap();
        recorder.attempts(vec![attempt()]);
        recorder.close();
        thread.unwrap().join().unwrap();
        events.close();
        (recorder, alerts(&source))
    }

    fn alerts(source: &EventSource) -> Vec<String> {
        let entries = source.take(Duration::ZERO).entries.into_iter();
        let code = |event| match event {
            Event::Alert(alert) => Some(alert.code),
            _ => None,
        };
        entries.filter_map(|entry| code(entry.stamped.event)).collect()
    }

    fn kept(recorder: &Recorder) -> usize {
        recorder.kept.attempts.lock().as_ref().map_or(0, |attempts| attempts.of(Mid(1), None).unwrap().len())
    }

    #[test]
    fn what_is_told_while_the_disk_is_low_is_dropped_counted_and_alerted() {
        let dir = tempfile::tempdir().unwrap();
        let (recorder, alerted) = told(dir.path().to_owned(), SpoolSpace::Low);
        assert_eq!((kept(&recorder), recorder.counts().dropped), (0, 1));
        assert_eq!(alerted, ["recorder-behind"]);
        let (recorder, alerted) = told(dir.path().to_owned(), SpoolSpace::Enough);
        assert_eq!((kept(&recorder), recorder.counts().dropped), (1, 0));
        assert!(alerted.is_empty(), "{alerted:?}");
    }

    #[test]
    fn files_that_cannot_be_opened_switch_the_recorder_off_and_are_alerted() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("recorder"), "a file where the folder should be").unwrap();
        let (recorder, alerted) = told(dir.path().to_owned(), SpoolSpace::Enough);
        assert!(!recorder.is_on());
        assert_eq!(alerted, ["recorder-failed"]);
    }
}
