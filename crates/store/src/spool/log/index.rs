//! What memory knows of the log: where the records of each message are.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use mailreeve_core::ids::{Mid, Rid};

use crate::spool::Content;
use crate::spool::hybrid::Place;

/// A run of octets in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    pub(crate) length: u32,
}

/// Where a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) envelope: At,
    pub(crate) body: BodyAt,
}

/// Where a message's body is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BodyAt {
    /// Behind its envelope.
    Here { length: u32, crc: u32 },
    /// In a staged file.
    File(Box<Place>),
}

/// A body to be written.
pub(crate) enum Body {
    Bytes(Bytes),
    File(Place, Vec<u8>),
}

impl Body {
    /// Names a staged file.
    pub(crate) fn of_staged(mid: Mid, content: &Content) -> Result<Self, String> {
        let Content::Staged { path, size, crc, head_crc } = content else {
            return Err("the content is in memory".to_owned());
        };
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("the file has no name")?.to_owned();
        let place = Place::File { name, size: *size, crc: *crc, head_crc: *head_crc };
        let record = place.encode(mid)?;
        Ok(Self::File(place, record))
    }
}

/// A recipient that was tried, or has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StateAt {
    Waits { at: At, due: u64 },
    Ended,
}

/// A message.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) placed: Placed,
    /// How many recipients it has; 0 when its envelope could not be read.
    pub(crate) recipients: u32,
    pub(crate) states: BTreeMap<Rid, StateAt>,
    /// Set apart, with what is wrong.
    pub(crate) apart: Option<String>,
}

/// What an item does.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Put(Mid, u32, Placed),
    Update(Mid, Rid, At, u64),
    End(Mid, Rid),
    Del(Mid),
    Apart(Mid, String),
}

impl Effect {
    /// Moves places counted from a frame's beginning to where the frame is.
    pub(crate) fn moved(self, segment: u64, frame: u64) -> Self {
        let moved = |at: At| At { segment, offset: at.offset + frame, length: at.length };
        match self {
            Self::Put(mid, recipients, placed) => {
                Self::Put(mid, recipients, Placed { envelope: moved(placed.envelope), body: placed.body })
            }
            Self::Update(mid, rid, at, due) => Self::Update(mid, rid, moved(at), due),
            Self::End(mid, rid) => Self::End(mid, rid),
            Self::Del(mid) => Self::Del(mid),
            Self::Apart(mid, detail) => Self::Apart(mid, detail),
        }
    }
}

/// All messages.
#[derive(Debug, Default)]
pub(crate) struct Index {
    messages: HashMap<Mid, Message>,
    live: BTreeMap<u64, (u64, u64)>,
    queued: u64,
    staged_bytes: u64,
}

impl Index {
    /// Returns a message, set apart or not.
    pub(crate) fn any(&self, mid: Mid) -> Option<&Message> {
        self.messages.get(&mid)
    }

    /// Returns a message of the queue.
    pub(crate) fn queued(&self, mid: Mid) -> Option<&Message> {
        self.any(mid).filter(|message| message.apart.is_none())
    }

    /// Returns all messages, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Mid, &Message)> {
        self.messages.iter().map(|(mid, message)| (*mid, message))
    }

    /// Returns the messages in the queue.
    pub(crate) fn count(&self) -> u64 {
        self.queued
    }

    /// Returns the octets that live in the log.
    pub(crate) fn live_bytes(&self) -> u64 {
        self.live.values().map(|(_, bytes)| bytes).sum()
    }

    /// Returns the octets that live in staged files.
    pub(crate) fn staged_bytes(&self) -> u64 {
        self.staged_bytes
    }

    /// Reports whether a record in the segment still counts.
    pub(crate) fn lives_in(&self, segment: u64) -> bool {
        self.live.contains_key(&segment)
    }

    /// Applies an item; returns the file of a message that ended.
    pub(crate) fn apply(&mut self, effect: Effect) -> Option<String> {
        match effect {
            Effect::Put(mid, recipients, placed) => {
                // A put of what is there is a survivor written again: its states and the rest follow it.
                self.remove(mid);
                self.add(mid, Message { placed, recipients, states: BTreeMap::new(), apart: None });
            }
            Effect::Update(mid, rid, at, due) => {
                if let Some(message) = self.messages.get_mut(&mid) {
                    message.states.insert(rid, StateAt::Waits { at, due });
                }
            }
            Effect::End(mid, rid) => {
                if let Some(message) = self.messages.get_mut(&mid) {
                    message.states.insert(rid, StateAt::Ended);
                }
            }
            Effect::Del(mid) => {
                let message = self.remove(mid)?;
                return match message.placed.body {
                    BodyAt::Here { .. } => None,
                    BodyAt::File(place) => match *place {
                        Place::File { name, .. } => Some(name),
                        Place::Segment(_) => None,
                    },
                };
            }
            Effect::Apart(mid, detail) => {
                if let Some(message) = self.messages.get_mut(&mid)
                    && message.apart.replace(detail).is_none()
                {
                    self.queued -= 1;
                }
            }
        }
        None
    }

    fn add(&mut self, mid: Mid, message: Message) {
        let (segment, bytes) = message.placed.weight();
        let live = self.live.entry(segment).or_default();
        live.0 += 1;
        live.1 += bytes;
        self.queued += 1;
        self.staged_bytes += message.placed.staged_bytes();
        self.messages.insert(mid, message);
    }

    fn remove(&mut self, mid: Mid) -> Option<Message> {
        let message = self.messages.remove(&mid)?;
        let (segment, bytes) = message.placed.weight();
        if let Some(live) = self.live.get_mut(&segment) {
            live.0 -= 1;
            live.1 -= bytes;
            if live.0 == 0 {
                self.live.remove(&segment);
            }
        }
        self.queued -= u64::from(message.apart.is_none());
        self.staged_bytes -= message.placed.staged_bytes();
        Some(message)
    }
}

impl Placed {
    fn weight(&self) -> (u64, u64) {
        let body = match &self.body {
            BodyAt::Here { length, .. } => *length,
            BodyAt::File(_) => 0,
        };
        (self.envelope.segment, u64::from(self.envelope.length) + u64::from(body))
    }

    fn staged_bytes(&self) -> u64 {
        match &self.body {
            BodyAt::Here { .. } => 0,
            BodyAt::File(place) => match **place {
                Place::File { size, .. } => size,
                Place::Segment(_) => 0,
            },
        }
    }
}
