//! What was known of the way to a destination at one time: answers of the name service, who was met there, and by which
//! configuration of ours.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

/// Up, down or unknown, as operators know them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostStatus {
    /// Never tried, every SYN unanswered, DNS failed, or no attempt for an hour.
    #[default]
    Unknown,
    /// The last attempt reached an SMTP dialogue.
    Up,
    /// Refused, no route, or timed out inside SMTP, and no address accepted.
    Down,
}

/// Exchangers and addresses that are kept of an answer.
pub const ANSWERS: usize = 20;

/// Mail servers of a destination whose certificates are kept.
pub const SERVERS: usize = 8;

/// The way to a destination, at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    /// The verdict on the destination then.
    pub status: HostStatus,
    /// A connection came to stand on this way.
    pub proven: bool,
    /// When a connection stood last, microseconds since the epoch; `None` when none did since the start.
    pub worked_at: Option<u64>,
    /// The way itself.
    pub way: HostWay,
}

/// What makes up a way. Equal ways are the same for all that can be seen from here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HostWay {
    /// What was said about where to go.
    pub answers: Answers,
    /// Mail servers with which a session came about, as they were met last, by name.
    pub servers: Vec<MetServer>,
    /// Our addresses that connections come from.
    pub sources: Vec<IpAddr>,
    /// Checksum of the configuration in force.
    pub configuration: u32,
}

/// What was said about where mail to a destination goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Answers {
    /// Nothing yet.
    #[default]
    Unknown,
    /// The name service answered.
    Dns {
        /// Preference and name of exchangers, in this order; none when the destination has no MX records.
        exchangers: Vec<(u16, String)>,
        /// Preference, address, and the exchanger's name.
        addresses: Vec<(u16, SocketAddr, String)>,
        /// So many more were left out.
        left_out: u32,
    },
    /// A route of the configuration leads there.
    Route {
        /// Priority, address, and the next hop's name.
        addresses: Vec<(u16, SocketAddr, String)>,
    },
    /// The look-up failed.
    Failed {
        /// How, in words.
        detail: String,
    },
}

/// A mail server as it was met.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MetServer {
    /// The exchanger's name.
    pub name: String,
    /// The version of TLS; `None` in clear.
    pub protocol: Option<String>,
    /// The certificate that it showed.
    pub certificate: Option<SeenCertificate>,
}

/// A certificate, as far as one is told from another; nothing of it is verified by being here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SeenCertificate {
    /// SHA-256 of its octets, in hexadecimal.
    pub fingerprint: String,
    /// Whom it names.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// It holds from, seconds since the epoch.
    pub not_before: i64,
    /// It holds until, seconds since the epoch.
    pub not_after: i64,
}
