//! The files of the log: which file holds which segment, and reading from them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::index::At;
use crate::disk::{Disk, DiskFile};

/// The number of a file, and the file.
type OpenFile = (u64, Arc<dyn DiskFile>);

/// The files, shared with readers.
#[derive(Debug)]
pub(crate) struct LogFiles {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    segments: Mutex<BTreeMap<u64, OpenFile>>,
}

impl LogFiles {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: &Path) -> Self {
        Self { disk, dir: dir.to_owned(), segments: Mutex::default() }
    }

    /// Lists the numbers of the files.
    pub(crate) fn list(&self) -> io::Result<Vec<u64>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            files.extend(name.to_str().and_then(|name| u64::from_str_radix(name, 16).ok()));
        }
        files.sort_unstable();
        Ok(files)
    }

    /// Reads a whole file.
    pub(crate) fn read_file(&self, file: u64) -> io::Result<Vec<u8>> {
        let opened = self.disk.open(&self.path(file))?;
        let mut octets = vec![0; usize::try_from(opened.len()?).map_err(|_| io::ErrorKind::FileTooLarge)?];
        opened.read_exact_at(&mut octets, 0)?;
        Ok(octets)
    }

    /// Makes a new file for a segment.
    pub(crate) fn create(&self, segment: u64, file: u64, bytes: u64) -> io::Result<()> {
        let path = self.path(file);
        let opened = self.disk.create(&path)?;
        if let Err(error) = opened.allocate(bytes) {
            let _ = self.disk.remove(&path);
            return Err(error);
        }
        self.disk.sync_dir(&self.dir)?;
        self.segments.lock().insert(segment, (file, opened));
        Ok(())
    }

    /// Uses an existing file for a segment.
    pub(crate) fn assign(&self, segment: u64, file: u64) -> io::Result<()> {
        let opened = self.disk.open(&self.path(file))?;
        self.segments.lock().insert(segment, (file, opened));
        Ok(())
    }

    /// Forgets a segment and returns its file.
    pub(crate) fn release(&self, segment: u64) -> Option<u64> {
        self.segments.lock().remove(&segment).map(|(file, _)| file)
    }

    pub(crate) fn file(&self, segment: u64) -> io::Result<Arc<dyn DiskFile>> {
        match self.segments.lock().get(&segment) {
            Some((_, file)) => Ok(file.clone()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Reads a run of octets; `None` when its segment is gone or too short.
    pub(crate) fn read(&self, at: At) -> io::Result<Option<Vec<u8>>> {
        use io::ErrorKind::{NotFound, UnexpectedEof};
        let mut octets = vec![0; at.length as usize];
        let read = self.file(at.segment).and_then(|file| file.read_exact_at(&mut octets, at.offset));
        match read {
            Ok(()) => Ok(Some(octets)),
            Err(error) if matches!(error.kind(), NotFound | UnexpectedEof) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn path(&self, file: u64) -> PathBuf {
        self.dir.join(format!("{file:016x}"))
    }
}
