//! The one folder that a demo writes to.
//!
//! A demo that is killed cannot remove it. So each holds a lock in its folder for as long as it lives, and the next one
//! removes the folders in which nobody holds one.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use mailreeve_lab::words::fresh_seed;
use rustix::fs::{FlockOperation, flock};

/// A folder that is removed, with all in it, when this is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Holds the lock.
    _owner: File,
}

/// How folders of demos are called, before a number.
const NAME: &str = "mailreeve-demo-";
/// The file on which the lock is.
const OWNER: &str = "demo.owner";
/// The gateway's own lock: one that is still stopping needs its files.
const GATEWAY: &str = "data/spool/owner";

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
        remove_abandoned(parent);
        let path = parent.join(format!("{NAME}{:08x}", fresh_seed() as u32));
        let length = path.join("socket").as_os_str().len();
        if length > SOCKET_PATH_LIMIT {
            bail!(
                "the folder for temporary files, {shown}, has too long a name: a socket in it would have a path \
                 of {length} octets, {SOCKET_PATH_LIMIT} is the most\n{HINT}"
            );
        }
        let owner =
            make(&path).map_err(|error| anyhow!("no folder can be made in {shown}: {error}\n{HINT}"))?;
        let folder = Self { path, _owner: owner };
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

/// Makes the folder with its lock held. It has its name only then: no other demo takes it for abandoned.
fn make(path: &Path) -> std::io::Result<File> {
    let unnamed = path.with_extension("new");
    DirBuilder::new().mode(0o700).create(&unnamed)?;
    let made = File::create(unnamed.join(OWNER)).and_then(|owner| {
        flock(&owner, FlockOperation::NonBlockingLockExclusive)?;
        fs::rename(&unnamed, path)?;
        Ok(owner)
    });
    if made.is_err() {
        // The error of before is what is told.
        let _ = fs::remove_dir_all(&unnamed);
    }
    made
}

/// Removes folders of this user's demos that were killed. What cannot be removed is another demo's to try.
fn remove_abandoned(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let number = path.file_name().and_then(|name| name.to_str()?.strip_prefix(NAME));
        let named =
            number.is_some_and(|it| it.len() == 8 && it.bytes().all(|digit| digit.is_ascii_hexdigit()));
        if named && is_abandoned(&path) {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

fn is_abandoned(path: &Path) -> bool {
    let ours = fs::symlink_metadata(path)
        .is_ok_and(|found| found.is_dir() && found.uid() == rustix::process::getuid().as_raw());
    let free = |name: &str| {
        let file = File::open(path.join(name)).ok()?;
        Some(flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok())
    };
    ours && free(OWNER) == Some(true) && free(GATEWAY) != Some(false)
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
    fn folders_that_a_killed_demo_left_are_removed_and_no_others() {
        let parent = tempfile::tempdir().unwrap();
        let alive = Folder::create_in(parent.path(), 0).unwrap();
        let left = parent.path().join("mailreeve-demo-0123abcd");
        let stopping = parent.path().join("mailreeve-demo-4567abcd");
        for folder in [&left, &stopping] {
            fs::create_dir_all(folder.join("data/spool")).unwrap();
            fs::write(folder.join(OWNER), "").unwrap();
            fs::write(folder.join(GATEWAY), "").unwrap();
        }
        let gateway = File::open(stopping.join(GATEWAY)).unwrap();
        flock(&gateway, FlockOperation::NonBlockingLockExclusive).unwrap();
        let others = ["mailreeve-demo-notes", "mailreeve-demo-00000000", "other-0123abcd"];
        for other in others {
            fs::create_dir(parent.path().join(other)).unwrap();
        }
        let next = Folder::create_in(parent.path(), 0).unwrap();
        assert!(!left.exists());
        assert!(stopping.exists(), "its gateway still stops");
        assert!(alive.path().exists() && next.path().exists());
        assert!(
            others.iter().all(|other| parent.path().join(other).exists()),
            "what has no lock is not a demo's"
        );
        drop(gateway);
        drop(Folder::create_in(parent.path(), 0).unwrap());
        assert!(!stopping.exists() && alive.path().exists());
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
