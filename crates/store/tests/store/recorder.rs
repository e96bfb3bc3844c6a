//! The recorder's files: bounded, found again after a crash, failures kept longest.

use std::fs;
use std::path::Path;

use mailreeve_core::attempt::{Attempt, Outcome, RECENT};
use mailreeve_core::conversation::{Parties, Stretch, Which};
use mailreeve_core::event::{Cause, Failure, Stage};
use mailreeve_core::ids::{Dcid, Host, Icid, Mid, Rid};
use mailreeve_store::recorder::{Attempts, Ring, Wanted};

fn attempt(mid: u64, rid: u32, began_at: u64) -> Attempt {
    let failure = Failure {
        stage: Stage::Rcpt,
        cause: Cause::Reply4xx,
        status: (4, 2, 1),
        code: 450,
        text: vec![format!("4.2.1 come back, this was {began_at}")],
        address: None,
        at: began_at + 5,
    };
    Attempt {
        mid: Mid(mid),
        rid: Rid(rid),
        host: Host::new(&format!("h{}.test", mid % 3)),
        dcid: Dcid(began_at),
        began_at,
        stages: vec![(Stage::Connect, 3), (Stage::Mail, 4)],
        way: None,
        tls: None,
        certificate: None,
        passed_over: Vec::new(),
        outcome: Outcome::Soft(failure),
        tcp: None,
    }
}

fn began(attempts: &[Attempt]) -> Vec<u64> {
    attempts.iter().map(|attempt| attempt.began_at).collect()
}

#[test]
fn of_a_recipient_the_first_and_the_newest_attempts_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    {
        let (mut attempts, damage) = Attempts::open(folder.path(), 16 << 20).unwrap();
        assert_eq!(damage, None);
        for at in 0..100 {
            attempts.keep(&[attempt(7, 0, at), attempt(7, 1, 1_000 + at)]).unwrap();
        }
        attempts.keep(&[attempt(8, 0, 9)]).unwrap();
    }
    let (attempts, _) = Attempts::open(folder.path(), 16 << 20).unwrap();
    let (numbers, kept): (Vec<u32>, Vec<Attempt>) =
        attempts.of(Mid(7), Some(Rid(0))).unwrap().into_iter().unzip();
    assert_eq!(numbers, [0, 92, 93, 94, 95, 96, 97, 98, 99], "its own number, whatever went before it");
    assert_eq!(began(&kept), [0, 92, 93, 94, 95, 96, 97, 98, 99]);
    assert_eq!(kept.len() as u32, 1 + RECENT);
    assert_eq!(kept[0], attempt(7, 0, 0), "as it was told");
    assert_eq!(attempts.of(Mid(7), None).unwrap().len(), 18);
    assert_eq!(began(&attempts.of_host(&Host::new("h1.test"), 2).unwrap()), [1_099, 1_098]);
    assert!(attempts.of(Mid(6), None).unwrap().is_empty());
}

#[test]
fn the_file_of_attempts_stays_within_its_bound_and_lets_the_oldest_messages_go() {
    let folder = tempfile::tempdir().unwrap();
    let (mut attempts, _) = Attempts::open(folder.path(), 16 << 20).unwrap();
    for block in 0..80 {
        let many: Vec<Attempt> = (0..1_000).map(|mid| attempt(block * 1_000 + mid, 0, mid)).collect();
        attempts.keep(&many).unwrap();
    }
    let octets = size(folder.path());
    assert!(octets <= 17 << 20, "{octets}");
    assert!(attempts.of(Mid(0), None).unwrap().is_empty(), "the oldest went");
    assert_eq!(attempts.of(Mid(79_999), None).unwrap().len(), 1);
}

#[test]
fn a_damaged_file_of_attempts_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("attempts.db"), vec![7; 8_192]).unwrap();
    let (mut attempts, damage) = Attempts::open(folder.path(), 16 << 20).unwrap();
    assert!(damage.is_some() && folder.path().join("attempts.db.damaged").exists());
    attempts.keep(&[attempt(1, 0, 1)]).unwrap();
    assert_eq!(attempts.of(Mid(1), None).unwrap().len(), 1);
}

fn stretch(number: u64, host: &str, failed: bool, octets: usize) -> Stretch {
    // Text that does not pack well, so that bounds are reached soon.
    let mut state = number;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    Stretch {
        parties: Parties {
            which: Which::Outbound(Dcid(number)),
            began_at: number,
            local: None,
            peer: ([192, 0, (number >> 8) as u8, number as u8], 25).into(),
            name: "mx.test".to_owned(),
            host: Some(Host::new(host)),
        },
        number: 0,
        ended: None,
        mid: Some(Mid(number * 3)),
        failed,
        from_us: 0,
        unkept: 0,
        steps: (0..octets).map(|_| noise()).collect(),
        attempts: Vec::new(),
        tcp: None,
    }
}

fn size(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries
        .map(
            |entry| if entry.path().is_dir() { size(&entry.path()) } else { entry.metadata().unwrap().len() },
        )
        .sum()
}

