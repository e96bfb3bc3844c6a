//! One owner for a directory: a lock on a file that says who holds it.
//!
//! The lock is the kernel's (`flock`), so it goes when the owner dies, however it dies; the text in the file
//! only serves the message of the one that came second.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

const OWNER_FILE: &str = "owner";

/// Ownership of a directory, until dropped.
#[derive(Debug)]
pub(crate) struct Owner {
    file: File,
}

impl Drop for Owner {
    /// Lets go at once: a process just being started by this one holds a copy of the descriptor until it has
    /// become its own program, and the lock with it.
    fn drop(&mut self) {
        // The kernel lets go anyway when the last copy is closed.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

/// Why it could not be had.
#[derive(Debug)]
pub(crate) enum OwnerError {
    /// Another process has it: its number as it wrote it down, `unknown` when it could not be read.
    InUse(String),
    Io(io::Error),
}

impl Owner {
    /// Takes the lock, or says who has it.
    pub(crate) fn take(dir: &Path) -> Result<Self, OwnerError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(dir.join(OWNER_FILE))
            .map_err(OwnerError::Io)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(OwnerError::InUse(read_pid(&mut file))),
            Err(errno) => return Err(OwnerError::Io(errno.into())),
        }
        write_pid(&file).map_err(OwnerError::Io)?;
        Ok(Self { file })
    }
}

fn read_pid(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(32).read_to_string(&mut text);
    let pid = text.trim();
    if read.is_err() || pid.is_empty() { "unknown".to_owned() } else { pid.to_owned() }
}

fn write_pid(file: &File) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all_at(format!("{}\n", std::process::id()).as_bytes(), 0)
}
