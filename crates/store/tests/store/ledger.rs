//! The ledger: what goes in comes out, in order, over segments, restarts and damage.

use std::ops::RangeInclusive;

use mailreeve_core::event::{Event, Stamped};
use mailreeve_core::ids::Icid;
use mailreeve_store::ledger::*;
use mailreeve_store::spool::Seq;

use crate::samples::*;

/// Two events for each commit: one of the queue's, one beside it.
pub(crate) fn entries(seqs: RangeInclusive<u64>) -> Vec<Entry> {
    seqs.flat_map(|seq| {
        [
            Entry { seq: Some(Seq(seq)), stamped: accepted(seq, 4096) },
            Entry { seq: Some(Seq(seq)), stamped: delivered(seq) },
        ]
    })
    .collect()
}

fn connection(icid: u64) -> Entry {
    let (local, peer) = ("192.0.2.1:25".parse().unwrap(), "[2001:db8::9]:40112".parse().unwrap());
    let event = Event::ConnectionOpened { icid: Icid(icid), listener: "inbound".to_owned(), local, peer };
    Entry { seq: None, stamped: Stamped { at: icid, event } }
}

pub(crate) fn read_events(ledger: &Ledger) -> Vec<Entry> {
    events_of(&mut ledger.reader())
}

fn events_of(reader: &mut LedgerReader) -> Vec<Entry> {
    let mut events = Vec::new();
    while let Some(item) = reader.next_item().unwrap() {
        match item {
            Item::Event(_, entry) => events.push(entry),
            Item::Opened(..) => {}
            Item::Damaged(position, bytes) => panic!("{bytes} octets damaged at {position:?}"),
        }
    }
    events
}

fn opening(at: u64, open: u64) -> Opening {
    Opening {
        node: "gate-1".to_owned(),
        opened_at: at,
        counters: vec![1, 2, open as u8],
        open,
        ..Opening::default()
    }
}

pub(crate) fn options() -> Options {
    Options { segment_bytes: 2_000, first: opening(0, 0), ..Options::default() }
}

#[test]
fn events_come_back_in_order_over_segments_and_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    for round in 0..4 {
        let (mut ledger, tail) = Ledger::open(dir.path(), &options()).unwrap();
        assert_eq!(tail.cut_bytes, 0);
        assert_eq!(tail.last_seq, Seq(round * 10));
        for seq in round * 10 + 1..=round * 10 + 10 {
            let mut some = entries(seq..=seq);
            some.push(connection(seq));
            ledger.append(&some).unwrap();
            expected.extend(some);
            if ledger.wants_rotation() {
                ledger.rotate(opening(seq, seq)).unwrap();
            }
            if seq % 3 == 0 {
                ledger.sync().unwrap();
            }
        }
        ledger.sync().unwrap();
        assert_eq!(ledger.synced_seq().load(), Seq(round * 10 + 10));
        assert_eq!(read_events(&ledger), expected);
    }
    let segments = std::fs::read_dir(dir.path()).unwrap().count();
    assert!(segments > 5, "{segments}");
}

