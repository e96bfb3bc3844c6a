//! Spools and ledgers of every released format open and hold what they held.
//!
//! `tests/fixtures/format-1` was written once by `write_the_fixture` and is never written again: a change
//! that cannot read it needs a new format number and a migration.

use std::path::{Path, PathBuf};

use mailreeve_core::event::{Alert, Severity};
use mailreeve_core::ids::{Mid, Rid};
use mailreeve_store::ledger::{Ledger, Opening, Options as LedgerOptions};
use mailreeve_store::spool::*;

use crate::ledger::{entries, read_events};
use crate::samples::*;
use crate::torn::copy;

const QUIET: Housekeeping = Housekeeping { ledger_synced: Seq(0), id_limits: None };

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1")
}

fn ledger_options() -> LedgerOptions {
    let (node, counters) = ("gate-1".to_owned(), vec![7, 8, 9]);
    let first = Opening { node, opened_at: 5, counters, open: 2, ..Opening::default() };
    LedgerOptions { first, ..LedgerOptions::default() }
}

#[test]
#[ignore = "writes the fixture of the present format, once"]
fn write_the_fixture() {
    let dir = fixture();
    assert!(!dir.exists(), "a fixture that was released is not written again");
    let mut opened = open(&dir.join("spool"), &small());
    let mut staged = opened.staging.create().unwrap();
    staged.write(&octets(3, 2_000)).unwrap();
    let large = Put { envelope: envelope(3, 1, 2_000), content: staged.finish().unwrap() };
    let batch = mail(vec![put(1, 3, 200), put(2, 1, 3_000), large, put(4, 1, 50), put(5, 1, 50)]);
    opened.engine.commit(&[batch], &QUIET).unwrap();
    let second = Batch {
        updates: vec![state(1, 1, 2, 99)],
        ends: vec![(Mid(1), Rid(0))],
        dels: vec![Mid(4)],
        aparts: vec![Apart { mid: Mid(5), detail: "for the fixture".to_owned() }],
        events: vec![finished(4)],
        ..Batch::default()
    };
    opened.engine.commit(&[second], &QUIET).unwrap();
    drop(opened);
    let (mut ledger, _) = Ledger::open(&dir.join("ledger"), &ledger_options()).unwrap();
    ledger.append(&entries(1..=2)).unwrap();
    ledger.sync().unwrap();
    ledger.append(&entries(3..=3)).unwrap();
    ledger.sync().unwrap();
}

#[test]
fn format_1_opens() {
    let dir = tempfile::tempdir().unwrap();
    copy(&fixture(), dir.path());
    let mut opened = open(&dir.path().join("spool"), &Options::default());
    assert_eq!(opened.swept, Swept::default());
    assert_eq!(opened.ids[0].start, 101);
    assert_eq!(opened.outbox.last(), Some(&(Seq(2), vec![finished(4)])));
    assert_eq!(opened.recovery.total(), 3);
    assert_eq!(
        everything(&mut opened.recovery),
        [
            (1, Waits::from([(1, Some((2, 99))), (2, None)])),
            (2, Waits::from([(0, None)])),
            (3, Waits::from([(0, None)])),
        ]
        .into()
    );
    for (mid, recipients, length) in [(1, 3, 200), (2, 1, 3_000), (3, 1, 2_000)] {
        assert_eq!(read_all(&opened.reader, mid), octets(mid, length));
        assert_eq!(opened.reader.envelope(Mid(mid)).unwrap(), *envelope(mid, recipients, length as u64));
    }
    let (_, waiting) = opened.reader.waiting(Mid(1)).unwrap();
    assert_eq!(waiting, [(Rid(1), Some(state(1, 1, 2, 99))), (Rid(2), None)]);
    let aparts = opened.reader.aparts().unwrap();
    assert_eq!(
        aparts,
        [ApartRecord { mid: Mid(5), detail: "for the fixture".to_owned(), content_bytes: 50 }]
    );
    opened.engine.commit(&[ends(&[1, 2, 3])], &QUIET).unwrap();
    assert_eq!(opened.reader.usage().messages, 0);

    let (ledger, tail) = Ledger::open(&dir.path().join("ledger"), &LedgerOptions::default()).unwrap();
    assert_eq!(*ledger.opening(), ledger_options().first);
    assert_eq!((tail.last_seq, tail.cut_bytes, tail.damaged_bytes), (Seq(3), 0, 0));
    assert_eq!(read_events(&ledger), entries(1..=3));
}

/// They stand where segments of earlier releases of this format have nothing.
#[test]
fn the_alerts_of_an_opening_come_back_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let alert = |code: &str| Alert {
        severity: Severity::Warning,
        code: code.to_owned(),
        text: "a text".to_owned(),
        hint: String::new(),
    };
    let second = Opening {
        alerts: vec![(7, alert("spool-low")), (9, alert("spool-enough"))],
        ..ledger_options().first
    };
    let (mut ledger, _) = Ledger::open(dir.path(), &ledger_options()).unwrap();
    assert_eq!(ledger.opening().alerts, []);
    ledger.rotate(second.clone()).unwrap();
    ledger.append(&entries(1..=1)).unwrap();
    ledger.sync().unwrap();
    drop(ledger);
    let (ledger, tail) = Ledger::open(dir.path(), &ledger_options()).unwrap();
    assert_eq!((tail.damaged_bytes, tail.cut_bytes), (0, 0));
    assert_eq!(*ledger.opening(), second);
    assert_eq!(read_events(&ledger), entries(1..=1));
}
