//! How mail goes out: `[delivery]`, `[delivery.timeouts]`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::names;
use super::reader::{Section, Spec};

pub(super) const DELIVERY: Spec = Spec {
    header: "[delivery]",
    keys: &[
        "port",
        "connect_timeout",
        "connections",
        "connections_per_address",
        "opening_per_address",
        "idle",
        "refused_networks",
        "source_addresses",
        "eight_bit",
        "ip_preference",
        "recipients_per_transaction",
        "helo",
        "outage_alert",
        "timeouts",
    ],
};

pub(super) const CLIENT_TIMEOUTS: Spec = Spec {
    header: "[delivery.timeouts]",
    keys: &["greeting", "helo", "mail", "rcpt", "data_init", "data_block", "data_end", "quit"],
};

/// How mail goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The port of exchangers, and of routes that name none.
    pub port: u16,
    /// For one address to answer.
    pub connect_timeout: Duration,
    /// Connections in all.
    pub connections: usize,
    /// Connections to one address, 0 for no limit of its own.
    pub connections_per_address: usize,
    /// Connections to one address that are opened at a time while fewer stand there.
    pub opening_per_address: usize,
    /// How long a connection is kept for a next message.
    pub idle: Duration,
    /// Networks never connected to unless a route names the host.
    pub refused_networks: Vec<IpNet>,
    /// Addresses to connect from; none leaves it to the machine.
    pub source_addresses: Vec<IpAddr>,
    /// What becomes of 8-bit content when the next hop does not offer 8BITMIME.
    pub eight_bit: EightBit,
    /// Which addresses are tried first, or at all.
    pub ip_preference: IpPreference,
    /// Recipients of a transaction, at most.
    pub recipients_per_transaction: usize,
    /// The name given in EHLO; that of the gateway when `None`.
    pub helo: Option<String>,
    /// A destination that fails for so long while mail waits for it is alerted; zero: none is.
    pub outage_alert: Duration,
    /// How long a next hop may take.
    pub timeouts: ClientTimeouts,
}

/// What becomes of 8-bit content when the next hop does not offer 8BITMIME.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EightBit {
    /// It is sent unchanged, and recorded.
    #[default]
    Send,
    /// It is bounced.
    Bounce,
}

/// Which addresses are tried first, or at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IpPreference {
    /// IPv6 has a short head start (RFC 8305).
    #[default]
    PreferV6,
    /// IPv4 has a short head start.
    PreferV4,
    /// Only IPv6.
    V6Only,
    /// Only IPv4.
    V4Only,
}

/// How long a next hop may take (RFC 5321 4.5.3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTimeouts {
    /// From the connection to the banner.
    pub greeting: Duration,
    /// For the reply to EHLO or HELO.
    pub helo: Duration,
    /// For the reply to MAIL.
    pub mail: Duration,
    /// For the reply to RCPT.
    pub rcpt: Duration,
    /// For the reply to DATA.
    pub data_init: Duration,
    /// For a block of content to be taken.
    pub data_block: Duration,
    /// For the reply to the whole content.
    pub data_end: Duration,
    /// For the reply to QUIT.
    pub quit: Duration,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            port: 25,
            connect_timeout: Duration::from_secs(30),
            connections: 10_000,
            connections_per_address: 500,
            opening_per_address: 20,
            idle: Duration::from_secs(5),
            refused_networks: REFUSED_V4
                .map(IpNet::V4)
                .into_iter()
                .chain(REFUSED_V6.map(IpNet::V6))
                .collect(),
            source_addresses: Vec::new(),
            eight_bit: EightBit::Send,
            ip_preference: IpPreference::PreferV6,
            recipients_per_transaction: 100,
            helo: None,
            outage_alert: Duration::from_hours(1),
            timeouts: ClientTimeouts::default(),
        }
    }
}

/// An exchanger there would lead into our own house: unspecified, loopback, link-local and private networks.
const REFUSED_V4: [Ipv4Net; 6] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
];

const REFUSED_V6: [Ipv6Net; 4] = [v6(0, 0, 128), v6(0, 1, 128), v6(0xfc00, 0, 7), v6(0xfe80, 0, 10)];

const fn v4(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    let [a, b, c, d] = octets;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

/// The network of the address with this first and last group.
const fn v6(first: u16, last: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, last), prefix)
}

