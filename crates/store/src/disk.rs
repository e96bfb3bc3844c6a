//! The file operations of segments, staged files and the ledger: one narrow seam.
//!
//! [`Disk`] is what the operating system does for us; [`HostDisk`] is the real one. Tests put a disk behind
//! it that fails the k-th operation, so that every error path is walked. SQLite does its own IO and is not
//! behind this seam.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Write as _};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

/// Most parts that one vectored write takes (`IOV_MAX`).
const PARTS_MAX: usize = 1024;

/// What the spool and the ledger ask of a file system.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Makes a new file (mode 0600) for reading and writing.
    ///
    /// # Errors
    /// `AlreadyExists`, or whatever the operating system says.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens an existing file for reading and writing.
    ///
    /// # Errors
    /// `NotFound`, or whatever the operating system says.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Removes a file's name.
    ///
    /// # Errors
    /// Whatever the operating system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Gives a file another name; a file that had it is replaced.
    ///
    /// # Errors
    /// Whatever the operating system says; both names stand as before.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// Whatever the operating system says; the directory's state is unknown afterwards.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
}

/// An open file.
#[allow(clippy::len_without_is_empty, reason = "the length of a file, not of a collection")]
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Reads at most `buf.len()` octets; 0 at the end of the file.
    ///
    /// # Errors
    /// Whatever the operating system says.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all parts one after the other from `offset` on.
    ///
    /// # Errors
    /// Whatever the operating system says; a part of the octets may have been written.
    fn write_at(&self, parts: &[IoSlice<'_>], offset: u64) -> io::Result<()>;

    /// Makes everything written durable (`fdatasync`).
    ///
    /// # Errors
    /// Whatever the operating system says; nothing unsynced can be believed afterwards.
    fn sync(&self) -> io::Result<()>;

    /// Reserves blocks up to `bytes`, growing the file.
    ///
    /// # Errors
    /// `StorageFull`, or whatever the operating system says.
    fn allocate(&self, bytes: u64) -> io::Result<()>;

    /// Cuts the file to `bytes`.
    ///
    /// # Errors
    /// Whatever the operating system says.
    fn truncate(&self, bytes: u64) -> io::Result<()>;

    /// Returns the file's length.
    ///
    /// # Errors
    /// Whatever the operating system says.
    fn len(&self) -> io::Result<u64>;
}

impl dyn DiskFile + '_ {
    /// Fills `buf` from `offset`, or says `UnexpectedEof`.
    pub(crate) fn read_exact_at(&self, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buf.is_empty() {
            let n = self.read_at(buf, offset)?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            buf = &mut buf[n..];
            offset += n as u64;
        }
        Ok(())
    }
}

/// The operating system's files.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostDisk;

impl Disk for HostDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Arc::new(HostFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Arc::new(HostFile(file)))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

/// Replaces a small file of our own (mode 0600) as a whole, durably: whatever happens, the one before or the new one is
/// there. Keep it off runtime threads.
///
/// # Errors
/// Whatever the operating system says; the file of before is still there then, or the new one without being durable.
pub fn replace(path: &Path, octets: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".new");
    let half = folder.join(name);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
    file.write_all(octets)?;
    file.sync_data()?;
    fs::rename(&half, path)?;
    HostDisk.sync_dir(folder)
}

#[derive(Debug)]
struct HostFile(File);

impl DiskFile for HostFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match self.0.read_at(buf, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn write_at(&self, parts: &[IoSlice<'_>], mut offset: u64) -> io::Result<()> {
        for group in parts.chunks(PARTS_MAX) {
            let total: usize = group.iter().map(|part| part.len()).sum();
            let written = write_group(&self.0, group, offset)?;
            write_rest(&self.0, group, written, offset)?;
            offset += total as u64;
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        use rustix::fs::{FallocateFlags, fallocate};
        match fallocate(&self.0, FallocateFlags::empty(), 0, bytes) {
            // A file system without fallocate grows the file as it is written.
            Err(rustix::io::Errno::OPNOTSUPP) => Ok(()),
            result => result.map_err(Into::into),
        }
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

fn write_group(file: &File, group: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
    loop {
        match rustix::io::pwritev(file, group, offset) {
            Err(rustix::io::Errno::INTR) => {}
            result => return result.map_err(Into::into),
        }
    }
}

/// Writes what a short vectored write left over, part by part.
fn write_rest(file: &File, group: &[IoSlice<'_>], written: usize, offset: u64) -> io::Result<()> {
    let mut start = 0;
    for part in group {
        let end = start + part.len();
        if end > written {
            let from = written.max(start);
            file.write_all_at(&part[from - start..], offset + from as u64)?;
        }
        start = end;
    }
    Ok(())
}

/// Makes a directory and its parents (mode 0700) and makes the new name durable.
pub(crate) fn ensure_dir(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if path.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => disk.sync_dir(parent),
        Some(_) | None => Ok(()),
    }
}
