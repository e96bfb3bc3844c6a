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
        loop {
            let taken = queue.take(PATIENCE);
            let waits = taken.items.iter().any(|item| matches!(item, Item::Settle(_)));
            let items = taken.items.len() as u64;
            match self.write(taken.items) {
                Ok(()) if items > 0 => *again = AGAIN,
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

    /// Waits; what a recorder does it does in a thread of its own.
    fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !holds() {
            assert!(Instant::now() < deadline, "waited for: {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_recorder_whose_files_fail_comes_back_by_itself_when_they_do() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("recorder");
        std::fs::write(&place, "a file where the folder should be").unwrap();
        let clock = Clock::start();
        let (events, source) = events::channel(clock);
        let (intake, settings) = (Arc::new(Intake::default()), config::Recorder::default());
        let (recorder, thread) = Recorder::start(&settings, dir.path(), intake, &events, clock).unwrap();
        let mut alerted = Vec::new();
        let mut was_alerted = |code: &str| {
            alerted.extend(alerts(&source));
            alerted.iter().any(|alert| alert == code)
        };
        wait_until("it fails", || was_alerted("recorder-failed"));
        assert!(!recorder.is_on());
        std::fs::remove_file(&place).unwrap();
        wait_until("it is back", || was_alerted("recorder-back") && recorder.is_on());
        recorder.attempts(vec![attempt()]);
        recorder.close();
        thread.unwrap().join().unwrap();
        assert_eq!(kept(&recorder), 1);
    }

    #[test]
    fn a_file_of_attempts_that_turns_out_damaged_is_put_aside_and_recording_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("recorder/attempts.db");
        drop(told(dir.path().to_owned(), SpoolSpace::Enough));
        // The second page is the root of the table; a start looks into the index that covers it.
        let open = std::fs::File::options().write(true).open(&file).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&open, &[0xa5; 4_096], 4_096).unwrap();
        drop(open);
        let clock = Clock::start();
        let (events, source) = events::channel(clock);
        let (intake, settings) = (Arc::new(Intake::default()), config::Recorder::default());
        let (recorder, thread) = Recorder::start(&settings, dir.path(), intake, &events, clock).unwrap();
        let mut alerted = Vec::new();
        recorder.attempts(vec![attempt()]);
        wait_until("it is back", || {
            alerted.extend(alerts(&source));
            alerted.iter().any(|alert| alert == "recorder-back") && recorder.is_on()
        });
        assert_eq!(alerted, ["recorder-damaged", "recorder-failed", "recorder-back"]);
        recorder.attempts(vec![attempt()]);
        recorder.close();
        thread.unwrap().join().unwrap();
        assert_eq!(kept(&recorder), 1);
        assert!(file.with_extension("db.damaged").exists());
    }

    #[test]
    fn a_recorder_that_fails_ends_with_the_gateway() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("recorder"), "a file where the folder should be").unwrap();
        let (recorder, alerted) = told(dir.path().to_owned(), SpoolSpace::Enough);
        assert!(!recorder.is_on());
        assert_eq!(alerted, ["recorder-failed"]);
    }
}
