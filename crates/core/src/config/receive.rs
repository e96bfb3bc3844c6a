//! What is received: `[[listener]]`, `[accept]`, `[limits]`, `[timeouts]`.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;
pub use mailreeve_smtp::server::LineEnds;

use super::names;
use super::reader::{Section, Spec};
use super::units::{GIB, KIB, MIB};
use super::value::Said;

pub(super) const LISTENER: Spec = Spec {
    header: "[[listener]]",
    keys: &["name", "address", "tls", "max_connections", "max_connections_per_ip"],
};

pub(super) const ACCEPT: Spec =
    Spec { header: "[accept]", keys: &["domains", "relay_networks", "allow_open_relay"] };

pub(super) const LIMITS: Spec = Spec {
    header: "[limits]",
    keys: &[
        "message_bytes",
        "recipients",
        "header_bytes",
        "hops",
        "line_bytes",
        "command_errors",
        "messages_per_connection",
        "line_ends",
    ],
};

pub(super) const TIMEOUTS: Spec =
    Spec { header: "[timeouts]", keys: &["command", "data", "session", "minimum_rate"] };

/// An address where mail is received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Its name in logs.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// STARTTLS is offered.
    pub tls: bool,
    /// Connections at once.
    pub max_connections: usize,
    /// Connections at once from one IPv4 address or IPv6 /64.
    pub max_connections_per_ip: usize,
}

/// For whom mail is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accept {
    /// Domains, lower-case A-labels; a leading dot means every name below.
    pub domains: Vec<String>,
    /// Networks whose hosts may send to anywhere.
    pub relay_networks: Vec<IpNet>,
}

/// How much a sender may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a message.
    pub message_bytes: u64,
    /// Recipients of a message.
    pub recipients: usize,
    /// Octets of a header section.
    pub header_bytes: usize,
    /// `Received` fields; a message with more goes round in circles.
    pub hops: usize,
    /// Octets of a line of content.
    pub line_bytes: usize,
    /// Commands of a connection that are malformed or out of sequence.
    pub command_errors: usize,
    /// Messages of a connection.
    pub messages_per_connection: usize,
    /// What happens to a bare CR or LF.
    pub line_ends: LineEnds,
}

/// How long a sender may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Between two commands.
    pub command: Duration,
    /// Between two blocks of content.
    pub data: Duration,
    /// In all.
    pub session: Duration,
    /// Octets of content a second that a sender must keep up on average, 0 for any.
    pub minimum_rate: u64,
}

/// Reads the listeners; without any there is one, at port 25 of every IPv4 address.
pub(super) fn read_listeners(root: &Section<'_>) -> Vec<Listener> {
    let rows = root.sections("listener", &LISTENER);
    let read = |row| read_listener(row).map(|listener| (row, listener));
    let listeners: Vec<(&Section<'_>, Listener)> = rows.iter().filter_map(read).collect();
    if rows.is_empty() {
        let address = SocketAddr::from(([0, 0, 0, 0], 25));
        return vec![Listener {
            name: "Incoming".to_owned(),
            address,
            tls: true,
            max_connections: 2_000,
            max_connections_per_ip: 50,
        }];
    }
    for (index, (row, listener)) in listeners.iter().enumerate() {
        let mut earlier = listeners[..index].iter().map(|(_, other)| other);
        if earlier.clone().any(|other| other.name == listener.name) {
            let message = format!("two listeners are named \"{}\"", listener.name);
            row.wrong("name", message, "logs tell listeners apart by their names: give each its own");
        }
        if let Some(other) = earlier.find(|other| overlap(other.address, listener.address)) {
            let message = format!("{} is taken by listener \"{}\"", listener.address, other.name);
            row.wrong("address", message, "give it another port, or name single addresses in both");
        }
    }
    listeners.into_iter().map(|(_, listener)| listener).collect()
}

/// `None` keeps a row of which half is unknown out of comparisons; the mistake is already noted.
fn read_listener(row: &Section<'_>) -> Option<Listener> {
    let name = row.required("name", "\"Incoming\"", |v| v.parsed(names::label));
    let address = row.required("address", "\"0.0.0.0:25\"", |v| v.parsed(names::listen_address));
    let max_connections = row.integer("max_connections", 1..=1_000_000, 2_000);
    let max_connections_per_ip =
        row.integer("max_connections_per_ip", 1..=1_000_000, 50.min(max_connections));
    if max_connections_per_ip > max_connections {
        let message = "one sender may not have more connections than all together";
        row.wrong("max_connections_per_ip", message, "lower it, or raise max_connections");
    }
    let tls = row.or("tls", true, |v| v.boolean());
    Some(Listener {
        name: name?.value,
        address: address?.value,
        tls,
        max_connections,
        max_connections_per_ip,
    })
}

fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let same_family = a.is_ipv4() == b.is_ipv4();
    let meets = a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() != 0 && a.port() == b.port() && same_family && meets
}

