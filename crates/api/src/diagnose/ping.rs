//! `ping`, `ping6`: does a host answer at all?

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::command::{Argument, Command, Effect, Role, Spec, Text, no_more};
use crate::parts::{InParts, Parts};
use crate::wire::Problem;

/// Packets sent when nothing is said.
const COUNT: u16 = 4;
/// The most packets of one call.
pub const MOST: u16 = 20;

/// Sends echo requests over IPv4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ping {
    /// A name or an address.
    pub host: String,
    /// How many.
    #[serde(default = "count")]
    pub count: u16,
}

/// Sends echo requests over IPv6.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ping6 {
    /// A name or an address.
    pub host: String,
    /// How many.
    #[serde(default = "count")]
    pub count: u16,
}

const fn count() -> u16 {
    COUNT
}

/// What came back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PingReply {
    /// The host as it was given.
    pub host: String,
    /// The address that was sent to.
    pub address: String,
    /// Octets of data in a packet.
    pub data_bytes: u64,
    /// Each packet, in order.
    pub packets: Vec<PingPacket>,
}

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingPacket {
    /// Its number, from 0.
    pub number: u16,
    /// There and back, microseconds; absent when nothing came back in time.
    pub took_us: Option<u64>,
    /// What the network said instead of an answer.
    pub problem: Option<String>,
}

/// What becomes known on the way.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PingPart {
    /// Where the packets go.
    To {
        /// The host as it was given.
        host: String,
        /// The address.
        address: String,
        /// Octets of data in a packet.
        data_bytes: u64,
    },
    /// A packet came back, or did not.
    Packet {
        /// The address.
        address: String,
        /// Octets of data in it.
        data_bytes: u64,
        /// The packet.
        packet: PingPacket,
    },
}

const ARGUMENTS: &[Argument] = &[
    Argument { name: "host", help: "a name or an address", required: true, choices: &[] },
    Argument { name: "count", help: "how many packets, 1 to 20 (4)", required: false, choices: &[] },
];
const ABOUT: &str = "A packet a second, each with a second to come back. Many networks throw such packets away: no answer says little about mail, `telnet` says more. The gateway needs no privilege for it, but the system may forbid it (net.ipv4.ping_group_range).";

impl Command for Ping {
    type Reply = PingReply;
    const SPEC: Spec = Spec {
        words: "ping",
        summary: "asks a host over IPv4 whether it is there",
        about: ABOUT,
        arguments: ARGUMENTS,
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/ping",
        example: "ping mx.example.com",
    };

    const PARTS: Option<Parts> = Some(Parts::of::<Self>());

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let (host, count) = read(words, &Self::SPEC)?;
        Ok(Self { host, count })
    }
}

impl Command for Ping6 {
    type Reply = PingReply;
    const SPEC: Spec = Spec {
        words: "ping6",
        summary: "asks a host over IPv6 whether it is there",
        about: ABOUT,
        arguments: ARGUMENTS,
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/ping6",
        example: "ping6 mx.example.com",
    };

    const PARTS: Option<Parts> = Some(Parts::of::<Self>());

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let (host, count) = read(words, &Self::SPEC)?;
        Ok(Self { host, count })
    }
}

fn read(words: &[String], spec: &Spec) -> Result<(String, u16), Problem> {
    let example = || format!("for example: {}", spec.example);
    let host =
        words.first().ok_or_else(|| Problem::new(format!("{} needs a host", spec.words), example()))?;
    let count = match words.get(1) {
        None => COUNT,
        Some(word) => word.parse().ok().filter(|count| (1..=MOST).contains(count)).ok_or_else(|| {
            Problem::new(format!("`{word}` is not a number of packets"), format!("from 1 to {MOST}"))
        })?,
    };
    no_more(words, 2, spec)?;
    Ok((host.trim_matches(['[', ']']).to_owned(), count))
}

impl InParts for Ping {
    type Part = PingPart;

    fn part(part: &PingPart) -> String {
        part.text()
    }

    fn rest(reply: &PingReply) -> String {
        reply.statistics()
    }
}

impl InParts for Ping6 {
    type Part = PingPart;

    fn part(part: &PingPart) -> String {
        part.text()
    }

    fn rest(reply: &PingReply) -> String {
        reply.statistics()
    }
}

