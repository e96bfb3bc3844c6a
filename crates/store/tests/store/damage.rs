//! Flipped bits are found at the read, told with what and where, and the message can be set apart.

use std::path::Path;

use mailreeve_core::event::{Event, Stamped};
use mailreeve_core::ids::{Mid, Rid};
use mailreeve_store::spool::*;
use rusqlite::Connection;

use crate::samples::*;

const QUIET: Housekeeping = Housekeeping { ledger_synced: Seq(0), id_limits: None };

/// Five messages: in a row, in a segment, in a staged file, with a tried recipient, and an untouched one.
fn filled(dir: &Path, options: &Options) {
    let mut opened = open(dir, options);
    let lengths = [300, 5_000, 1_100_000, 100, 5_000];
    let puts = lengths.iter().zip(1..).map(|(length, mid)| put(mid, 2, *length)).collect();
    opened.engine.commit(&[mail(puts)], &QUIET).unwrap();
    let updates = Batch { updates: vec![state(4, 1, 3, 77)], ..Batch::default() };
    opened.engine.commit(&[updates], &QUIET).unwrap();
}

fn apart(mid: u64, detail: &str) -> Batch {
    let event = Event::Corrupt { mid: Mid(mid), recipients: 2, detail: detail.to_owned() };
    Batch {
        aparts: vec![Apart { mid: Mid(mid), detail: detail.to_owned() }],
        events: vec![Stamped { at: 1, event }],
        ..Batch::default()
    }
}

fn change(dir: &Path, sql: &str) {
    let db = Connection::open(dir.join("queue.db")).unwrap();
    assert_eq!(db.execute(sql, []).unwrap(), 1);
}

/// Flips one bit of a record.
fn flip(dir: &Path, table: &str, column: &str, mid: u64, at: usize) {
    let db = Connection::open(dir.join("queue.db")).unwrap();
    let select = format!("SELECT {column} FROM {table} WHERE mid = {mid}");
    let mut octets: Vec<u8> = db.query_row(&select, [], |row| row.get(0)).unwrap();
    octets[at] ^= 8;
    let update = format!("UPDATE {table} SET {column} = ?1 WHERE mid = {mid}");
    assert_eq!(db.execute(&update, [octets]).unwrap(), 1);
}

fn flip_in_file(path: &Path, at: usize) {
    let mut octets = std::fs::read(path).unwrap();
    octets[at] ^= 4;
    std::fs::write(path, octets).unwrap();
}

fn only_file(dir: &Path) -> std::path::PathBuf {
    let files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    files[0].clone()
}

fn damage_of<T: std::fmt::Debug>(result: Result<T, ReadError>) -> (u64, &'static str, String) {
    match result {
        Err(ReadError::Damaged { mid, what, detail }) => (mid.0, what, detail),
        other => panic!("not damaged: {other:?}"),
    }
}

/// Reads everything of a message; the first damage found.
fn read_fully(reader: &Reader, mid: u64) -> Result<(), ReadError> {
    reader.waiting(Mid(mid))?;
    match reader.content(Mid(mid))? {
        StoredContent::Memory(_) => {}
        StoredContent::File(mut file) => while file.next_chunk(100_000)?.is_some() {},
    }
    Ok(())
}

