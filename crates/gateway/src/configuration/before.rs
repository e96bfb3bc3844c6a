//! What was in force before, over restarts: so that a configuration that came into force says what it changed.
//!
//! `configuration` in the data folder, as [`noted`] keeps it: the checksum and a digest of each setting.

use std::io;
use std::path::Path;

use mailreeve_core::config::{Settings, differing};
use mailreeve_core::event::Event;
use mailreeve_store::noted;

use crate::context::{Context, Running};

const FILE: &str = "configuration";
const HEAD: &str = "mailreeve-configuration 1\n";
const BYTES_MAX: u64 = 8 << 20;

/// Tells that the running configuration is in force, and what it changed of the one in force before; `None` for the
/// one of an earlier run.
pub(crate) fn in_force(context: &Context, before: Option<&Running>) {
    let running = context.running.load();
    let dir = &running.config.data_dir;
    context.events.tell(Event::Configured { checksum: running.checksum, source: running.source.clone() });
    let known = match before {
        Some(before) => Some((before.checksum, before.settings.clone())),
        None => read(dir),
    };
    if let Some((from, settings)) = &known
        && *from != running.checksum
    {
        let found = differing(settings, &running.settings);
        let (from, to) = (*from, running.checksum);
        context.events.tell(Event::SettingsChanged { from, to, settings: found.names, more: found.more });
    }
    if known.is_none_or(|(checksum, _)| checksum != running.checksum) {
        // A disk that cannot be written has alerts of its own; the next start then names nothing that changed.
        let _ = write(dir, running.checksum, &running.settings);
    }
}

fn read(dir: &Path) -> Option<(u32, Settings)> {
    noted::read(&dir.join(FILE), HEAD, BYTES_MAX)
}

fn write(dir: &Path, checksum: u32, settings: &Settings) -> io::Result<()> {
    noted::write(&dir.join(FILE), HEAD, &(checksum, settings))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use mailreeve_core::config::settings;

    use super::*;

    #[test]
    fn what_was_written_is_read_and_what_is_damaged_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()), None);
        let all = settings("hostname = 'a.example'\n[limits]\nrecipients = 5\n");
        write(dir.path(), 7, &all).unwrap();
        assert_eq!(read(dir.path()), Some((7, all)));
        for damaged in ["", "mailreeve-configuration 2\n[7,{}]", "mailreeve-configuration 1\n[7"] {
            fs::write(dir.path().join(FILE), damaged).unwrap();
            assert_eq!(read(dir.path()), None, "{damaged}");
        }
    }
}
