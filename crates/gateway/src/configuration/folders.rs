//! Where things are when the configuration does not say.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use mailreeve_core::config::Defaults;

/// What the machine says where the configuration does not: its name, and folders for this user.
pub(super) fn defaults() -> Defaults {
    let hostname = rustix::system::uname().nodename().to_string_lossy().to_ascii_lowercase();
    let hostname = if hostname.is_empty() { "localhost".to_owned() } else { hostname };
    folders(hostname, &|name| std::env::var_os(name).filter(|value| !value.is_empty()))
}

/// The folders: those that a service manager made for us and named in the environment, or else those for this user.
fn folders(hostname: String, environment: &dyn Fn(&str) -> Option<OsString>) -> Defaults {
    let defaults = own_folders(hostname, environment);
    let named = |name| environment(name).and_then(|folders| first_folder(&folders));
    Defaults {
        data_dir: named("STATE_DIRECTORY").unwrap_or(defaults.data_dir),
        log_dir: named("LOGS_DIRECTORY").unwrap_or(defaults.log_dir),
        socket: named("RUNTIME_DIRECTORY").map_or(defaults.socket, |folder| folder.join("mailreeve.sock")),
        ..defaults
    }
}

/// The configuration file that is read when none is named: the one in the folder that a service manager names.
pub fn default_file() -> Option<PathBuf> {
    let folders = std::env::var_os("CONFIGURATION_DIRECTORY")?;
    let file = first_folder(&folders)?.join("mailreeve.toml");
    file.exists().then_some(file)
}

/// A service manager names several folders with colons between them; ours is the first.
fn first_folder(folders: &OsStr) -> Option<PathBuf> {
    let first = folders.as_bytes().split(|octet| *octet == b':').next()?;
    let first = Path::new(OsStr::from_bytes(first));
    // What is not absolute would depend on where we were started.
    first.is_absolute().then(|| first.to_owned())
}

fn own_folders(hostname: String, environment: &dyn Fn(&str) -> Option<OsString>) -> Defaults {
    if rustix::process::geteuid().is_root() {
        return Defaults {
            hostname,
            data_dir: "/var/lib/mailreeve".into(),
            log_dir: "/var/log/mailreeve".into(),
            socket: "/run/mailreeve/mailreeve.sock".into(),
        };
    }
    let home = environment("HOME").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let state = environment("XDG_STATE_HOME").map_or_else(|| home.join(".local/state"), PathBuf::from);
    let state = state.join("mailreeve");
    Defaults {
        hostname,
        data_dir: state.join("data"),
        log_dir: state.join("log"),
        socket: state.join("mailreeve.sock"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn under(variables: &[(&str, &str)]) -> Defaults {
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
        folders("gw.test".to_owned(), &|name| find(name).map(|(_, value)| OsString::from(value)))
    }

    #[test]
    fn folders_of_the_service_manager_come_before_those_of_the_user() {
        let all = under(&[
            ("HOME", "/home/u"),
            ("STATE_DIRECTORY", "/var/lib/gate:/var/lib/other"),
            ("LOGS_DIRECTORY", "/var/log/gate"),
            ("RUNTIME_DIRECTORY", "/run/gate"),
        ]);
        assert_eq!(all.data_dir, Path::new("/var/lib/gate"));
        assert_eq!(all.log_dir, Path::new("/var/log/gate"));
        assert_eq!(all.socket, Path::new("/run/gate/mailreeve.sock"));
        let (none, odd) = (under(&[("HOME", "/home/u")]), [("HOME", "/home/u"), ("STATE_DIRECTORY", "here")]);
        let one = under(&[("HOME", "/home/u"), ("LOGS_DIRECTORY", "/logs")]);
        assert_eq!((&one.data_dir, &one.socket), (&none.data_dir, &none.socket));
        assert_eq!(one.log_dir, Path::new("/logs"));
        assert_eq!(under(&odd).data_dir, none.data_dir, "a folder that depends on where we were started");
    }
}
