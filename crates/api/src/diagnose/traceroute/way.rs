//! The way of packets as it was seen, and as text.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::command::Text;
use crate::diagnose::ping::ms;

/// The way, as far as it was seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TraceRouteReply {
    /// The host as it was given.
    pub host: String,
    /// Its address.
    pub address: String,
    /// How far was looked at most.
    pub most: u8,
    /// Octets of a packet.
    pub packet_bytes: u64,
    /// Each hop, the nearest first.
    pub hops: Vec<Hop>,
    /// Why the way ends before the host.
    pub end: Option<String>,
}

/// So many routers away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// How far, from 1.
    pub number: u8,
    /// Each packet that was to come so far.
    pub tries: Vec<HopTry>,
}

/// One packet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HopTry {
    /// Who answered; absent when nobody did in time.
    pub address: Option<String>,
    /// The name of who answered.
    pub name: Option<String>,
    /// There and back, microseconds.
    pub took_us: Option<u64>,
    /// `!H` no way to the host, `!N` to its network, `!X` a filter forbids it, and their like.
    pub mark: Option<String>,
}

/// What becomes known on the way.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceRoutePart {
    /// Where to.
    To {
        /// The host as it was given.
        host: String,
        /// Its address.
        address: String,
        /// How far is looked at most.
        most: u8,
        /// Octets of a packet.
        packet_bytes: u64,
    },
    /// A hop.
    Hop(Hop),
}

impl TraceRoutePart {
    pub(super) fn text(&self) -> String {
        match self {
            Self::To { host, address, most, packet_bytes } => {
                format!("traceroute to {host} ({address}), {most} hops max, {packet_bytes} byte packets\n")
            }
            Self::Hop(hop) => hop.text(),
        }
    }
}

impl Hop {
    /// ` 3  gw.example.net (192.0.2.1)  0.612 ms  0.520 ms *`: an address is said when it differs from the one before.
    fn text(&self) -> String {
        let mut out = format!("{:>2} ", self.number);
        let mut before = None;
        for HopTry { address, name, took_us, mark } in &self.tries {
            let Some(address) = address else {
                out.push_str(" *");
                continue;
            };
            if before.replace(address) != Some(address) {
                let _ = match name {
                    Some(name) => write!(out, " {name} ({address})"),
                    None => write!(out, " {address}"),
                };
            }
            if let Some(us) = took_us {
                let _ = write!(out, "  {}", ms(*us));
            }
            if let Some(mark) = mark {
                let _ = write!(out, " {mark}");
            }
        }
        out.push('\n');
        out
    }
}

impl TraceRouteReply {
    /// Where the packets go.
    pub fn to(&self) -> TraceRoutePart {
        TraceRoutePart::To {
            host: self.host.clone(),
            address: self.address.clone(),
            most: self.most,
            packet_bytes: self.packet_bytes,
        }
    }

    pub(super) fn rest(&self) -> String {
        self.end.as_ref().map_or_else(String::new, |end| format!("{end}\n"))
    }
}

impl Text for TraceRouteReply {
    fn text(&self) -> String {
        let hops: String = self.hops.iter().map(Hop::text).collect();
        self.to().text() + &hops + &self.rest()
    }
}
