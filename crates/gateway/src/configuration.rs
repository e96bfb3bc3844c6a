//! From a file (or none) to everything that follows from it.
//!
//! [`read`] is what `mailreeve check` runs; [`prepare`] does the IO that a configuration asks for (secrets,
//! certificates, the resolver), once at the start and again at every reload.

pub(crate) mod before;
mod folders;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use jiff::tz::TimeZone;
use mailreeve_core::config::{self, Config, IpPreference, Mistake, Settings, Zone};
use mailreeve_smtp::client::{self, Credentials};
use toml::de::DeTable;

pub use folders::default_file;
use folders::defaults;

use crate::context::Running;
use crate::lookups::counters::LookupCounters;
use crate::lookups::dns::{Dns, DnsSettings};
use crate::lookups::exchangers::{Families, Surroundings};
use crate::tls::{self, ClientTls};

/// A file larger than this is not a configuration.
const FILE_BYTES: u64 = 4 << 20;

/// A configuration, read.
pub struct Text {
    /// Its typed form.
    pub config: Config,
    /// Checksum of its text, for records.
    pub checksum: u32,
    /// The file's name, or `built-in defaults`.
    pub source: String,
    /// What it sets.
    pub settings: Settings,
}

/// Why a configuration could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The file.
    #[error("{path}: {error}", path = .path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Its content: every mistake, rendered for a person.
    #[error("{rendered}")]
    Mistakes {
        /// How many.
        count: usize,
        /// All of them.
        rendered: String,
    },
}

/// Reads `file`, or the built-in defaults.
pub fn read(file: Option<&Path>) -> Result<Text, Unreadable> {
    let (text, source) = match file {
        Some(path) => (read_file(path)?, path.display().to_string()),
        None => (String::new(), "built-in defaults".to_owned()),
    };
    let parsed = Config::parse(&text, &defaults());
    let config = parsed.map_err(|mistakes| Unreadable::Mistakes {
        count: mistakes.len(),
        rendered: rendered(&mistakes, &text, &source),
    })?;
    let settings = config::settings(&text);
    Ok(Text { config, checksum: checksum(text.as_bytes()), source, settings })
}

/// Where the gateway that runs by a file is spoken to.
pub struct Socket {
    /// Its path.
    pub path: PathBuf,
    /// What to tell when no gateway is there: the file has mistakes.
    pub doubt: Option<String>,
}

/// Finds the socket of the gateway that runs by `file`, even when the file has mistakes meanwhile: just then
/// an operator needs the commands.
pub fn socket(file: Option<&Path>) -> Result<Socket, Unreadable> {
    match (read(file), file) {
        (Ok(text), _) => Ok(Socket { path: text.config.socket, doubt: None }),
        (Err(Unreadable::Mistakes { .. }), Some(path)) => {
            let named = socket_named(&read_file(path)?);
            let file = path.display();
            let doubt = format!(
                "{file} has mistakes, which keep a gateway from starting and may hide where its socket is: \
                 `mailreeve check {file}` tells them"
            );
            Ok(Socket { path: named.unwrap_or_else(|| defaults().socket), doubt: Some(doubt) })
        }
        (Err(error), _) => Err(error),
    }
}

/// The socket that a text with mistakes names, as far as it can be read.
fn socket_named(text: &str) -> Option<PathBuf> {
    let (table, _) = DeTable::parse_recoverable(text);
    let named = table.get_ref().get("socket")?.get_ref().as_str()?;
    (!named.is_empty()).then(|| PathBuf::from(named))
}

/// Where the desk keeps its users.
pub fn desk_folder(config: &Config) -> PathBuf {
    config.data_dir.join("desk")
}

fn read_file(path: &Path) -> Result<String, Unreadable> {
    let failed = |error| Unreadable::File { path: path.to_owned(), error };
    let size = fs::metadata(path).map_err(failed)?.len();
    if size > FILE_BYTES {
        return Err(failed(io::Error::other("larger than 4 MiB: this is not a configuration")));
    }
    fs::read_to_string(path).map_err(failed)
}

fn rendered(mistakes: &[Mistake], text: &str, source: &str) -> String {
    let all: Vec<String> = mistakes.iter().map(|mistake| config::render(mistake, text, source)).collect();
    all.join("\n")
}

/// FNV-1a: tells texts apart in records, protects nothing.
fn checksum(text: &[u8]) -> u32 {
    text.iter().fold(0x811c_9dc5, |sum: u32, octet| (sum ^ u32::from(*octet)).wrapping_mul(0x0100_0193))
}

