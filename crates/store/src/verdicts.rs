//! Verdicts on destinations, for operators who ask after a restart: `verdicts` in the data folder, as [`noted`] keeps it.
//! Without one every destination is unknown until it is tried.

use std::io;
use std::path::Path;

use mailreeve_core::delivery::CarriedVerdict;

use crate::noted;

const FILE: &str = "verdicts";
/// The first line: what this is, and the version of the rest.
const HEAD: &str = "mailreeve-verdicts 1\n";
/// Octets that the file may have.
const BYTES_MAX: u64 = 32 << 20;

/// Reads what an earlier run wrote into the data folder `dir`.
pub fn read(dir: &Path) -> Vec<CarriedVerdict> {
    noted::read(&dir.join(FILE), HEAD, BYTES_MAX).unwrap_or_default()
}

/// Writes verdicts for a later run. Keep it off runtime threads.
///
/// # Errors
/// Whatever the operating system says; then those of before are still there.
pub fn write(dir: &Path, verdicts: &[CarriedVerdict]) -> io::Result<()> {
    noted::write(&dir.join(FILE), HEAD, verdicts)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

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
