//! The delivery scheduler against a reference model of the world, under random simulation (law 2).
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::wrong_self_convention,
    clippy::manual_is_multiple_of,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a simulation reads its seeds from the environment, runs them in threads and prints what it met"
)]
//!
//! Each seed makes a world (hosts of every temper, name service, sockets, time), settings, traffic, operators
//! and faults; a shell carries the scheduler's effects out in that world; and after every call the model,
//! which is written from the design alone, compares whatever the scheduler did and says with what is true:
//! every why, every connection, every clock, every end.
//!
//! ```text
//!   chaos ──inputs──► Delivery ──effects──► shell ──► world ──answers──► Delivery ...
//!     │                  │  ▲ why, deadline, views        │
//!     └──────► model ◄───┴──┴───────── compared ──────────┘
//! ```
//!
//! `SIM_SEEDS` and `SIM_STEPS` set the amount, `SIM_FIRST` where to start, `SIM_SEED=n` runs one seed, with
//! `SIM_TRACE=1` telling every input and effect. `SIM_JSON=1` prints the result as one line of JSON, and
//! `SIM_SECONDS` keeps on with new seeds for so long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

mod chaos;
mod clock;
mod coverage;
mod model;
mod restarts;
mod rng;
mod run;
mod shell;
mod socket;
mod spool;
mod temper;
mod traffic;
mod views;
mod world;

use coverage::Coverage;
use run::Summary;

/// Seeds of an ordinary test run; enough to reach every coverage point.
const SEEDS: u64 = 300;
/// Things that happen in one seed, besides what follows from them.
const STEPS: u64 = 120;
/// Failures shown in full.
const SHOWN: usize = 5;

/// What all seeds did together.
struct Report {
    seeds: u64,
    calls: u64,
    messages: u64,
    coverage: Coverage,
    failures: Vec<(u64, String)>,
}

#[test]
fn the_scheduler_agrees_with_the_world() {
    if let Some(seed) = number("SIM_SEED") {
        return one(seed);
    }
    let report =
        many(number("SIM_FIRST").unwrap_or(1), number("SIM_SEEDS").unwrap_or(SEEDS), number("SIM_SECONDS"));
    if std::env::var_os("SIM_JSON").is_some() {
        println!("{}", json(&report));
    } else {
        print(&report);
    }
    assert!(report.failures.is_empty(), "{} of {} seeds broke a law", report.failures.len(), report.seeds);
    if report.seeds >= SEEDS {
        let missing = report.coverage.missing();
        assert!(missing.is_empty(), "never reached: {missing:?}");
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn steps() -> u32 {
    number("SIM_STEPS").unwrap_or(STEPS) as u32
}

fn one(seed: u64) {
    let mut coverage = Coverage::new();
    let result = run::run(seed, steps(), std::env::var_os("SIM_TRACE").is_some(), &mut coverage);
    if let Err((violation, place)) = result {
        panic!("seed {seed}, {place}: {}: {}", violation.law, violation.text);
    }
}

/// Runs seeds on two threads; with `seconds`, until they are over.
fn many(first: u64, seeds: u64, seconds: Option<u64>) -> Report {
    let next = AtomicU64::new(first);
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let report = Mutex::new(Report {
        seeds: 0,
        calls: 0,
        messages: 0,
        coverage: Coverage::new(),
        failures: Vec::new(),
    });
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let go_on = end.map_or(seed < first + seeds, |end| Instant::now() < end);
            if !go_on {
                return;
            }
            let mut coverage = Coverage::new();
            let result = caught(seed, &mut coverage);
            let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
            report.seeds += 1;
            report.coverage.add(&coverage);
            match result {
                Ok(Summary { calls, messages }) => {
                    report.calls += calls;
                    report.messages += messages;
                }
                Err(text) => report.failures.push((seed, text)),
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    report.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a seed; a panic is a failure like any other.
fn caught(seed: u64, coverage: &mut Coverage) -> Result<Summary, String> {
    let run = std::panic::AssertUnwindSafe(|| run::run(seed, steps(), false, coverage));
    match std::panic::catch_unwind(run) {
        Ok(result) => {
            result.map_err(|(violation, place)| format!("{place}: {}: {}", violation.law, violation.text))
        }
        Err(_) => Err("a panic".to_owned()),
    }
}

fn print(report: &Report) {
    for (label, count) in report.coverage.rows() {
        println!("{count:>12}  {label}");
    }
    println!(
        "{} seeds, {} calls, {} messages, {} failures",
        report.seeds,
        report.calls,
        report.messages,
        report.failures.len()
    );
    for (seed, text) in report.failures.iter().take(SHOWN) {
        println!(
            "seed {seed}, {text}\n    replay: SIM_SEED={seed} SIM_STEPS={} SIM_TRACE=1 cargo test -p mailreeve-core --test delivery_sim -- --nocapture",
            steps()
        );
    }
}

fn json(report: &Report) -> String {
    let counts: serde_json::Map<String, serde_json::Value> =
        report.coverage.rows().map(|(label, count)| (label.to_owned(), count.into())).collect();
    let failures: Vec<serde_json::Value> = report
        .failures
        .iter()
        .map(|(seed, text)| serde_json::json!({ "seed": seed, "steps": steps(), "what": text }))
        .collect();
    serde_json::json!({
        "seeds": report.seeds,
        "calls": report.calls,
        "messages": report.messages,
        "not_reached": report.coverage.missing(),
        "failures": failures,
        "counts": counts,
    })
    .to_string()
}
