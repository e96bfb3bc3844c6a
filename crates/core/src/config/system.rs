//! What the gateway keeps, asks and tells: `[queue]`, `[dns]`, `[log]`, `[ledger]`, `[tracking]`, `[metrics]`,
//! `[tls]`, `[threads]`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::names;
use super::reader::{Section, Spec};
use super::units::{GIB, MIB, TIB};
use super::value::Complaint;

pub(super) const QUEUE: Spec =
    Spec { header: "[queue]", keys: &["max_recipients", "body_memory", "low", "reserve"] };

pub(super) const DNS: Spec =
    Spec { header: "[dns]", keys: &["servers", "timeout", "attempts", "reverse_timeout", "cache_max"] };

pub(super) const LOG: Spec = Spec { header: "[log]", keys: &["file", "rollover", "keep", "timezone"] };

pub(super) const LEDGER: Spec = Spec { header: "[ledger]", keys: &["keep", "max_bytes"] };

pub(super) const RECORDER: Spec =
    Spec { header: "[recorder]", keys: &["enabled", "max_bytes", "attempts_max_bytes"] };
pub(super) const TRACKING: Spec = Spec { header: "[tracking]", keys: &["enabled", "max_bytes"] };

pub(super) const METRICS: Spec = Spec { header: "[metrics]", keys: &["address"] };

pub(super) const TLS: Spec = Spec { header: "[tls]", keys: &["certificate", "key"] };

pub(super) const THREADS: Spec = Spec { header: "[threads]", keys: &["receive"] };

/// Bounds of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Waiting recipients; above, acceptance answers 452.
    pub max_recipients: usize,
    /// Octets of bodies in memory.
    pub body_memory: u64,
    /// Below this many free octets of disk acceptance stops.
    pub low: u64,
    /// Octets set aside to record the end of what is queued; when they are gone delivery stops too.
    pub reserve: u64,
}

/// The name service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns {
    /// The servers asked; none means those of the machine.
    pub servers: Vec<SocketAddr>,
    /// For one answer.
    pub timeout: Duration,
    /// Times a question is asked.
    pub attempts: usize,
    /// For all that is looked up about a sender's address.
    pub reverse_timeout: Duration,
    /// Answers kept.
    pub cache_max: usize,
}

/// The text log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Name of the live file in `log_dir`.
    pub file: String,
    /// Octets at which a new file begins; each day begins one too.
    pub rollover: u64,
    /// Old files kept.
    pub keep: usize,
    /// The zone of its times.
    pub zone: Zone,
}

/// A zone for times that people read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Zone {
    /// That of the machine.
    System,
    /// This one, from the tables built in.
    Named(TimeZone),
}

/// The record of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// Age at which a segment may go.
    pub keep: Duration,
    /// Octets of all segments, at most.
    pub max_bytes: u64,
}

/// The record of attempts and conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorder {
    /// Whether there is one.
    pub enabled: bool,
    /// Octets of conversations, at most.
    pub max_bytes: u64,
    /// Octets of attempts, at most.
    pub attempts_max_bytes: u64,
}

/// What messages are found by. It reaches as far back as the record of events, or less.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracking {
    /// Whether messages are tracked.
    pub enabled: bool,
    /// Octets of the index, at most; above, the oldest week goes.
    pub max_bytes: u64,
}

/// A certificate of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// PEM file of the certificate and its chain.
    pub certificate: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
}

impl Default for Queue {
    fn default() -> Self {
        Self { max_recipients: 1_000_000, body_memory: 64 * MIB, low: GIB, reserve: 64 * MIB }
    }
}

impl Queue {
    pub(super) fn read(root: &Section<'_>) -> Self {
        let section = root.section("queue", &QUEUE);
        let default = Self::default();
        let queue = Self {
            max_recipients: section.integer("max_recipients", 1..=100_000_000, default.max_recipients),
            body_memory: section.size("body_memory", MIB..=TIB, default.body_memory),
            low: section.size("low", 0..=1_024 * TIB, default.low),
            reserve: section.size("reserve", MIB..=TIB, default.reserve),
        };
        if queue.low < queue.reserve {
            let message = "acceptance must stop before the reserve is touched";
            section.wrong("low", message, "make low at least as large as reserve");
        }
        queue
    }
}

impl Default for Dns {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            timeout: Duration::from_secs(5),
            attempts: 2,
            reverse_timeout: Duration::from_secs(20),
            cache_max: 100_000,
        }
    }
}