impl Accept {
    pub(super) fn read(root: &Section<'_>) -> Self {
        let section = root.section("accept", &ACCEPT);
        let domains = section.optional("domains", |v| v.list(|v| v.parsed(names::accepted_domain)));
        let networks = section.optional("relay_networks", |v| v.list(|v| v.parsed(names::network)));
        let allow_open_relay = section.or("allow_open_relay", false, |v| v.boolean());
        let domains = domains.unwrap_or_default();
        let networks = networks.unwrap_or_default();
        no_duplicates(&section, &domains, |domain| format!("\"{domain}\""));
        no_duplicates(&section, &networks, |network| format!("\"{network}\""));
        for network in networks.iter().filter(|network| is_too_wide(&network.value) && !allow_open_relay) {
            section.wrong_at(
                &network.span,
                format!("relaying for {} would make this gateway an open relay", network.value),
                "list the networks of your own hosts; if it must be, write allow_open_relay = true",
            );
        }
        Self {
            domains: domains.into_iter().map(|domain| domain.value).collect(),
            relay_networks: networks.into_iter().map(|network| network.value).collect(),
        }
    }
}

/// No organisation has more than a /8 of IPv4 or a /16 of IPv6, so that halves of the Internet are caught
/// like the whole. The private `fc00::/7` is as wide as it is and harmless.
fn is_too_wide(network: &IpNet) -> bool {
    match network {
        IpNet::V4(v4) => v4.prefix_len() < 8,
        IpNet::V6(v6) => {
            v6.prefix_len() < 16 && !(v6.prefix_len() >= 7 && v6.addr().octets()[0] & 0xfe == 0xfc)
        }
    }
}

fn no_duplicates<T: PartialEq>(section: &Section<'_>, items: &[Said<T>], show: impl Fn(&T) -> String) {
    for (index, item) in items.iter().enumerate() {
        if items[..index].iter().any(|earlier| earlier.value == item.value) {
            section.wrong_at(
                &item.span,
                format!("{} is there twice", show(&item.value)),
                "remove one of them",
            );
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 100 * MIB,
            recipients: 1_000,
            header_bytes: 256 * 1_024,
            hops: 100,
            line_bytes: 64 * 1_024,
            command_errors: 20,
            messages_per_connection: 1_000,
            line_ends: LineEnds::Refuse,
        }
    }
}

impl Limits {
    pub(super) fn read(root: &Section<'_>) -> Self {
        let section = root.section("limits", &LIMITS);
        let default = Self::default();
        let octets = |key, range, default: usize| {
            let read = section.size(key, range, u64::try_from(default).unwrap_or(u64::MAX));
            usize::try_from(read).unwrap_or(usize::MAX)
        };
        let message_bytes = section.size("message_bytes", KIB..=4 * GIB, default.message_bytes);
        let header_bytes = default.header_bytes.min(usize::try_from(message_bytes).unwrap_or(usize::MAX));
        let limits = Self {
            message_bytes,
            recipients: section.integer("recipients", 1..=100_000, default.recipients),
            header_bytes: octets("header_bytes", KIB..=16 * MIB, header_bytes),
            hops: section.integer("hops", 1..=1_000, default.hops),
            line_bytes: octets("line_bytes", 998..=16 * MIB, default.line_bytes),
            command_errors: section.integer("command_errors", 1..=10_000, default.command_errors),
            messages_per_connection: section.integer(
                "messages_per_connection",
                1..=1_000_000,
                default.messages_per_connection,
            ),
            line_ends: section.or("line_ends", default.line_ends, |v| {
                v.choice(&[("refuse", LineEnds::Refuse), ("normalise", LineEnds::Normalise)])
            }),
        };
        if u64::try_from(limits.header_bytes).is_ok_and(|header| header > limits.message_bytes) {
            let message = "a header section cannot be larger than its message";
            section.wrong("header_bytes", message, "lower it, or raise message_bytes");
        }
        limits
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            command: Duration::from_mins(5),
            data: Duration::from_mins(3),
            session: Duration::from_hours(1),
            minimum_rate: 100,
        }
    }
}

impl Timeouts {
    pub(super) fn read(root: &Section<'_>) -> Self {
        let section = root.section("timeouts", &TIMEOUTS);
        let default = Self::default();
        let range = Duration::from_secs(1)..=Duration::from_hours(24);
        let timeouts = Self {
            command: section.duration("command", range.clone(), default.command),
            data: section.duration("data", range.clone(), default.data),
            session: section.duration("session", range, default.session),
            minimum_rate: section.size("minimum_rate", 0..=GIB, default.minimum_rate),
        };
        if timeouts.session < timeouts.command {
            let message = "a session cannot be shorter than the wait for one command";
            section.wrong("session", message, "raise it, or lower command");
        }
        timeouts
    }
}