impl Delivery {
    pub(super) fn read(root: &Section<'_>) -> Self {
        let section = root.section("delivery", &DELIVERY);
        let default = Self::default();
        let refused = section.optional("refused_networks", |v| v.list(|v| v.parsed(names::network)));
        let sources = section.optional("source_addresses", |v| v.list(|v| v.parsed(names::address)));
        let helo = section.optional("helo", |v| match v.text()? {
            "" => Some(None),
            _ => v.parsed(names::host_name).map(Some),
        });
        let second = Duration::from_secs(1);
        let delivery = Self {
            port: section.integer("port", 1..=65_535, default.port),
            connect_timeout: section.duration(
                "connect_timeout",
                second / 10..=second * 600,
                default.connect_timeout,
            ),
            connections: section.integer("connections", 1..=1_000_000, default.connections),
            connections_per_address: section.integer(
                "connections_per_address",
                0..=1_000_000,
                default.connections_per_address,
            ),
            opening_per_address: section.integer(
                "opening_per_address",
                1..=10_000,
                default.opening_per_address,
            ),
            idle: section.duration("idle", Duration::ZERO..=second * 300, default.idle),
            refused_networks: refused.map_or(default.refused_networks, |networks| {
                networks.into_iter().map(|network| network.value).collect()
            }),
            source_addresses: sources.unwrap_or_default().into_iter().map(|source| source.value).collect(),
            eight_bit: section.or("eight_bit", default.eight_bit, |v| {
                v.choice(&[("send", EightBit::Send), ("bounce", EightBit::Bounce)])
            }),
            ip_preference: section.or("ip_preference", default.ip_preference, |v| v.choice(&PREFERENCES)),
            recipients_per_transaction: section.integer(
                "recipients_per_transaction",
                1..=10_000,
                default.recipients_per_transaction,
            ),
            helo: helo.flatten(),
            outage_alert: section.duration(
                "outage_alert",
                Duration::ZERO..=second * 604_800,
                default.outage_alert,
            ),
            timeouts: ClientTimeouts::read(&section),
        };
        delivery.check_sources(&section);
        delivery
    }

    fn check_sources(&self, section: &Section<'_>) {
        let usable = |address: &IpAddr| match self.ip_preference {
            IpPreference::PreferV6 | IpPreference::PreferV4 => true,
            IpPreference::V6Only => address.is_ipv6(),
            IpPreference::V4Only => address.is_ipv4(),
        };
        if !self.source_addresses.is_empty() && !self.source_addresses.iter().any(usable) {
            let message = "no source address is of the only kind that ip_preference allows";
            section.wrong("source_addresses", message, "add one, or change ip_preference");
        }
    }
}

const PREFERENCES: [(&str, IpPreference); 4] = [
    ("prefer_v6", IpPreference::PreferV6),
    ("prefer_v4", IpPreference::PreferV4),
    ("v6_only", IpPreference::V6Only),
    ("v4_only", IpPreference::V4Only),
];

impl Default for ClientTimeouts {
    /// The least that RFC 5321 4.5.3.2 asks for; for QUIT, which nothing depends on, less.
    fn default() -> Self {
        Self {
            greeting: Duration::from_mins(5),
            helo: Duration::from_mins(5),
            mail: Duration::from_mins(5),
            rcpt: Duration::from_mins(5),
            data_init: Duration::from_mins(2),
            data_block: Duration::from_mins(3),
            data_end: Duration::from_mins(10),
            quit: Duration::from_secs(10),
        }
    }
}

impl ClientTimeouts {
    fn read(delivery: &Section<'_>) -> Self {
        let section = delivery.section("timeouts", &CLIENT_TIMEOUTS);
        let default = Self::default();
        let time = |key, default| {
            section.duration(key, Duration::from_millis(100)..=Duration::from_hours(1), default)
        };
        Self {
            greeting: time("greeting", default.greeting),
            helo: time("helo", default.helo),
            mail: time("mail", default.mail),
            rcpt: time("rcpt", default.rcpt),
            data_init: time("data_init", default.data_init),
            data_block: time("data_block", default.data_block),
            data_end: time("data_end", default.data_end),
            quit: time("quit", default.quit),
        }
    }
}
