//! What the spool takes on disk stays bounded, whatever comes and goes.

use mailreeve_store::spool::*;

use crate::samples::*;

fn commit(opened: &mut Opened, batch: Batch) -> Seq {
    opened.engine.commit(&[batch], &Housekeeping::default()).unwrap()
}

#[test]
fn emptied_segments_are_used_again_and_one_old_message_pins_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let options = small();
    let mut opened = open(dir.path(), &options);
    // One in forty stays for ever, the others go at once: without moving survivors every segment would stay.
    let mut kept = Vec::new();
    for round in 0..300 {
        let mids: Vec<u64> = (round * 10 + 1..=round * 10 + 10).collect();
        commit(&mut opened, mail(mids.iter().map(|mid| put(*mid, 1, 3000)).collect()));
        let (stay, go): (Vec<u64>, Vec<u64>) = mids.iter().partition(|mid| *mid % 40 == 0);
        kept.extend(stay);
        commit(&mut opened, ends(&go));
    }
    let usage = opened.reader.usage();
    assert_eq!(usage.segment_live_bytes, kept.len() as u64 * 3044);
    let bound = 2 * usage.segment_live_bytes + 10 * options.segment_bytes;
    assert!(usage.segment_bytes <= bound, "{usage:?}, bound {bound}");
    let files = std::fs::read_dir(dir.path().join("segments")).unwrap().count() as u64;
    assert_eq!(files * options.segment_bytes, usage.segment_bytes);
    drop(opened);
    let mut again = open(dir.path(), &options);
    for mid in &kept {
        assert_eq!(read_all(&again.reader, *mid), octets(*mid, 3000));
    }
    commit(&mut again, ends(&kept));
    assert_eq!(again.reader.usage().segment_live_bytes, 0);
    let left = again.reader.usage().segment_bytes;
    assert!(left <= 5 * options.segment_bytes, "{left}");
}

#[test]
fn the_write_ahead_log_stays_bounded_while_readers_read() {
    let dir = tempfile::tempdir().unwrap();
    let options = small();
    let mut opened = open(dir.path(), &options);
    commit(&mut opened, mail(vec![put(1, 1, 400)]));
    let stop = std::sync::atomic::AtomicBool::new(false);
    let reader = opened.reader.clone();
    let most = std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    assert_eq!(read_all(&reader, 1).len(), 400);
                }
            });
        }
        let mut most = 0;
        for round in 1..=300 {
            let mids: Vec<u64> = (round * 10..round * 10 + 10).collect();
            commit(&mut opened, mail(mids.iter().map(|mid| put(*mid, 1, 400)).collect()));
            commit(&mut opened, ends(&mids));
            most = most.max(opened.reader.usage().wal_bytes);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        most
    });
    assert!(most >= options.wal_bytes, "the test never reached the mark: {most}");
    assert!(most <= 5 * options.wal_bytes, "{most}");
    let file = std::fs::metadata(dir.path().join("queue.db-wal")).unwrap().len();
    assert!(file <= 6 * options.wal_bytes, "{file}");
}

#[test]
fn the_write_ahead_log_is_made_long_at_once_and_zeros_in_it_are_no_commits() {
    let (dir, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let options = Options { wal_bytes: 8 << 20, ..small() };
    let mut opened = open(dir.path(), &options);
    let wal = dir.path().join("queue.db-wal");
    let length = || std::fs::metadata(&wal).unwrap().len();
    commit(&mut opened, mail(vec![put(1, 1, 400)]));
    assert!(length() < options.wal_bytes / 8, "nothing flows yet");
    let mut kept = 1;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    // Commits go on meanwhile; none may be overwritten.
    while length() < options.wal_bytes * 5 / 4 {
        assert!(std::time::Instant::now() < deadline, "{} octets", length());
        if kept < 1000 {
            kept += 1;
            commit(&mut opened, mail(vec![put(kept, 1, 400)]));
        }
    }
    assert!(opened.reader.usage().wal_bytes < options.wal_bytes, "most of it is zeros");
    crate::torn::copy(dir.path(), crashed.path());
    drop(opened);
    let again = open(crashed.path(), &options);
    assert_eq!(again.recovery.total(), kept);
    assert!((1..=kept).all(|mid| read_all(&again.reader, mid) == octets(mid, 400)));
}
