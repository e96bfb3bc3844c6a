//! Making the WAL's file as long as it will become, so that commits overwrite instead of appending.
//!
//! A sync of a file that has grown writes its new length and blocks as well and takes three to five times as long as one
//! of a file that was overwritten. The WAL begins anew at its start after each checkpoint, so only its first round
//! grows: that round is made short work of by writing zeros behind it.
//!
//! Frames are appended by the committing connection alone, and not while a piece of zeros is written. For SQLite zeros
//! are no frame, so what is read back after a crash ends where the frames end.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::space::disk_free;

/// Written at once, while commits wait.
const PIECE_BYTES: u64 = 1 << 20;
/// What is written ahead is at most one part in so many of what is free: a small disk has better use for it.
const FREE_PARTS: u64 = 32;

/// Returns the path of a database's WAL.
pub(super) fn wal_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

/// Makes the file as long as `wanted` octets, where the disk has room to spare. Where it cannot be had it grows as it
/// is used. Who holds `appending` may append frames.
///
/// # Errors
/// The file could not be synced: commits are in it too, and what they wrote is not known to be on the disk.
pub(super) fn lengthen(
    appending: &Mutex<()>,
    wal: &Path,
    wanted: u64,
    is_wanted: impl Fn() -> bool,
) -> io::Result<()> {
    let Ok(file) = OpenOptions::new().write(true).open(wal) else { return Ok(()) };
    if disk_free(wal).map_or(true, |free| free / FREE_PARTS < wanted) {
        return Ok(());
    }
    while is_wanted() {
        let written = {
            let _nobody_appends = appending.lock();
            write_piece(&file, wanted)
        };
        file.sync_data()?;
        if !written.is_ok_and(|octets| octets > 0) {
            break;
        }
    }
    Ok(())
}

/// Writes the next zeros behind all there is; returns how many.
fn write_piece(file: &File, wanted: u64) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let piece = wanted.saturating_sub(length).min(PIECE_BYTES);
    let zeros = vec![0; usize::try_from(piece).map_err(io::Error::other)?];
    file.write_all_at(&zeros, length)?;
    Ok(piece)
}
