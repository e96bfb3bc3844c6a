//! What can go wrong with the spool, told apart by what the caller can do about it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use mailreeve_core::ids::{Mid, Rid};

/// A commit did not happen.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SpoolError {
    /// One part of the commit contradicts the queue; the others are not to blame.
    #[error("part {part} of the commit was refused: {refusal}")]
    Refused {
        /// Index of the part.
        part: usize,
        /// What is wrong with it.
        refusal: Refusal,
    },
    /// There is no room for new mail; the spool is sound.
    #[error("no space left for new mail")]
    NoSpace,
    /// A write or sync failed: nothing is accepted until the daemon restarts (law 5).
    #[error("the spool is marked failed: {0}")]
    Failed(Arc<str>),
}

/// Why a change contradicts the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A message with this number is there already.
    #[error("message {0} is in the spool already")]
    DuplicateMid(Mid),
    /// There is no such message.
    #[error("message {0} is not in the spool")]
    UnknownMid(Mid),
    /// The recipient ended; it cannot wait again.
    #[error("recipient {1} of message {0} has ended")]
    Ended(Mid, Rid),
    /// The number cannot be stored.
    #[error("message number {0} is out of range")]
    MidOutOfRange(Mid),
    /// The record cannot be encoded.
    #[error("the record of message {0} cannot be encoded")]
    Unencodable(Mid),
    /// The content is not as long as the envelope says, or the staged file is not there as it was finished.
    #[error("the content of message {0} is not what was announced")]
    ContentMismatch(Mid),
}

/// A record could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such message: it ended.
    #[error("message {0} is not in the spool")]
    NotFound(Mid),
    /// The record is there and its checksum does not match: set it apart.
    #[error("the stored {what} of message {mid} is damaged: {detail}")]
    Damaged {
        /// The message.
        mid: Mid,
        /// `envelope`, `recipient state` or `content`.
        what: &'static str,
        /// Where and how.
        detail: String,
    },
    /// The disk or the database failed; it may be another record's fault.
    #[error("reading the spool failed: {0}")]
    Io(Arc<str>),
}

impl ReadError {
    pub(crate) fn io(error: impl std::fmt::Display) -> Self {
        Self::Io(Arc::from(error.to_string()))
    }
}

/// The spool could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process owns it.
    #[error("the spool {path} is in use by process {pid}", path = path.display())]
    InUse {
        /// The spool's directory.
        path: PathBuf,
        /// The owner as it wrote itself down, `unknown` when it could not be read.
        pid: String,
    },
    /// A newer release wrote it.
    #[error("the spool {path} has format {found}, this release knows formats up to {known}; start the newer release, or empty the queue with it first", path = path.display())]
    NewerFormat {
        /// The spool's directory.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// The directory holds something that is not a spool of ours, or its format file is damaged.
    #[error("{path} is not a spool: {detail}", path = path.display())]
    NotASpool {
        /// The directory.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// A file operation failed.
    #[error("{what} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The database could not be used.
    #[error("the queue database {path}: {source}", path = path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A record that the spool cannot start without is damaged.
    #[error("the spool {path} is damaged: {detail}", path = path.display())]
    Damaged {
        /// The spool's directory.
        path: PathBuf,
        /// Which record.
        detail: String,
    },
}

impl OpenError {
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}