/// Does what the configuration asks for. Must be called in a runtime (the resolver lives in it). Look-ups go on
/// being counted in `lookups`.
pub fn prepare(text: Text, listening: Vec<SocketAddr>, lookups: Arc<LookupCounters>) -> Result<Running> {
    let Text { config, checksum, source, settings } = text;
    let wants_tls = config.listeners.iter().any(|listener| listener.tls);
    let identity = config.identity.as_ref();
    let pair = identity.map(|identity| (identity.certificate.as_path(), identity.key.as_path()));
    let tls = match wants_tls {
        true => Some(tls::server_config(pair, &config.data_dir.join("tls"), &config.hostname)?),
        false => None,
    };
    let smtp = config.listeners.iter().map(|row| (row.name.clone(), Arc::new(config.smtp_settings(row))));
    let dns_settings = DnsSettings {
        servers: config.dns.servers.clone(),
        timeout: config.dns.timeout,
        attempts: config.dns.attempts,
        cache_entries: config.dns.cache_max,
    };
    let dns = Dns::new(&dns_settings, lookups)
        .context("preparing the resolver (dns.servers, or the system's resolv.conf)")?;
    let helo = config.delivery.helo.clone().unwrap_or_else(|| config.hostname.clone());
    let surroundings = Surroundings {
        port: config.delivery.port,
        refused_networks: config.delivery.refused_networks.clone(),
        families: match config.delivery.ip_preference {
            IpPreference::PreferV6 => Families::V6First,
            IpPreference::PreferV4 => Families::V4First,
            IpPreference::V6Only => Families::V6Only,
            IpPreference::V4Only => Families::V4Only,
        },
        own_names: own_names(&config.hostname, &helo),
        own_addresses: listening.clone(),
    };
    Ok(Running {
        policy: config.policy(),
        smtp: smtp.collect(),
        tls,
        delivery: Arc::new(config.delivery_settings()),
        surroundings: Arc::new(surroundings),
        dns: Arc::new(dns),
        client_tls: ClientTls::new()?,
        client_deadlines: client_deadlines(&config),
        helo,
        reverse_timeout: config.dns.reverse_timeout,
        connect_timeout: config.delivery.connect_timeout,
        source_addresses: config.delivery.source_addresses.clone(),
        credentials: secrets(&config)?,
        zone: zone(&config.log.zone),
        spool_dir: config.data_dir.join("spool"),
        listening,
        config,
        checksum,
        source,
        settings,
    })
}

fn own_names(hostname: &str, helo: &str) -> Vec<String> {
    let mut names = vec![hostname.to_ascii_lowercase(), helo.to_ascii_lowercase()];
    names.dedup();
    names
}

fn client_deadlines(config: &Config) -> client::Deadlines {
    let times = &config.delivery.timeouts;
    client::Deadlines {
        greeting: times.greeting,
        helo: times.helo,
        mail: times.mail,
        rcpt: times.rcpt,
        data_init: times.data_init,
        data_block: times.data_block,
        data_end: times.data_end,
        quit: times.quit,
        ..client::Deadlines::default()
    }
}

/// Reads the secrets that the configuration names; they never stand in it.
fn secrets(config: &Config) -> Result<HashMap<String, Credentials>> {
    config
        .credentials
        .iter()
        .map(|named| {
            let path = &named.password_file;
            let password = fs::read_to_string(path)
                .with_context(|| format!("reading the password file {} of {}", path.display(), named.name))?;
            let password = password.trim_end_matches(['\r', '\n']).to_owned();
            Ok((
                named.name.to_string(),
                Credentials { user: named.user.clone(), password, allow_clear: false },
            ))
        })
        .collect()
}

fn zone(zone: &Zone) -> TimeZone {
    match zone {
        Zone::System => TimeZone::system(),
        Zone::Named(zone) => zone.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_found_in_a_text_with_mistakes() {
        let named = |text: &str| socket_named(text).map(|path| path.display().to_string());
        let found = Some("/run/gate/socket".to_owned());
        assert_eq!(named("socket = \"/run/gate/socket\"\n[recieve]\n"), found);
        assert_eq!(named("socket = \"/run/gate/socket\"\nhostname = \"gw.test\n[log]\nkeep = 10\n"), found);
        for without in ["", "hostname = 5\n", "socket = 5\n", "socket = \"\"\n", "[log]\nsocket = \"/x\"\n"] {
            assert_eq!(named(without), None, "{without}");
        }
    }
}
