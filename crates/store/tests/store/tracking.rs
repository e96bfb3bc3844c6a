//! Message tracking: whatever is asked, index and memory together answer as a look at all events would.

use std::cmp::Reverse;
use std::path::Path;

use mailreeve_core::event::{Event, Stamped};
use mailreeve_core::ids::Mid;
use mailreeve_core::tracking::{Gather, Pattern, Query, Record, Tracked};
use mailreeve_store::ledger::*;
use mailreeve_store::spool::Seq;
use mailreeve_store::tracking::*;
use proptest::prelude::*;
use tempfile::TempDir;

mod damage;
mod traffic;
mod wishes;

use traffic::Traffic;
use wishes::{Step, query, step};

const NOW: u64 = traffic::BEGIN + 90 * 86_400_000_000;

/// A ledger with its tracking, as one process has them.
struct House {
    dir: TempDir,
    ledger: Option<Ledger>,
    tracking: Option<OpenedTracking>,
    seq: u64,
}

impl House {
    fn new() -> Self {
        let mut house = Self { dir: TempDir::new().unwrap(), ledger: None, tracking: None, seq: 0 };
        house.start();
        house
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// Ends the process where it stands, and starts another one.
    fn start(&mut self) {
        (self.ledger, self.tracking) = (None, None);
        let first = Opening { opened_at: 1, ..Opening::default() };
        let options = Options { segment_bytes: 8_000, first, ..Options::default() };
        let (mut ledger, _) = Ledger::open(&self.path("ledger"), &options).unwrap();
        ledger.sync().unwrap();
        let (dir, at) = (self.path("tracking"), self.path("ledger"));
        self.tracking = Some(Tracking::open(&dir, &at, ledger.synced_position()).unwrap());
        self.ledger = Some(ledger);
    }

    fn write(&mut self, events: &[Stamped]) {
        let ledger = self.ledger.as_mut().unwrap();
        for stamped in events {
            self.seq += 1;
            ledger.append(&[Entry { seq: Some(Seq(self.seq)), stamped: stamped.clone() }]).unwrap();
            if ledger.wants_rotation() {
                ledger.rotate(Opening { opened_at: stamped.at, ..Opening::default() }).unwrap();
            }
        }
        ledger.sync().unwrap();
    }

    fn follow(&mut self) {
        let follower = &mut self.tracking.as_mut().unwrap().follower;
        while !follower.follow(NOW).unwrap().at_end {}
    }

    fn commit(&mut self) -> u64 {
        self.tracking.as_mut().unwrap().indexer.commit().unwrap()
    }

    fn tracking(&self) -> Tracking {
        self.tracking.as_ref().unwrap().tracking.clone()
    }
}

/// All records, by a look at all events.
fn naive(ledger: &Path) -> Vec<Record> {
    let (mut reader, mut gather) = (LedgerReader::open(ledger), Gather::default());
    while let Some(item) = reader.next_item().unwrap() {
        if let Item::Event(place, entry) = item {
            gather.note(place, &entry.stamped);
        }
    }
    let mut records: Vec<Record> = gather.records().map(|gathered| gathered.record.clone()).collect();
    records.sort_unstable_by_key(|record| Reverse(Cursor::of(record)));
    records
}

/// Every page of an answer.
fn all_pages(tracking: &Tracking, query: &Query, rows: usize) -> Vec<Record> {
    let (mut all, mut paging) = (Vec::new(), Paging::first(rows));
    loop {
        let page = tracking.find(query, &paging).unwrap();
        assert!(page.rows.len() <= rows);
        all.extend(page.rows);
        match page.next {
            Some(next) => paging = Paging::after(next, rows),
            None => {
                assert_eq!(page.total, all.len() as u64, "{query:?}");
                return all;
            }
        }
    }
}

fn agrees(house: &House, query: &Query, rows: usize) {
    let expected: Vec<Record> =
        naive(&house.path("ledger")).into_iter().filter(|record| query.fits(record)).collect();
    let found = all_pages(&house.tracking(), query, rows);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected, "{query:?}");
    }
    assert_eq!(found.len(), expected.len(), "{query:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_search_agrees_with_a_look_at_all_events(
        seed in any::<u64>(),
        stretches in prop::collection::vec((1..60_usize, step()), 1..6),
        queries in prop::collection::vec(query(), 12),
        rows in 1..9_usize,
    ) {
        let (mut house, mut traffic) = (House::new(), Traffic::new(seed));
        for (length, step) in stretches {
            house.write(&traffic.events(length));
            match step {
                Step::Follow => house.follow(),
                Step::Commit => {
                    house.follow();
                    house.commit();
                }
                Step::Restart => {
                    house.start();
                    let at = traffic.now();
                    traffic.forget_connections();
                    house.write(&[Stamped { at, event: Event::Started { version: "1".into(), node: "n".into() } }]);
                }
                Step::Rebuild => {
                    house.tracking().rebuild();
                    house.commit();
                }
            }
        }
        house.follow();
        agrees(&house, &Query::default(), 1_000);
        for query in &queries {
            agrees(&house, query, rows);
        }
    }
}

