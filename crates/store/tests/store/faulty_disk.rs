//! A disk of which one operation fails.

use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mailreeve_store::disk::{Disk, DiskFile, HostDisk};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// An error of the device.
    Broken,
    /// No space: half of a write is done.
    Full,
}

/// A disk of which one operation fails.
#[derive(Clone, Debug)]
pub(crate) struct FaultyDisk {
    left: Arc<AtomicU64>,
    fault: Fault,
}

#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    file: Arc<dyn DiskFile>,
}

impl FaultyDisk {
    pub(crate) fn new(operation: u64, fault: Fault) -> Self {
        Self { left: Arc::new(AtomicU64::new(operation)), fault }
    }

    /// Reports whether the operation came.
    pub(crate) fn struck(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    fn pass(&self) -> io::Result<()> {
        let before = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if before != Ok(1) {
            return Ok(());
        }
        Err(match self.fault {
            Fault::Broken => io::Error::from_raw_os_error(5),
            Fault::Full => io::ErrorKind::StorageFull.into(),
        })
    }

    fn wrap(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(FaultyFile { disk: self.clone(), file })
    }
}

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.pass()?;
        Ok(self.wrap(HostDisk.create(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.pass()?;
        Ok(self.wrap(HostDisk.open(path)?))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.pass()?;
        HostDisk.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.pass()?;
        HostDisk.rename(from, to)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.pass()?;
        HostDisk.sync_dir(path)
    }
}

impl DiskFile for FaultyFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }

    fn write_at(&self, parts: &[IoSlice<'_>], offset: u64) -> io::Result<()> {
        let result = self.disk.pass();
        if result.is_err() {
            let whole: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
            self.file.write_at(&[IoSlice::new(&whole[..whole.len() / 2])], offset)?;
        }
        result?;
        self.file.write_at(parts, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.pass()?;
        self.file.sync()
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.disk.pass()?;
        self.file.allocate(bytes)
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.disk.pass()?;
        self.file.truncate(bytes)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
}
