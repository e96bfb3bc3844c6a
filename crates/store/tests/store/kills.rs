//! kill -9 of a process that commits as fast as it can: what it said to be durable is there.
//!
//! The victim is this very test binary. It tells on its standard output, in whole lines and only after the
//! answer, what was accepted and what ended. `STORE_KILLS` sets the number of kills.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;

use mailreeve_core::event::Event;
use mailreeve_core::ids::Mid;
use mailreeve_store::committer::{Change, Committer, Limits};
use mailreeve_store::ledger::{Entry, Ledger, Options as LedgerOptions};
use mailreeve_store::spool::*;

use crate::ledger::read_events;
use crate::samples::*;

fn length_of(mid: u64) -> usize {
    [200, 511, 600, 3_000, 12_000, 30_000][mid as usize % 6]
}

/// What a victim told.
#[derive(Debug, Default)]
struct Told {
    accepted: BTreeSet<u64>,
    ending: BTreeSet<u64>,
    ended: BTreeSet<u64>,
    drawn: BTreeSet<u64>,
    in_flight: usize,
}

impl Told {
    fn line(&mut self, line: &str) {
        let Some((word, number)) = line.split_once(' ') else { return };
        let Ok(mid) = number.parse() else { return };
        match word {
            "draw" => self.drawn.insert(mid),
            "accepted" => self.accepted.insert(mid),
            "ending" => self.ending.insert(mid),
            "ended" => self.ended.insert(mid),
            _ => false,
        };
    }
}

