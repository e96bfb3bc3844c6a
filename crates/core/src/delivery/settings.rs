//! What the configuration says about delivery, ready for decisions: routes, controls, profiles.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::delivery::io::TlsMode;

/// Everything a shard decides by. Replaced as a whole on reload.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Outbound connections in all (operator-known default 10,000).
    pub connections: usize,
    /// Connections to one address, whatever the destinations (500; 0 = no limit of its own).
    pub connections_per_address: usize,
    /// Connections to one address that are opened at a time while fewer stand there (20); from then on as many as
    /// stand, up to five times this number.
    pub opening_per_address: usize,
    /// An idle connection is closed after this.
    pub idle: Duration,
    /// No attempt for this long makes a verdict unknown (3,600 s).
    pub verdict_life: Duration,
    /// Profiles by index; 0 is the default profile.
    pub profiles: Vec<BounceProfile>,
    /// The controls of destinations without an entry.
    pub default_control: Control,
    /// Controls by destination or exchanger name, first match wins.
    pub controls: Vec<(Pattern, Control)>,
    /// SMTP routes, first match wins.
    pub routes: Vec<(Pattern, Route)>,
    /// Bounce content that is 8-bit when the peer lacks 8BITMIME, instead of sending it unchanged.
    pub eight_bit_bounce: bool,
    /// Recipients a transaction at most.
    pub recipients_per_transaction: usize,
}

/// Which destinations a table row concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// `ALL`.
    All,
    /// `example.com`.
    Exact(String),
    /// `.example.com`: every name below it.
    Below(String),
}

impl Pattern {
    /// Tells whether `name` (lower-case) is meant.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Exact(exact) => exact == name,
            Self::Below(suffix) => name.len() > suffix.len() && name.ends_with(suffix.as_str()),
        }
    }
}

/// How a destination is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Ordinary MX look-up (`USEDNS`).
    UseDns,
    /// Taken and thrown away (`/dev/null`).
    Discard,
    /// Fixed next hops, by priority.
    Hops {
        /// The hops; equal priority is shuffled.
        hops: Vec<Hop>,
        /// Name of the credentials in the configuration, for AUTH.
        credentials: Option<Arc<str>>,
        /// TLS from the first byte (port 465).
        implicit_tls: bool,
    },
}

/// One fixed next hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// A name (its addresses are looked up, no MX) or an address.
    pub host: HopHost,
    /// The port.
    pub port: u16,
    /// Lower first.
    pub priority: u16,
}

/// The host of a [`Hop`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HopHost {
    /// Looked up by A and AAAA.
    Name(String),
    /// Used as it is.
    Address(SocketAddr),
}

/// Destination controls (defaults: 500 connections, 50 messages each, no rate limit).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Concurrent connections.
    pub concurrency: usize,
    /// Messages a connection.
    pub messages_per_connection: usize,
    /// At most this many recipients in `recipient_minutes`, or no limit.
    pub recipients: Option<u32>,
    /// Length of the rate window, minutes (1..=60).
    pub recipient_minutes: u32,
    /// The limits hold for each exchanger address instead of the whole destination.
    pub per_address: bool,
    /// TLS.
    pub tls: TlsMode,
    /// Index into [`Settings::profiles`].
    pub profile: usize,
}

/// When to retry, when to give up, whom to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BounceProfile {
    /// Its name.
    pub name: String,
    /// Attempts that count, at most (100).
    pub attempts: u32,
    /// Seconds in the queue, at most (259,200).
    pub queue_seconds: u64,
    /// First wait of either clock, seconds (60).
    pub initial_seconds: u32,
    /// Longest wait of either clock, seconds (3,600).
    pub max_seconds: u32,
    /// Failure reports are sent.
    pub send_bounces: bool,
    /// A delay report after this many seconds, or none (off).
    pub delay_report_seconds: Option<u64>,
}

impl BounceProfile {
    /// The profile that holds where none is configured.
    pub const DEFAULT: Self = Self {
        name: String::new(),
        attempts: 100,
        queue_seconds: 259_200,
        initial_seconds: 60,
        max_seconds: 3_600,
        send_bounces: true,
        delay_report_seconds: None,
    };
}

impl Default for BounceProfile {
    fn default() -> Self {
        Self { name: "Default".to_owned(), ..Self::DEFAULT }
    }
}

impl Default for Control {
    fn default() -> Self {
        Self {
            concurrency: 500,
            messages_per_connection: 50,
            recipients: None,
            recipient_minutes: 60,
            per_address: false,
            tls: TlsMode::default(),
            profile: 0,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: 500,
            opening_per_address: 20,
            idle: Duration::from_secs(5),
            verdict_life: Duration::from_secs(3_600),
            profiles: vec![BounceProfile::default()],
            default_control: Control::default(),
            controls: Vec::new(),
            routes: Vec::new(),
            eight_bit_bounce: false,
            recipients_per_transaction: 100,
        }
    }
}
