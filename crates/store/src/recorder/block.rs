//! How blocks and the records in them look.
//!
//! A block: magic (4), CRC-32 of all that follows (4), octets of the body (4), octets of it unpacked (4), number of
//! the block (8), oldest instant (8), least and greatest ICID (16) and DCID (16), a filter of the MIDs (512), the body
//! in zstd's form. Numbers are little-endian. Unpacked, the body is records one behind the other: length (4) and
//! CRC-32 (4) of what follows, a stretch in postcard's form.

use mailreeve_core::conversation::{Stretch, Which};
use mailreeve_core::ids::Mid;

use crate::encoding;

const MAGIC: u32 = u32::from_le_bytes(*b"RBLK");
const FILTER_BYTES: usize = 512;
/// Octets before the filter.
const NUMBERS_BYTES: usize = 64;
/// Octets before the body.
pub(super) const HEAD_BYTES: usize = NUMBERS_BYTES + FILTER_BYTES;
/// Where the filter stands in the head.
pub(super) const FILTER_AT: usize = NUMBERS_BYTES;
/// A block is packed once its records have so many octets.
pub(super) const BLOCK_BYTES: usize = 256 << 10;
/// Largest record: a stretch is bounded, with as many attempts as a transaction has recipients.
const RECORD_MAX: usize = 4 << 20;
/// Largest block unpacked.
const BODY_MAX: usize = BLOCK_BYTES + RECORD_MAX;
const RECORD_HEAD: usize = 8;
/// Fast rather than small: what is packed is so alike that the level hardly shows.
const LEVEL: i32 = 1;

/// A range of numbers; empty when the least is above the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) least: u64,
    pub(super) greatest: u64,
}

impl Span {
    pub(super) const NONE: Self = Self { least: u64::MAX, greatest: 0 };

    pub(super) fn take_in(&mut self, number: u64) {
        self.least = self.least.min(number);
        self.greatest = self.greatest.max(number);
    }

    pub(super) const fn contains(&self, number: u64) -> bool {
        self.least <= number && number <= self.greatest
    }
}

/// What is known of a block without unpacking it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) number: u64,
    pub(super) body: u32,
    pub(super) unpacked: u32,
    pub(super) oldest: u64,
    pub(super) icids: Span,
    pub(super) dcids: Span,
}

/// Records that gather for a block.
#[derive(Debug)]
pub(super) struct Gathering {
    pub(super) octets: Vec<u8>,
    oldest: u64,
    icids: Span,
    dcids: Span,
    filter: Box<[u8; FILTER_BYTES]>,
}

impl Default for Gathering {
    fn default() -> Self {
        let filter = Box::new([0; FILTER_BYTES]);
        Self { octets: Vec::new(), oldest: u64::MAX, icids: Span::NONE, dcids: Span::NONE, filter }
    }
}

impl Gathering {
    /// Appends a stretch; says whether it could be encoded.
    pub(super) fn push(&mut self, stretch: &Stretch) -> bool {
        let start = self.octets.len();
        let octets = &mut self.octets;
        octets.extend_from_slice(&[0; RECORD_HEAD]);
        let encoded = encoding::append(stretch, octets).is_ok();
        let length = octets.len() - start - RECORD_HEAD;
        let Some(length) = u32::try_from(length).ok().filter(|_| encoded && length <= RECORD_MAX) else {
            octets.truncate(start);
            return false;
        };
        let crc = crc32fast::hash(&octets[start + RECORD_HEAD..]);
        octets[start..start + 4].copy_from_slice(&length.to_le_bytes());
        octets[start + 4..start + RECORD_HEAD].copy_from_slice(&crc.to_le_bytes());
        self.note(stretch);
        true
    }

    /// Begins anew, with the room that was made.
    pub(super) fn clear(&mut self) {
        self.octets.clear();
        self.octets.shrink_to(2 * BLOCK_BYTES);
        (self.oldest, self.icids, self.dcids) = (u64::MAX, Span::NONE, Span::NONE);
        self.filter.fill(0);
    }

    /// Takes in what a record is about.
    fn note(&mut self, stretch: &Stretch) {
        self.oldest = self.oldest.min(stretch.parties.began_at + stretch.from_us);
        match stretch.parties.which {
            Which::Inbound(icid) => self.icids.take_in(icid.0),
            Which::Outbound(dcid) => self.dcids.take_in(dcid.0),
        }
        if let Some(mid) = stretch.mid {
            for bit in bits(mid) {
                self.filter[bit / 8] |= 1 << (bit % 8);
            }
        }
    }

    /// Reads records that gathered before a restart. Returns them and how many octets of them are good.
    pub(super) fn read_back(octets: &[u8]) -> (Self, usize) {
        let mut gathering = Self::default();
        let mut good = 0;
        for (stretch, end) in Records::of(octets) {
            gathering.note(&stretch);
            good = end;
        }
        gathering.octets.extend_from_slice(&octets[..good]);
        (gathering, good)
    }

