//! Standing orders: whole or not at all, whatever fails; damage is told and never guessed at.

use std::path::Path;
use std::sync::Arc;

use mailreeve_core::event::Deed;
use mailreeve_core::ids::{Host, Mid};
use mailreeve_store::disk::HostDisk;
use mailreeve_store::standing::*;

use crate::faulty_disk::{Fault, FaultyDisk};

fn open(dir: &Path) -> Standing {
    Standing::open(Arc::new(HostDisk), dir).unwrap()
}

fn given(by: &str) -> Given {
    Given { by: by.to_owned(), at: 1_700_000_000_000_000 }
}

/// Orders of every kind.
fn full() -> Orders {
    Orders {
        receiving: Some(given("ann")),
        listeners: [("Incoming".to_owned(), given("ben"))].into(),
        delivery: Some(given("\"quoted\"\nname")),
        hosts: [(Host::new("example.com"), given("ann"))].into(),
        work_queue: WorkQueue {
            paused: Some(Pause { given: given("ann"), reason: "checking the directory".to_owned() }),
            spans: vec![Span { from: Mid(7), upto: Some(Mid(9)) }, Span { from: Mid(12), upto: None }],
        },
        jobs: vec![Job {
            id: 3,
            deed: Deed::Redirect { to: Host::new("other.example") },
            scope: JobScope::Sender("a@b.example".to_owned()),
            given: given("cid"),
            upto_mid: Mid(40),
            done: 2_000,
        }],
        last_job: 3,
    }
}

#[test]
fn without_a_file_nothing_is_ordered_and_what_is_ordered_is_there_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut standing = open(dir.path());
    assert_eq!(*standing.orders(), Orders::default());
    assert!(standing.change(|orders| orders.jobs.is_empty()).unwrap());
    assert!(!dir.path().join("standing").exists(), "nothing changed, nothing is written");
    standing.change(|orders| *orders = full()).unwrap();
    assert_eq!(*standing.orders(), full());
    assert_eq!(*open(dir.path()).orders(), full());
    standing.change(|orders| *orders = Orders::default()).unwrap();
    assert_eq!(*open(dir.path()).orders(), Orders::default());
}

/// What the first release wrote: read for ever.
#[test]
fn version_1_is_read() {
    let json = "{\"delivery\":{\"by\":\"ann\",\"at\":5},\"work_queue\":{\"paused\":{\"by\":\"ben\",\"at\":6,\
                \"reason\":\"x\"},\"spans\":[{\"from\":3,\"upto\":null}]}}\n";
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "mailreeve-standing 1 {:08x}\n{json}",
        crc32(&[&1_u32.to_le_bytes(), json.as_bytes()].concat())
    );
    std::fs::write(dir.path().join("standing"), text).unwrap();
    let orders = open(dir.path()).orders().clone();
    assert_eq!(orders.delivery, Some(Given { by: "ann".to_owned(), at: 5 }));
    assert_eq!(orders.work_queue.spans, [Span { from: Mid(3), upto: None }]);
    assert_eq!(orders.work_queue.paused.unwrap().reason, "x");
    assert!(orders.jobs.is_empty());
}

/// CRC-32 (IEEE), by its definition.
fn crc32(octets: &[u8]) -> u32 {
    !octets.iter().fold(!0_u32, |crc, octet| {
        (0..8).fold(crc ^ u32::from(*octet), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[test]
fn every_damage_is_an_error_that_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).change(|orders| *orders = full()).unwrap();
    let path = dir.path().join("standing");
    let whole = std::fs::read(&path).unwrap();
    let refused = |octets: &[u8], what: String| {
        std::fs::write(&path, octets).unwrap();
        let error = Standing::open(Arc::new(HostDisk), dir.path()).expect_err(&what);
        assert!(
            matches!(error, StandingError::Damaged { .. } | StandingError::Newer { .. }),
            "{what}: {error}"
        );
        error.to_string()
    };
    for octet in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[octet] ^= 1 << (octet % 8);
        refused(&flipped, format!("octet {octet}"));
    }
    for length in 0..whole.len() {
        refused(&whole[..length], format!("length {length}"));
    }
    let text = refused(b"", "empty".to_owned());
    assert!(text.contains("give the orders again"), "{text}");
    let text = refused(b"mailreeve-standing 2 00000000\n{}\n", "newer".to_owned());
    assert!(text.contains("start the newer release"), "{text}");
}

#[test]
fn no_operation_can_fail_and_leave_anything_but_the_orders_before_or_after() {
    for fault in [Fault::Broken, Fault::Full] {
        let (mut before, mut after) = (0, 0);
        for operation in 1.. {
            let dir = tempfile::tempdir().unwrap();
            open(dir.path()).change(|orders| orders.delivery = Some(given("ann"))).unwrap();
            let old = open(dir.path()).orders().clone();
            // A half-written file of a crash must not be in the way.
            std::fs::write(dir.path().join("standing.new"), "half").unwrap();
            let disk = FaultyDisk::new(operation, fault);
            let what = format!("{fault:?}, operation {operation}");
            let Ok(mut standing) = Standing::open(Arc::new(disk.clone()), dir.path()) else { continue };
            let changed = standing.change(|orders| *orders = full());
            let found = open(dir.path()).orders().clone();
            match &changed {
                Ok(()) => assert_eq!((standing.orders(), &found), (&full(), &full()), "{what}"),
                Err(StandingError::Unsure(_)) => {
                    assert_eq!(*standing.orders(), old, "{what}");
                    assert!(found == old || found == full(), "{what}");
                    let again = standing.change(|orders| *orders = full());
                    assert!(matches!(again, Err(StandingError::Unsure(_))), "{what}: believed again");
                    after += 1;
                }
                Err(_) => {
                    assert_eq!((standing.orders(), &found), (&old, &old), "{what}");
                    standing.change(|orders| *orders = full()).unwrap();
                    assert_eq!(*open(dir.path()).orders(), full(), "{what}: a new file is a new chance");
                    before += 1;
                }
            }
            if !disk.struck() {
                break;
            }
        }
        assert!(before >= 5 && after == 1, "{fault:?}: {before} before, {after} unsure");
    }
}

#[test]
fn orders_beyond_every_measure_are_refused_and_the_ones_before_stand() {
    let dir = tempfile::tempdir().unwrap();
    let mut standing = open(dir.path());
    let refused = standing.change(|orders| {
        for number in 0..100_000 {
            orders.hosts.insert(Host::new(&format!("host{number}.example")), given("ann"));
        }
    });
    assert!(matches!(refused, Err(StandingError::TooMany(_))));
    assert_eq!(*standing.orders(), Orders::default());
    assert!(!dir.path().join("standing").exists());
}
