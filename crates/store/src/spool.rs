//! The spool's one operation and its bounds, whatever the engine.

use mailreeve_core::envelope::{Envelope, RecipientState};
use mailreeve_core::event::Stamped;
use mailreeve_core::ids::{Mid, Rid};

/// Where the content of a message to be stored is.
#[derive(Clone, Debug)]
pub enum Content {
    /// In memory.
    Memory(bytes::Bytes),
    /// Already written and synced to a staged file of the spool (large messages): its path and size.
    Staged { path: std::path::PathBuf, size: u64, crc: u32 },
}

/// A message to be stored.
#[derive(Clone, Debug)]
pub struct Put {
    /// Its envelope.
    pub envelope: std::sync::Arc<Envelope>,
    /// Its content.
    pub content: Content,
}

/// One atomic change of the queue with the events that tell it.
///
/// After `commit` returned, all of it survives a power cut; before, none of it is visible after one.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Messages that become ours.
    pub puts: Vec<Put>,
    /// Recipients whose state changed.
    pub updates: Vec<RecipientState>,
    /// Recipients that ended while others of their message wait.
    pub ends: Vec<(Mid, Rid)>,
    /// Messages whose last recipient ended.
    pub dels: Vec<Mid>,
    /// The queue events of all this, in order.
    pub events: Vec<Stamped>,
}

/// Number of a commit; grows by one each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);
