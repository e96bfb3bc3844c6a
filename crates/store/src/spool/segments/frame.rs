//! The frame before each record of a segment: whose content follows, how long, and its checksums.
//!
//! Layout, little-endian: magic (4), CRC-32 of the rest of the frame (4), MID (8), segment (8), offset (8),
//! length (4), CRC-32 of the first [`HEAD_BYTES`] (4), CRC-32 of all content (4). The place is in the frame
//! because segments are recycled: what an earlier round left is never taken for a record of this one's.

use mailreeve_core::ids::Mid;

use super::Location;
use crate::spool::content::HEAD_BYTES;

/// Octets of a frame.
pub(crate) const FRAME_BYTES: usize = 44;
const MAGIC: [u8; 4] = *b"MRb1";

/// A decoded frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) mid: Mid,
    pub(crate) location: Location,
    head_crc: u32,
    crc: u32,
}

impl Frame {
    /// Makes the frame of content that goes to `location`.
    pub(crate) fn of(mid: Mid, location: Location, content: &[u8]) -> Self {
        let (head, rest) = content.split_at(content.len().min(HEAD_BYTES));
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(head);
        let head_crc = hasher.clone().finalize();
        hasher.update(rest);
        Self { mid, location, head_crc, crc: hasher.finalize() }
    }

    pub(crate) fn encode(&self) -> [u8; FRAME_BYTES] {
        let mut out = [0; FRAME_BYTES];
        out[..4].copy_from_slice(&MAGIC);
        out[8..16].copy_from_slice(&self.mid.0.to_le_bytes());
        out[16..24].copy_from_slice(&self.location.segment.to_le_bytes());
        out[24..32].copy_from_slice(&self.location.offset.to_le_bytes());
        out[32..36].copy_from_slice(&self.location.length.to_le_bytes());
        out[36..40].copy_from_slice(&self.head_crc.to_le_bytes());
        out[40..44].copy_from_slice(&self.crc.to_le_bytes());
        let crc = crc32fast::hash(&out[8..]);
        out[4..8].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Decodes a frame; `None` when these octets are none.
    pub(crate) fn decode(octets: &[u8; FRAME_BYTES]) -> Option<Self> {
        if octets[..4] != MAGIC || crc32fast::hash(&octets[8..]).to_le_bytes() != octets[4..8] {
            return None;
        }
        Some(Self {
            mid: Mid(u64_at(octets, 8)),
            location: Location {
                segment: u64_at(octets, 16),
                offset: u64_at(octets, 24),
                length: u32_at(octets, 32),
            },
            head_crc: u32_at(octets, 36),
            crc: u32_at(octets, 40),
        })
    }

    /// Reports whether this is all the content that the frame announces, unchanged.
    pub(crate) fn fits(&self, content: &[u8]) -> bool {
        content.len() == self.location.length as usize && crc32fast::hash(content) == self.crc
    }

    /// Reports whether this is the head of the content, unchanged.
    pub(crate) fn fits_head(&self, head: &[u8]) -> bool {
        head.len() == (self.location.length as usize).min(HEAD_BYTES)
            && crc32fast::hash(head) == self.head_crc
    }
}

fn u64_at(octets: &[u8; FRAME_BYTES], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&octets[at..at + 8]);
    u64::from_le_bytes(number)
}

fn u32_at(octets: &[u8; FRAME_BYTES], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&octets[at..at + 4]);
    u32::from_le_bytes(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_back_and_no_bit_of_it_may_differ() {
        let location = Location { segment: 3, offset: 900, length: 20_000 };
        let content = vec![7; 20_000];
        let frame = Frame::of(Mid(5), location, &content);
        let octets = frame.encode();
        assert_eq!(Frame::decode(&octets), Some(frame));
        assert!(frame.fits(&content) && frame.fits_head(&content[..HEAD_BYTES]));
        assert!(!frame.fits(&content[1..]) && !frame.fits_head(&content));
        for bit in 0..FRAME_BYTES * 8 {
            let mut flipped = octets;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Frame::decode(&flipped), None, "bit {bit}");
        }
    }
}
