//! A disk that a test can fill.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small file system of its own; unmounted with it.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, said aloud, where this user may not mount.
    pub fn mount(at: &Path, megabytes: u32) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let size = format!("size={megabytes}m,mode=700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(at).output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: a small file system cannot be mounted by this user");
            return None;
        }
        Some(Self(at.to_owned()))
    }

    /// Leaves this much room on it.
    pub fn leave(&self, megabytes: u64) {
        let filler = self.0.join("filler");
        let mut file = fs::File::options().create(true).append(true).open(filler).unwrap();
        let block = vec![0; 1 << 20];
        while self.free() > megabytes {
            file.write_all(&block).unwrap();
        }
    }

    fn free(&self) -> u64 {
        let output = Command::new("df").args(["--output=avail", "-B1M"]).arg(&self.0).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().nth(1).unwrap().trim().parse().unwrap()
    }

    /// Gives the room back.
    pub fn clear(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the gateway that uses it may be going only now.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