impl PingPart {
    fn text(&self) -> String {
        match self {
            Self::To { host, address, data_bytes } => {
                format!("PING {host} ({address}): {data_bytes} data bytes\n")
            }
            Self::Packet { address, data_bytes, packet: PingPacket { number, took_us, problem } } => {
                match (took_us, problem) {
                    (Some(us), _) => {
                        let bytes = data_bytes + 8;
                        format!("{bytes} bytes from {address}: icmp_seq={number} time={}\n", ms(*us))
                    }
                    (None, Some(problem)) => format!("icmp_seq={number}: {problem}\n"),
                    (None, None) => format!("icmp_seq={number}: no answer\n"),
                }
            }
        }
    }
}

impl PingReply {
    /// The reply as it came: where to, and each packet.
    fn parts(&self) -> impl Iterator<Item = PingPart> {
        let to = PingPart::To {
            host: self.host.clone(),
            address: self.address.clone(),
            data_bytes: self.data_bytes,
        };
        std::iter::once(to).chain(self.packets.iter().map(|packet| self.packet(packet.clone())))
    }

    /// The part that tells of a packet.
    pub fn packet(&self, packet: PingPacket) -> PingPart {
        PingPart::Packet { address: self.address.clone(), data_bytes: self.data_bytes, packet }
    }

    fn statistics(&self) -> String {
        let mut out = String::new();
        let times: Vec<u64> = self.packets.iter().filter_map(|packet| packet.took_us).collect();
        let (sent, back) = (self.packets.len() as u64, times.len() as u64);
        let lost = ((sent - back) * 1_000).checked_div(sent).unwrap_or(0);
        let _ = writeln!(out, "\n--- {} ping statistics ---", self.host);
        let _ = writeln!(
            out,
            "{sent} packets transmitted, {back} packets received, {}.{}% packet loss",
            lost / 10,
            lost % 10
        );
        if let (Some(least), Some(most)) = (times.iter().min(), times.iter().max()) {
            let average = times.iter().sum::<u64>() / back;
            let _ = writeln!(out, "round-trip min/avg/max = {}/{}/{}", ms(*least), ms(average), ms(*most));
        }
        out
    }
}

impl Text for PingReply {
    fn came_about(&self) -> bool {
        self.packets.iter().any(|packet| packet.took_us.is_some())
    }

    fn text(&self) -> String {
        let parts: String = self.parts().map(|part| part.text()).collect();
        parts + &self.statistics()
    }
}

/// A time in milliseconds: `1.234 ms`.
pub(super) fn ms(us: u64) -> String {
    format!("{}.{:03} ms", us / 1_000, us % 1_000)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_host_and_how_many() {
        let ping = |words: &str| {
            let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            Ping::parse(&words).map_err(|problem| problem.message)
        };
        assert_eq!(ping("a.test"), Ok(Ping { host: "a.test".into(), count: 4 }));
        assert_eq!(ping("a.test 20"), Ok(Ping { host: "a.test".into(), count: 20 }));
        assert_eq!(ping("").unwrap_err(), "ping needs a host");
        assert_eq!(ping("a.test 21").unwrap_err(), "`21` is not a number of packets");
    }

    #[test]
    fn packets_and_their_sum() {
        let packet = |number, took_us, problem: Option<&str>| PingPacket {
            number,
            took_us,
            problem: problem.map(str::to_owned),
        };
        let mut reply = PingReply {
            host: "a.test".into(),
            address: "192.0.2.1".into(),
            data_bytes: 56,
            packets: vec![
                packet(0, Some(1_234), None),
                packet(1, None, None),
                packet(2, None, Some("No route to host")),
            ],
        };
        insta::assert_snapshot!(reply.text(), @r"
        PING a.test (192.0.2.1): 56 data bytes
        64 bytes from 192.0.2.1: icmp_seq=0 time=1.234 ms
        icmp_seq=1: no answer
        icmp_seq=2: No route to host

        --- a.test ping statistics ---
        3 packets transmitted, 1 packets received, 66.6% packet loss
        round-trip min/avg/max = 1.234 ms/1.234 ms/1.234 ms
        ");
        reply.packets.clear();
        assert!(reply.text().ends_with("0 packets transmitted, 0 packets received, 0.0% packet loss\n"));
    }
}
