//! The commit thread: nobody suffers for another's change, ends go first, nothing waits for ever.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use mailreeve_core::ids::{Mid, Rid};
use mailreeve_store::committer::*;
use mailreeve_store::spool::*;

use crate::samples::*;

/// An answer that does not come is a failure, not a hang.
const PATIENCE: Duration = Duration::from_secs(60);

fn change(batch: Batch, token: u64) -> Change {
    Change { batch, token: Some(token) }
}

/// An engine that commits when it is told to.
struct Held {
    inner: Box<dyn Engine>,
    entered: Sender<usize>,
    go: Receiver<()>,
}

impl Engine for Held {
    fn commit(&mut self, parts: &[Batch], housekeeping: &Housekeeping) -> Result<Seq, SpoolError> {
        let _ = self.entered.send(parts.len());
        let _ = self.go.recv();
        self.inner.commit(parts, housekeeping)
    }

    fn reader(&self) -> Reader {
        self.inner.reader()
    }

    fn health(&self) -> Arc<Health> {
        self.inner.health()
    }
}

/// An engine whose disk broke.
struct Broken(Box<dyn Engine>);

impl Engine for Broken {
    fn commit(&mut self, _: &[Batch], _: &Housekeeping) -> Result<Seq, SpoolError> {
        Err(SpoolError::Failed(Arc::from("the disk is gone")))
    }

    fn reader(&self) -> Reader {
        self.0.reader()
    }

    fn health(&self) -> Arc<Health> {
        self.0.health()
    }
}

struct Started {
    queue: CommitQueue,
    ids: IdSource,
    told: Receiver<Committed>,
    thread: std::thread::JoinHandle<()>,
}

fn start(engine: Box<dyn Engine>, limits: Limits, ids: [IdBlock; 3]) -> Started {
    let (tell, told) = channel();
    let notify = move |committed| {
        let _ = tell.send(committed);
    };
    let (queue, ids, thread) = Committer::start(engine, limits, ids, 100, notify).unwrap();
    Started { queue, ids, told, thread }
}

fn held(opened: Opened, limits: Limits) -> (Started, Receiver<usize>, Sender<()>) {
    let (entered, entering) = channel();
    let (release, go) = channel();
    let engine = Held { inner: opened.engine, entered, go };
    (start(Box::new(engine), limits, opened.ids), entering, release)
}

#[test]
fn one_bad_change_does_not_hurt_the_others_of_its_commit() {
    let dir = tempfile::tempdir().unwrap();
    let (started, entering, release) = held(open(dir.path(), &small()), Limits::default());
    started.queue.submit(change(mail(vec![put(1, 1, 10)]), 1)).unwrap();
    assert_eq!(entering.recv_timeout(PATIENCE), Ok(1));
    for (batch, token) in [
        (mail(vec![put(2, 1, 10)]), 2),
        (mail(vec![put(1, 1, 10)]), 3),
        (ends(&[77]), 4),
        (mail(vec![put(3, 1, 10)]), 5),
    ] {
        started.queue.submit(change(batch, token)).unwrap();
    }
    drop(release);
    let first = started.told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(first.done.len(), 1);
    let second = started.told.recv_timeout(PATIENCE).unwrap();
    let done: Vec<_> = second.done.iter().map(|change| change.token).collect();
    assert_eq!(done, [Some(2), Some(5)]);
    let refused: Vec<_> = second
        .refused
        .iter()
        .map(|(change, error)| match error {
            SpoolError::Refused { refusal, .. } => (change.token, *refusal),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(refused, [(Some(4), Refusal::UnknownMid(Mid(77))), (Some(3), Refusal::DuplicateMid(Mid(1)))]);
    assert!(second.seq > first.seq);
}

#[test]
fn mail_is_refused_when_too_much_waits_and_ends_never_are_and_go_first() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { waiting_changes: 3, waiting_bytes: 10_000, ..Limits::default() };
    let (started, entering, release) = held(open(dir.path(), &small()), limits);
    started.queue.submit(change(mail(vec![put(1, 2, 10)]), 1)).unwrap();
    assert_eq!(entering.recv_timeout(PATIENCE), Ok(1));
    for mid in 2..=4 {
        started.queue.submit(change(mail(vec![put(mid, 1, 10)]), mid)).unwrap();
    }
    let full = started.queue.submit(change(mail(vec![put(5, 1, 10)]), 5)).unwrap_err();
    assert_eq!((full.why, full.change.token), (Refused::Full, Some(5)));
    let end = Batch { ends: vec![(Mid(1), Rid(0))], ..Batch::default() };
    for token in 10..200 {
        started.queue.submit(change(end.clone(), token)).unwrap();
    }
    assert_eq!(started.queue.depth(), Depth { urgent: 190, mail: 3, bytes: 30 });
    drop(release);
    started.told.recv_timeout(PATIENCE).unwrap();
    let second = started.told.recv_timeout(PATIENCE).unwrap();
    let order: Vec<u64> = second.done.iter().map(|change| change.token.unwrap()).collect();
    assert_eq!(order, (10..200).chain(2..=4).collect::<Vec<_>>());

    started.queue.submit(change(mail(vec![put(6, 1, 9_000)]), 6)).unwrap();
    started.told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(started.queue.depth(), Depth::default());
}

#[test]
fn what_is_set_apart_is_copied_a_little_in_each_commit() {
    let dir = tempfile::tempdir().unwrap();
    let mut opened = open(dir.path(), &small());
    let all: Vec<_> = (1..=100).map(|mid| put(mid, 1, 10)).collect();
    opened.engine.commit(&[mail(all)], &Housekeeping::default()).unwrap();
    let (started, entering, release) = held(opened, Limits::default());
    for mid in 1..=100 {
        let aparts = vec![Apart { mid: Mid(mid), detail: "damaged".to_owned() }];
        started.queue.submit(change(Batch { aparts, ..Batch::default() }, mid)).unwrap();
    }
    drop(release);
    // Each may be copied with a segment's record of content: 8 MiB is all that a commit carries.
    let mut done = 0;
    while done < 100 {
        let commit = entering.recv_timeout(PATIENCE).unwrap();
        assert!(commit <= 8, "{commit}");
        done += started.told.recv_timeout(PATIENCE).unwrap().done.len();
    }
}

#[test]
fn shutdown_commits_what_waits_and_takes_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let options = small();
    let (started, entering, release) = held(open(dir.path(), &options), Limits::default());
    started.queue.submit(change(mail(vec![put(1, 1, 10)]), 1)).unwrap();
    assert_eq!(entering.recv_timeout(PATIENCE), Ok(1));
    for mid in 2..=50 {
        started.queue.submit(change(mail(vec![put(mid, 1, 10)]), mid)).unwrap();
    }
    started.queue.shutdown();
    let late = started.queue.submit(change(mail(vec![put(99, 1, 10)]), 99)).unwrap_err();
    assert_eq!(late.why, Refused::Closed);
    drop(release);
    started.thread.join().unwrap();
    let told: usize = started.told.iter().map(|committed| committed.done.len()).sum();
    assert_eq!(told, 50);
    assert_eq!(everything(&mut open(dir.path(), &options).recovery).len(), 50);
}

