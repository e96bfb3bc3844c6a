//! Verdicts on destinations, for operators who ask after a restart: one small file, `verdicts` in the data folder.
//!
//! Nothing is decided by it, so it is not synced and a file that cannot be read is worth as much as none: every
//! destination is then unknown until it is tried. It is replaced as a whole, so that a kill leaves the one before or
//! the new one.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use mailreeve_core::delivery::CarriedVerdict;

const FILE: &str = "verdicts";
const HALF: &str = "verdicts.new";
/// The first line: what this is, and the version of the rest.
const HEAD: &str = "mailreeve-verdicts 1\n";
/// Octets that the file may have.
const BYTES_MAX: u64 = 32 << 20;

/// Reads what an earlier run wrote into the data folder `dir`.
pub fn read(dir: &Path) -> Vec<CarriedVerdict> {
    let Ok(file) = fs::File::open(dir.join(FILE)) else { return Vec::new() };
    let mut text = String::new();
    if file.take(BYTES_MAX).read_to_string(&mut text).is_err() {
        return Vec::new();
    }
    let known = text.strip_prefix(HEAD).and_then(|json| serde_json::from_str(json).ok());
    known.unwrap_or_default()
}

/// Writes verdicts for a later run. Keep it off runtime threads.
///
/// # Errors
/// Whatever the operating system says; then those of before are still there.
pub fn write(dir: &Path, verdicts: &[CarriedVerdict]) -> io::Result<()> {
    let mut text = HEAD.to_owned();
    text.push_str(&serde_json::to_string(verdicts)?);
    let half = dir.join(HALF);
    fs::write(&half, text)?;
    fs::rename(&half, dir.join(FILE))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use mailreeve_core::event::{Cause, Failure, HostStatus, Stage};
    use mailreeve_core::ids::Host;

    use super::*;

    #[test]
    fn what_was_written_is_read_and_what_is_damaged_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()), []);
        let reason = Failure {
            stage: Stage::Connect,
            cause: Cause::ConnectRefused,
            status: (4, 4, 1),
            code: 0,
            text: vec!["Connection refused".to_owned()],
            address: Some("192.0.2.7:25".parse().unwrap()),
            at: 7,
        };
        let verdict = CarriedVerdict {
            host: Host::new("a.example"),
            status: HostStatus::Down,
            since: 5,
            down_since: Some(5),
            failing_since: Some(4),
            address: reason.address,
            reason,
            tried_at: 7,
        };
        write(dir.path(), std::slice::from_ref(&verdict)).unwrap();
        assert_eq!(read(dir.path()), [verdict]);
        let file = dir.path().join(FILE);
        let whole = fs::read_to_string(&file).unwrap();
        for damaged in [&whole[..whole.len() - 1], "", "mailreeve-verdicts 2\n[]", "\u{fffd}"] {
            fs::write(&file, damaged).unwrap();
            assert_eq!(read(dir.path()), [], "{damaged}");
        }
        write(dir.path(), &[]).unwrap();
        assert_eq!(read(dir.path()), []);
    }
}
