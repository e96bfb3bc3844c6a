//! Gathering the items of a commit into a frame.

use std::io::IoSlice;

use bytes::Bytes;
use mailreeve_core::ids::Mid;

use super::frame::{HEAD_BYTES, Head, IDS_RECORD, ITEM_BYTES, Item, Kind};
use super::index::{At, Body, BodyAt, Effect, Index, Placed};
use crate::spool::ids::IdLimits;
use crate::spool::record;

/// Gathers the items of a commit without copying bodies.
#[derive(Default)]
pub(crate) struct Builder {
    /// Heads and everything small.
    octets: Vec<u8>,
    /// Bodies, and after how many of `octets` each comes.
    bodies: Vec<(usize, Bytes)>,
    effects: Vec<Effect>,
    hasher: crc32fast::Hasher,
    items: u32,
    body_bytes: u64,
}

impl Builder {
    pub(crate) fn push_put(&mut self, mid: Mid, recipients: u32, envelope: &[u8], body: Body) {
        let extra = envelope.len() as u32;
        match body {
            Body::Bytes(bytes) => {
                let crc = crc32fast::hash(&bytes);
                let offset = self.item(Kind::Put, mid, extra, envelope.len() + bytes.len(), crc);
                self.octets.extend_from_slice(envelope);
                let body = BodyAt::Here { length: bytes.len() as u32, crc };
                self.body_bytes += bytes.len() as u64;
                self.bodies.push((self.octets.len(), bytes));
                let envelope = At { segment: 0, offset, length: extra };
                self.effects.push(Effect::Put(mid, recipients, Placed { envelope, body }));
            }
            Body::File(place, record) => {
                let octets = [envelope, &record].concat();
                let offset = self.item(Kind::PutFile, mid, extra, octets.len(), crc32fast::hash(&octets));
                self.octets.extend_from_slice(&octets);
                let envelope = At { segment: 0, offset, length: extra };
                let body = BodyAt::File(Box::new(place));
                self.effects.push(Effect::Put(mid, recipients, Placed { envelope, body }));
            }
        }
    }

    /// Adds a survivor, its body under the checksum that it has.
    pub(crate) fn push_kept(&mut self, mid: Mid, recipients: u32, envelope: &[u8], body: &[u8], crc: u32) {
        let extra = envelope.len() as u32;
        let offset = self.item(Kind::Put, mid, extra, envelope.len() + body.len(), crc);
        self.octets.extend_from_slice(envelope);
        self.octets.extend_from_slice(body);
        let envelope = At { segment: 0, offset, length: extra };
        let body = BodyAt::Here { length: body.len() as u32, crc };
        self.effects.push(Effect::Put(mid, recipients, Placed { envelope, body }));
    }

    pub(crate) fn push(&mut self, kind: Kind, mid: Mid, extra: u32, octets: &[u8]) {
        let crc = crc32fast::hash(octets);
        let offset = self.item(kind, mid, extra, octets.len(), crc);
        self.octets.extend_from_slice(octets);
        self.effects.extend(Item { kind, mid, extra, crc, offset, octets }.effect(0));
    }

    pub(crate) fn push_ids(&mut self, limits: IdLimits) -> Result<(), String> {
        let octets = record::encode(IDS_RECORD, &limits.0)?;
        self.push(Kind::Ids, Mid(0), 0, &octets);
        Ok(())
    }

    /// Octets of the whole frame.
    pub(crate) fn length(&self) -> u64 {
        HEAD_BYTES as u64 + self.octets.len() as u64 + self.body_bytes
    }

    pub(crate) fn head(&self) -> Head {
        let length = (self.octets.len() as u64 + self.body_bytes) as u32;
        Head { length, items: self.items, heads_crc: self.hasher.clone().finalize(), ..Head::default() }
    }

    pub(crate) fn slices(&self) -> impl Iterator<Item = IoSlice<'_>> {
        let mut from = 0;
        let mut parts = Vec::with_capacity(self.bodies.len() * 2 + 1);
        for (upto, body) in &self.bodies {
            parts.push(IoSlice::new(&self.octets[from..*upto]));
            parts.push(IoSlice::new(body));
            from = *upto;
        }
        parts.push(IoSlice::new(&self.octets[from..]));
        parts.into_iter()
    }

    /// Brings the index up to the frame now that it is durable; returns the files of ended messages.
    pub(crate) fn apply(self, index: &mut Index, segment: u64, frame: u64) -> Vec<String> {
        self.effects.into_iter().filter_map(|effect| index.apply(effect.moved(segment, frame))).collect()
    }

    /// Writes an item's head and returns where its octets begin in the frame.
    fn item(&mut self, kind: Kind, mid: Mid, extra: u32, length: usize, crc: u32) -> u64 {
        let mut head = [0; ITEM_BYTES];
        head[0] = kind as u8;
        head[1..9].copy_from_slice(&mid.0.to_le_bytes());
        head[9..13].copy_from_slice(&extra.to_le_bytes());
        head[13..17].copy_from_slice(&(length as u32).to_le_bytes());
        head[17..21].copy_from_slice(&crc.to_le_bytes());
        self.hasher.update(&head);
        self.items += 1;
        self.octets.extend_from_slice(&head);
        HEAD_BYTES as u64 + self.octets.len() as u64 + self.body_bytes
    }
}