#[test]
fn an_answer_lacks_nothing_whether_it_is_in_memory_or_in_the_index() {
    let (mut house, mut traffic) = (House::new(), Traffic::new(3));
    for _ in 0..5 {
        house.write(&traffic.events(300));
        house.follow();
        agrees(&house, &Query::default(), 50);
        assert!(house.commit() > 0);
        agrees(&house, &Query::default(), 50);
    }
    for record in naive(&house.path("ledger")) {
        let history = house.tracking().history(record.tracked).unwrap();
        assert_eq!(history.record, Some(record));
        assert!(history.events.is_sorted_by_key(|stamped| stamped.at));
    }
    assert_eq!(house.tracking().history(Tracked::Message(Mid(1_000_000))).unwrap().record, None);
}

#[test]
fn what_was_not_committed_is_read_again_and_nothing_is_there_twice() {
    let (mut house, mut traffic) = (House::new(), Traffic::new(4));
    house.write(&traffic.events(400));
    house.follow();
    // As if the process had ended after the index was written and before its mark was.
    let mark = house.path("tracking").join("mark");
    house.commit();
    let before = std::fs::read(&mark).unwrap();
    house.write(&traffic.events(400));
    house.follow();
    house.commit();
    std::fs::write(&mark, before).unwrap();
    house.start();
    house.follow();
    agrees(&house, &Query::default(), 100);
    house.commit();
    agrees(&house, &Query::default(), 100);
}

#[test]
fn records_reach_as_far_back_as_the_ledger() {
    let (mut house, mut traffic) = (House::new(), Traffic::new(6));
    house.write(&traffic.events(2_000));
    house.follow();
    house.commit();
    let all = all_pages(&house.tracking(), &Query::default(), 100).len();
    let retention = Retention { total_bytes: Some(60_000), age_us: None };
    let ledger = house.ledger.as_mut().unwrap();
    let here = ledger.segment_start();
    assert!(ledger.retain(&retention, NOW, here).unwrap() > 0);
    house.tracking.as_mut().unwrap().indexer.retain(&Bounds { max_bytes: u64::MAX }).unwrap();
    let page = house.tracking().find(&Query::default(), &Paging::first(1_000_000)).unwrap();
    assert!(page.reach.from > traffic::BEGIN && page.reach.to == NOW, "{:?}", page.reach);
    assert!(page.rows.len() < all && !page.rows.is_empty());
    assert!(page.rows.iter().all(|record| record.began_at >= page.reach.from));
    for record in &page.rows {
        assert_eq!(house.tracking().history(record.tracked).unwrap().record.as_ref(), Some(record));
    }
}

#[test]
fn the_oldest_weeks_go_when_there_are_too_many_octets() {
    let (mut house, mut traffic) = (House::new(), Traffic::new(7));
    house.write(&traffic.events(1_500));
    house.follow();
    house.commit();
    let extent = house.tracking().extent();
    let indexer = &mut house.tracking.as_mut().unwrap().indexer;
    indexer.retain(&Bounds { max_bytes: u64::MAX }).unwrap();
    indexer.retain(&Bounds { max_bytes: 1 }).unwrap();
    let left = house.tracking().extent();
    assert!(left.indexed > 0 && left.indexed < extent.indexed, "{left:?} of {extent:?}");
    let page = house.tracking().find(&Query::default(), &Paging::first(10)).unwrap();
    assert!(page.reach.from > traffic::BEGIN && page.total == left.indexed, "{page:?}");
    house.commit();
    house.start();
    house.follow();
    let again = house.tracking().find(&Query::default(), &Paging::first(10)).unwrap();
    assert_eq!((again.reach.from, again.total), (page.reach.from, page.total));
}

/// A message that no search for its text finds would be a message that was never received, to whoever asks.
#[test]
fn words_of_two_letters_are_found_in_dense_scripts() {
    let mut house = House::new();
    let mut traffic = Traffic::new(8);
    let mid = traffic.message("株式会社東京 請求書のご案内", "ann@sender.example", &["bob@b.example"]);
    house.write(&traffic.take());
    for indexed in [false, true] {
        house.follow();
        if indexed {
            house.commit();
        }
        for text in ["東京", "請求", "案内", "書", "社東京 請"] {
            let query = Query { subject: Some(Pattern::read(text)), ..Query::default() };
            let page = house.tracking().find(&query, &Paging::first(10)).unwrap();
            assert_eq!(
                page.rows.iter().map(|row| row.tracked).collect::<Vec<_>>(),
                [Tracked::Message(mid)],
                "{text}"
            );
        }
        let query = Query { subject: Some(Pattern::read("京東")), ..Query::default() };
        assert_eq!(house.tracking().find(&query, &Paging::first(10)).unwrap().total, 0);
    }
}
