//! The files of segments: made, opened, listed, removed.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::SegmentId;
use crate::disk::{Disk, DiskFile};

/// Segments kept open.
const OPEN_MAX: usize = 128;

/// The files, shared with readers.
#[derive(Debug)]
pub(crate) struct SegmentFiles {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    open: Mutex<HashMap<SegmentId, Arc<dyn DiskFile>>>,
}

impl SegmentFiles {
    pub(super) fn new(disk: Arc<dyn Disk>, dir: &Path) -> Self {
        Self { disk, dir: dir.to_owned(), open: Mutex::default() }
    }

    /// Makes the file of a new segment; its name is durable after [`SegmentFiles::sync_names`].
    pub(super) fn create(&self, id: SegmentId, capacity: u64) -> io::Result<()> {
        let path = self.path(id);
        let file = self.disk.create(&path)?;
        if let Err(error) = file.allocate(capacity) {
            let _ = self.disk.remove(&path);
            return Err(error);
        }
        self.open.lock().insert(id, file);
        Ok(())
    }

    /// Removes a segment. One that cannot be removed is found without a live record at the next start.
    pub(super) fn remove(&self, id: SegmentId) {
        self.open.lock().remove(&id);
        let _ = self.disk.remove(&self.path(id));
    }

    pub(super) fn sync_names(&self) -> io::Result<()> {
        self.disk.sync_dir(&self.dir)
    }

    fn path(&self, id: SegmentId) -> PathBuf {
        self.dir.join(format!("{id:016x}"))
    }

    /// Returns the open file of a segment, opening it at its first use.
    pub(crate) fn file(&self, id: SegmentId) -> io::Result<Arc<dyn DiskFile>> {
        let mut open = self.open.lock();
        if let Some(file) = open.get(&id) {
            return Ok(file.clone());
        }
        let file = self.disk.open(&self.path(id))?;
        if open.len() >= OPEN_MAX {
            // A deep queue has more segments than a process has descriptors; whoever reads keeps his own.
            open.clear();
        }
        open.insert(id, file.clone());
        Ok(file)
    }

    /// Lists the segments on disk.
    pub(super) fn list(&self) -> io::Result<Vec<SegmentId>> {
        let mut ids = Vec::new();
        for entry in std::fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            if let Some(id) = name.to_str().and_then(|name| SegmentId::from_str_radix(name, 16).ok()) {
                ids.push(id);
            }
        }
        ids.sort_unstable();
        Ok(ids)
    }
}
