//! The spool's promises, one by one.

use std::path::Path;

use crate::samples::*;
use mailreeve_core::ids::{Mid, Rid};
use mailreeve_store::spool::*;

const QUIET: Housekeeping = Housekeeping { ledger_synced: Seq(0), id_limits: None };

fn commit(opened: &mut Opened, batch: Batch) -> Seq {
    opened.engine.commit(&[batch], &QUIET).unwrap()
}

#[test]
fn messages_of_every_size_come_back_as_they_went_in() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options::default();
    let sizes = [0, 1, 511, 4096, 16 * 1024, 16 * 1024 + 1, 64 * 1024, 1 << 20, (1 << 20) + 1, 3_000_000];
    let mut opened = open(dir.path(), &options);
    let puts = sizes.iter().zip(1..).map(|(size, mid)| put(mid, 2, *size)).collect();
    commit(&mut opened, mail(puts));
    for round in 0..2 {
        for (size, mid) in sizes.iter().zip(1..) {
            assert_eq!(read_all(&opened.reader, mid), octets(mid, *size), "{size} octets, round {round}");
            assert_eq!(opened.reader.header(Mid(mid)).unwrap(), octets(mid, *size).slice(..(*size).min(200)));
            assert_eq!(opened.reader.envelope(Mid(mid)).unwrap(), *envelope(mid, 2, *size as u64));
            assert!(opened.reader.head(Mid(mid), usize::MAX).unwrap().len() <= HEAD_BYTES);
        }
        assert_eq!(opened.recovery.total(), if round == 0 { 0 } else { sizes.len() as u64 });
        drop(opened);
        opened = open(dir.path(), &options);
    }
    commit(&mut opened, ends(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
    assert!(matches!(opened.reader.content(Mid(10)), Err(ReadError::NotFound(Mid(10)))));
    assert_eq!(opened.reader.usage().messages, 0);
    assert_eq!(opened.reader.usage().staged_bytes, 0);
}

#[test]
fn a_second_owner_is_told_who_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let options = small();
    let first = open(dir.path(), &options);
    match Spool::open(dir.path(), &options) {
        Err(OpenError::InUse { path, pid }) => {
            assert_eq!(path, dir.path());
            assert_eq!(pid, std::process::id().to_string());
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("two owners"),
    }
    drop(first);
    open(dir.path(), &options);
}

#[test]
fn a_newer_format_and_a_foreign_directory_are_refused_with_a_message() {
    let dir = tempfile::tempdir().unwrap();
    let options = small();
    drop(open(dir.path(), &options));
    let format = dir.path().join("format");
    std::fs::write(&format, "mailreeve-spool 99 hybrid\n").unwrap();
    let told = |dir: &Path| match Spool::open(dir, &options) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("opened"),
    };
    assert!(told(dir.path()).contains("has format 99, this release knows formats up to 1"));
    std::fs::write(&format, "mailreeve-spool 1 other\n").unwrap();
    assert!(told(dir.path()).contains("is not a spool: its file format names the layout other, not hybrid"));
    std::fs::write(&format, "something else\n").unwrap();
    assert!(told(dir.path()).contains("is not a spool"));
    std::fs::remove_file(&format).unwrap();
    assert!(told(dir.path()).contains("holds a queue but no file format"));
}

