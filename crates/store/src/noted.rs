//! Small files of what is worth knowing after a restart, when nothing is decided by it.
//!
//! A file is a first line, which says what it is and in which form, and JSON. It is not synced, and one that cannot be
//! read is worth as much as none. It is replaced as a whole, so that a kill leaves the one before or the new one.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads the file `path` with the first line `head`, at most `most` octets of it.
pub fn read<T: DeserializeOwned>(path: &Path, head: &str, most: u64) -> Option<T> {
    let mut text = String::new();
    fs::File::open(path).ok()?.take(most).read_to_string(&mut text).ok()?;
    serde_json::from_str(text.strip_prefix(head)?).ok()
}

/// Replaces the file `path`. Keep it off runtime threads.
///
/// # Errors
/// Whatever the operating system says; then what was noted before is still there.
pub fn write<T: Serialize + ?Sized>(path: &Path, head: &str, noted: &T) -> io::Result<()> {
    let half = path.with_extension("new");
    fs::write(&half, format!("{head}{}", serde_json::to_string(noted)?))?;
    fs::rename(&half, path)
}
