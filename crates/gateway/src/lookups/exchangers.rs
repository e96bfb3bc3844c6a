//! From a destination's name to the addresses to try (RFC 5321 5.1, RFC 7505).
//!
//! A destination whose exchangers lead to ourselves loses those of equal and higher preference; when none is
//! left it is a mail loop. Addresses in refused networks (by default loopback and private ones: an MX record
//! must not make us talk to our own insides) are left out unless the operator routed to them by name.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::join_all;
use ipnet::IpNet;
use mailreeve_core::Instant;
use mailreeve_core::delivery::io::{Resolution, Target};
use mailreeve_core::delivery::settings::{Hop, HopHost};
use mailreeve_core::event::{Cause, Failure, Stage};
use mailreeve_core::ids::Host;

use super::dns::{Dns, NoAnswer};

/// Exchangers looked at, however many there are (a hostile zone can list a thousand).
const EXCHANGERS: usize = 10;
/// Addresses of one exchanger that are used.
const ADDRESSES_EACH: usize = 8;
/// Shortest and longest time an answer is kept, seconds.
const KEEP: (u32, u32) = (30, 86_400);

/// What resolving needs to know of this gateway.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Port of ordinary delivery.
    pub port: u16,
    /// Networks never connected to on the word of DNS.
    pub refused_networks: Vec<IpNet>,
    /// Which address families are used, and which first.
    pub families: Families,
    /// Our own names, lower-case.
    pub own_names: Vec<String>,
    /// Addresses and ports where we listen.
    pub own_addresses: Vec<SocketAddr>,
}

/// Address families for delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Families {
    /// Both, IPv6 a little ahead.
    V6First,
    /// Both, IPv4 a little ahead.
    V4First,
    /// IPv6 alone.
    V6Only,
    /// IPv4 alone.
    V4Only,
}

impl Families {
    /// Whether IPv4 goes ahead where both are used.
    pub(crate) const fn v4_first(self) -> bool {
        matches!(self, Self::V4First)
    }

    pub(crate) const fn use_of(self, address: &IpAddr) -> bool {
        match self {
            Self::V6First | Self::V4First => true,
            Self::V6Only => address.is_ipv6(),
            Self::V4Only => address.is_ipv4(),
        }
    }
}

/// Looks a destination up.
pub async fn resolve(dns: &Dns, host: &Host, around: Arc<Surroundings>, now: Instant) -> Resolution {
    if let Some(address) = literal(host.as_str()) {
        return settle(vec![(0, host.as_str().to_owned(), vec![address])], Vec::new(), KEEP.1, &around, now);
    }
    let (exchangers, ttl) = match dns.mx(host.as_str()).await {
        Ok(answer) => (answer.records, answer.ttl),
        // No MX record: the name itself is its exchanger (RFC 5321 5.1).
        Err(NoAnswer::NoRecords) => (vec![(0, KEEP.0, host.as_str().to_owned())], KEEP.0),
        Err(other) => return failed(dns, &other, host.as_str(), "MX", now).await,
    };
    let mut usable: Vec<_> = exchangers.iter().filter(|(_, _, name)| name != ".").cloned().collect();
    if usable.is_empty() {
        let text = format!("{host} says that it takes no mail (null MX)");
        return Resolution::Hard(local(Cause::NullMx, (5, 1, 10), text, now));
    }
    usable.sort_by_key(|(preference, _, _)| *preference);
    let own = usable.iter().find(|(_, _, name)| around.own_names.contains(name)).map(|own| own.0);
    if let Some(own) = own {
        usable.retain(|(preference, _, _)| *preference < own);
        if usable.is_empty() {
            return looped(host, now);
        }
    }
    usable.truncate(EXCHANGERS);
    let mut found = Vec::with_capacity(usable.len());
    let mut last_failure = None;
    let asked = usable.iter().map(|(_, _, name)| dns.addresses(name));
    for ((preference, _, name), answer) in usable.iter().zip(join_all(asked).await) {
        match answer {
            Ok(answer) => found.push((*preference, name.clone(), answer.records)),
            Err(failure) => last_failure = Some((failure, name.clone())),
        }
    }
    match (found.is_empty(), last_failure) {
        (true, Some((NoAnswer::NoSuchName | NoAnswer::NoRecords, name))) => no_address(host, &name, now),
        (true, Some((failure, name))) => failed(dns, &failure, &name, "A", now).await,
        (true, None) | (false, _) => settle(found, exchangers, ttl, &around, now),
    }
}

/// Looks the names of fixed next hops up; addresses given as such are used as they are, refused or not.
pub async fn resolve_hops(dns: &Dns, hops: &[Hop], now: Instant) -> Resolution {
    let mut targets = Vec::new();
    let mut last_failure = None;
    for hop in hops {
        match &hop.host {
            HopHost::Address(address) => targets.push(Target {
                address: *address,
                name: format!("[{}]", address.ip()),
                preference: hop.priority,
            }),
            HopHost::Name(name) => match dns.addresses(name).await {
                Ok(answer) => targets.extend(answer.records.iter().take(ADDRESSES_EACH).map(|ip| Target {
                    address: SocketAddr::new(*ip, hop.port),
                    name: name.clone(),
                    preference: hop.priority,
                })),
                Err(failure) => last_failure = Some((failure, name.clone())),
            },
        }
    }
    match (targets.is_empty(), last_failure) {
        // A fixed hop that does not exist is our own mistake: wait for its mending, do not bounce.
        (true, Some((failure, name))) => match failed(dns, &failure, &name, "A", now).await {
            Resolution::Hard(failure) => {
                Resolution::Soft(Failure { status: (4, failure.status.1, failure.status.2), ..failure })
            }
            other @ (Resolution::Soft(_) | Resolution::Addresses { .. }) => other,
        },
        (true, None) | (false, _) => {
            let expires_at = now.0 + u64::from(KEEP.0) * 10 * 1_000_000;
            Resolution::Addresses { targets, exchangers: Vec::new(), expires_at }
        }
    }
}

