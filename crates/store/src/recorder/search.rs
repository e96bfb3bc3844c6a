//! Finding conversations: which blocks may hold them is known, the rest is read beside the writer.

use std::sync::Arc;

use mailreeve_core::conversation::{Stretch, Which};

use super::block::{self, FILTER_AT, HEAD_BYTES, Records};
use super::lane::Block;
use super::ring::Wanted;
use crate::disk::DiskFile;

/// Blocks that are unpacked at most, the newest of each lane first.
const BLOCKS: usize = 256;
/// Stretches that are found at most.
const STRETCHES: usize = 2_000;

/// A search that has begun.
#[derive(Debug)]
pub struct Search {
    wanted: Wanted,
    records: Vec<Vec<u8>>,
    blocks: Vec<(Arc<dyn DiskFile>, Block)>,
}

impl Search {
    pub(super) const fn new(wanted: Wanted) -> Self {
        Self { wanted, records: Vec::new(), blocks: Vec::new() }
    }

    /// Records that are not in a block yet.
    pub(super) fn add_records(&mut self, records: Vec<u8>) {
        self.records.push(records);
    }

    pub(super) fn add_blocks(&mut self, blocks: impl Iterator<Item = (Arc<dyn DiskFile>, Block)>) {
        let wanted = self.wanted;
        let may_hold = |(_, block): &(Arc<dyn DiskFile>, Block)| match wanted {
            Wanted::Conversation(Which::Inbound(icid)) => block.head.icids.contains(icid.0),
            Wanted::Conversation(Which::Outbound(dcid)) => block.head.dcids.contains(dcid.0),
            // The filter is on disk.
            Wanted::Message(_) => true,
        };
        self.blocks.extend(blocks.filter(may_hold));
    }

    /// Reads; returns what was found, each conversation together and in order. A block that cannot be read, or went
    /// meanwhile, holds nothing.
    pub fn run(self) -> Vec<Stretch> {
        let mut found = Vec::new();
        for records in &self.records {
            self.take(records, &mut found);
        }
        let mut unpacked = 0;
        for (file, block) in &self.blocks {
            if unpacked >= BLOCKS || found.len() >= STRETCHES {
                break;
            }
            if let Some(records) = self.read(&**file, block) {
                unpacked += 1;
                self.take(&records, &mut found);
            }
        }
        found.sort_by_key(|stretch| (stretch.parties.began_at, stretch.parties.which, stretch.number));
        found
    }

    fn read(&self, file: &dyn DiskFile, block: &Block) -> Option<Vec<u8>> {
        if let Wanted::Message(mid) = self.wanted {
            let mut filter = [0; HEAD_BYTES - FILTER_AT];
            file.read_exact_at(&mut filter, block.offset + FILTER_AT as u64).ok()?;
            if !block::may_hold(&filter, mid) {
                return None;
            }
        }
        let mut octets = vec![0; HEAD_BYTES + block.head.body as usize];
        file.read_exact_at(&mut octets, block.offset).ok()?;
        block::unpack(&octets)
    }

    fn take(&self, records: &[u8], found: &mut Vec<Stretch>) {
        let fits = |stretch: &Stretch| match self.wanted {
            Wanted::Conversation(which) => stretch.parties.which == which,
            Wanted::Message(mid) => stretch.mid == Some(mid),
        };
        let room = STRETCHES.saturating_sub(found.len());
        found.extend(Records::of(records).map(|(stretch, _)| stretch).filter(fits).take(room));
    }
}
