//! The end of the last segment: what of it is good, what was torn, which commits it knows.

use mailreeve_core::event::Stamped;

use super::Entry;
use super::frame::{Parsed, Record, parse, resync};
use crate::spool::Seq;

/// What the ledger knew when it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// Octets cut from the end, of events that were never synced: to be recorded as `LedgerGap`.
    pub cut_bytes: u64,
    /// Octets in the last segment that cannot be read although they were synced: damage, left in place.
    pub damaged_bytes: u64,
    /// The last commit with an event in the ledger.
    pub last_seq: Seq,
    /// How many events of that commit there are.
    pub last_seq_events: usize,
}

impl Tail {
    /// Returns the events of the spool's outbox that the ledger does not have, to be appended.
    pub fn missing(&self, outbox: &[(Seq, Vec<Stamped>)]) -> Vec<Entry> {
        let entry = |seq: Seq, stamped: &Stamped| Entry { seq: Some(seq), stamped: stamped.clone() };
        let mut missing = Vec::new();
        for (seq, events) in outbox.iter().filter(|(seq, _)| *seq >= self.last_seq) {
            let known = if *seq == self.last_seq { self.last_seq_events } else { 0 };
            missing.extend(events.iter().skip(known).map(|stamped| entry(*seq, stamped)));
        }
        missing
    }
}

/// What a walk through a segment's records found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// Where good records end.
    pub(super) end: usize,
    pub(super) damaged_bytes: u64,
    pub(super) last_seq: Option<Seq>,
    pub(super) last_seq_events: usize,
    /// The last told durable length.
    synced: u64,
}

impl Scan {
    /// Walks the records of a whole segment from `start`.
    ///
    /// A hole with good records behind it is damage only if one of those tells that the hole was durable;
    /// otherwise a power cut kept later blocks and lost earlier ones, and all from the hole on is torn.
    pub(super) fn of(octets: &[u8], start: usize) -> Self {
        let mut scan = Self { end: start, ..Self::default() };
        let mut at = start;
        while at < octets.len() {
            match parse(&octets[at..]) {
                Parsed::Record(record, length) => {
                    at += length;
                    scan.end = at;
                    scan.note(record);
                }
                Parsed::Incomplete | Parsed::Damaged => {
                    let Some(next) = resync(octets, at + 1) else { break };
                    if !told_synced(octets, next, at) {
                        break;
                    }
                    scan.damaged_bytes += (next - at) as u64;
                    at = next;
                }
            }
        }
        scan
    }

    fn note(&mut self, record: Record) {
        match record {
            Record::Synced(synced) => self.synced = synced,
            Record::Event(Entry { seq: None, .. }) => {}
            Record::Event(Entry { seq, .. }) if seq == self.last_seq => self.last_seq_events += 1,
            Record::Event(Entry { seq, .. }) => {
                self.last_seq = seq;
                self.last_seq_events = 1;
            }
        }
    }
}

/// Reports whether a record from `next` on tells that the octets at `hole` were durable.
fn told_synced(octets: &[u8], next: usize, hole: usize) -> bool {
    let mut at = next;
    while at < octets.len() {
        match parse(&octets[at..]) {
            Parsed::Record(Record::Synced(synced), _) if synced > hole as u64 => return true,
            Parsed::Record(_, length) => at += length,
            Parsed::Incomplete | Parsed::Damaged => match resync(octets, at + 1) {
                Some(later) => at = later,
                None => return false,
            },
        }
    }
    false
}