#[test]
fn after_a_failure_every_change_is_told_and_ids_run_out_instead_of_repeating() {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(dir.path(), &small());
    let started = start(Box::new(Broken(opened.engine)), Limits::default(), opened.ids);
    for token in 1..=20 {
        started.queue.submit(change(mail(vec![put(token, 1, 10)]), token)).unwrap();
    }
    let mut refused = HashSet::new();
    while refused.len() < 20 {
        let committed = started.told.recv_timeout(PATIENCE).unwrap();
        assert_eq!((committed.seq, committed.done.len()), (None, 0));
        for (change, error) in committed.refused {
            assert!(matches!(error, SpoolError::Failed(_)));
            refused.insert(change.token);
        }
    }
    let handed: Vec<u64> = std::iter::from_fn(|| started.ids.next(Sequence::Mid)).take(1000).collect();
    assert_eq!(handed, (1..=100).collect::<Vec<_>>());
}

#[test]
fn no_room_refuses_mail_and_lets_ends_through() {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(dir.path(), &small());
    let marks = mailreeve_store::space::Marks { low: u64::MAX, reserve: 0, critical: u64::MAX };
    let guard = mailreeve_store::space::SpaceGuard::new(dir.path(), marks).unwrap();
    let mut engine = opened.engine;
    engine.commit(&[mail(vec![put(1, 1, 10)])], &Housekeeping::default()).unwrap();
    let limits = Limits { space: Some(Arc::new(guard)), ..Limits::default() };
    let started = start(engine, limits, opened.ids);
    started.queue.submit(change(mail(vec![put(2, 1, 10)]), 2)).unwrap();
    let committed = started.told.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(committed.refused[..], [(_, SpoolError::NoSpace)]));
    started.queue.submit(change(ends(&[1]), 3)).unwrap();
    let committed = started.told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(committed.done[0].token, Some(3));
}

#[test]
fn ids_are_unique_over_threads_and_restarts_and_an_orderly_stop_leaves_no_gap() {
    let dir = tempfile::tempdir().unwrap();
    let options = small();
    let mut seen = HashSet::new();
    let mut highest = 0;
    for _ in 0..5 {
        let opened = open(dir.path(), &options);
        let started = start(opened.engine, Limits::default(), opened.ids);
        let handed: Vec<u64> = std::thread::scope(|scope| {
            let draw = || {
                let mut mine = Vec::new();
                while mine.len() < 500 {
                    match started.ids.mid() {
                        Some(mid) => mine.push(mid.0),
                        // Faster than the disk: the next block is on its way.
                        None => std::thread::yield_now(),
                    }
                }
                mine
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(draw)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(handed.iter().min(), Some(&(highest + 1)), "no gap");
        for id in handed {
            assert!(seen.insert(id), "{id} twice");
            highest = highest.max(id);
        }
        assert_eq!(highest, seen.len() as u64);
        drop(started.queue);
        started.thread.join().unwrap();
    }
}
