//! The recorder's files: what was tried for each recipient, and what was said.
//!
//! * [`Attempts`]: attempts as data, in one SQLite file.
//! * [`Ring`]: conversations, in segments that are packed.
//!
//! None of it is needed to deliver mail and none of it is waited for: it is written by one background thread and never
//! synced, it is bounded in size, and what is damaged is left out.

mod attempts;
mod block;
mod lane;
mod ring;
mod search;

use std::io;
use std::path::{Path, PathBuf};

pub use attempts::Attempts;
pub use ring::{Ring, Wanted};
pub use search::Search;

/// The recorder's files could not be used.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The file of attempts.
    #[error("the attempts in {path}: {source}", path = path.display())]
    Attempts {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
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
}

impl RecorderError {
    fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }

    /// Tells whether what is in the file of attempts cannot be: only a new one helps.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Attempts { source, .. } if attempts::is_damage(source))
    }

    /// Tells whether the disk has no room: later it may have.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Attempts { source, .. } => {
                source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
            }
            Self::Io { source, .. } => source.kind() == io::ErrorKind::StorageFull,
        }
    }
}