impl Dns {
    pub(super) fn read(root: &Section<'_>) -> Self {
        let section = root.section("dns", &DNS);
        let default = Self::default();
        let servers = section.optional("servers", |v| v.list(|v| v.parsed(names::name_server)));
        let time = Duration::from_millis(100)..=Duration::from_mins(2);
        Self {
            servers: servers.unwrap_or_default().into_iter().map(|server| server.value).collect(),
            timeout: section.duration("timeout", time.clone(), default.timeout),
            attempts: section.integer("attempts", 1..=10, default.attempts),
            reverse_timeout: section.duration("reverse_timeout", time, default.reverse_timeout),
            cache_max: section.integer("cache_max", 0..=100_000_000, default.cache_max),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { file: "mail.current".to_owned(), rollover: 100_000_000, keep: 10, zone: Zone::System }
    }
}

impl Log {
    pub(super) fn read(root: &Section<'_>) -> Self {
        let section = root.section("log", &LOG);
        let default = Self::default();
        Self {
            file: section.or("file", default.file, |v| v.parsed(names::file_name)),
            rollover: section.size("rollover", MIB..=TIB, default.rollover),
            keep: section.integer("keep", 1..=100_000, default.keep),
            zone: section.or("timezone", default.zone, |v| v.parsed(zone)),
        }
    }
}

/// The built-in tables are asked and not the machine's: this crate reads no file.
fn zone(text: &str) -> Result<Zone, Complaint> {
    match text {
        "system" => Ok(Zone::System),
        "UTC" => Ok(Zone::Named(TimeZone::UTC)),
        name => TimeZoneDatabase::bundled().get(name).map(Zone::Named).map_err(|_| {
            let message = format!("\"{}\" is not a time zone", name.escape_debug());
            Complaint::new(message, "write \"system\", \"UTC\" or a name such as \"Europe/Amsterdam\"")
        }),
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Self { keep: Duration::from_hours(30 * 24), max_bytes: 10 * GIB }
    }
}

impl Ledger {
    pub(super) fn read(root: &Section<'_>) -> Self {
        let section = root.section("ledger", &LEDGER);
        let default = Self::default();
        let keep = Duration::from_hours(1)..=Duration::from_hours(24 * 3_660);
        Self {
            keep: section.duration("keep", keep, default.keep),
            max_bytes: section.size("max_bytes", 64 * MIB..=1_024 * TIB, default.max_bytes),
        }
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self { enabled: true, max_bytes: GIB, attempts_max_bytes: 256 * MIB }
    }
}

impl Recorder {
    pub(super) fn read(root: &Section<'_>) -> Self {
        let section = root.section("recorder", &RECORDER);
        let default = Self::default();
        Self {
            enabled: section.or("enabled", default.enabled, |v| v.boolean()),
            max_bytes: section.size("max_bytes", 16 * MIB..=TIB, default.max_bytes),
            attempts_max_bytes: section.size(
                "attempts_max_bytes",
                16 * MIB..=TIB,
                default.attempts_max_bytes,
            ),
        }
    }
}

impl Default for Tracking {
    fn default() -> Self {
        Self { enabled: true, max_bytes: 10 * GIB }
    }
}

impl Tracking {
    pub(super) fn read(root: &Section<'_>) -> Self {
        let section = root.section("tracking", &TRACKING);
        let default = Self::default();
        Self {
            enabled: section.or("enabled", default.enabled, |v| v.boolean()),
            max_bytes: section.size("max_bytes", 64 * MIB..=1_024 * TIB, default.max_bytes),
        }
    }
}

pub(super) fn read_metrics(root: &Section<'_>) -> Option<SocketAddr> {
    root.section("metrics", &METRICS).optional("address", |v| v.parsed(names::listen_address))
}

pub(super) fn read_threads(root: &Section<'_>) -> usize {
    root.section("threads", &THREADS).integer("receive", 0..=1_024, 0)
}

impl Identity {
    pub(super) fn read(root: &Section<'_>) -> Option<Self> {
        Self::of(&root.section("tls", &TLS))
    }

    /// Reads the two keys of a section that has them.
    pub(super) fn of(section: &Section<'_>) -> Option<Self> {
        let certificate = section.optional("certificate", |v| v.parsed(names::path));
        let key = section.optional("key", |v| v.parsed(names::path));
        let half = "certificate and key belong together";
        match (section.has("certificate"), section.has("key")) {
            (true, true) => Some(Self { certificate: certificate?, key: key? }),
            (true, false) => {
                section.undefined("certificate", half, "add key, the PEM file of its private key");
                None
            }
            (false, true) => {
                section.undefined(
                    "key",
                    half,
                    "add certificate, the PEM file of the certificate and its chain",
                );
                None
            }
            (false, false) => None,
        }
    }
}
