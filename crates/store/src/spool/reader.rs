//! Reading the spool while commits go on.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use mailreeve_core::envelope::{Envelope, RecipientState};
use mailreeve_core::ids::{Mid, Rid};

use super::content::StoredContent;
use super::error::ReadError;
use super::hybrid::HybridReader;

/// Reads what is committed. Cheap to clone, usable from every thread; calls block on the disk.
#[derive(Clone)]
pub struct Reader {
    source: Arc<HybridReader>,
}

/// A recipient that waits, with what changed about it since it was accepted.
pub type WaitingRecipient = (Rid, Option<RecipientState>);

/// A message that was set apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApartRecord {
    /// The message.
    pub mid: Mid,
    /// What is wrong with it.
    pub detail: String,
    /// Octets kept of its content.
    pub content_bytes: u64,
}

/// What the spool holds and takes, in octets where not said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Messages.
    pub messages: u64,
    /// Length of the write-ahead log.
    pub wal_bytes: u64,
    /// Files of segments, live or not.
    pub segment_bytes: u64,
    /// Live content in segments.
    pub segment_live_bytes: u64,
    /// Live content in staged files.
    pub staged_bytes: u64,
    /// Flushes to the disk that commits asked for, since the start.
    pub syncs: u64,
}

impl Reader {
    pub(crate) fn new(source: Arc<HybridReader>) -> Self {
        Self { source }
    }

    /// Returns the envelope of a message.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn envelope(&self, mid: Mid) -> Result<Envelope, ReadError> {
        self.source.envelope(mid)
    }

    /// Returns the envelope of a message and its recipients that have not ended.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn waiting(&self, mid: Mid) -> Result<(Envelope, Vec<WaitingRecipient>), ReadError> {
        self.source.waiting(mid)
    }

    /// Returns how many recipients of a message have not ended, also when a state of one cannot be read: that one has
    /// not, as far as anybody knows.
    ///
    /// # Errors
    /// [`ReadError`]; of a message whose envelope is damaged nothing is known.
    pub fn left(&self, mid: Mid) -> Result<usize, ReadError> {
        self.source.left(mid)
    }

    /// Returns the content of a message: whole and verified up to 1 MiB or so, in verified chunks above.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn content(&self, mid: Mid) -> Result<StoredContent, ReadError> {
        self.source.content(mid)
    }

    /// Returns the beginning of the content, verified: at most `length` octets and at most
    /// [`HEAD_BYTES`](super::HEAD_BYTES), without reading more than those.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn head(&self, mid: Mid, length: usize) -> Result<Bytes, ReadError> {
        self.source.head(mid, length)
    }

    /// Returns the header section of a message, verified, cut at [`HEAD_BYTES`](super::HEAD_BYTES).
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn header(&self, mid: Mid) -> Result<Bytes, ReadError> {
        let envelope = self.source.envelope(mid)?;
        let length = usize::try_from(envelope.content.header_bytes).unwrap_or(usize::MAX);
        self.source.head(mid, length)
    }

    /// Returns the messages that were set apart, oldest first.
    ///
    /// # Errors
    /// [`ReadError::Io`].
    pub fn aparts(&self) -> Result<Vec<ApartRecord>, ReadError> {
        self.source.aparts()
    }

    /// Returns what the spool takes. Reads memory only.
    pub fn usage(&self) -> Usage {
        self.source.usage()
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("usage", &self.usage()).finish()
    }
}