fn found(ring: &mut Ring, dcid: u64) -> usize {
    let wanted = Wanted::Conversation(Which::Outbound(Dcid(dcid)));
    let by_number = ring.search(wanted).run().len();
    assert_eq!(ring.search(Wanted::Message(Mid(dcid * 3))).run().len(), by_number);
    by_number
}

#[test]
fn the_ring_stays_within_its_bound_and_failures_outlive_successes() {
    const ALL: u64 = 16 << 20;
    let folder = tempfile::tempdir().unwrap();
    let (mut ring, cut) = Ring::open(folder.path(), ALL).unwrap();
    assert_eq!(cut, 0);
    let all = 24_000;
    for number in 1..=all {
        let failed = number % 20 == 1;
        let host = format!("h{number}.test");
        ring.keep(&[stretch(number, &host, failed, 2_000)], number).unwrap();
        if number % 1_000 == 0 {
            assert!(size(folder.path()) <= ALL && ring.bytes() <= ALL, "{}", size(folder.path()));
        }
    }
    assert_eq!(found(&mut ring, 1), 1, "a failure from the beginning");
    assert_eq!(found(&mut ring, 2), 0, "a success from the beginning");
    assert_eq!(found(&mut ring, all), 1, "the newest");
    assert_eq!(ring.oldest(), Some(1));
}

#[test]
fn one_host_that_always_fails_does_not_push_out_the_failures_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ring, _) = Ring::open(folder.path(), 16 << 20).unwrap();
    ring.keep(&[stretch(1, "rare.test", true, 2_000)], 1).unwrap();
    for number in 2..20_000 {
        ring.keep(&[stretch(number, "busy.test", true, 2_000)], number).unwrap();
    }
    assert_eq!(found(&mut ring, 1), 1);
    assert_eq!(found(&mut ring, 19_999), 1, "its newest are there all the same");
}

#[test]
fn a_torn_tail_is_cut_and_told_and_costs_only_itself() {
    let folder = tempfile::tempdir().unwrap();
    let keep = |numbers: std::ops::Range<u64>| {
        let (mut ring, cut) = Ring::open(folder.path(), 16 << 20).unwrap();
        for number in numbers {
            ring.keep(&[stretch(number, &format!("h{number}.test"), true, 2_000)], number).unwrap();
        }
        cut
    };
    keep(1..500);
    let tail = folder.path().join("failed/tail");
    let octets = fs::read(&tail).unwrap();
    fs::write(&tail, &octets[..octets.len() - 9]).unwrap();
    let (mut ring, cut) = Ring::open(folder.path(), 16 << 20).unwrap();
    assert!(cut > 0);
    assert_eq!((found(&mut ring, 499), found(&mut ring, 498), found(&mut ring, 1)), (0, 1, 1));
    drop(ring);
    assert_eq!(keep(500..900), 0);
    // A block that was being appended.
    let mut segments: Vec<_> =
        fs::read_dir(folder.path().join("failed")).unwrap().map(|e| e.unwrap().path()).collect();
    segments.retain(|path| path.extension().is_some());
    segments.sort();
    let last = segments.last().unwrap();
    let octets = fs::read(last).unwrap();
    fs::write(last, &octets[..octets.len() - 1]).unwrap();
    let (mut ring, cut) = Ring::open(folder.path(), 16 << 20).unwrap();
    assert!(cut > 0);
    assert_eq!((found(&mut ring, 1), found(&mut ring, 498)), (1, 1));
    ring.keep(&[stretch(950, "later.test", true, 300_000)], 950).unwrap();
    assert_eq!(found(&mut ring, 950), 1);
}

#[test]
fn a_tail_that_was_packed_already_is_not_kept_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ring, _) = Ring::open(folder.path(), 16 << 20).unwrap();
    ring.keep(&[stretch(1, "a.test", true, 2_000)], 1).unwrap();
    let tail = folder.path().join("failed/tail");
    let before = fs::read(&tail).unwrap();
    ring.keep(&[stretch(2, "b.test", true, 300_000)], 2).unwrap();
    drop(ring);
    // As if the process had ended between the block and the new tail.
    fs::write(&tail, before).unwrap();
    let (mut ring, _) = Ring::open(folder.path(), 16 << 20).unwrap();
    assert_eq!((found(&mut ring, 1), found(&mut ring, 2)), (1, 1));
}

#[test]
fn inbound_and_outbound_numbers_are_not_confused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ring, _) = Ring::open(folder.path(), 16 << 20).unwrap();
    let mut inbound = stretch(5, "a.test", false, 10);
    inbound.parties.which = Which::Inbound(Icid(5));
    ring.keep(&[inbound, stretch(5, "b.test", false, 10)], 5).unwrap();
    for which in [Which::Inbound(Icid(5)), Which::Outbound(Dcid(5))] {
        let found = ring.search(Wanted::Conversation(which)).run();
        assert_eq!(found.iter().map(|stretch| stretch.parties.which).collect::<Vec<_>>(), [which]);
    }
}