#[test]
fn a_change_that_contradicts_the_queue_is_named_and_nothing_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let mut opened = open(dir.path(), &small());
    commit(&mut opened, mail(vec![put(1, 2, 100)]));
    let end = Batch { ends: vec![(Mid(1), Rid(1))], ..Batch::default() };
    commit(&mut opened, end.clone());
    commit(&mut opened, end);
    let wrong_size = Put { envelope: envelope(9, 1, 5), content: Content::Memory(octets(9, 4)) };
    let cases = [
        (mail(vec![put(1, 1, 5)]), Refusal::DuplicateMid(Mid(1))),
        (ends(&[7]), Refusal::UnknownMid(Mid(7))),
        (Batch { updates: vec![state(7, 0, 1, 1)], ..Batch::default() }, Refusal::UnknownMid(Mid(7))),
        (Batch { ends: vec![(Mid(7), Rid(0))], ..Batch::default() }, Refusal::UnknownMid(Mid(7))),
        (Batch { updates: vec![state(1, 1, 1, 1)], ..Batch::default() }, Refusal::Ended(Mid(1), Rid(1))),
        (mail(vec![wrong_size]), Refusal::ContentMismatch(Mid(9))),
        (mail(vec![put(1 << 63, 1, 5)]), Refusal::MidOutOfRange(Mid(1 << 63))),
        (
            Batch { aparts: vec![Apart { mid: Mid(7), detail: String::new() }], ..Batch::default() },
            Refusal::UnknownMid(Mid(7)),
        ),
    ];
    for (bad, expected) in cases {
        let parts = [mail(vec![put(20, 1, 1000)]), bad];
        match opened.engine.commit(&parts, &QUIET) {
            Err(SpoolError::Refused { part: 1, refusal }) => assert_eq!(refusal, expected),
            other => panic!("{expected:?}: {other:?}"),
        }
        assert!(matches!(opened.reader.envelope(Mid(20)), Err(ReadError::NotFound(_))), "{expected:?}");
    }
    assert_eq!(opened.engine.health().failure(), None);
    drop(opened);
    let mut again = open(dir.path(), &small());
    assert_eq!(everything(&mut again.recovery), [(1, Waits::from([(0, None)]))].into());
}

#[test]
fn recovery_hands_out_the_never_tried_first_and_then_by_due() {
    let dir = tempfile::tempdir().unwrap();
    let mut opened = open(dir.path(), &small());
    commit(&mut opened, mail((1..=6).map(|mid| put(mid, 2, 10)).collect()));
    let both = |mid, due| [state(mid, 0, 1, due + 50), state(mid, 1, 1, due)];
    let updates = [both(1, 300), both(2, 100), both(5, 200)].concat();
    commit(&mut opened, Batch { updates, ..Batch::default() });
    commit(
        &mut opened,
        Batch { updates: vec![state(3, 0, 4, 7)], ends: vec![(Mid(6), Rid(0))], ..Batch::default() },
    );
    drop(opened);
    let mut again = open(dir.path(), &small());
    assert_eq!(again.recovery.total(), 6);
    commit(&mut again, mail(vec![put(7, 1, 10)]));
    let mut order = Vec::new();
    while let Some(page) = again.recovery.next_page().unwrap() {
        order.extend(page.messages.iter().map(|message| message.envelope.mid.0));
    }
    assert_eq!(order, [3, 4, 6, 2, 5, 1], "7 came after the start");
    assert_eq!(again.recovery.done(), 6);
    let (_, waiting) = again.reader.waiting(Mid(6)).unwrap();
    assert_eq!(waiting, [(Rid(1), None)]);
    let (_, waiting) = again.reader.waiting(Mid(3)).unwrap();
    assert_eq!(waiting, [(Rid(0), Some(state(3, 0, 4, 7))), (Rid(1), None)]);
}

#[test]
fn recovery_hands_out_the_most_urgent_by_due_and_the_rest_by_mid() {
    let dir = tempfile::tempdir().unwrap();
    let options = small();
    let mut opened = open(dir.path(), &options);
    let dues = [70, 10, 60, 30, 50, 20, 40];
    commit(&mut opened, mail((1..=7).map(|mid| put(mid, 1, 10)).collect()));
    let updates = dues.iter().zip(1..).map(|(due, mid)| state(mid, 0, 1, *due)).collect();
    commit(&mut opened, Batch { updates, ..Batch::default() });
    drop(opened);
    let mut again = open(dir.path(), &options);
    let mut order = Vec::new();
    while let Some(page) = again.recovery.next_page().unwrap() {
        order.extend(page.messages.iter().map(|message| message.envelope.mid.0));
    }
    assert_eq!(options.recovered_by_due, 3);
    assert_eq!(order, [2, 6, 4, 1, 3, 5, 7]);
}

