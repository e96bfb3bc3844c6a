//! `traceroute`, `traceroute6`: by which routers does a packet go, and where does it stop?

mod way;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::way::{Hop, HopTry, TraceRoutePart, TraceRouteReply};
use crate::command::{Argument, Command, Effect, Role, Spec, no_more};
use crate::parts::{InParts, Parts};
use crate::wire::Problem;

/// Routers on the way at most.
pub const HOPS: u8 = 30;

/// Follows the way of packets over IPv4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceRoute {
    /// A name or an address.
    pub host: String,
    /// How far at most.
    #[serde(default = "hops")]
    pub hops: u8,
}

/// Follows the way of packets over IPv6.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceRoute6 {
    /// A name or an address.
    pub host: String,
    /// How far at most.
    #[serde(default = "hops")]
    pub hops: u8,
}

const fn hops() -> u8 {
    HOPS
}

const ARGUMENTS: &[Argument] = &[
    Argument { name: "host", help: "a name or an address", required: true, choices: &[] },
    Argument { name: "hops", help: "how far at most, 1 to 30 (30)", required: false, choices: &[] },
];
const ABOUT: &str = "Three UDP packets for each hop, each with two seconds to come back, from the address that delivery uses. A router where a packet may go no further says so and is shown with its name; `*` stands for one that says nothing, and filters often leave the last hops so. `!H`, `!N` and `!P` after a time: no way to the host, its network, its protocol from there; `!X`: a filter forbids it. Mail may be let through where these packets are not: `telnet` says more. No privilege is needed.";

impl Command for TraceRoute {
    type Reply = TraceRouteReply;
    const SPEC: Spec = Spec {
        words: "traceroute",
        summary: "shows the routers on the way to a host over IPv4",
        about: ABOUT,
        arguments: ARGUMENTS,
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/traceroute",
        example: "traceroute mx.example.com",
    };
    const PATIENCE: Duration = PATIENCE;
    const PARTS: Option<Parts> = Some(Parts::of::<Self>());

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let (host, hops) = read(words, &Self::SPEC)?;
        Ok(Self { host, hops })
    }
}

impl Command for TraceRoute6 {
    type Reply = TraceRouteReply;
    const SPEC: Spec = Spec {
        words: "traceroute6",
        summary: "shows the routers on the way to a host over IPv6",
        about: ABOUT,
        arguments: ARGUMENTS,
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/traceroute6",
        example: "traceroute6 mx.example.com",
    };
    const PATIENCE: Duration = PATIENCE;
    const PARTS: Option<Parts> = Some(Parts::of::<Self>());

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let (host, hops) = read(words, &Self::SPEC)?;
        Ok(Self { host, hops })
    }
}

/// Longer than the gateway takes for all hops.
const PATIENCE: Duration = Duration::from_secs(120);

fn read(words: &[String], spec: &Spec) -> Result<(String, u8), Problem> {
    let example = || format!("for example: {}", spec.example);
    let host =
        words.first().ok_or_else(|| Problem::new(format!("{} needs a host", spec.words), example()))?;
    let hops = match words.get(1) {
        None => HOPS,
        Some(word) => word.parse().ok().filter(|hops| (1..=HOPS).contains(hops)).ok_or_else(|| {
            Problem::new(format!("`{word}` is not a number of hops"), format!("from 1 to {HOPS}"))
        })?,
    };
    no_more(words, 2, spec)?;
    Ok((host.trim_matches(['[', ']']).to_owned(), hops))
}

impl InParts for TraceRoute {
    type Part = TraceRoutePart;

    fn part(part: &TraceRoutePart) -> String {
        part.text()
    }

    fn rest(reply: &TraceRouteReply) -> String {
        reply.rest()
    }
}

impl InParts for TraceRoute6 {
    type Part = TraceRoutePart;

    fn part(part: &TraceRoutePart) -> String {
        part.text()
    }

    fn rest(reply: &TraceRouteReply) -> String {
        reply.rest()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::command::Text as _;

    #[test]
    fn a_host_and_how_far() {
        let trace = |words: &str| {
            let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            TraceRoute6::parse(&words).map_err(|problem| problem.message)
        };
        assert_eq!(trace("a.test"), Ok(TraceRoute6 { host: "a.test".into(), hops: 30 }));
        assert_eq!(trace("[2001:db8::1] 5"), Ok(TraceRoute6 { host: "2001:db8::1".into(), hops: 5 }));
        assert_eq!(trace("").unwrap_err(), "traceroute6 needs a host");
        assert_eq!(trace("a.test 31").unwrap_err(), "`31` is not a number of hops");
        assert_eq!(trace("a.test 0").unwrap_err(), "`0` is not a number of hops");
    }

    #[test]
    fn hops_stand_one_below_the_other() {
        let tried = |address: &str, name: Option<&str>, us, mark: Option<&str>| HopTry {
            address: Some(address.into()),
            name: name.map(str::to_owned),
            took_us: Some(us),
            mark: mark.map(str::to_owned),
        };
        let gateway = |us| tried("192.0.2.254", Some("gw.example.net"), us, None);
        let mut reply = TraceRouteReply {
            host: "mx.example.com".into(),
            address: "198.51.100.7".into(),
            most: 30,
            packet_bytes: 40,
            hops: vec![
                Hop { number: 1, tries: vec![gateway(612), gateway(520), HopTry::default()] },
                Hop { number: 2, tries: vec![HopTry::default(), HopTry::default(), HopTry::default()] },
                Hop {
                    number: 3,
                    tries: vec![
                        tried("203.0.113.1", None, 12_100, None),
                        tried("203.0.113.2", None, 11_000, Some("!X")),
                    ],
                },
            ],
            end: None,
        };
        insta::assert_snapshot!(reply.text(), @r"
        traceroute to mx.example.com (198.51.100.7), 30 hops max, 40 byte packets
         1  gw.example.net (192.0.2.254)  0.612 ms  0.520 ms *
         2  * * *
         3  203.0.113.1  12.100 ms 203.0.113.2  11.000 ms !X
        ");
        reply.end = Some("198.51.100.7 was not reached.".into());
        assert!(reply.text().ends_with("198.51.100.7 was not reached.\n"));
    }
}
