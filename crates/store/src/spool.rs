//! The spool: every message that we answered 250 for and that has not ended.
//!
//! One operation changes it, [`Engine::commit`]: puts, recipient updates, ends, deletes and the events that
//! tell them become durable together or not at all. Recovery after a crash finds exactly the commits that
//! returned `Ok`, and at most one more whose answer nobody heard.
//!
//! * [`Spool::open`] locks, checks the format, sweeps leftovers, and returns everything a start needs.
//! * [`Reader`] reads envelopes and content while commits go on.
//! * [`Recovery`] streams what waits, in pages, roughly in the order in which it is due.
//! * [`StagedFile`] takes content too large for memory before its commit.
//!
//! Which tables and files the states are is told in `hybrid.rs`. Not here: when to retry, what a destination
//! is, what is counted.

use std::path::PathBuf;
use std::sync::Arc;

use mailreeve_core::envelope::{Envelope, RecipientState};
use mailreeve_core::event::Stamped;
use mailreeve_core::ids::{Mid, Rid};

mod content;
mod error;
mod format;
mod health;
mod hybrid;
mod ids;
mod open;
mod reader;
mod record;
mod recovery;
mod segments;
mod staged;

pub use content::{ContentFile, HEAD_BYTES, StoredContent};
pub use error::{OpenError, ReadError, Refusal, SpoolError};
pub use health::Health;
pub use ids::{IdBlock, IdLimits, Sequence};
pub use open::{Opened, Options, Spool, Swept};
pub use reader::{ApartRecord, Reader, Usage, WaitingRecipient};
pub use recovery::{Damaged, Page, Recovered, Recovery};
pub use staged::{StagedFile, Staging};

/// Where the content of a message to be stored is.
#[derive(Clone, Debug)]
pub enum Content {
    /// In memory.
    Memory(bytes::Bytes),
    /// Already written and synced to a staged file of the spool (large messages); made by
    /// [`StagedFile::finish`].
    Staged {
        /// The file.
        path: PathBuf,
        /// Its octets.
        size: u64,
        /// CRC-32 of all of it.
        crc: u32,
        /// CRC-32 of its first [`HEAD_BYTES`].
        head_crc: u32,
    },
}

/// A message to be stored.
#[derive(Clone, Debug)]
pub struct Put {
    /// Its envelope.
    pub envelope: Arc<Envelope>,
    /// Its content.
    pub content: Content,
}

/// A message whose record is damaged, to be taken out of the queue and kept for inspection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apart {
    /// The message.
    pub mid: Mid,
    /// What is wrong with it.
    pub detail: String,
}

/// Octets of content that one message set apart takes in a commit, at most: larger content stays where it is.
const SET_APART_MAX: usize = 1 << 20;

/// One atomic change of the queue with the events that tell it.
///
/// After `commit` returned, all of it survives a power cut; before, none of it is visible after one. The
/// parts are applied in the order of the fields.
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
    /// Messages set apart because they cannot be read.
    pub aparts: Vec<Apart>,
    /// The queue events of all this, in order.
    pub events: Vec<Stamped>,
}

impl Batch {
    /// Returns the octets of content in memory: what the batch weighs while it waits.
    pub fn memory_bytes(&self) -> usize {
        self.puts.iter().map(|put| put.content.memory_bytes()).sum()
    }

    /// Returns the octets of content that its commit writes, at most: what is set apart is copied there.
    pub(crate) fn written_bytes(&self) -> usize {
        self.memory_bytes() + self.aparts.len() * SET_APART_MAX
    }

    /// Reports whether the batch only brings new mail, so that it may be refused for want of room.
    pub fn is_new_mail(&self) -> bool {
        !self.puts.is_empty()
            && self.updates.is_empty()
            && self.ends.is_empty()
            && self.dels.is_empty()
            && self.aparts.is_empty()
    }
}

impl Content {
    /// Returns the octets of the content.
    pub fn size(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Staged { size, .. } => *size,
        }
    }

    fn memory_bytes(&self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::Staged { .. } => 0,
        }
    }
}

/// Number of a commit; grows by one each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

/// What the committer commits to. One owner, one thread: the committer's.
///
/// [`Spool::open`] gives the only one that stores; the trait is the seam at which a test holds or breaks commits.
pub trait Engine: Send {
    /// Makes the parts durable, together and in order, as one commit, along with `housekeeping`.
    ///
    /// The events of all parts, concatenated, are the outbox entry of the returned number; they stay until
    /// the ledger has them.
    ///
    /// # Errors
    /// [`SpoolError::Refused`] names the one part that cannot be: nothing was done, the others may be
    /// committed without it. [`SpoolError::NoSpace`]: nothing was done. [`SpoolError::Failed`]: nothing can
    /// be believed any more, every later call returns it again.
    fn commit(&mut self, parts: &[Batch], housekeeping: &Housekeeping) -> Result<Seq, SpoolError>;

    /// Returns a reader; clones of it share its connections.
    fn reader(&self) -> Reader;

    /// Returns whether the spool was marked failed.
    fn health(&self) -> Arc<Health>;
}

/// What rides along in a commit for the spool's own sake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Housekeeping {
    /// Outbox entries up to this number are in a synced ledger segment and can go.
    pub ledger_synced: Seq,
    /// New ends of the durable blocks of ids, when one is wanted.
    pub id_limits: Option<IdLimits>,
}