#[test]
fn staged_files_without_a_commit_go_and_those_with_one_stay() {
    let dir = tempfile::tempdir().unwrap();
    let options = small();
    let mut opened = open(dir.path(), &options);
    let stage = |opened: &Opened, seed: u64, length: usize| {
        let mut file = opened.staging.create().unwrap();
        for chunk in octets(seed, length).chunks(7000) {
            file.write(chunk).unwrap();
        }
        assert_eq!(file.size(), length as u64);
        file.finish().unwrap()
    };
    let kept = stage(&opened, 1, 100_000);
    let discarded = stage(&opened, 2, 50_000);
    let orphan = stage(&opened, 3, 40_000);
    drop(opened.staging.create().unwrap());
    opened.staging.discard(&discarded);
    let Content::Staged { path: orphan, .. } = orphan else { panic!("not staged") };
    commit(&mut opened, mail(vec![Put { envelope: envelope(1, 1, 100_000), content: kept.clone() }]));
    assert_eq!(read_all(&opened.reader, 1), octets(1, 100_000));
    assert_eq!(opened.reader.header(Mid(1)).unwrap(), octets(1, 100_000).slice(..200));
    assert_eq!(opened.reader.usage().staged_bytes, 100_000);

    // A file that is not as it was finished is refused: its message would be lost after the 250.
    let short = stage(&opened, 4, 30_000);
    let Content::Staged { path, .. } = &short else { panic!("not staged") };
    std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(20_000).unwrap();
    let batch = mail(vec![Put { envelope: envelope(4, 1, 30_000), content: short }]);
    let refused = opened.engine.commit(&[batch], &QUIET);
    assert!(matches!(refused, Err(SpoolError::Refused { refusal: Refusal::ContentMismatch(Mid(4)), .. })));

    drop(opened);
    assert!(orphan.exists());
    let mut again = open(dir.path(), &options);
    assert_eq!(again.swept, Swept { files: 2, bytes: 60_000 });
    assert!(!orphan.exists());
    let StoredContent::File(mut reading) = again.reader.content(Mid(1)).unwrap() else { panic!("in memory") };
    commit(&mut again, ends(&[1]));
    let Content::Staged { path, .. } = kept else { panic!("not staged") };
    assert!(!path.exists());
    let mut read = 0;
    while let Some(chunk) = reading.next_chunk(9000).unwrap() {
        read += chunk.len();
    }
    assert_eq!(read, 100_000, "who reads already reads on");
}

#[test]
fn the_outbox_keeps_what_the_ledger_may_miss() {
    let dir = tempfile::tempdir().unwrap();
    let mut opened = open(dir.path(), &small());
    let seqs: Vec<Seq> = (1..=5).map(|mid| commit(&mut opened, mail(vec![put(mid, 1, 10)]))).collect();
    let synced = Housekeeping { ledger_synced: seqs[2], id_limits: None };
    let sixth = opened.engine.commit(&[mail(vec![put(6, 1, 10)])], &synced).unwrap();
    drop(opened);
    let again = open(dir.path(), &small());
    let expected: Vec<_> =
        [(seqs[3], 4), (seqs[4], 5), (sixth, 6)].map(|(seq, mid)| (seq, vec![accepted(mid, 10)])).into();
    assert_eq!(again.outbox, expected);
    assert!(again.last_seq >= sixth);
    drop(again);
    let floor = Options { seq_floor: Seq(900), ..small() };
    let mut again = open(dir.path(), &floor);
    assert!(commit(&mut again, mail(vec![put(7, 1, 10)])) > Seq(900));
}

#[test]
fn a_number_of_a_commit_is_never_given_twice_even_when_the_outbox_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let mut last = Seq(0);
    for round in 1..5 {
        let mut opened = open(dir.path(), &small());
        assert!(opened.last_seq >= last);
        let all = Housekeeping { ledger_synced: Seq(u64::MAX), id_limits: None };
        let next = opened.engine.commit(&[mail(vec![put(round, 1, 10)])], &all).unwrap();
        assert!(next > last);
        last = next;
    }
}

#[test]
fn nobody_else_may_read_what_is_stored() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let spool = dir.path().join("spool");
    let mut opened = open(&spool, &small());
    let large = Put { envelope: envelope(2, 1, 1_100_000), content: Content::Memory(octets(2, 1_100_000)) };
    commit(&mut opened, mail(vec![put(1, 1, 3_000), large]));
    let mut folders = vec![spool];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o077, 0, "{folder:?}");
        for entry in std::fs::read_dir(folder).unwrap() {
            let (path, meta) = entry.map(|entry| (entry.path(), entry.metadata().unwrap())).unwrap();
            assert_eq!(meta.permissions().mode() & 0o077, 0, "{path:?}");
            if meta.is_dir() { folders.push(path) } else { files += 1 }
        }
    }
    assert!(files >= 4, "{files}");
}
