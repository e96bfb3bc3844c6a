//! Standing orders: what an operator ordered and has not taken back, over every restart.
//!
//! One small file, `standing` in the data folder, replaced as a whole: written under another name, synced,
//! renamed, and the folder synced. So at every instant the file is the orders before a change or those after
//! it, whole. Its first line names product, version and a CRC-32 over the version and the rest; the rest is
//! JSON.
//!
//! Promises: a change that returned `Ok` holds after a power cut; after `Err` the orders in force are the ones
//! before. A damaged file is an error at the start and never guessed at: nobody could tell a gateway that
//! forgot that it is suspended from one that was resumed.
//!
//! Not here: carrying orders out. The caller makes an order durable first and acts then.

mod orders;
mod work_queue;

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};

pub use orders::{Given, Job, JobScope, Orders};
pub use work_queue::{Pause, Span, WorkQueue};

const FILE: &str = "standing";
const HALF: &str = "standing.new";
const PRODUCT: &str = "mailreeve-standing";
/// The newest version that this release reads and the one that it writes.
const VERSION: u32 = 1;
/// Octets that the file may have.
const BYTES_MAX: usize = 4 << 20;

/// Why the orders could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum StandingError {
    /// The file is not as it was written.
    #[error(
        "the standing orders {path} are damaged: {detail}; put a copy of the file back, or move it away and \
         give the orders again: without it nothing is suspended or paused",
        path = path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How.
        detail: String,
    },
    /// A newer release wrote it.
    #[error("the standing orders {path} have version {found}, this release knows versions up to {VERSION}; start the newer release", path = path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// There are too many orders for the file.
    #[error("there are too many standing orders: they take {0} octets, at most {BYTES_MAX} fit")]
    TooMany(usize),
    /// A file operation failed; the orders before stand.
    #[error("{what} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// An earlier change may or may not be durable, so none is made until a restart reads the file again.
    #[error("it is not known which standing orders are on the disk, because {0}; restart the gateway")]
    Unsure(Arc<str>),
}

/// The orders in force, and their file.
#[derive(Debug)]
pub struct Standing {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    orders: Orders,
    unsure: Option<Arc<str>>,
}

impl Standing {
    /// Reads the orders of the data folder `dir`; there are none without a file. The caller owns the folder.
    ///
    /// # Errors
    /// A damaged file, one of a newer release, or whatever the operating system says.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path) -> Result<Self, StandingError> {
        let path = dir.join(FILE);
        let orders = match disk.open(&path) {
            Ok(file) => decode(&path, &read(&path, &*file)?)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Orders::default(),
            Err(source) => return Err(StandingError::Io { what: "opening", path, source }),
        };
        Ok(Self { disk, dir: dir.to_owned(), orders, unsure: None })
    }

    /// Returns the orders in force.
    pub const fn orders(&self) -> &Orders {
        &self.orders
    }

    /// Changes the orders and makes the change durable. What `change` returns is handed back. Writes and syncs
    /// a file: keep it off runtime threads. A change that alters nothing writes nothing.
    ///
    /// # Errors
    /// The orders before stay in force. After [`StandingError::Unsure`] no change is made until a restart (law 5).
    pub fn change<T>(&mut self, change: impl FnOnce(&mut Orders) -> T) -> Result<T, StandingError> {
        if let Some(why) = &self.unsure {
            return Err(StandingError::Unsure(Arc::clone(why)));
        }
        let mut after = self.orders.clone();
        let result = change(&mut after);
        if after != self.orders {
            self.replace(&encode(&after)?)?;
            self.orders = after;
        }
        Ok(result)
    }

    fn replace(&mut self, octets: &[u8]) -> Result<(), StandingError> {
        let (half, path) = (self.dir.join(HALF), self.dir.join(FILE));
        let write = || {
            match self.disk.remove(&half) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
            let file = self.disk.create(&half)?;
            file.write_at(&[IoSlice::new(octets)], 0)?;
            file.sync()?;
            self.disk.rename(&half, &path)
        };
        write().map_err(|source| StandingError::Io { what: "writing", path: path.clone(), source })?;
        self.disk.sync_dir(&self.dir).map_err(|error| {
            // The new name stands in memory; whether it does on the disk, nobody knows.
            let why: Arc<str> =
                format!("the folder {} could not be synced: {error}", self.dir.display()).into();
            self.unsure = Some(Arc::clone(&why));
            StandingError::Unsure(why)
        })
    }
}

fn read(path: &Path, file: &dyn DiskFile) -> Result<Vec<u8>, StandingError> {
    let failed = |source| StandingError::Io { what: "reading", path: path.to_owned(), source };
    let length = usize::try_from(file.len().map_err(failed)?).unwrap_or(usize::MAX);
    if length > BYTES_MAX {
        return Err(damaged(path, format!("it has {length} octets, at most {BYTES_MAX} can be right")));
    }
    let mut octets = vec![0; length];
    file.read_exact_at(&mut octets, 0).map_err(failed)?;
    Ok(octets)
}

fn encode(orders: &Orders) -> Result<Vec<u8>, StandingError> {
    let unwritable = |error: serde_json::Error| StandingError::Io {
        what: "writing",
        path: FILE.into(),
        source: io::Error::other(error),
    };
    let mut json = serde_json::to_vec_pretty(orders).map_err(unwritable)?;
    json.push(b'\n');
    let mut octets = format!("{PRODUCT} {VERSION} {:08x}\n", checksum(VERSION, &json)).into_bytes();
    octets.extend_from_slice(&json);
    if octets.len() > BYTES_MAX {
        return Err(StandingError::TooMany(octets.len()));
    }
    Ok(octets)
}

fn decode(path: &Path, octets: &[u8]) -> Result<Orders, StandingError> {
    let damaged = |detail: &str| damaged(path, detail.to_owned());
    let end =
        octets.iter().position(|octet| *octet == b'\n').ok_or_else(|| damaged("it has no first line"))?;
    let (head, json) = (&octets[..end], &octets[end + 1..]);
    let head = str::from_utf8(head).map_err(|_| damaged("its first line is no text"))?;
    let rest = head
        .strip_prefix(PRODUCT)
        .and_then(|rest| rest.strip_prefix(' '))
        .ok_or_else(|| damaged("its first line is not one of ours"))?;
    let (version, crc) = rest.split_once(' ').ok_or_else(|| damaged("its first line has no checksum"))?;
    let found: u32 = version.parse().map_err(|_| damaged("its first line has no version"))?;
    if found > VERSION {
        return Err(StandingError::Newer { path: path.to_owned(), found });
    }
    if crc != format!("{:08x}", checksum(found, json)) {
        return Err(damaged("the checksum does not match"));
    }
    serde_json::from_slice(json).map_err(|error| damaged(&error.to_string()))
}

/// Covers the version too: what is read under another one than it was written is damaged, not believed.
fn checksum(version: u32, json: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&version.to_le_bytes());
    hasher.update(json);
    hasher.finalize()
}

fn damaged(path: &Path, detail: String) -> StandingError {
    StandingError::Damaged { path: path.to_owned(), detail }
}
