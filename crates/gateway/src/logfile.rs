//! The text log on disk: appended in batches, rolled over by size and by day, bounded in number.
//!
//! `mail.current` is live; a full file becomes `mail.@20261121T103000.s`. When all kept files together pass
//! the total, the oldest go.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Bounds of the log.
#[derive(Clone, Debug)]
pub struct LogBounds {
    /// A file is rolled over beyond this size.
    pub file_bytes: u64,
    /// Files kept beside the live one.
    pub keep: usize,
}

/// The live file.
pub struct LogFile {
    folder: PathBuf,
    stem: String,
    bounds: LogBounds,
    file: File,
    bytes: u64,
    day: i64,
}

impl LogFile {
    /// Opens (or goes on with) `<stem>.current` in `folder`.
    pub fn open(folder: &Path, stem: &str, bounds: LogBounds, day: i64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{stem}.current"));
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { folder: folder.to_owned(), stem: stem.to_owned(), bounds, file, bytes, day })
    }

    /// Tells whether the file is new, so that its head must be written.
    pub fn is_new(&self) -> bool {
        self.bytes == 0
    }

    /// Appends whole lines.
    pub fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.file.write_all(lines)?;
        self.bytes += lines.len() as u64;
        Ok(())
    }

    /// Tells whether the file should be rolled over on `day` (days since the epoch in the log's zone).
    pub fn is_due(&self, day: i64) -> bool {
        self.bytes > 0 && (self.bytes >= self.bounds.file_bytes || day != self.day)
    }

    /// Rolls over: the live file gets `stamp` in its name, a new one begins.
    pub fn roll_over(&mut self, stamp: &str, day: i64) -> io::Result<()> {
        let live = self.folder.join(format!("{}.current", self.stem));
        let mut saved = self.folder.join(format!("{}.@{stamp}.s", self.stem));
        let mut turn = 1;
        while saved.exists() {
            saved = self.folder.join(format!("{}.@{stamp}.{turn}.s", self.stem));
            turn += 1;
        }
        self.file.sync_data()?;
        fs::rename(&live, &saved)?;
        self.file = OpenOptions::new().create(true).append(true).open(&live)?;
        self.bytes = 0;
        self.day = day;
        self.prune()
    }

    fn prune(&self) -> io::Result<()> {
        let prefix = format!("{}.@", self.stem);
        let mut saved: Vec<PathBuf> = fs::read_dir(&self.folder)?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|path| {
                path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(&prefix))
            })
            .collect();
        // The stamp in the name sorts by time.
        saved.sort();
        let excess = saved.len().saturating_sub(self.bounds.keep);
        for path in saved.iter().take(excess) {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn rolls_over_by_size_and_day_and_keeps_a_bounded_number() {
        let folder = tempfile::tempdir().unwrap();
        let bounds = LogBounds { file_bytes: 10, keep: 2 };
        let mut log = LogFile::open(folder.path(), "mail", bounds, 1).unwrap();
        assert!(log.is_new() && !log.is_due(2));
        log.append(b"12345\n").unwrap();
        assert!(!log.is_due(1) && log.is_due(2));
        log.append(b"12345\n").unwrap();
        assert!(log.is_due(1));
        for stamp in ["20260101T000000", "20260102T000000", "20260102T000000"] {
            log.roll_over(stamp, 2).unwrap();
            log.append(b"x\n").unwrap();
        }
        assert_eq!(
            names(folder.path()),
            ["mail.@20260102T000000.1.s", "mail.@20260102T000000.s", "mail.current"]
        );
    }
}
