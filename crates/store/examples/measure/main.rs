//! Measures the store behind the commit thread and the ledger, with larger content in segments and with all content
//! in rows: messages a second and CPU a message.
//!
//! `cargo run --release -p mailreeve-store --example measure -- [DIR] [SECONDS] [ROUNDS]`
//! `cargo run --release -p mailreeve-store --example measure -- recover [DIR] [MESSAGES]`
//!
//! One driver plays so many sessions: each stores a message, waits for the commit, and at the answer the end
//! of the message is submitted (nobody waits for it) and the session goes on. Events of both go through the
//! outbox into a ledger that is synced each second. Candidates are interleaved, each round begins with
//! another one. CPU is the whole process's. This is the store alone: the rule of the design is applied to
//! the whole gateway.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a program for people at a terminal")]

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mailreeve_core::event::Event;
use mailreeve_core::ids::{Dcid, Host, Mid, Rid};
use mailreeve_store::committer::{Change, CommitQueue, Committed, Committer, Limits};
use mailreeve_store::ledger::{Entry, Ledger, Options as LedgerOptions};
use mailreeve_store::spool::{Batch, Options, Spool};

use crate::mail::{accepted, noise, put, stamped};

mod mail;
mod recover;

/// Names and the content length up to which each stores in rows.
const CANDIDATES: [(&str, usize); 2] = [("hybrid", 16 * 1024), ("all-sqlite", usize::MAX)];

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if_eq("recover").is_some() {
        let dir = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
        let messages = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(200_000);
        for tried in [false, true] {
            recover::measure(&dir, messages, tried);
        }
        return;
    }
    let dir = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(3);
    let rounds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(3);
    println!(
        "| content | sessions | content in | messages/s (rounds) | CPU us | commits a message | written / content |"
    );
    println!("|---|---|---|---|---|---|---|");
    for length in [4 * 1024, 64 * 1024] {
        for sessions in [20, 100] {
            measure(&dir, length, sessions, Duration::from_secs(seconds), rounds);
        }
    }
}

fn measure(dir: &Path, length: usize, sessions: usize, span: Duration, rounds: usize) {
    let mut results: [Vec<Run>; CANDIDATES.len()] = Default::default();
    for round in 0..rounds {
        for turn in 0..CANDIDATES.len() {
            let at = (round + turn) % CANDIDATES.len();
            results[at].push(run(dir, CANDIDATES[at].1, length, sessions, span));
        }
    }
    for ((name, _), runs) in CANDIDATES.iter().zip(&results) {
        let mean = |value: fn(&Run) -> f64| runs.iter().map(value).sum::<f64>() / runs.len() as f64;
        let each: Vec<String> = runs.iter().map(|run| format!("{:.0}", run.rate)).collect();
        println!(
            "| {} KiB | {sessions} | {name} | {:.0} ({}) | {:.1} | {:.3} | {:.2} |",
            length / 1024,
            mean(|run| run.rate),
            each.join(", "),
            mean(|run| run.cpu_us),
            mean(|run| run.commits),
            mean(|run| run.written),
        );
    }
}

struct Run {
    rate: f64,
    cpu_us: f64,
    commits: f64,
    written: f64,
}

fn run(dir: &Path, inline_max: usize, length: usize, sessions: usize, span: Duration) -> Run {
    let dir = dir.join(format!("mailreeve-measure-{}", std::process::id()));
    let (mut ledger, _) =
        Ledger::open(&dir.join("ledger"), &LedgerOptions::default()).expect("the ledger opens");
    let options = Options { inline_max, ..Options::default() };
    let opened = Spool::open(&dir.join("spool"), &options).expect("the spool opens");
    let limits = Limits { ledger_synced: ledger.synced_seq(), ..Limits::default() };
    let (tell, told) = channel();
    let notify = move |committed| {
        // A driver that has stopped listening has all that it wanted.
        let _ = tell.send(committed);
    };
    let (queue, _ids, thread) =
        Committer::start(opened.engine, limits, opened.ids, opened.id_block, notify).expect("a thread");
    let mut driver = Driver { next: 1, content: noise(length), queue };
    let (begun, cpu, written) = (Instant::now(), cpu_us(), written_bytes());
    for _ in 0..sessions {
        driver.store();
    }
    let (messages, commits) = driver.drive(&told, &mut ledger, begun + span);
    driver.queue.shutdown();
    thread.join().expect("the commit thread ends in order");
    let elapsed = begun.elapsed().as_secs_f64();
    let run = Run {
        rate: messages as f64 / elapsed,
        cpu_us: (cpu_us() - cpu) / messages as f64,
        commits: commits as f64 / messages as f64,
        written: (written_bytes() - written) as f64 / (messages as f64 * length as f64),
    };
    drop((ledger, opened.reader, opened.recovery));
    std::fs::remove_dir_all(&dir).expect("the folder can be removed");
    run
}

struct Driver {
    next: u64,
    content: Bytes,
    queue: CommitQueue,
}

impl Driver {
    /// Plays the sessions until `end`; returns how many messages were stored, and in how many commits.
    fn drive(&mut self, told: &Receiver<Committed>, ledger: &mut Ledger, end: Instant) -> (u64, u64) {
        let (mut messages, mut commits) = (0, 0);
        let mut synced = Instant::now();
        while let Ok(committed) = told.recv_timeout(Duration::from_secs(10)) {
            assert!(committed.refused.is_empty(), "{:?}", committed.refused);
            commits += 1;
            let events = committed.done.iter().flat_map(|change| &change.batch.events);
            let entries: Vec<Entry> =
                events.map(|stamped| Entry { seq: committed.seq, stamped: stamped.clone() }).collect();
            ledger.append(&entries).expect("the ledger takes it");
            if synced.elapsed() > Duration::from_secs(1) {
                ledger.sync().expect("the ledger syncs");
                synced = Instant::now();
            }
            let is_over = Instant::now() > end;
            let mut stored = 0;
            for put in committed.done.iter().flat_map(|change| &change.batch.puts) {
                self.end(put.envelope.mid);
                stored += 1;
            }
            messages += stored;
            if is_over {
                break;
            }
            (0..stored).for_each(|_| self.store());
        }
        (messages, commits)
    }

    fn store(&mut self) {
        let mid = Mid(self.next);
        self.next += 1;
        let events = vec![accepted(mid, self.content.len() as u64)];
        self.submit(Batch { puts: vec![put(mid, &self.content)], events, ..Batch::default() }, mid);
    }

    fn end(&self, mid: Mid) {
        let delivered = Event::Delivered {
            dcid: Dcid(mid.0),
            mid,
            rids: vec![Rid(0)],
            host: Host::new("dest.example"),
            reply: "250 2.0.0 Ok: queued as 4B1F9A20C1".to_owned(),
        };
        let events = vec![stamped(delivered), stamped(Event::Finished { mid })];
        self.submit(Batch { dels: vec![mid], events, ..Batch::default() }, mid);
    }

    fn submit(&self, batch: Batch, mid: Mid) {
        self.queue.submit(Change { batch, token: Some(mid.0) }).expect("there is room for so few sessions");
    }
}

/// CPU of the whole process, user and system, microseconds.
fn cpu_us() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program, the only field that may hold a space, ends with a parenthesis.
    let fields: Vec<&str> = text.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |field: usize| fields.get(field).and_then(|word| word.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) * 10_000.0
}

fn written_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|number| number.parse().ok()).unwrap_or(0)
}
