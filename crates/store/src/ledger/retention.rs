//! How long segments are kept.

use std::path::Path;

use super::frame::{self, Head};
use super::{LedgerError, open};
use crate::disk::Disk;

/// The oldest segments go when either bound is passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Octets of all segments together.
    pub total_bytes: Option<u64>,
    /// Microseconds after which a segment goes, counted from the beginning of the one after it.
    pub age_us: Option<u64>,
}

/// Removes segments below `needed`, oldest first, as far as the bounds ask.
pub(super) fn apply(
    disk: &dyn Disk,
    dir: &Path,
    retention: &Retention,
    now: u64,
    needed: u64,
) -> Result<u64, LedgerError> {
    let segments = open::list(dir).map_err(LedgerError::io("listing", dir))?;
    let size = |segment: &u64| std::fs::metadata(frame::path(dir, *segment)).map_or(0, |meta| meta.len());
    let mut total: u64 = segments.iter().map(size).sum();
    let mut removed = 0;
    for pair in segments.windows(2) {
        let &[oldest, next] = pair else { break };
        let too_much = retention.total_bytes.is_some_and(|bound| total > bound);
        let too_old = retention.age_us.is_some_and(|age| {
            opened_at(disk, dir, next).is_some_and(|opened| opened.saturating_add(age) < now)
        });
        if oldest >= needed || !(too_much || too_old) {
            break;
        }
        let path = frame::path(dir, oldest);
        total = total.saturating_sub(size(&oldest));
        disk.remove(&path).map_err(LedgerError::io("removing", &path))?;
        removed += 1;
    }
    Ok(removed)
}

fn opened_at(disk: &dyn Disk, dir: &Path, segment: u64) -> Option<u64> {
    match read_head(disk, &frame::path(dir, segment)).ok()? {
        Head::Good(stored, _) => Some(stored.opening.opened_at),
        Head::Newer(_) | Head::Bad => None,
    }
}

/// Reads the head of a segment, whatever its length.
pub(super) fn read_head(disk: &dyn Disk, path: &Path) -> std::io::Result<Head> {
    let file = disk.open(path)?;
    let length = usize::try_from(file.len()?).unwrap_or(usize::MAX);
    let mut octets = vec![0; length.min(frame::HEAD_BYTES)];
    file.read_exact_at(&mut octets, 0)?;
    let Some(opening) = octets.get(12..16).and_then(|octets| octets.first_chunk::<4>()) else {
        return Ok(Head::Bad);
    };
    let wanted = frame::HEAD_BYTES.saturating_add(u32::from_le_bytes(*opening) as usize);
    octets.resize(length.min(wanted), 0);
    file.read_exact_at(&mut octets, 0)?;
    Ok(frame::parse_head(&octets))
}
