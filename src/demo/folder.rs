//! The one folder that a demo writes to.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use mailreeve_lab::words::fresh_seed;

/// A folder that is removed, with all in it, when this is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

/// Free disk that a demo wants: more than it writes in a day.
const ROOM: u64 = 512 << 20;
/// The longest path that a local socket can have, on Linux, without its end mark.
const SOCKET_PATH_LIMIT: usize = 107;

impl Folder {
    /// Makes one where temporary files go, for this user alone.
    pub(super) fn create() -> Result<Self> {
        Self::create_in(&std::env::temp_dir(), ROOM)
    }

    fn create_in(parent: &Path, room: u64) -> Result<Self> {
        const HINT: &str = "hint: TMPDIR=/another/folder mailreeve demo";
        let shown = parent.display();
        let path = parent.join(format!("mailreeve-demo-{:08x}", fresh_seed() as u32));
        let length = path.join("socket").as_os_str().len();
        if length > SOCKET_PATH_LIMIT {
            bail!(
                "the folder for temporary files, {shown}, has too long a name: a socket in it would have a path \
                 of {length} octets, {SOCKET_PATH_LIMIT} is the most\n{HINT}"
            );
        }
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|error| anyhow!("no folder can be made in {shown}: {error}\n{HINT}"))?;
        let folder = Self { path };
        let free = folder.free()?;
        if free < room {
            bail!("{shown} has {} MiB of free disk, the demo needs {} MiB\n{HINT}", free >> 20, room >> 20);
        }
        Ok(folder)
    }

    /// Octets of disk that may still be written in it.
    fn free(&self) -> Result<u64> {
        let disk = rustix::fs::statvfs(&self.path)
            .map_err(|error| anyhow!("the disk of {} cannot be measured: {error}", self.path.display()))?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Something in it.
    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed now never will be: there is nobody left to tell.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn it_is_private_and_goes_with_its_owner() {
        let folder = Folder::create().unwrap();
        let path = folder.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        fs::write(folder.join("x"), "x").unwrap();
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn what_is_missing_is_said_and_nothing_is_left() {
        let parent = tempfile::tempdir().unwrap();
        let told = |error: anyhow::Error| format!("{error:#}");
        let full = told(Folder::create_in(parent.path(), u64::MAX).unwrap_err());
        assert!(full.contains("MiB of free disk") && full.contains("TMPDIR="), "{full}");
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
        let long = told(Folder::create_in(&parent.path().join("x".repeat(100)), 0).unwrap_err());
        assert!(long.contains("too long"), "{long}");
        let missing = told(Folder::create_in(&parent.path().join("missing"), 0).unwrap_err());
        assert!(missing.contains("no folder can be made"), "{missing}");
    }
}