#[test]
fn a_reader_follows_the_writer_and_sees_each_opening() {
    let dir = tempfile::tempdir().unwrap();
    let (mut ledger, _) = Ledger::open(dir.path(), &options()).unwrap();
    let mut reader = LedgerReader::open(dir.path());
    assert_eq!(
        reader.next_item().unwrap(),
        Some(Item::Opened(Position { segment: 1, offset: 0 }, opening(0, 0)))
    );
    assert_eq!(reader.next_item().unwrap(), None);
    let mut positions = Vec::new();
    for seq in 1..=40 {
        ledger.append(&entries(seq..=seq)).unwrap();
        for expected in entries(seq..=seq) {
            match reader.next_item().unwrap() {
                Some(Item::Event(position, entry)) => {
                    assert_eq!(entry, expected);
                    positions.push((position, entry));
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(reader.next_item().unwrap(), None);
        assert_eq!(reader.position(), ledger.position());
        if ledger.wants_rotation() {
            ledger.rotate(opening(seq, seq)).unwrap();
            let here = ledger.segment_start();
            assert_eq!(reader.next_item().unwrap(), Some(Item::Opened(here, opening(seq, seq))));
        }
    }
    for (position, entry) in positions {
        reader.seek(position);
        assert_eq!(reader.next_item().unwrap(), Some(Item::Event(position, entry)));
    }
    reader.seek_time(21).unwrap();
    match reader.next_item().unwrap() {
        Some(Item::Opened(_, opening)) => assert!((8..=21).contains(&opening.opened_at), "{opening:?}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_outbox_is_replayed_exactly_where_the_ledger_lacks_it() {
    let dir = tempfile::tempdir().unwrap();
    let outbox: Vec<_> =
        (1..=4).map(|n| (Seq(n), entries(n..=n).into_iter().map(|entry| entry.stamped).collect())).collect();
    let (mut ledger, tail) = Ledger::open(dir.path(), &options()).unwrap();
    assert_eq!(tail.missing(&outbox), entries(1..=4));
    ledger.append(&entries(1..=2)).unwrap();
    ledger.append(&entries(3..=3)[..1]).unwrap();
    drop(ledger);
    let (mut ledger, tail) = Ledger::open(dir.path(), &options()).unwrap();
    assert_eq!((tail.last_seq, tail.last_seq_events), (Seq(3), 1));
    assert_eq!(tail.missing(&outbox), [&entries(3..=3)[1..], &entries(4..=4)[..]].concat());
    ledger.append(&tail.missing(&outbox)).unwrap();
    ledger.rotate(opening(9, 9)).unwrap();
    drop(ledger);
    let (ledger, tail) = Ledger::open(dir.path(), &options()).unwrap();
    assert_eq!(tail.last_seq, Seq(4));
    assert_eq!(tail.missing(&outbox), []);
    assert_eq!(*ledger.opening(), opening(9, 9));
}

#[test]
fn damage_in_what_was_synced_is_told_and_costs_only_itself() {
    let dir = tempfile::tempdir().unwrap();
    let big = Options { segment_bytes: 1 << 20, ..options() };
    let (mut ledger, _) = Ledger::open(dir.path(), &big).unwrap();
    let start = ledger.position().offset as usize;
    for seq in 1..=10 {
        ledger.append(&entries(seq..=seq)).unwrap();
        ledger.sync().unwrap();
    }
    ledger.append(&entries(11..=11)).unwrap();
    drop(ledger);
    let path = dir.path().join("0000000000000001.ledger");
    let mut octets = std::fs::read(&path).unwrap();
    octets[start + 20] ^= 1;
    std::fs::write(&path, &octets).unwrap();
    let (ledger, tail) = Ledger::open(dir.path(), &big).unwrap();
    assert_eq!(tail.cut_bytes, 0);
    assert!(tail.damaged_bytes > 0 && tail.damaged_bytes < 200, "{tail:?}");
    assert_eq!(tail.last_seq, Seq(11));
    let mut reader = ledger.reader();
    let mut damaged = 0;
    let mut events = Vec::new();
    while let Some(item) = reader.next_item().unwrap() {
        match item {
            Item::Damaged(_, bytes) => damaged += bytes,
            Item::Event(_, entry) => events.push(entry),
            Item::Opened(..) => {}
        }
    }
    assert_eq!(damaged, tail.damaged_bytes);
    assert_eq!(events, entries(1..=11)[1..]);
}

#[test]
fn a_hole_in_what_was_never_synced_is_a_torn_tail() {
    let dir = tempfile::tempdir().unwrap();
    let big = Options { segment_bytes: 1 << 20, ..options() };
    let (mut ledger, _) = Ledger::open(dir.path(), &big).unwrap();
    ledger.append(&entries(1..=3)).unwrap();
    ledger.sync().unwrap();
    ledger.append(&entries(4..=4)).unwrap();
    let hole = ledger.position().offset as usize;
    ledger.append(&entries(5..=9)).unwrap();
    drop(ledger);
    let path = dir.path().join("0000000000000001.ledger");
    let mut octets = std::fs::read(&path).unwrap();
    octets[hole..hole + 30].fill(0);
    std::fs::write(&path, &octets).unwrap();
    let (ledger, tail) = Ledger::open(dir.path(), &big).unwrap();
    assert_eq!(tail.cut_bytes, (octets.len() - hole) as u64);
    assert_eq!((tail.damaged_bytes, tail.last_seq), (0, Seq(4)));
    assert_eq!(read_events(&ledger), entries(1..=4));
}

#[test]
fn retention_takes_the_oldest_and_never_what_is_needed() {
    let dir = tempfile::tempdir().unwrap();
    let (mut ledger, _) = Ledger::open(dir.path(), &options()).unwrap();
    for seq in 1..=60 {
        ledger.append(&entries(seq..=seq)).unwrap();
        if ledger.wants_rotation() {
            ledger.rotate(opening(seq, seq)).unwrap();
        }
    }
    let now = ledger.segment_start();
    let nothing = Retention::default();
    assert_eq!(ledger.retain(&nothing, u64::MAX, now).unwrap(), 0);
    let by_age = Retention { age_us: Some(40), ..nothing };
    assert_eq!(ledger.retain(&by_age, 41, now).unwrap(), 0);
    let removed = ledger.retain(&by_age, 70, now).unwrap();
    assert!(removed > 0 && removed < now.segment, "{removed}");
    let by_size = Retention { total_bytes: Some(1), ..nothing };
    let needed = Position { segment: now.segment - 2, offset: 0 };
    ledger.retain(&by_size, 0, needed).unwrap();
    let mut reader = ledger.reader();
    match reader.next_item().unwrap() {
        Some(Item::Opened(position, _)) => assert_eq!(position, needed),
        other => panic!("{other:?}"),
    }
    ledger.retain(&by_size, 0, Position { segment: u64::MAX, offset: 0 }).unwrap();
    assert_eq!(ledger.reader().next_item().unwrap(), Some(Item::Opened(now, ledger.opening().clone())));
}

#[test]
fn a_crash_while_a_segment_was_begun_leaves_a_ledger_that_opens() {
    for left in [&b""[..], b"MREELEDG", b"garbage, more than a head is long, of no use to anybody"] {
        let dir = tempfile::tempdir().unwrap();
        let (mut ledger, _) = Ledger::open(dir.path(), &options()).unwrap();
        ledger.append(&entries(1..=3)).unwrap();
        ledger.sync().unwrap();
        drop(ledger);
        std::fs::write(dir.path().join("0000000000000002.ledger"), left).unwrap();
        let (mut ledger, tail) = Ledger::open(dir.path(), &options()).unwrap();
        assert_eq!(tail.last_seq, Seq(3));
        ledger.append(&entries(4..=4)).unwrap();
        assert_eq!(read_events(&ledger), entries(1..=4), "{left:?}");
        drop(ledger);
        let (ledger, tail) = Ledger::open(dir.path(), &options()).unwrap();
        assert_eq!((tail.last_seq, tail.damaged_bytes), (Seq(4), 0));
        assert_eq!(read_events(&ledger), entries(1..=4));
    }
}

#[test]
fn a_newer_segment_and_a_second_owner_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, _) = Ledger::open(dir.path(), &options()).unwrap();
    match Ledger::open(dir.path(), &options()) {
        Err(LedgerError::InUse { pid, .. }) => assert_eq!(pid, std::process::id().to_string()),
        other => panic!("{other:?}"),
    }
    drop(ledger);
    let path = dir.path().join("0000000000000001.ledger");
    let mut octets = std::fs::read(&path).unwrap();
    octets[8] = 9;
    std::fs::write(&path, octets).unwrap();
    assert!(matches!(
        Ledger::open(dir.path(), &options()),
        Err(LedgerError::NewerFormat { found: 9, known: 1, .. })
    ));
}
