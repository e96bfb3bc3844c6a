//! Torn writes: whatever octets of the last commit a power cut keeps, what was answered before is there.

use std::path::{Path, PathBuf};

use mailreeve_store::ledger::{Ledger, Options as LedgerOptions};
use mailreeve_store::spool::*;

use crate::ledger::{entries, read_events};
use crate::samples::*;

const QUIET: Housekeeping = Housekeeping { ledger_synced: Seq(0), id_limits: None };

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The octets at `cut` and behind are what they were before the write, or garbage.
fn tear(before: &[u8], after: &[u8], cut: usize, garbage: bool) -> Vec<u8> {
    let mut torn = after[..cut].to_vec();
    if garbage {
        torn.extend(after[cut..].iter().map(|octet| !octet));
    } else {
        torn.extend_from_slice(before.get(cut..).unwrap_or_default());
    }
    torn
}

/// A spool after two commits, and the file of `name` before and after the second.
struct Cut {
    dir: tempfile::TempDir,
    file: PathBuf,
    before: Vec<u8>,
    after: Vec<u8>,
}

fn cut(options: &Options, name: &str) -> Cut {
    let live = tempfile::tempdir().unwrap();
    let mut opened = open(live.path(), options);
    opened.engine.commit(&[mail(vec![put(1, 2, 300), put(2, 1, 2_000)])], &QUIET).unwrap();
    let file = live.path().join(name);
    let before = std::fs::read(&file).unwrap();
    let second = Batch {
        updates: vec![state(1, 0, 1, 5)],
        dels: vec![mailreeve_core::ids::Mid(2)],
        ..mail(vec![put(3, 1, 700)])
    };
    opened.engine.commit(&[second], &QUIET).unwrap();
    let after = std::fs::read(&file).unwrap();
    // As a crash leaves it: no connection was closed.
    let dir = tempfile::tempdir().unwrap();
    copy(live.path(), dir.path());
    Cut { file: dir.path().join(name), dir, before, after }
}

/// Either the first commit alone or both are there, never anything else.
fn holds(dir: &Path, options: &Options, what: &str) -> bool {
    let mut opened = open(dir, options);
    let all = everything(&mut opened.recovery);
    let mids: Vec<u64> = all.keys().copied().collect();
    assert_eq!(read_all(&opened.reader, 1), octets(1, 300), "{what}");
    let whole = mids == [1, 3];
    if whole {
        assert_eq!(all[&1], Waits::from([(0, Some((1, 5))), (1, None)]), "{what}");
        assert_eq!(read_all(&opened.reader, 3), octets(3, 700), "{what}");
    } else {
        assert_eq!(mids, [1, 2], "{what}");
        assert_eq!(all[&1], Waits::from([(0, None), (1, None)]), "{what}");
        assert_eq!(read_all(&opened.reader, 2), octets(2, 2_000), "{what}");
    }
    opened.engine.commit(&[mail(vec![put(50, 1, 2_000)])], &QUIET).unwrap();
    assert_eq!(read_all(&opened.reader, 50), octets(50, 2_000), "{what}");
    drop(opened);
    assert_eq!(everything(&mut open(dir, options).recovery).len(), mids.len() + 1, "{what}");
    whole
}

fn tear_everywhere(options: &Options, name: &str, step: usize) {
    let cut = cut(options, name);
    let first = cut.before.iter().zip(&cut.after).position(|(a, b)| a != b).unwrap_or(cut.before.len());
    let last = cut.after.len()
        - cut
            .after
            .iter()
            .rev()
            .zip(cut.before.iter().rev())
            .take_while(|(a, b)| cut.after.len() == cut.before.len() && a == b)
            .count();
    let (mut torn, mut whole) = (0, 0);
    let places = (first..last).step_by(step).chain((first..last).filter(|at| at % 512 == 0)).chain([last]);
    for at in places {
        for garbage in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            copy(cut.dir.path(), dir.path());
            let file = dir.path().join(cut.file.strip_prefix(cut.dir.path()).unwrap());
            let octets =
                if at == last { cut.after.clone() } else { tear(&cut.before, &cut.after, at, garbage) };
            std::fs::write(file, octets).unwrap();
            let is_whole = holds(dir.path(), options, &format!("{name} cut at {at}, garbage {garbage}"));
            if is_whole { whole += 1 } else { torn += 1 }
        }
    }
    assert!(torn > 20, "{name}: the cuts met nothing ({torn} torn, {whole} whole)");
    assert!(whole >= 2, "{name}: the whole commit is found");
}

#[test]
fn a_torn_write_ahead_log_loses_at_most_what_was_not_answered() {
    tear_everywhere(&small(), "queue.db-wal", 509);
}

#[test]
fn a_torn_segment_harms_no_record_that_was_answered() {
    // The rows of the second commit are not there: the power went before. Its record is, in part.
    let options = small();
    let live = tempfile::tempdir().unwrap();
    let mut opened = open(live.path(), &options);
    opened.engine.commit(&[mail(vec![put(1, 1, 2_000)])], &QUIET).unwrap();
    let before = tempfile::tempdir().unwrap();
    copy(live.path(), before.path());
    opened.engine.commit(&[mail(vec![put(2, 1, 2_000)])], &QUIET).unwrap();
    let name = "segments/0000000000000001";
    let (old, new) =
        (std::fs::read(before.path().join(name)).unwrap(), std::fs::read(live.path().join(name)).unwrap());
    for at in (2_044..4_088).step_by(41) {
        let dir = tempfile::tempdir().unwrap();
        copy(before.path(), dir.path());
        std::fs::write(dir.path().join(name), tear(&old, &new, at, at % 2 == 0)).unwrap();
        let mut opened = open(dir.path(), &options);
        assert_eq!(everything(&mut opened.recovery).into_keys().collect::<Vec<_>>(), [1]);
        assert_eq!(read_all(&opened.reader, 1), octets(1, 2_000));
        opened.engine.commit(&[mail(vec![put(3, 1, 2_500)])], &QUIET).unwrap();
        assert_eq!(read_all(&opened.reader, 1), octets(1, 2_000));
        assert_eq!(read_all(&opened.reader, 3), octets(3, 2_500));
    }
}

#[test]
fn a_ledger_torn_at_any_octet_keeps_all_before_and_names_what_it_lacks() {
    let live = tempfile::tempdir().unwrap();
    let options = LedgerOptions::default();
    let (mut ledger, _) = Ledger::open(live.path(), &options).unwrap();
    ledger.append(&entries(1..=5)).unwrap();
    ledger.sync().unwrap();
    let synced = ledger.position().offset as usize;
    ledger.append(&entries(6..=8)).unwrap();
    let name = "0000000000000001.ledger";
    let whole = std::fs::read(live.path().join(name)).unwrap();
    let outbox: Vec<_> =
        (4..=8).map(|n| (Seq(n), entries(n..=n).into_iter().map(|entry| entry.stamped).collect())).collect();
    for at in synced..whole.len() {
        for garbage in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join(name), tear(&[], &whole, at, garbage)).unwrap();
            let (mut ledger, tail) = Ledger::open(dir.path(), &options).unwrap();
            assert_eq!(tail.damaged_bytes, 0);
            let kept = read_events(&ledger).len();
            assert!(kept >= 10, "the synced ones stay: cut at {at}");
            ledger.append(&tail.missing(&outbox)).unwrap();
            assert_eq!(read_events(&ledger), entries(1..=8), "cut at {at}, garbage {garbage}");
        }
    }
}