/// Runs a victim, kills it after so many lines, and returns what it told.
fn kill_after(dir: &Path, lines: usize) -> Told {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::victim_of_a_kill", "--ignored", "--nocapture"])
        .env("STORE_VICTIM_DIR", dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut told = Told::default();
    for _ in 0..lines {
        let mut line = String::new();
        assert!(output.read_line(&mut line).unwrap() > 0, "the victim ended by itself: {told:?}");
        told.line(line.trim_end());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    // The last line may be half written: the test of whole lines is the line end.
    for line in rest.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        told.line(line.trim_end());
    }
    told.in_flight =
        told.drawn.difference(&told.accepted).count() + told.ending.difference(&told.ended).count();
    told
}

fn kills() -> usize {
    std::env::var("STORE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(12)
}

#[test]
fn what_was_told_to_be_durable_survives_kills() {
    let dir = tempfile::tempdir().unwrap();
    let (spool_dir, ledger_dir) = (dir.path().join("spool"), dir.path().join("ledger"));
    let mut accepted: BTreeSet<u64> = BTreeSet::new();
    let (mut ending, mut ended, mut drawn) = (BTreeSet::new(), BTreeSet::new(), HashSet::new());
    let (mut in_flight, mut busy_kills) = (0, 0);
    for kill in 0..kills() {
        let told = kill_after(dir.path(), 40 + kill * 97 % 900);
        in_flight += told.in_flight;
        busy_kills += usize::from(told.in_flight > 0);
        for mid in &told.drawn {
            assert!(drawn.insert(*mid), "MID {mid} was given twice, kill {kill}");
        }
        accepted.extend(told.accepted);
        ending.extend(told.ending);
        ended.extend(told.ended);
        let (mut ledger, tail) = Ledger::open(&ledger_dir, &LedgerOptions::default()).unwrap();
        let mut opened = open(&spool_dir, &Options { seq_floor: tail.last_seq, ..small() });
        ledger.append(&tail.missing(&opened.outbox)).unwrap();
        let there: BTreeSet<u64> = everything(&mut opened.recovery).into_keys().collect();
        for mid in accepted.difference(&ending) {
            assert!(there.contains(mid), "{mid} was accepted and is lost, kill {kill}");
        }
        for mid in &ended {
            assert!(!there.contains(mid), "{mid} ended and is back, kill {kill}");
        }
        for mid in &there {
            assert_eq!(read_all(&opened.reader, *mid), octets(*mid, length_of(*mid)), "kill {kill}");
        }
        // Whoever is gone has a recorded end, answered or not: a record leaves only in the commit of its end.
        let gone = &accepted - &there;
        assert!(gone.is_superset(&ended));
        hold_ledger(&read_events(&ledger), &accepted, &gone);
    }
    println!(
        "{} kills, {busy_kills} with operations in flight ({in_flight}), {} accepted, {} ended",
        kills(),
        accepted.len(),
        ended.len()
    );
    assert!(busy_kills * 2 >= kills(), "too few kills met a commit: {busy_kills}");
}

/// Every accepted message was told once, and every one that is gone ended once.
fn hold_ledger(events: &[Entry], accepted: &BTreeSet<u64>, gone: &BTreeSet<u64>) {
    let (mut told_accepted, mut told_finished) = (BTreeMap::new(), BTreeMap::new());
    for entry in events {
        match &entry.stamped.event {
            Event::Accepted { mid, .. } => *told_accepted.entry(mid.0).or_insert(0) += 1,
            Event::Finished { mid } => *told_finished.entry(mid.0).or_insert(0) += 1,
            _ => {}
        }
    }
    for (told, expected) in [(&told_accepted, accepted), (&told_finished, gone)] {
        assert!(told.values().all(|times| *times == 1));
        assert!(expected.iter().all(|mid| told.contains_key(mid)), "an event is missing");
    }
}

#[test]
fn ids_are_not_used_again_over_fifty_kills() {
    let dir = tempfile::tempdir().unwrap();
    let mut drawn = HashSet::new();
    for kill in 0..50 {
        let told = kill_after(dir.path(), 5 + kill * 31 % 400);
        for mid in told.drawn {
            assert!(drawn.insert(mid), "MID {mid} was given twice, kill {kill}");
        }
    }
}

#[test]
#[ignore = "started by the tests above"]
fn victim_of_a_kill() {
    let Ok(dir) = std::env::var("STORE_VICTIM_DIR") else { return };
    let (mut ledger, tail) =
        Ledger::open(&Path::new(&dir).join("ledger"), &LedgerOptions::default()).unwrap();
    let options = Options { seq_floor: tail.last_seq, ..small() };
    let opened = open(&Path::new(&dir).join("spool"), &options);
    ledger.append(&tail.missing(&opened.outbox)).unwrap();
    let limits = Limits { ledger_synced: ledger.synced_seq(), ..Limits::default() };
    let (tell, told) = channel();
    let notify = move |committed| {
        let _ = tell.send(committed);
    };
    let (queue, ids, _thread) =
        Committer::start(opened.engine, limits, opened.ids, opened.id_block, notify).unwrap();
    for thread in 0..4 {
        let (queue, ids) = (queue.clone(), ids.clone());
        std::thread::spawn(move || {
            loop {
                let Some(Mid(mid)) = ids.mid() else {
                    std::thread::yield_now();
                    continue;
                };
                say(&format!("draw {mid}\n"));
                let change = Change { batch: mail(vec![put(mid, 1, length_of(mid))]), token: Some(thread) };
                // Full is an answer like any other: this message was not accepted.
                let _ = queue.submit(change);
            }
        });
    }
    let mut since_sync = 0;
    while let Ok(committed) = told.recv() {
        assert!(committed.refused.is_empty(), "{:?}", committed.refused);
        let mut lines = String::new();
        let mut leaving = Vec::new();
        for change in &committed.done {
            for put in &change.batch.puts {
                lines.push_str(&format!("accepted {}\n", put.envelope.mid));
                // Two of three leave again.
                if put.envelope.mid.0 % 3 > 0 {
                    leaving.push(put.envelope.mid.0);
                }
            }
            change.batch.dels.iter().for_each(|mid| lines.push_str(&format!("ended {mid}\n")));
        }
        leaving.iter().for_each(|mid| lines.push_str(&format!("ending {mid}\n")));
        say(&lines);
        let entries: Vec<Entry> = committed
            .done
            .iter()
            .flat_map(|change| &change.batch.events)
            .map(|stamped| Entry { seq: committed.seq, stamped: stamped.clone() })
            .collect();
        ledger.append(&entries).unwrap();
        since_sync += 1;
        if since_sync % 20 == 0 {
            ledger.sync().unwrap();
        }
        if !leaving.is_empty() {
            queue.submit(Change { batch: ends(&leaving), token: None }).unwrap();
        }
    }
}

/// Writes whole lines at once, past every buffer.
fn say(lines: &str) {
    let mut out = std::io::stdout().lock();
    if out.write_all(lines.as_bytes()).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}
