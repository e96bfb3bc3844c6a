//! Staged files: content too large for memory, written and synced before its commit.
//!
//! A file becomes part of the queue when a commit names it. One that no commit names (the session was lost,
//! the daemon died) is removed when its [`StagedFile`] or by [`Staging::discard`], and otherwise by the sweep
//! of the next start. These calls block on the disk.

use std::fs;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::Content;
use super::content::HEAD_BYTES;
use super::segments::Found;
use crate::disk::{Disk, DiskFile};

/// The folder of staged files, of those waiting for their commit and of those that had it.
#[derive(Clone, Debug)]
pub struct Staging {
    disk: Arc<dyn Disk>,
    dir: Arc<Path>,
    names: Arc<Names>,
}

/// Makes names that no other start of the daemon made: the files outlive it.
#[derive(Debug)]
struct Names {
    start: u128,
    next: AtomicU64,
}

impl Staging {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: &Path) -> Self {
        let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        Self { disk, dir: Arc::from(dir), names: Arc::new(Names { start, next: AtomicU64::new(0) }) }
    }

    /// Begins a new file.
    ///
    /// # Errors
    /// Whatever the operating system says.
    pub fn create(&self) -> io::Result<StagedFile> {
        loop {
            let number = self.names.next.fetch_add(1, Ordering::Relaxed);
            let path = self.dir.join(format!("{:x}-{number:x}", self.names.start));
            match self.disk.create(&path) {
                Ok(file) => return Ok(StagedFile::new(self.clone(), path, file)),
                // The clock went back to the instant of an earlier start: take the next name.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Removes the file of content that will not be committed. Content in memory is left alone.
    pub fn discard(&self, content: &Content) {
        if let Content::Staged { path, .. } = content {
            self.remove(path);
        }
    }

    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Removes a file that no record names any more. A failure leaves a file for the next start's sweep.
    pub(crate) fn remove(&self, path: &Path) {
        let _ = self.disk.remove(path);
    }

    /// Removes every file that `keep` does not name; returns how many and their octets.
    pub(crate) fn sweep(&self, keep: &dyn Fn(&str) -> bool) -> io::Result<(u64, u64)> {
        let (mut files, mut bytes) = (0, 0);
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let kept = entry.file_name().to_str().is_some_and(keep);
            if !kept && entry.file_type()?.is_file() {
                bytes += entry.metadata()?.len();
                self.disk.remove(&entry.path())?;
                files += 1;
            }
        }
        Ok((files, bytes))
    }

    /// Reads the head of a file.
    pub(crate) fn read_head(&self, name: &str, size: u64, head_crc: u32) -> io::Result<Found<Bytes>> {
        let length = usize::try_from(size).unwrap_or(usize::MAX).min(HEAD_BYTES);
        let mut head = vec![0; length];
        match self.open(name).and_then(|file| file.read_exact_at(&mut head, 0)) {
            Ok(()) if crc32fast::hash(&head) == head_crc => Ok(Found::Good(Bytes::from(head))),
            Ok(()) => Ok(Found::Bad("the checksum of its head does not match")),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound => Ok(Found::Bad("the staged file is missing")),
                io::ErrorKind::UnexpectedEof => Ok(Found::Bad("the staged file is too short")),
                _ => Err(error),
            },
        }
    }

    pub(crate) fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(&self.path_of(name))
    }
}

/// Content on its way into a file. Dropped before [`StagedFile::finish`], the file goes too.
#[derive(Debug)]
pub struct StagedFile {
    staging: Staging,
    path: PathBuf,
    file: Option<Arc<dyn DiskFile>>,
    size: u64,
    hasher: crc32fast::Hasher,
    head: crc32fast::Hasher,
}

impl StagedFile {
    fn new(staging: Staging, path: PathBuf, file: Arc<dyn DiskFile>) -> Self {
        let hasher = crc32fast::Hasher::new();
        Self { staging, path, file: Some(file), size: 0, head: hasher.clone(), hasher }
    }

    /// Appends octets.
    ///
    /// # Errors
    /// Whatever the operating system says; the file is of no use afterwards.
    pub fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        let Some(file) = &self.file else { return Err(io::ErrorKind::NotFound.into()) };
        file.write_at(&[IoSlice::new(octets)], self.size)?;
        let head_left = (HEAD_BYTES as u64).saturating_sub(self.size);
        let head_part = octets.len().min(usize::try_from(head_left).unwrap_or(usize::MAX));
        self.head.update(&octets[..head_part]);
        self.hasher.update(octets);
        self.size += octets.len() as u64;
        Ok(())
    }

    /// Returns the octets written so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Makes the file and its name durable and returns the content to be committed.
    ///
    /// # Errors
    /// Whatever the operating system says; the file is removed, nothing was accepted.
    pub fn finish(mut self) -> io::Result<Content> {
        let Some(file) = &self.file else { return Err(io::ErrorKind::NotFound.into()) };
        file.sync()?;
        self.staging.disk.sync_dir(&self.staging.dir)?;
        self.file = None;
        Ok(Content::Staged {
            path: std::mem::take(&mut self.path),
            size: self.size,
            crc: self.hasher.clone().finalize(),
            head_crc: self.head.clone().finalize(),
        })
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if self.file.is_some() {
            self.staging.remove(&self.path);
        }
    }
}
