//! Who is in the demo: destinations in every plight that operators meet, the site that the gateway belongs to,
//! and the sites that write to it.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anyhow::{Context as _, Result};
use mailreeve_lab::dns::Behaviour;
use mailreeve_lab::host::{Detail, Temper, TlsTemper};
use mailreeve_lab::words::Dice;
use mailreeve_lab::world::{Absent, Plight, World};

use super::ports::Ports;

/// A destination, or the site itself.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// What it is there for.
    pub(super) role: Role,
    /// Its domain.
    pub(super) domain: String,
    /// The name of its best exchanger, where it has one.
    pub(super) exchanger: Option<String>,
    /// How much of the mail goes there, beside the others' weights.
    pub(super) weight: u32,
}

/// What a destination is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    Healthy,
    Encrypted,
    Backup,
    Greylisting,
    Throttling,
    Full,
    Blocklisting,
    UnknownBox,
    LosingAfterData,
    TlsExpired,
    TlsWrongName,
    TlsMissing,
    Refusing,
    Unrouted,
    Silent,
    Busy,
    Vanishing,
    ServFail,
    DnsSilent,
    NoAddress,
    NullMx,
    Missing,
}

/// All of them, in the order in which they are told, each with its share of the mail.
const ROLES: [(Role, u32); 22] = [
    (Role::Healthy, 12),
    (Role::Encrypted, 8),
    (Role::Backup, 3),
    (Role::Greylisting, 2),
    (Role::Throttling, 4),
    (Role::Full, 2),
    (Role::Busy, 1),
    (Role::Blocklisting, 1),
    (Role::UnknownBox, 1),
    (Role::LosingAfterData, 1),
    (Role::TlsExpired, 1),
    (Role::TlsWrongName, 1),
    (Role::TlsMissing, 1),
    (Role::Refusing, 4),
    (Role::Unrouted, 1),
    (Role::Silent, 2),
    (Role::Vanishing, 3),
    (Role::ServFail, 2),
    (Role::DnsSilent, 1),
    (Role::NoAddress, 1),
    (Role::NullMx, 1),
    (Role::Missing, 1),
];

impl Role {
    /// What operators should find, in a few words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Healthy => "takes all mail",
            Self::Encrypted => "takes all mail, over TLS",
            Self::Backup => "its first MX refuses connections, the second takes mail",
            Self::Greylisting => "greylists: accepts who comes back after 30 s",
            Self::Throttling => "ends a connection after 5 messages (421)",
            Self::Full => "every mailbox is full (452)",
            Self::Blocklisting => "finds our address on a block list (554)",
            Self::UnknownBox => "knows none of the recipients (550)",
            Self::LosingAfterData => "closes after the content, without a reply",
            Self::TlsExpired => "TLS must be verified, its certificate has expired",
            Self::TlsWrongName => "TLS must be verified, its certificate has another name",
            Self::TlsMissing => "TLS is required, it offers none",
            Self::Refusing => "refuses connections",
            Self::Unrouted => "no route leads there",
            Self::Silent => "connects, and never says a word",
            Self::Busy => "too busy: 421 instead of a banner",
            Self::Vanishing => "connection requests vanish, as behind a firewall",
            Self::ServFail => "its name server fails (SERVFAIL)",
            Self::DnsSilent => "its name server never answers",
            Self::NoAddress => "its MX has no address",
            Self::NullMx => "says that it takes no mail (null MX)",
            Self::Missing => "does not exist (NXDOMAIN)",
        }
    }

    /// What its state comes to, as a heading over all of the same lot.
    pub(super) const fn lot(self) -> &'static str {
        match self {
            Self::Healthy
            | Self::Encrypted
            | Self::Backup
            | Self::Greylisting
            | Self::Throttling
            | Self::Full
            | Self::Blocklisting
            | Self::UnknownBox
            | Self::Busy
            | Self::LosingAfterData
            | Self::TlsExpired
            | Self::TlsWrongName
            | Self::TlsMissing => "Up, which does not mean that they take everything",
            Self::Refusing | Self::Unrouted | Self::Silent => "Down",
            Self::Vanishing | Self::ServFail | Self::DnsSilent | Self::NoAddress => "Unknown",
            Self::NullMx | Self::Missing => "Nowhere: their mail bounces at once",
        }
    }

    /// What TLS the gateway is configured to demand, if any in particular.
    pub(super) const fn tls_demand(self) -> Option<&'static str> {
        match self {
            Self::TlsExpired | Self::TlsWrongName => Some("verify"),
            Self::TlsMissing => Some("required"),
            _ => None,
        }
    }

    fn plight(self, dice: &mut Dice) -> Plight {
        let tls = |tls| Plight::Host(Temper::healthy().tls(tls));
        match self {
            Self::Healthy | Self::TlsMissing => Plight::Host(Temper::healthy()),
            Self::Encrypted => tls(TlsTemper::Good),
            Self::Backup => Plight::Backup(Absent::Refusing, Temper::healthy()),
            Self::Greylisting => Plight::Host(Temper::greylisting_for(Duration::from_secs(30))),
            Self::Throttling => Plight::Host(Temper::throttling(5)),
            Self::Full => Plight::Host(Temper::full()),
            Self::Blocklisting => Plight::Host(Temper::blocklisting(&dice.list_name())),
            Self::UnknownBox => Plight::Host(Temper::knowing_nobody()),
            Self::LosingAfterData => Plight::Host(Temper::losing_after_data()),
            Self::TlsExpired => tls(TlsTemper::Expired),
            Self::TlsWrongName => tls(TlsTemper::WrongName(format!("{}.test", dice.label()))),
            Self::Refusing => Plight::Absent(Absent::Refusing),
            Self::Unrouted => Plight::Absent(Absent::Unrouted),
            Self::Silent => Plight::Host(Temper::silent()),
            Self::Busy => Plight::Host(Temper::busy()),
            Self::Vanishing => Plight::Absent(Absent::Swallowing),
            Self::ServFail => Plight::Lookup(Behaviour::ServFail),
            Self::DnsSilent => Plight::Lookup(Behaviour::Silent),
            Self::NoAddress => Plight::NoAddress,
            Self::NullMx => Plight::NullMx,
            Self::Missing => Plight::Missing,
        }
    }
}

