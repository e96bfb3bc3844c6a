//! How a commit looks in the log.
//!
//! Head (64 octets): magic (4), CRC-32 of the rest (4), segment, offset, commit number, first segment of the
//! log, ledger's synced commit (8 each), length of the items (4), their number (4), CRC-32 of their heads (4),
//! zero (4). Then items: kind (1), MID (8), extra (4), length (4), CRC-32 of the body (4), and as many octets.
//! A put's octets are its envelope record (extra says how long) and its body; every record of ours carries a
//! checksum of its own.

use mailreeve_core::ids::{Mid, Rid};

use super::index::{At, BodyAt, Effect, Placed};
use crate::spool::hybrid::Place;
use crate::spool::ids::IdLimits;
use crate::spool::{Seq, record};

/// Octets of a frame's head.
pub(crate) const HEAD_BYTES: usize = 64;
/// Octets of an item's head.
pub(crate) const ITEM_BYTES: usize = 21;
/// Room for an item with the limits of ids.
pub(crate) const IDS_BYTES: u64 = 96;
const MAGIC: [u8; 4] = *b"MRlg";
pub(crate) const IDS_RECORD: [u64; 2] = [0, u64::MAX - 3];

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A message with its body, new or kept.
    Put = 1,
    /// A message whose body is in a staged file.
    PutFile = 2,
    /// A recipient's state.
    Update = 3,
    /// A recipient's end.
    End = 4,
    /// A message's end.
    Del = 5,
    /// A message set apart.
    Apart = 6,
    /// The events of the commit.
    Events = 7,
    /// Limits of the blocks of ids.
    Ids = 8,
}

impl Kind {
    const ALL: [Self; 8] =
        [Self::Put, Self::PutFile, Self::Update, Self::End, Self::Del, Self::Apart, Self::Events, Self::Ids];
}

/// The head of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    pub(crate) seq: Seq,
    pub(crate) begin: u64,
    pub(crate) synced: Seq,
    pub(crate) length: u32,
    pub(crate) items: u32,
    pub(crate) heads_crc: u32,
}

impl Head {
    pub(crate) fn encode(&self) -> [u8; HEAD_BYTES] {
        let mut out = [0; HEAD_BYTES];
        out[..4].copy_from_slice(&MAGIC);
        let numbers = [self.segment, self.offset, self.seq.0, self.begin, self.synced.0];
        for (index, number) in numbers.into_iter().enumerate() {
            out[8 + index * 8..16 + index * 8].copy_from_slice(&number.to_le_bytes());
        }
        for (index, number) in [self.length, self.items, self.heads_crc].into_iter().enumerate() {
            out[48 + index * 4..52 + index * 4].copy_from_slice(&number.to_le_bytes());
        }
        let crc = crc32fast::hash(&out[8..]);
        out[4..8].copy_from_slice(&crc.to_le_bytes());
        out
    }

    pub(crate) fn decode(octets: &[u8]) -> Option<Self> {
        let octets = octets.first_chunk::<HEAD_BYTES>()?;
        if octets[..4] != MAGIC || crc32fast::hash(&octets[8..]).to_le_bytes() != octets[4..8] {
            return None;
        }
        let long = |index: usize| u64_at(octets, 8 + index * 8);
        let short = |index: usize| u32_at(octets, 48 + index * 4);
        Some(Self {
            segment: long(0),
            offset: long(1),
            seq: Seq(long(2)),
            begin: long(3),
            synced: Seq(long(4)),
            length: short(0),
            items: short(1),
            heads_crc: short(2),
        })
    }

    /// Octets of the whole frame.
    pub(crate) fn bytes(&self) -> u64 {
        HEAD_BYTES as u64 + u64::from(self.length)
    }
}

/// An item as it is found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a> {
    pub(crate) kind: Kind,
    pub(crate) mid: Mid,
    pub(crate) extra: u32,
    pub(crate) crc: u32,
    /// Of its octets, from the beginning of the segment.
    pub(crate) offset: u64,
    pub(crate) octets: &'a [u8],
}