    pub(super) fn is_full(&self) -> bool {
        self.octets.len() >= BLOCK_BYTES
    }

    pub(super) const fn oldest(&self) -> u64 {
        self.oldest
    }

    /// Packs what gathered; returns the block.
    pub(super) fn pack(&self, packer: &mut Packer, number: u64) -> std::io::Result<(Head, Vec<u8>)> {
        let body = packer.pack(&self.octets)?;
        let (length, unpacked) = (u32_of(body.len())?, u32_of(self.octets.len())?);
        let Self { oldest, icids, dcids, .. } = *self;
        let head = Head { number, body: length, unpacked, oldest, icids, dcids };
        let mut block = Vec::with_capacity(HEAD_BYTES + body.len());
        block.extend_from_slice(&MAGIC.to_le_bytes());
        block.extend_from_slice(&[0; 4]);
        block.extend_from_slice(&length.to_le_bytes());
        block.extend_from_slice(&unpacked.to_le_bytes());
        for field in [number, oldest, icids.least, icids.greatest, dcids.least, dcids.greatest] {
            block.extend_from_slice(&field.to_le_bytes());
        }
        block.extend_from_slice(&self.filter[..]);
        block.extend_from_slice(&body);
        let crc = crc32fast::hash(&block[8..]);
        block[4..8].copy_from_slice(&crc.to_le_bytes());
        Ok((head, block))
    }
}

/// Packs blocks, one after the other with the same tables: to make them anew costs as much as packing.
#[derive(Default)]
pub(super) struct Packer(Option<zstd::bulk::Compressor<'static>>);

impl Packer {
    fn pack(&mut self, octets: &[u8]) -> std::io::Result<Vec<u8>> {
        let compressor = match &mut self.0 {
            Some(compressor) => compressor,
            None => self.0.insert(zstd::bulk::Compressor::new(LEVEL)?),
        };
        compressor.compress(octets)
    }
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packer").field("used", &self.0.is_some()).finish()
    }
}

fn u32_of(length: usize) -> std::io::Result<u32> {
    u32::try_from(length).map_err(std::io::Error::other)
}

/// Reads a head; `None` when it is none.
pub(super) fn parse_head(octets: &[u8]) -> Option<Head> {
    if octets.len() < HEAD_BYTES || u32_at(octets, 0)? != MAGIC {
        return None;
    }
    let number = |place: usize| u64_at(octets, 16 + place * 8);
    let head = Head {
        body: u32_at(octets, 8)?,
        unpacked: u32_at(octets, 12)?,
        number: number(0)?,
        oldest: number(1)?,
        icids: Span { least: number(2)?, greatest: number(3)? },
        dcids: Span { least: number(4)?, greatest: number(5)? },
    };
    (head.unpacked as usize <= BODY_MAX && head.body as usize <= BODY_MAX).then_some(head)
}

/// Unpacks a whole block, head included; `None` when it is damaged.
pub(super) fn unpack(block: &[u8]) -> Option<Vec<u8>> {
    let head = parse_head(block)?;
    let whole = block.len() == HEAD_BYTES + head.body as usize;
    if !whole || crc32fast::hash(&block[8..]) != u32_at(block, 4)? {
        return None;
    }
    zstd::bulk::decompress(&block[HEAD_BYTES..], head.unpacked as usize).ok()
}

/// Tells whether a block with this filter may hold a stretch about a message.
pub(super) fn may_hold(filter: &[u8], mid: Mid) -> bool {
    bits(mid).into_iter().all(|bit| filter.get(bit / 8).is_some_and(|octet| octet & (1 << (bit % 8)) != 0))
}

/// Three bits of the filter for a message: a mixing function spreads neighbours (splitmix64).
fn bits(mid: Mid) -> [usize; 3] {
    let mut mixed = mid.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    [0, 16, 32].map(|shift| (mixed >> shift) as usize % (FILTER_BYTES * 8))
}

/// The stretches of unpacked records, each with where it ends, up to the first that is not whole.
pub(super) struct Records<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    pub(super) const fn of(octets: &'a [u8]) -> Self {
        Self { octets, at: 0 }
    }
}

impl Iterator for Records<'_> {
    type Item = (Stretch, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.octets.get(self.at..)?;
        let length = u32_at(rest, 0)? as usize;
        let body = rest.get(RECORD_HEAD..)?.get(..length)?;
        if crc32fast::hash(body) != u32_at(rest, 4)? {
            return None;
        }
        let stretch = postcard::from_bytes(body).ok()?;
        self.at += RECORD_HEAD + length;
        Some((stretch, self.at))
    }
}

fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*octets.get(at..)?.first_chunk()?))
}

fn u64_at(octets: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*octets.get(at..)?.first_chunk()?))
}
