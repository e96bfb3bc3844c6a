//! Bit rot anywhere in the database: whatever it breaks, nothing altered is ever handed out.

use std::collections::BTreeMap;
use std::path::Path;

use mailreeve_core::ids::{Mid, Rid};
use mailreeve_store::spool::*;

use crate::samples::*;

const QUIET: Housekeeping = Housekeeping { ledger_synced: Seq(0), id_limits: None };

#[test]
fn no_flipped_bit_of_the_database_makes_a_wrong_message() {
    let made = tempfile::tempdir().unwrap();
    let options = small();
    let mut opened = open(made.path(), &options);
    let lengths = [60, 400, 3_000, 512];
    let puts = (1..=40).map(|mid| put(mid, 2, lengths[mid as usize % 4])).collect();
    opened.engine.commit(&[mail(puts)], &QUIET).unwrap();
    let tried = (1..=40).step_by(3).map(|mid| state(mid, 0, 1, mid)).collect();
    let over = (2..=40).step_by(3).map(|mid| (Mid(mid), Rid(1))).collect();
    opened.engine.commit(&[Batch { updates: tried, ends: over, ..Batch::default() }], &QUIET).unwrap();
    drop(opened);
    let expected = everything(&mut open(made.path(), &options).recovery);
    let whole = std::fs::read(made.path().join("queue.db")).unwrap();
    let noise = octets(99, 8 * 400);
    let (mut told, mut unharmed, mut refused) = (0, 0, 0);
    for seed in noise.chunks(8) {
        let bit = u64::from_le_bytes(seed.try_into().unwrap()) as usize % (whole.len() * 8);
        let dir = tempfile::tempdir().unwrap();
        crate::torn::copy(made.path(), dir.path());
        flip(&dir.path().join("queue.db"), bit);
        let Ok(mut opened) = Spool::open(dir.path(), &options) else {
            refused += 1;
            continue;
        };
        match handed_out_right(&mut opened, &expected) {
            Ok(40) => unharmed += 1,
            Ok(_) | Err(_) => told += 1,
        }
    }
    println!(
        "of 400 flipped bits: {told} told, {refused} refused at the start, {unharmed} met nothing in use"
    );
    assert!(told > 50, "{told}");
}

fn flip(path: &Path, bit: usize) {
    let mut octets = std::fs::read(path).unwrap();
    octets[bit / 8] ^= 1 << (bit % 8);
    std::fs::write(path, octets).unwrap();
}

/// Counts the messages that come back whole; what comes back otherwise than it went in is a failure.
fn handed_out_right(opened: &mut Opened, expected: &BTreeMap<u64, Waits>) -> Result<usize, ReadError> {
    let lengths = [60, 400, 3_000, 512];
    let mut whole = 0;
    while let Some(page) = opened.recovery.next_page()? {
        for message in page.messages {
            let mid = message.envelope.mid.0;
            let length = lengths[mid as usize % 4];
            assert_eq!(*message.envelope, *envelope(mid, 2, length as u64));
            for (rid, state) in &message.waiting {
                let was = expected[&mid].get(&rid.0).copied().flatten();
                let is = state.as_ref().map(|state| (state.attempts, state.due_at));
                // A row that is gone leaves a recipient that was never tried: it is tried again, never lost.
                assert!(is == was || is.is_none(), "message {mid}, recipient {rid}: {is:?}, was {was:?}");
            }
            for rid in expected[&mid].keys() {
                assert!(message.waiting.iter().any(|(waiting, _)| waiting.0 == *rid), "{mid}: {rid} is lost");
            }
            match opened.reader.content(Mid(mid)) {
                Ok(StoredContent::Memory(bytes)) => {
                    assert_eq!(bytes, octets(mid, length));
                    whole += 1;
                }
                Ok(StoredContent::File(_)) => panic!("message {mid} was not in a file"),
                Err(ReadError::Damaged { .. } | ReadError::NotFound(_) | ReadError::Io(_)) => {}
            }
        }
    }
    Ok(whole)
}
