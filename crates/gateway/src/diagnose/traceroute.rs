//! `traceroute`: UDP packets with a rising limit of hops, and who says that one went no further.
//!
//! Such words come as ICMP; the kernel keeps those that concern a socket of ours in its queue of errors (ip(7),
//! `IP_RECVERR`), with the address of who said it, so no privilege is needed. Which packet is meant is told by the
//! port it was sent to (RFC 1393 is of no use, nobody speaks it).

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mailreeve_api::diagnose::{HOPS, Hop, HopTry, TraceRoutePart, TraceRouteReply};
use mailreeve_api::wire::Problem;
use tokio::time::timeout;

use super::icmp::{self, Word};
use super::places;
use crate::commands::Client;
use crate::context::Running;

/// Packets for each hop.
const TRIES: usize = 3;
/// Between two packets of a hop.
const GAP: Duration = Duration::from_millis(50);
/// How long the last packet of a hop has to come back.
const WAIT: Duration = Duration::from_secs(2);
/// How long the names of a hop may take.
const NAMING: Duration = Duration::from_secs(1);
/// All hops together take no longer.
const ALTOGETHER: Duration = Duration::from_secs(100);
/// The port of the first packet, one up for each further one: nobody is expected to listen there.
const FIRST_PORT: u16 = 33_434;
/// Octets of data in a packet.
const DATA: usize = 32;

/// Follows the way to a host.
pub(crate) async fn traceroute(
    running: &Running,
    host: &str,
    hops: u8,
    v6: bool,
    client: &Client,
) -> Result<TraceRouteReply, Problem> {
    let address = places::of_family(running, host, v6, "traceroute").await?;
    let source = running.source_addresses.iter().find(|source| source.is_ipv6() == v6).copied();
    let socket = icmp::socket(source, v6).map_err(|error| places::unsendable(address, &error))?;
    let head = if v6 { 40 } else { 20 };
    let mut reply = TraceRouteReply {
        host: host.to_owned(),
        address: address.to_string(),
        most: hops.clamp(1, HOPS),
        packet_bytes: (head + 8 + DATA) as u64,
        hops: Vec::new(),
        end: None,
    };
    client.tell(&reply.to()).await?;
    let until = Instant::now() + ALTOGETHER;
    let socket = Arc::new(socket);
    for number in 1..=reply.most {
        let mut trial =
            Trial { socket: Arc::clone(&socket), address, number, sent: Vec::new(), heard: Vec::new() };
        // The queue of errors is waited for by a thread of its own.
        let tried = tokio::task::spawn_blocking(move || trial.run().map(|()| trial)).await;
        let trial = match tried.unwrap_or_else(|_| Err(std::io::Error::other("the gateway is stopping"))) {
            Ok(trial) => trial,
            Err(error) if reply.hops.is_empty() => return Err(places::unsendable(address, &error)),
            Err(error) => {
                reply.end = Some(format!("No more packets can be sent to {address}: {error}"));
                return Ok(reply);
            }
        };
        let over = trial.heard.iter().flatten().any(|(word, _)| word.is_the_end());
        let hop = Hop { number, tries: trial.named(running).await };
        client.tell(&TraceRoutePart::Hop(hop.clone())).await?;
        reply.hops.push(hop);
        if over {
            return Ok(reply);
        }
        if Instant::now() > until {
            reply.end = Some(format!("Given up after {} seconds.", ALTOGETHER.as_secs()));
            return Ok(reply);
        }
    }
    reply.end = Some(format!("{address} was not reached within {} hops.", reply.most));
    Ok(reply)
}

/// The packets of one hop.
struct Trial {
    socket: Arc<UdpSocket>,
    address: IpAddr,
    number: u8,
    sent: Vec<Instant>,
    /// What was said to each packet, and how long after it was sent.
    heard: Vec<Option<(Word, Duration)>>,
}

impl Trial {
    fn run(&mut self) -> std::io::Result<()> {
        icmp::limit_hops(&self.socket, self.number, self.address.is_ipv6())?;
        for number in 0..TRIES {
            self.heard.push(None);
            self.sent.push(Instant::now());
            icmp::send(&self.socket, SocketAddr::new(self.address, self.port(number)), &[0; DATA])?;
            self.listen(Instant::now() + GAP)?;
        }
        self.listen(Instant::now() + WAIT)
    }

    fn port(&self, number: usize) -> u16 {
        let before = usize::from(self.number - 1) * TRIES;
        FIRST_PORT + u16::try_from(before + number).unwrap_or(0)
    }

    /// Takes in what is said, until `until` or until nothing is left to be said.
    fn listen(&mut self, until: Instant) -> std::io::Result<()> {
        while self.heard.len() < TRIES || self.heard.contains(&None) {
            let Some(word) = icmp::hear(&self.socket, until)? else { return Ok(()) };
            let number = (0..self.sent.len()).find(|number| self.port(*number) == word.port);
            // Anything else is late and belongs to a hop before.
            if let Some(number) = number
                && self.heard[number].is_none()
            {
                self.heard[number] = Some((word, self.sent[number].elapsed()));
            }
        }
        Ok(())
    }

    /// The packets with the names of who answered.
    async fn named(self, running: &Running) -> Vec<HopTry> {
        let mut known: Vec<(IpAddr, Option<String>)> = Vec::new();
        for (word, _) in self.heard.iter().flatten() {
            let Some(by) = word.by else { continue };
            if known.iter().all(|(address, _)| *address != by) {
                let names = timeout(NAMING, running.dns.names(by)).await;
                let name = names.ok().and_then(Result::ok).and_then(|names| names.records.into_iter().next());
                known.push((by, name));
            }
        }
        let tried = |heard: Option<(Word, Duration)>| {
            let Some((word, took)) = heard else { return HopTry::default() };
            let by = word.by.unwrap_or(self.address);
            let name = known.iter().find(|(address, _)| *address == by).and_then(|(_, name)| name.clone());
            HopTry {
                address: Some(by.to_string()),
                name,
                took_us: u64::try_from(took.as_micros()).ok(),
                mark: word.mark(),
            }
        };
        let mut tries: Vec<HopTry> = self.heard.iter().cloned().map(tried).collect();
        tries.resize(TRIES, HopTry::default());
        tries
    }
}
