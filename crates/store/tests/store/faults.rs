//! The k-th operation of the disk fails, for every k: nothing is answered that is not durable, nothing is
//! believed afterwards, and what was answered is there after a restart.

use std::path::Path;
use std::sync::Arc;

use mailreeve_core::ids::Mid;
use mailreeve_store::ledger::{Ledger, LedgerError, Opening, Options as LedgerOptions};
use mailreeve_store::spool::*;

use crate::faulty_disk::{Fault, FaultyDisk};
use crate::ledger::{entries, read_events};
use crate::samples::*;

const QUIET: Housekeeping = Housekeeping { ledger_synced: Seq(0), id_limits: None };

/// What a script of commits got answered.
#[derive(Debug, Default)]
struct Answered {
    there: Vec<(u64, usize)>,
    gone: Vec<u64>,
    failed: bool,
}

/// Mail of every kind comes and goes until the script ends; errors are taken as a gateway would take them.
fn script(opened: &mut Opened) -> Answered {
    let mut answered = Answered::default();
    for round in 0..6 {
        let lengths = [100, 3_000, 9_000, 14_000];
        let mids: Vec<u64> = (round * 4 + 1..=round * 4 + 4).collect();
        let mut puts: Vec<Put> = mids.iter().zip(lengths).map(|(mid, length)| put(*mid, 1, length)).collect();
        let staged = opened.staging.create().and_then(|mut file| {
            file.write(&octets(mids[3], lengths[3]))?;
            file.finish()
        });
        match staged {
            Ok(content) => puts[3].content = content,
            Err(_) => drop(puts.pop()),
        }
        let brought: Vec<(u64, usize)> =
            puts.iter().map(|put| (put.envelope.mid.0, put.envelope.size as usize)).collect();
        match opened.engine.commit(&[mail(puts)], &QUIET) {
            Ok(_) => {
                assert!(!answered.failed, "a commit succeeded after the failure");
                answered.there.extend(&brought);
            }
            Err(SpoolError::NoSpace) => continue,
            Err(SpoolError::Failed(_)) => answered.failed = true,
            Err(SpoolError::Refused { refusal, .. }) => panic!("{refusal}"),
        }
        let leaving: Vec<u64> = brought.iter().take(3).map(|(mid, _)| *mid).collect();
        match opened.engine.commit(&[ends(&leaving)], &QUIET) {
            Ok(_) => {
                assert!(!answered.failed, "a commit succeeded after the failure");
                answered.there.retain(|(mid, _)| !leaving.contains(mid));
                answered.gone.extend(leaving);
            }
            Err(SpoolError::Failed(_)) => {
                answered.failed = true;
                // Asked for and not answered: there or not, either is right.
                answered.there.retain(|(mid, _)| !leaving.contains(mid));
            }
            Err(SpoolError::NoSpace) => {}
            Err(SpoolError::Refused { refusal, .. }) => panic!("{refusal}"),
        }
    }
    answered
}

#[test]
fn no_operation_of_ours_can_fail_and_lose_what_was_answered() {
    for fault in [Fault::Broken, Fault::Full] {
        let (mut runs, mut failures) = (0, 0);
        for operation in 1.. {
            let dir = tempfile::tempdir().unwrap();
            let disk = FaultyDisk::new(operation, fault);
            let options = Options { disk: Arc::new(disk.clone()), ..small() };
            let answered = match Spool::open(dir.path(), &options) {
                Ok(mut opened) => script(&mut opened),
                Err(_) => Answered::default(),
            };
            failures += u32::from(answered.failed);
            let what = format!("{fault:?}, operation {operation}");
            let mut again = open(dir.path(), &small());
            let all = everything(&mut again.recovery);
            for (mid, length) in &answered.there {
                assert!(all.contains_key(mid), "{what}: {mid} is lost");
                assert_eq!(read_all(&again.reader, *mid), octets(*mid, *length), "{what}");
            }
            for mid in &answered.gone {
                assert!(!all.contains_key(mid), "{what}: {mid} came back");
            }
            for mid in all.keys() {
                read_all(&again.reader, *mid);
            }
            runs += 1;
            if !disk.struck() {
                break;
            }
        }
        assert!(runs > 30, "{fault:?}: {runs} operations");
        assert!(failures > 5, "{fault:?}: {failures} failures");
    }
}

