//! Room on the disk: two marks and a reserve.
//!
//! Below `low` nothing more is accepted. A preallocated reserve file is given back to the file system when
//! even recording ends would fail, so that what is queued can still leave; when that is used up too, delivery
//! stops. When room returns the reserve is made again. The caller asks [`SpaceGuard::check`] about once a
//! second and acts on the answer; the committer asks [`SpaceGuard::accepts`] before each commit with mail.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use mailreeve_core::event::SpoolSpace;
use parking_lot::Mutex;

/// Name of the reserve file in its directory.
const RESERVE_FILE: &str = "reserve";

/// Returns the octets that an unprivileged process may still write on the file system of `path`.
///
/// # Errors
/// Whatever the operating system says.
pub fn disk_free(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// The marks, in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Below this nothing is accepted.
    pub low: u64,
    /// Size of the preallocated reserve: enough to record the end of every queued recipient.
    pub reserve: u64,
    /// Below this a commit may fail: the reserve is given back, and once it is gone delivery stops.
    pub critical: u64,
}

impl Default for Marks {
    fn default() -> Self {
        Self { low: 512 << 20, reserve: 64 << 20, critical: 16 << 20 }
    }
}

/// Watches one file system. Shared by the caller's timer and the committer.
#[derive(Debug)]
pub struct SpaceGuard {
    dir: PathBuf,
    marks: Marks,
    accepting: AtomicBool,
    state: Mutex<SpoolSpace>,
}

impl SpaceGuard {
    /// Watches the file system of `dir`, making the reserve there when there is room for it.
    ///
    /// # Errors
    /// When the free space cannot be asked.
    pub fn new(dir: &Path, marks: Marks) -> io::Result<Self> {
        let guard = Self {
            dir: dir.to_owned(),
            marks,
            accepting: AtomicBool::new(true),
            state: Mutex::new(SpoolSpace::Enough),
        };
        guard.check()?;
        Ok(guard)
    }

    /// Measures, releases or makes the reserve as needed, and returns the state and the free octets.
    ///
    /// Never returns [`SpoolSpace::Failed`]: that is the spool's to say.
    ///
    /// # Errors
    /// When the free space cannot be asked; the state stays as it was.
    pub fn check(&self) -> io::Result<(SpoolSpace, u64)> {
        let mut state = self.state.lock();
        let mut free = disk_free(&self.dir)?;
        if free < self.marks.critical && self.release_reserve()? {
            free = disk_free(&self.dir)?;
        }
        *state = self.judge(free);
        if *state == SpoolSpace::Enough && !self.reserve_path().exists() {
            // Failing to make it is not an error: the next check tries again, and says low until then.
            let made = self.make_reserve(free);
            *state = if made { SpoolSpace::Enough } else { SpoolSpace::Low };
            free = disk_free(&self.dir)?;
        }
        self.accepting.store(*state == SpoolSpace::Enough, Ordering::Relaxed);
        Ok((*state, free))
    }

    /// Reports whether mail may be stored now: the last check said enough, and the disk is not near its end
    /// at this moment (a burst can fill it between two checks).
    pub fn accepts(&self) -> bool {
        self.accepting.load(Ordering::Relaxed)
            && disk_free(&self.dir).is_ok_and(|free| free >= self.marks.critical)
    }

    fn judge(&self, free: u64) -> SpoolSpace {
        let reserved = self.reserve_path().exists();
        // Without a reserve there must be room for making it before mail is taken again.
        let low = if reserved { self.marks.low } else { self.marks.low.saturating_add(self.marks.reserve) };
        if free < self.marks.critical {
            SpoolSpace::Reserve
        } else if free < low {
            SpoolSpace::Low
        } else {
            SpoolSpace::Enough
        }
    }

    fn release_reserve(&self) -> io::Result<bool> {
        match fs::remove_file(self.reserve_path()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn make_reserve(&self, free: u64) -> bool {
        if free < self.marks.low.saturating_add(self.marks.reserve) {
            return false;
        }
        let path = self.reserve_path();
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).and_then(|file| {
            use rustix::fs::{FallocateFlags, fallocate};
            fallocate(&file, FallocateFlags::empty(), 0, self.marks.reserve)?;
            file.sync_all()
        });
        if made.is_err() {
            // A half-made reserve protects nothing: leave none.
            let _ = fs::remove_file(&path);
        }
        made.is_ok()
    }

    fn reserve_path(&self) -> PathBuf {
        self.dir.join(RESERVE_FILE)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn marks_around(free: u64) -> Marks {
        Marks { low: free / 2, reserve: 1 << 20, critical: free / 8 }
    }

    #[test]
    fn room_enough_makes_the_reserve_and_keeps_its_size() {
        let dir = tempfile::tempdir().unwrap();
        let marks = marks_around(disk_free(dir.path()).unwrap());
        let guard = SpaceGuard::new(dir.path(), marks).unwrap();
        assert_eq!(guard.check().unwrap().0, SpoolSpace::Enough);
        assert!(guard.accepts());
        assert_eq!(fs::metadata(dir.path().join(RESERVE_FILE)).unwrap().len(), marks.reserve);
    }

    #[test]
    fn below_low_nothing_is_accepted_and_the_reserve_stays() {
        let dir = tempfile::tempdir().unwrap();
        let free = disk_free(dir.path()).unwrap();
        drop(SpaceGuard::new(dir.path(), marks_around(free)).unwrap());
        let marks = Marks { low: free.saturating_mul(2), reserve: 1 << 20, critical: free / 8 };
        let guard = SpaceGuard::new(dir.path(), marks).unwrap();
        assert_eq!(guard.check().unwrap().0, SpoolSpace::Low);
        assert!(!guard.accepts());
        assert!(dir.path().join(RESERVE_FILE).exists());
    }

    #[test]
    fn at_the_end_the_reserve_is_given_back_and_made_again_when_room_returns() {
        let dir = tempfile::tempdir().unwrap();
        let free = disk_free(dir.path()).unwrap();
        drop(SpaceGuard::new(dir.path(), marks_around(free)).unwrap());
        let marks = Marks { low: free.saturating_mul(4), reserve: 1 << 20, critical: free.saturating_mul(2) };
        let guard = SpaceGuard::new(dir.path(), marks).unwrap();
        assert_eq!(guard.check().unwrap().0, SpoolSpace::Reserve);
        assert!(!dir.path().join(RESERVE_FILE).exists());
        let again = SpaceGuard::new(dir.path(), marks_around(free)).unwrap();
        assert_eq!(again.check().unwrap().0, SpoolSpace::Enough);
        assert!(dir.path().join(RESERVE_FILE).exists());
    }
}