#[test]
fn each_kind_of_damage_is_named_and_the_others_are_unharmed() {
    type Spoil = fn(&Path);
    let cases: [(u64, &str, &str, Spoil); 10] = [
        (1, "envelope", "checksum", |dir| flip(dir, "envelope", "record", 1, 40)),
        (1, "envelope", "octets are left", |dir| {
            change(dir, "UPDATE envelope SET record = 77 WHERE mid = 1")
        }),
        (1, "content", "row does not match", |dir| flip(dir, "body", "bytes", 1, 200)),
        (1, "content", "row does not match", |dir| change(dir, "UPDATE body SET crc = 'none' WHERE mid = 1")),
        (1, "content", "row is missing", |dir| change(dir, "DELETE FROM body WHERE mid = 1")),
        (2, "content", "checksum does not match (segment", |dir| {
            flip_in_file(&only_file(&dir.join("segments")), 4_000)
        }),
        (2, "content", "frame is damaged (segment", |dir| {
            flip_in_file(&only_file(&dir.join("segments")), 20)
        }),
        (3, "content", "checksum of the file", |dir| flip_in_file(&only_file(&dir.join("large")), 1_000_000)),
        (3, "content", "missing", |dir| std::fs::remove_file(only_file(&dir.join("large"))).unwrap()),
        (4, "recipient state", "checksum", |dir| flip(dir, "recipient_state", "record", 4, 20)),
    ];
    for (mid, what, told, spoil) in cases {
        let dir = tempfile::tempdir().unwrap();
        let options = small();
        filled(dir.path(), &options);
        spoil(dir.path());
        let mut opened = open(dir.path(), &options);
        let (found, named, detail) = damage_of(read_fully(&opened.reader, mid));
        assert_eq!((found, named), (mid, what));
        assert!(detail.contains(told), "{detail}");
        for other in (1..=5).filter(|other| *other != mid) {
            read_fully(&opened.reader, other).unwrap();
        }
        opened.engine.commit(&[apart(mid, &detail)], &QUIET).unwrap();
        assert!(matches!(opened.reader.envelope(Mid(mid)), Err(ReadError::NotFound(_))));
        drop(opened);
        let mut again = open(dir.path(), &options);
        let kept = again.reader.aparts().unwrap();
        assert_eq!(
            kept.iter().map(|kept| (kept.mid, kept.detail.clone())).collect::<Vec<_>>(),
            [(Mid(mid), detail)]
        );
        let left: Vec<u64> = everything(&mut again.recovery).into_keys().collect();
        assert_eq!(left, (1..=5).filter(|other| *other != mid).collect::<Vec<_>>());
        assert_eq!(again.swept, Swept::default(), "what is left of it stays for people");
    }
}

#[test]
fn of_a_damaged_message_is_told_how_many_of_its_recipients_had_not_ended() {
    let dir = tempfile::tempdir().unwrap();
    let options = small();
    let mut opened = open(dir.path(), &options);
    let half = Batch {
        puts: vec![put(1, 3, 300)],
        updates: vec![state(1, 2, 3, 77)],
        ends: vec![(Mid(1), Rid(0))],
        ..Batch::default()
    };
    opened.engine.commit(&[half], &QUIET).unwrap();
    assert_eq!(opened.reader.left(Mid(1)).unwrap(), 2);
    drop(opened);
    let spoil = "UPDATE recipient_state SET record = x'0102' WHERE mid = 1 AND rid = 2";
    change(dir.path(), spoil);
    let opened = open(dir.path(), &options);
    damage_of(opened.reader.waiting(Mid(1)));
    assert_eq!(opened.reader.left(Mid(1)).unwrap(), 2, "who cannot be read has not ended");
    change(dir.path(), "UPDATE recipient_state SET record = x'0102' WHERE mid = 1 AND rid = 0");
    assert_eq!(opened.reader.left(Mid(1)).unwrap(), 3);
}

#[test]
fn recovery_reports_what_it_cannot_read_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let options = small();
    filled(dir.path(), &options);
    flip(dir.path(), "envelope", "record", 2, 40);
    change(dir.path(), "UPDATE recipient_state SET record = x'0102'");
    let mut opened = open(dir.path(), &options);
    let page = opened.recovery.next_page().unwrap().unwrap();
    let damaged: Vec<u64> = page.damaged.iter().map(|damaged| damaged.mid.0).collect();
    assert_eq!(damaged, [2, 4]);
    assert_eq!(page.messages.len(), 3);
    assert!(page.damaged[0].detail.contains("its envelope: the checksum does not match"));
    assert!(opened.recovery.next_page().unwrap().is_none());
    assert_eq!(opened.recovery.done(), opened.recovery.total());
}