#[test]
fn a_ledger_that_failed_says_so_ever_after_and_keeps_what_was_synced() {
    for fault in [Fault::Broken, Fault::Full] {
        let mut runs = 0;
        for operation in 1.. {
            let dir = tempfile::tempdir().unwrap();
            let disk = FaultyDisk::new(operation, fault);
            let options = LedgerOptions {
                segment_bytes: 1_500,
                disk: Arc::new(disk.clone()),
                ..LedgerOptions::default()
            };
            let mut synced = 0;
            if let Ok((mut ledger, _)) = Ledger::open(dir.path(), &options) {
                let mut failed = false;
                for seq in 1..=30 {
                    let mut step = || {
                        ledger.append(&entries(seq..=seq))?;
                        ledger.sync()?;
                        if ledger.wants_rotation() {
                            ledger.rotate(Opening { opened_at: seq, ..Opening::default() })?;
                        }
                        Ok::<(), LedgerError>(())
                    };
                    match step() {
                        Ok(()) => assert!(!failed, "written after the failure"),
                        Err(LedgerError::Failed(_)) => assert!(failed),
                        Err(_) => failed = true,
                    }
                }
                synced = ledger.synced_seq().load().0;
            }
            let (ledger, tail) = Ledger::open(dir.path(), &LedgerOptions::default()).unwrap();
            assert!(tail.last_seq.0 >= synced, "{fault:?}, operation {operation}");
            assert_eq!(read_events(&ledger)[..synced as usize * 2], entries(1..=30)[..synced as usize * 2]);
            runs += 1;
            if !disk.struck() {
                break;
            }
        }
        assert!(runs > 60, "{runs}");
    }
}

/// SQLite's own writes fail when the process may not make files any longer; the parent reads the spool after.
#[test]
fn the_database_running_into_a_limit_fails_the_spool_and_loses_nothing() {
    let mut failures = 0;
    for limit_kib in (16..700).step_by(53) {
        let dir = tempfile::tempdir().unwrap();
        // Over the limit a process is sent a signal; ignored, the write fails instead.
        let output = std::process::Command::new("sh")
            .args(["-c", "trap '' XFSZ; exec \"$0\" --exact faults::victim_of_a_limit --ignored --nocapture"])
            .arg(std::env::current_exe().unwrap())
            .env("STORE_VICTIM_DIR", dir.path())
            .env("STORE_VICTIM_LIMIT", (limit_kib * 1024).to_string())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let acked: Vec<u64> =
            text.lines().filter_map(|line| line.strip_prefix("acked ")?.parse().ok()).collect();
        failures += u32::from(text.contains("failed and stayed failed"));
        let opened = match Spool::open(dir.path(), &small()) {
            Ok(opened) => opened,
            Err(error) => panic!("limit {limit_kib} KiB: {error}"),
        };
        for mid in acked {
            assert_eq!(read_all(&opened.reader, mid), octets(mid, 500), "limit {limit_kib} KiB");
        }
    }
    assert!(failures > 5, "{failures}");
}

#[test]
#[ignore = "started by the test above"]
fn victim_of_a_limit() {
    let (Ok(dir), Ok(limit)) = (std::env::var("STORE_VICTIM_DIR"), std::env::var("STORE_VICTIM_LIMIT"))
    else {
        return;
    };
    let Ok(mut opened) = Spool::open(Path::new(&dir), &small()) else { return };
    let limit = rustix::process::Rlimit { current: Some(limit.parse().unwrap()), maximum: None };
    rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).unwrap();
    for mid in 1..=2_000 {
        match opened.engine.commit(&[mail(vec![put(mid, 1, 500)])], &QUIET) {
            Ok(_) => println!("acked {mid}"),
            Err(SpoolError::Failed(_)) => {
                let again = opened.engine.commit(&[ends(&[1])], &QUIET);
                assert!(matches!(again, Err(SpoolError::Failed(_))));
                assert!(opened.health.failure().is_some());
                println!("failed and stayed failed");
                return;
            }
            Err(other) => panic!("{other}"),
        }
    }
    let _ = opened.reader.envelope(Mid(1));
}
