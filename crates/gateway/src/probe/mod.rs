//! Going the way of delivery to a destination, step by step, without handing anything over (law 12): the same resolver
//! and cache (`way`), the same source addresses and TLS policy, the same client session (`talk`). It is no attempt:
//! nothing is counted, no clock of the queue moves. What it may do is tell the shard that a destination which was held
//! to be down answers. When one goes down the gateway makes a probe by itself (`own`).
//!
//! Bounds: `ADDRESSES` addresses, `AT_ONCE` of them at a time, `STEP` for each step, `ALTOGETHER` for all.

mod certificate;
mod handshake;
mod letter;
mod line;
mod own;
mod steps;
mod talk;
mod verdict;
mod way;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _};
use mailreeve_api::format::AsOf;
use mailreeve_api::probe::{AddressProbe, Probe, ProbePart, ProbeReply, ProbeTarget, TlsVerify};
use mailreeve_api::wire::Problem;
use mailreeve_core::delivery::io::{Target, TlsMode};
use mailreeve_smtp::address::{Mailbox, ReversePath};
use tokio::time::{Instant as Moment, timeout_at};

use self::letter::Letter;
pub use self::own::Probes;
pub(crate) use self::own::{note, run};
use self::talk::{Offer, Talk};
use self::way::Way;
use crate::clock::Clock;
use crate::commands::Client;
use crate::context::{Context, Running};

/// Addresses tried, each from each source.
const ADDRESSES: usize = 32;
/// Connections at a time.
const AT_ONCE: usize = 8;
/// Time for each step of a conversation, where delivery would have more patience.
const STEP: Duration = Duration::from_secs(30);
/// All together take no longer.
const ALTOGETHER: Duration = Duration::from_secs(150);

/// What every conversation of a probe needs to know.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    /// The configuration in force.
    pub(crate) running: &'a Running,
    /// Reads clocks.
    pub(crate) clock: Clock,
}

/// Probes a destination or a host; with a request to send, has a test message sent there too.
pub(crate) async fn probe(
    context: &Context,
    ground: Ground<'_>,
    request: &Probe,
    client: &Client,
) -> Result<ProbeReply, Problem> {
    let letter = request.send.then(|| Letter::to(context, &request.to)).transpose()?;
    let way = way::find(ground, &request.to, None).await;
    go(ground, way, request, letter, client).await
}

/// Probes a destination as if verified TLS were required there.
pub(crate) async fn tls_verify(
    ground: Ground<'_>,
    request: &TlsVerify,
    client: &Client,
) -> Result<ProbeReply, Problem> {
    let to = match &request.host {
        Some(host) => host.clone(),
        None => ProbeTarget { host: request.domain.clone(), port: None },
    };
    let mut way = way::find(ground, &to, Some(TlsMode::Verify)).await;
    if request.host.is_some() {
        way.told.target = format!("{} at {}", request.domain, to.shown());
        // A host that is only an address has to show a certificate for the destination itself.
        for target in way.targets.iter_mut().filter(|target| target.name.parse::<IpAddr>().is_ok()) {
            target.name.clone_from(&request.domain);
        }
    }
    go(ground, way, &Probe { to, ..Probe::default() }, None, client).await
}

async fn go(
    ground: Ground<'_>,
    way: Way,
    request: &Probe,
    letter: Option<Letter<'_>>,
    client: &Client,
) -> Result<ProbeReply, Problem> {
    let offer = offer(request)?;
    let as_of = as_of(ground);
    let (began, until) = (Instant::now(), Moment::now() + ALTOGETHER);
    client.tell(&ProbePart::Way(way.told.clone())).await?;
    let all = pairs(&way.targets, &ground.running.source_addresses);
    let left_out = all.len().saturating_sub(ADDRESSES) as u64;
    let talks = all.iter().take(ADDRESSES).map(|(target, source)| {
        let talk = Talk { ground, target, source: *source, demand: &way.demand, offer: offer.clone() };
        within(until, talk)
    });
    let mut probes = stream::iter(talks.collect::<Vec<_>>()).buffered(AT_ONCE);
    let mut addresses: Vec<AddressProbe> = Vec::new();
    while let Some(address) = probes.next().await {
        client.tell(&ProbePart::Address(address.clone())).await?;
        addresses.push(address);
    }
    drop(probes);
    let usable = addresses.iter().any(|address| address.verdict.usable);
    let sent = match (letter, offer) {
        (Some(letter), Some(offer)) if usable => Some(letter.send(ground, &offer, client).await?),
        _ => None,
    };
    let verdict = verdict::of_all(&way.told, &addresses, sent.as_ref());
    let took_us = micros(began.elapsed());
    Ok(ProbeReply { as_of, way: way.told, addresses, left_out, sent, verdict, took_us })
}

/// Holds a conversation, as far as it comes until `until`.
async fn within(until: Moment, talk: Talk<'_>) -> AddressProbe {
    let mut found = AddressProbe {
        name: talk.target.name.clone(),
        preference: talk.target.preference,
        address: talk.target.address.to_string(),
        source: talk.source.map(|source| source.to_string()),
        ..AddressProbe::default()
    };
    found.verdict = match timeout_at(until, talk.hold(&mut found)).await {
        Ok(verdict) => verdict,
        Err(_) => verdict::unfinished(),
    };
    found
}

/// Every address with every source of its family; without sources the system chooses.
fn pairs(targets: &[Target], sources: &[IpAddr]) -> Vec<(Target, Option<IpAddr>)> {
    let mut pairs = Vec::new();
    for target in targets {
        let fitting = sources.iter().filter(|source| source.is_ipv4() == target.address.is_ipv4());
        let mut fitting = fitting.copied().map(Some).peekable();
        let chosen = fitting.peek().is_none().then_some(None);
        pairs.extend(fitting.chain(chosen).map(|source| (target.clone(), source)));
    }
    pairs
}

fn offer(request: &Probe) -> Result<Option<Offer>, Problem> {
    let Some(recipient) = &request.recipient else { return Ok(None) };
    let bad =
        |word: &str| Problem::new(format!("`{word}` is not a mailbox"), "for example: user@example.com");
    let recipient = Mailbox::parse(recipient).map_err(|_| bad(recipient))?;
    let sender = match &request.sender {
        Some(sender) => ReversePath::parse(sender).map_err(|_| bad(sender))?,
        None => ReversePath::Null,
    };
    Ok(Some(Offer { sender, recipient }))
}

fn as_of(ground: Ground<'_>) -> AsOf {
    let zone = ground.running.zone.iana_name().unwrap_or("UTC").to_owned();
    AsOf { at_us: ground.clock.wall().0, zone }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_address_is_tried_from_every_source_of_its_family() {
        let target = |address: &str| Target {
            address: address.parse().unwrap(),
            name: "mx.test".to_owned(),
            preference: 10,
        };
        let targets = [target("192.0.2.1:25"), target("[2001:db8::1]:25")];
        let sources: Vec<IpAddr> = ["198.51.100.1", "198.51.100.2"].map(|ip| ip.parse().unwrap()).to_vec();
        let shown = |sources: &[IpAddr]| -> Vec<String> {
            let pairs = pairs(&targets, sources);
            pairs.iter().map(|(target, source)| format!("{} {source:?}", target.address.ip())).collect()
        };
        assert_eq!(
            shown(&sources),
            ["192.0.2.1 Some(198.51.100.1)", "192.0.2.1 Some(198.51.100.2)", "2001:db8::1 None"]
        );
        assert_eq!(shown(&[]), ["192.0.2.1 None", "2001:db8::1 None"]);
    }
}