fn settle(
    found: Vec<(u16, String, Vec<IpAddr>)>,
    exchangers: Vec<(u16, u32, String)>,
    ttl: u32,
    around: &Surroundings,
    now: Instant,
) -> Resolution {
    let all: Vec<Target> = found
        .into_iter()
        .flat_map(|(preference, name, addresses)| {
            let used = addresses.into_iter().filter(|ip| around.families.use_of(ip));
            used.take(ADDRESSES_EACH).map(move |ip| Target {
                address: SocketAddr::new(ip.to_canonical(), around.port),
                name: name.clone(),
                preference,
            })
        })
        .collect();
    // Reaching ourselves under another name is the same loop: lose equal and higher preferences.
    let own = all.iter().filter(|target| is_own(around, target.address)).map(|t| t.preference).min();
    let mut targets: Vec<Target> = match own {
        Some(own) => all.iter().filter(|target| target.preference < own).cloned().collect(),
        None => all.clone(),
    };
    if targets.is_empty() && own.is_some() {
        let text = "the best exchanger of this destination is this gateway itself".to_owned();
        return Resolution::Hard(local(Cause::MailLoop, (5, 4, 6), text, now));
    }
    if targets.is_empty() {
        let text =
            "no exchanger has an address of the families that delivery.ip_preference allows".to_owned();
        return Resolution::Soft(local(Cause::MxNoAddress, (4, 4, 4), text, now));
    }
    let refused = |target: &Target| {
        target.address.ip().is_unspecified()
            || around.refused_networks.iter().any(|network| network.contains(&target.address.ip()))
    };
    let before = targets.len();
    targets.retain(|target| !refused(target));
    if targets.is_empty() {
        let addresses: Vec<_> = all.iter().take(3).map(|t| t.address.ip().to_string()).collect();
        let text = format!(
            "all {before} addresses ({}) lie in networks that delivery.refused_networks forbids",
            addresses.join(", ")
        );
        return Resolution::Soft(local(Cause::RefusedNetwork, (4, 4, 4), text, now));
    }
    let expires_at = now.0 + u64::from(ttl.clamp(KEEP.0, KEEP.1)) * 1_000_000;
    Resolution::Addresses { targets, exchangers, expires_at }
}

fn is_own(around: &Surroundings, address: SocketAddr) -> bool {
    around.own_addresses.iter().any(|own| {
        own.port() == address.port()
            && (own.ip() == address.ip() || (own.ip().is_unspecified() && address.ip().is_loopback()))
    })
}

/// Reads `[192.0.2.1]` and `[IPv6:2001:db8::1]`.
fn literal(host: &str) -> Option<IpAddr> {
    let inner = host.strip_prefix('[')?.strip_suffix(']')?;
    let inner = match inner.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => inner.get(5..)?,
        Some(_) | None => inner,
    };
    inner.parse().ok()
}

async fn failed(dns: &Dns, failure: &NoAnswer, name: &str, kind: &str, now: Instant) -> Resolution {
    let soft = |cause, text| Resolution::Soft(local(cause, (4, 4, 3), text, now));
    match failure {
        NoAnswer::NoSuchName => {
            let text = format!("DNS Hard Error looking up {name} ({kind}):  NXDomain");
            Resolution::Hard(local(Cause::DnsNxdomain, (5, 1, 2), text, now))
        }
        NoAnswer::BadName => {
            let text = format!("DNS Hard Error looking up {name} ({kind}):  not a host name");
            Resolution::Hard(local(Cause::DnsNxdomain, (5, 1, 2), text, now))
        }
        NoAnswer::NoRecords => no_address(&Host::new(name), name, now),
        NoAnswer::Failed(code) => {
            soft(Cause::DnsServfail, format!("DNS Soft Error looking up {name} ({kind}):  {code}"))
        }
        NoAnswer::AliasLoop => soft(
            Cause::CnameLoop,
            format!("DNS Soft Error looking up {name} ({kind}):  CNAME loop, or too long a chain of them"),
        ),
        NoAnswer::Timeout if dns.reachable().await => {
            soft(Cause::DnsTimeout, format!("DNS Soft Error looking up {name} ({kind}):  timeout"))
        }
        NoAnswer::Timeout => soft(
            Cause::ResolverUnreachable,
            format!("DNS Soft Error looking up {name} ({kind}):  no resolver of this gateway answers"),
        ),
    }
}

fn no_address(host: &Host, name: &str, now: Instant) -> Resolution {
    let text = format!("DNS Soft Error looking up {name} (A):  no exchanger of {host} has an address");
    Resolution::Soft(local(Cause::MxNoAddress, (4, 4, 4), text, now))
}

fn looped(host: &Host, now: Instant) -> Resolution {
    let text = format!("the best exchanger of {host} is this gateway itself");
    Resolution::Hard(local(Cause::MailLoop, (5, 4, 6), text, now))
}

fn local(cause: Cause, status: (u8, u16, u16), text: String, now: Instant) -> Failure {
    Failure { stage: Stage::Dns, cause, status, code: 0, text: vec![text], address: None, at: now.0 }
}