/// A site that writes to ours.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// Its domain.
    pub(super) domain: String,
    /// The address that its mail comes from.
    pub(super) address: IpAddr,
}

/// The whole cast, on its stage. Everybody leaves when it is dropped.
#[derive(Debug)]
pub(super) struct Cast {
    pub(super) world: World,
    /// The domain that the gateway takes mail for.
    pub(super) home: String,
    /// The address of its own mail host.
    pub(super) home_host: IpAddr,
    /// Where its own people send from.
    pub(super) clients: [IpAddr; 2],
    pub(super) destinations: Vec<Member>,
    /// Who writes to it. The last one's address has a name that the name service never tells.
    pub(super) sites: [Site; 4],
}

/// Addresses of senders: away from those that hosts of the lab take.
const CLIENTS: [Ipv4Addr; 2] = [Ipv4Addr::new(127, 2, 0, 10), Ipv4Addr::new(127, 2, 0, 11)];
const SITES: [Ipv4Addr; 4] = [
    Ipv4Addr::new(127, 3, 7, 21),
    Ipv4Addr::new(127, 4, 18, 5),
    Ipv4Addr::new(127, 5, 1, 90),
    Ipv4Addr::new(127, 6, 33, 2),
];

impl Cast {
    pub(super) fn assemble(seed: u64, ports: &Ports) -> Result<Self> {
        let world = World::start_at(seed, ports.dns, ports.hosts)
            .with_context(|| format!("the lab cannot listen at {} and port {}", ports.dns, ports.hosts))?;
        let mut dice = Dice::new(seed);
        let mut names = Names::default();
        let home = names.throw(&mut dice);
        let healthy = Plight::Host(Temper::healthy());
        let settled = world.establish(&home, &healthy, Detail::Sums).context("the site's mail host")?;
        let home_host = settled.host.context("the site's mail host is not there")?.address().ip();
        let mut destinations = Vec::new();
        for (role, weight) in ROLES {
            let domain = names.throw(&mut dice);
            let plight = role.plight(&mut dice);
            let settled = world
                .establish(&domain, &plight, Detail::Sums)
                .with_context(|| format!("the destination that {}", role.words()))?;
            let exchanger = settled.exchangers.into_iter().next();
            destinations.push(Member { role, domain, exchanger, weight });
        }
        let sites = SITES.map(|address| Site { domain: names.throw(&mut dice), address: address.into() });
        for site in &sites {
            // Whoever writes can be written to.
            world.establish(&site.domain, &healthy, Detail::Sums).context("a site that writes")?;
            world.dns().reverse(site.address, &format!("out.{}", site.domain))?;
        }
        if let Some(nameless) = sites.last() {
            world.dns().behave_in_reverse(nameless.address, Behaviour::Silent);
        }
        let clients = CLIENTS.map(IpAddr::V4);
        Ok(Self { world, home, home_host, clients, destinations, sites })
    }

    /// The destination of this role.
    pub(super) fn domain(&self, role: Role) -> &str {
        self.member(role).map_or("", |member| &member.domain)
    }

    /// The best exchanger of the destination of this role.
    pub(super) fn exchanger(&self, role: Role) -> &str {
        self.member(role).and_then(|member| member.exchanger.as_deref()).unwrap_or("")
    }

    fn member(&self, role: Role) -> Option<&Member> {
        self.destinations.iter().find(|member| member.role == role)
    }
}

/// Domains that differ from each other.
#[derive(Debug, Default)]
struct Names(HashSet<String>);

impl Names {
    fn throw(&mut self, dice: &mut Dice) -> String {
        loop {
            let name = format!("{}.test", dice.label());
            if self.0.insert(name.clone()) {
                return name;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn everybody_has_a_role_and_a_name_of_their_own() {
        let ports = Ports::choose().unwrap();
        let cast = Cast::assemble(5, &ports).unwrap();
        let roles: HashSet<Role> = cast.destinations.iter().map(|one| one.role).collect();
        assert_eq!(roles.len(), ROLES.len());
        let names: HashSet<&str> = cast.destinations.iter().map(|one| one.domain.as_str()).collect();
        assert_eq!(names.len(), ROLES.len());
        assert!(
            !names.contains(cast.home.as_str())
                && cast.sites.iter().all(|site| !names.contains(site.domain.as_str()))
        );
        assert_ne!(Cast::assemble(6, &Ports::choose().unwrap()).unwrap().home, cast.home);
    }
}
