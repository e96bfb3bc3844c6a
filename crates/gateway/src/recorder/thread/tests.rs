//! The recorder's thread when all goes well, and when its files fail.
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