#[test]
fn a_damaged_place_keeps_everything_that_it_may_have_named() {
    let dir = tempfile::tempdir().unwrap();
    let options = small();
    filled(dir.path(), &options);
    change(dir.path(), "UPDATE place SET record = x'0102' WHERE mid = 3");
    let mut opened = open(dir.path(), &options);
    assert_eq!(opened.swept, Swept::default());
    only_file(&dir.path().join("large"));
    assert_eq!(damage_of(read_fully(&opened.reader, 3)).1, "content");
    // Segments of before are not written over either: they may hold what a damaged row names.
    let segment = only_file(&dir.path().join("segments"));
    let before = std::fs::read(&segment).unwrap();
    opened.engine.commit(&[ends(&[2, 5])], &QUIET).unwrap();
    opened.engine.commit(&[mail(vec![put(9, 1, 5_000)])], &QUIET).unwrap();
    assert_eq!(std::fs::read(&segment).unwrap(), before);
    assert_eq!(read_all(&opened.reader, 9), octets(9, 5_000));
}

#[test]
fn the_head_is_verified_on_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let options = small();
    filled(dir.path(), &options);
    flip_in_file(&only_file(&dir.path().join("large")), 900_000);
    let opened = open(dir.path(), &options);
    assert_eq!(opened.reader.header(Mid(3)).unwrap(), octets(3, 1_100_000).slice(..200));
    drop(opened);
    flip_in_file(&only_file(&dir.path().join("large")), 900);
    let opened = open(dir.path(), &options);
    assert!(damage_of(opened.reader.header(Mid(3))).2.contains("head"));
}

#[test]
fn one_damaged_copy_of_the_id_limits_is_no_matter_and_two_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let options = small();
    filled(dir.path(), &options);
    change(dir.path(), "UPDATE meta SET record = x'00' WHERE key = 'ids-a'");
    let opened = open(dir.path(), &options);
    assert!(opened.ids[0].start > 1);
    drop(opened);
    let db = Connection::open(dir.path().join("queue.db")).unwrap();
    db.execute("UPDATE meta SET record = x'00'", []).unwrap();
    drop(db);
    match Spool::open(dir.path(), &options) {
        Err(OpenError::Damaged { detail, .. }) => assert!(detail.contains("blocks of ids")),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("ids would be used twice"),
    }
}

#[test]
fn a_damaged_outbox_entry_is_named_as_lost_and_messages_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let options = small();
    filled(dir.path(), &options);
    change(dir.path(), "UPDATE outbox SET record = x'00' WHERE seq = 1");
    let opened = open(dir.path(), &options);
    assert_eq!((opened.outbox.len(), opened.lost_outbox.clone()), (0, vec![Seq(1)]));
    assert_eq!(opened.recovery.total(), 5);
}

#[test]
fn a_damaged_body_is_found_even_after_what_lay_beside_it_moved() {
    let dir = tempfile::tempdir().unwrap();
    let options = small();
    let mut opened = open(dir.path(), &options);
    opened.engine.commit(&[mail(vec![put(1, 1, 600), put(2, 1, 600)])], &QUIET).unwrap();
    drop(opened);
    let file = only_file(&dir.path().join("segments"));
    let stored = std::fs::read(&file).unwrap();
    let body = octets(1, 600);
    flip_in_file(&file, stored.windows(64).position(|window| window == &body[200..264]).unwrap());
    let place = |mid: u64| -> Vec<u8> {
        let db = Connection::open(dir.path().join("queue.db")).unwrap();
        db.query_row("SELECT record FROM place WHERE mid = ?1", [mid as i64], |row| row.get(0)).unwrap()
    };
    let mut opened = open(dir.path(), &options);
    let (first, second) = (place(1), place(2));
    // One of each four stays, so that segments are worth emptying.
    for round in 1..60 {
        let mids: Vec<u64> = (round * 10..round * 10 + 4).collect();
        opened.engine.commit(&[mail(mids.iter().map(|mid| put(*mid, 1, 3_000)).collect())], &QUIET).unwrap();
        opened.engine.commit(&[ends(&mids[1..])], &QUIET).unwrap();
    }
    assert_ne!(place(2), second, "what can be read has moved");
    assert_eq!(place(1), first, "what cannot be read stays for people");
    assert_eq!(damage_of(read_fully(&opened.reader, 1)).1, "content");
    assert_eq!(read_all(&opened.reader, 2), octets(2, 600));
}