impl Item<'_> {
    /// Reports whether the body is unchanged; what is not a body checks itself.
    pub(crate) fn is_whole(&self) -> bool {
        match self.kind {
            Kind::Put => {
                self.octets.get(self.extra as usize..).is_some_and(|body| crc32fast::hash(body) == self.crc)
            }
            Kind::PutFile | Kind::Update | Kind::End | Kind::Del | Kind::Apart | Kind::Events | Kind::Ids => {
                crc32fast::hash(self.octets) == self.crc
            }
        }
    }

    /// Returns how many recipients the envelope of a put has, 0 when it is damaged.
    fn recipients(&self) -> u32 {
        let envelope = self.octets.get(..self.extra as usize).unwrap_or_default();
        record::decode_envelope(self.mid, envelope).map_or(0, |envelope| envelope.recipients.len() as u32)
    }

    /// Returns what the item does to the index of a segment's messages.
    pub(crate) fn effect(&self, segment: u64) -> Option<Effect> {
        let envelope = At { segment, offset: self.offset, length: self.extra };
        let body_length = (self.octets.len() as u32).saturating_sub(self.extra);
        match self.kind {
            Kind::Put => {
                let body = BodyAt::Here { length: body_length, crc: self.crc };
                Some(Effect::Put(self.mid, self.recipients(), Placed { envelope, body }))
            }
            Kind::PutFile => {
                let place = Place::decode(self.mid, self.octets.get(self.extra as usize..)?).ok()?;
                Some(Effect::Put(
                    self.mid,
                    self.recipients(),
                    Placed { envelope, body: BodyAt::File(Box::new(place)) },
                ))
            }
            Kind::Update => {
                let rid = Rid(self.extra);
                let due = record::decode_state(self.mid, rid, self.octets).map_or(0, |state| state.due_at);
                let at = At { segment, offset: self.offset, length: self.octets.len() as u32 };
                Some(Effect::Update(self.mid, rid, at, due))
            }
            Kind::End => Some(Effect::End(self.mid, Rid(self.extra))),
            Kind::Del => Some(Effect::Del(self.mid)),
            Kind::Apart => Some(Effect::Apart(self.mid, String::from_utf8_lossy(self.octets).into_owned())),
            Kind::Events | Kind::Ids => None,
        }
    }
}

/// Decodes the limits of ids.
pub(crate) fn decode_ids(octets: &[u8]) -> Option<IdLimits> {
    record::decode(IDS_RECORD, octets).ok().map(IdLimits)
}

/// Returns the items of the frame at the beginning of `octets`, if their heads are whole.
pub(crate) fn items<'a>(head: &Head, octets: &'a [u8]) -> Option<Vec<Item<'a>>> {
    let mut found = Vec::with_capacity((head.items as usize).min(octets.len() / ITEM_BYTES + 1));
    let mut hasher = crc32fast::Hasher::new();
    let end = HEAD_BYTES + head.length as usize;
    let mut at = HEAD_BYTES;
    for _ in 0..head.items {
        let item = octets.get(at..at + ITEM_BYTES)?.first_chunk::<ITEM_BYTES>()?;
        hasher.update(item);
        at += ITEM_BYTES;
        let length = u32_at(item, 13) as usize;
        let kind = Kind::ALL.into_iter().find(|kind| *kind as u8 == item[0])?;
        found.push(Item {
            kind,
            mid: Mid(u64_at(item, 1)),
            extra: u32_at(item, 9),
            crc: u32_at(item, 17),
            offset: head.offset + at as u64,
            octets: octets.get(at..at.checked_add(length)?)?,
        });
        at += length;
    }
    (at == end && hasher.finalize() == head.heads_crc).then_some(found)
}

fn u64_at<const N: usize>(octets: &[u8; N], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&octets[at..at + 8]);
    u64::from_le_bytes(number)
}

fn u32_at<const N: usize>(octets: &[u8; N], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&octets[at..at + 4]);
    u32::from_le_bytes(number)
}
