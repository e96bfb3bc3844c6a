//! An index or a ledger that is not as it was left: what the ledger has is found all the same.

use std::path::Path;

use mailreeve_core::tracking::{Pattern, Query};
use mailreeve_store::tracking::Paging;

use super::{House, Traffic, agrees, all_pages};

#[test]
fn an_index_that_cannot_be_used_is_made_anew() {
    let (mut house, mut traffic) = (House::new(), Traffic::new(5));
    house.write(&traffic.events(300));
    house.follow();
    house.commit();
    let expected = all_pages(&house.tracking(), &Query::default(), 100);
    (house.ledger, house.tracking) = (None, None);
    let weeks = std::fs::read_dir(house.path("tracking/weeks")).unwrap();
    for week in weeks {
        std::fs::write(week.unwrap().path().join("meta.json"), b"{").unwrap();
    }
    house.start();
    assert!(house.tracking.as_ref().unwrap().rebuilt.is_some());
    house.follow();
    assert_eq!(all_pages(&house.tracking(), &Query::default(), 100), expected);
}

/// What overwrites the index in its place is read at once: files are mapped. It ends a question, and nothing else.
#[test]
fn an_index_that_turns_out_damaged_is_noticed_and_made_anew() {
    let (mut house, mut traffic) = (House::new(), Traffic::new(9));
    house.write(&traffic.events(600));
    house.follow();
    house.commit();
    let expected = all_pages(&house.tracking(), &Query::default(), 1_000);
    for week in std::fs::read_dir(house.path("tracking/weeks")).unwrap() {
        for file in std::fs::read_dir(week.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let parts = ["store", "idx", "pos", "term", "fast"];
            if path.extension().is_some_and(|part| parts.iter().any(|name| part == *name)) {
                let file = std::fs::File::options().write(true).open(&path).unwrap();
                let length = file.metadata().unwrap().len();
                std::os::unix::fs::FileExt::write_all_at(&file, &vec![0xa5; length as usize], 0).unwrap();
            }
        }
    }
    // Some searches come upon it; none brings more down than itself.
    let tracking = house.tracking();
    let query = |text| Query { subject: Some(Pattern::read(text)), ..Query::default() };
    let failed =
        ["report", "quarterly", "東京"].map(|text| tracking.find(&query(text), &Paging::first(9)).is_err());
    let history = expected.iter().map(|record| tracking.history(record.tracked).is_err());
    assert!(history.chain(failed).any(|failed| failed));
    let indexer = &mut house.tracking.as_mut().unwrap().indexer;
    assert!(indexer.damage().is_some());
    indexer.begin_anew();
    indexer.commit().unwrap();
    assert_eq!(indexer.damage(), None);
    house.follow();
    for _ in 0..2 {
        assert_eq!(all_pages(&house.tracking(), &Query::default(), 1_000), expected);
        house.commit();
    }
}

#[test]
fn a_folder_that_takes_no_index_keeps_no_record_from_being_found() {
    let (mut house, mut traffic) = (House::new(), Traffic::new(10));
    house.write(&traffic.events(200));
    (house.ledger, house.tracking) = (None, None);
    let (dir, aside) = (house.path("tracking"), house.path("aside"));
    std::fs::rename(&dir, &aside).unwrap();
    std::fs::write(&dir, "a file where the folder should be").unwrap();
    house.start();
    house.follow();
    agrees(&house, &Query::default(), 50);
    assert!(house.tracking.as_mut().unwrap().indexer.commit().is_err());
    house.follow();
    agrees(&house, &Query::default(), 50);
    // When the folder can be used the index is made, and nobody has to restart anything.
    std::fs::remove_file(&dir).unwrap();
    std::fs::create_dir(&dir).unwrap();
    house.commit();
    house.follow();
    assert!(house.commit() > 0 && house.tracking().extent().indexed > 0);
    agrees(&house, &Query::default(), 50);
}

/// Half a record at the end of the ledger, and an index that was cut anywhere.
#[test]
fn torn_tails_of_ledger_and_index_lose_no_record_that_the_ledger_has() {
    let (mut house, mut traffic) = (House::new(), Traffic::new(11));
    house.write(&traffic.events(500));
    house.follow();
    house.commit();
    for (round, cut) in [1_u64, 7, 23, 61, 200].into_iter().enumerate() {
        house.write(&traffic.events(60));
        house.follow();
        if round % 2 == 0 {
            house.commit();
        }
        (house.ledger, house.tracking) = (None, None);
        tear(&newest_below(&house.path("ledger"), ".ledger"), cut.min(20));
        let weeks = house.path("tracking/weeks");
        let mut all: Vec<_> = std::fs::read_dir(&weeks).unwrap().map(|week| week.unwrap().path()).collect();
        all.sort();
        let parts = [".store", ".idx", ".pos", ".fast", ".json"];
        tear(&newest_below(all.last().unwrap(), parts[round]), cut);
        house.start();
        house.follow();
        agrees(&house, &Query::default(), 100);
        house.commit();
        agrees(&house, &Query::default(), 100);
    }
}

fn newest_below(folder: &Path, ending: &str) -> std::path::PathBuf {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut named: Vec<_> = files.filter(|path| path.to_str().unwrap().ends_with(ending)).collect();
    named.sort();
    named.pop().unwrap_or_else(|| panic!("no {ending} in {}", folder.display()))
}

fn tear(path: &Path, octets: u64) {
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len().saturating_sub(octets)).unwrap();
}
