//! Which format a spool has: one line in one file, read before anything else is touched.

use std::io::IoSlice;
use std::path::Path;

use super::error::OpenError;
use crate::disk::Disk;

/// The newest format that this release reads and the one that it writes.
pub(crate) const FORMAT: u32 = 1;

const FORMAT_FILE: &str = "format";
const PRODUCT: &str = "mailreeve-spool";

/// The last word of the line: how format 1 stores, rows in a database beside segments and files.
const LAYOUT: &str = "hybrid";

/// Checks the format of the spool in `dir`, writing it down when the directory is new.
pub(crate) fn settle(disk: &dyn Disk, dir: &Path) -> Result<(), OpenError> {
    let path = dir.join(FORMAT_FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => check(dir, &text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => begin(disk, dir),
        Err(error) => Err(OpenError::io("reading", &path)(error)),
    }
}

fn check(dir: &Path, text: &str) -> Result<(), OpenError> {
    let damaged = |detail: String| OpenError::NotASpool { path: dir.to_owned(), detail };
    let mut words = text.split_ascii_whitespace();
    if words.next() != Some(PRODUCT) {
        return Err(damaged(format!("its file {FORMAT_FILE} does not begin with {PRODUCT}")));
    }
    let found: u32 = words
        .next()
        .and_then(|word| word.parse().ok())
        .ok_or_else(|| damaged(format!("its file {FORMAT_FILE} names no format")))?;
    if found > FORMAT {
        return Err(OpenError::NewerFormat { path: dir.to_owned(), found, known: FORMAT });
    }
    match words.next() {
        Some(LAYOUT) => Ok(()),
        Some(other) => Err(damaged(format!("its file {FORMAT_FILE} names the layout {other}, not {LAYOUT}"))),
        None => Err(damaged(format!("its file {FORMAT_FILE} names no layout"))),
    }
}

/// Writes the file under another name first: a crash leaves either none or a whole one.
fn begin(disk: &dyn Disk, dir: &Path) -> Result<(), OpenError> {
    if dir.join("queue.db").exists() {
        let detail = format!("it holds a queue but no file {FORMAT_FILE}");
        return Err(OpenError::NotASpool { path: dir.to_owned(), detail });
    }
    let path = dir.join(FORMAT_FILE);
    let half = dir.join("format.new");
    let write = || {
        if half.exists() {
            disk.remove(&half)?;
        }
        let file = disk.create(&half)?;
        let line = format!("{PRODUCT} {FORMAT} {LAYOUT}\n");
        file.write_at(&[IoSlice::new(line.as_bytes())], 0)?;
        file.sync()?;
        disk.rename(&half, &path)?;
        disk.sync_dir(dir)
    };
    write().map_err(OpenError::io("writing", &path))
}
