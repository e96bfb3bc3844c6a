//! The ground truth: exchangers with their tempers, what the name service says, and every socket that is
//! really open. The scheduler never sees this; the model compares its claims with it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use mailreeve_core::delivery::io::{AddressTry, PeerFacts, Resolution, Target, TlsMode};
use mailreeve_core::delivery::settings::{HopHost, Route, Settings};
use mailreeve_core::event::{Cause, Failure, Stage, TlsResult};
use mailreeve_core::ids::{Dcid, Host, Mid, Rid};

use crate::clock::Clock;
use crate::coverage::{Coverage, Point};
use crate::rng::Rng;
pub(crate) use crate::socket::{Socket, SocketState};
use crate::temper::{Dns, Mail, Reach, Tls, failure};

/// Everything outside the gateway.
pub(crate) struct World {
    /// The destinations.
    pub(crate) domains: Vec<Domain>,
    /// The hosts that exchange their mail.
    pub(crate) exchangers: Vec<Exchanger>,
    /// Every connection that is open or being opened.
    pub(crate) sockets: BTreeMap<Dcid, Socket>,
    /// How often the world took a recipient.
    pub(crate) taken: BTreeMap<(Mid, Rid), u32>,
}

/// A destination in the name service.
pub(crate) struct Domain {
    pub(crate) host: Host,
    pub(crate) dns: Dns,
    /// Preference and index into [`World::exchangers`].
    pub(crate) exchangers: Vec<(u16, usize)>,
    pub(crate) ttl_s: u32,
}

/// One address.
pub(crate) struct Exchanger {
    pub(crate) address: SocketAddr,
    pub(crate) name: String,
    pub(crate) reach: Reach,
    pub(crate) tls: Tls,
    pub(crate) mail: Mail,
    pub(crate) facts: PeerFacts,
}

/// How the attempt at one target ended.
pub(crate) enum Opened {
    /// Ready for transactions.
    Ready(Target, PeerFacts),
    /// Failed, the next target is to be tried.
    Next,
    /// Failed, and it was the last.
    Unusable,
}

impl World {
    /// Builds a world of a few destinations over a pool of exchangers, some of them shared.
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let pool = rng.range(2, 9) as usize;
        let exchangers = (0..pool).map(|index| Exchanger::new(index, rng)).collect();
        let count = rng.range(1, 6);
        let domains = (0..count)
            .map(|index| Domain {
                host: Host::new(&format!("d{index}.{}", rng.pick(&["example", "test.example"]))),
                dns: if rng.chance(80) { Dns::Answers } else { rng.weighted(&Dns::ALL) },
                exchangers: some_exchangers(pool, rng),
                ttl_s: rng.pick(&[30, 300, 3_600, 86_400]),
            })
            .collect();
        Self { domains, exchangers, sockets: BTreeMap::new(), taken: BTreeMap::new() }
    }

    /// Answers a look-up as the resolver and the route table would together.
    pub(crate) fn resolve(
        &self,
        host: &Host,
        settings: &Settings,
        clock: &Clock,
        coverage: &mut Coverage,
    ) -> Resolution {
        let Some(domain) = self.domains.iter().find(|domain| &domain.host == host) else {
            return Resolution::Hard(failure(
                (Stage::Dns, Cause::DnsNxdomain, (5, 1, 2), 0),
                None,
                clock.wall().0,
            ));
        };
        let route = settings
            .routes
            .iter()
            .find(|(pattern, _)| pattern.matches(host.as_str()))
            .map(|(_, route)| route);
        if let Some(Route::Hops { hops, .. }) = route {
            let targets =
                hops.iter().flat_map(|hop| self.hop_targets(&hop.host, hop.port, hop.priority)).collect();
            return addresses(targets, domain.ttl_s, clock);
        }
        coverage.hit(domain.dns.point());
        match domain.dns.blow() {
            None => {
                let targets = domain
                    .exchangers
                    .iter()
                    .map(|&(preference, index)| self.exchangers[index].target(preference, 25));
                addresses(targets.collect(), domain.ttl_s, clock)
            }
            Some((cause, true)) => {
                Resolution::Hard(failure((Stage::Dns, cause, (5, 1, 2), 0), None, clock.wall().0))
            }
            Some((cause, false)) => {
                Resolution::Soft(failure((Stage::Dns, cause, (4, 4, 3), 0), None, clock.wall().0))
            }
        }
    }

    fn hop_targets(&self, hop: &HopHost, port: u16, priority: u16) -> Vec<Target> {
        let found = self.exchangers.iter().filter(|exchanger| match hop {
            HopHost::Name(name) => &exchanger.name == name,
            HopHost::Address(address) => exchanger.address.ip() == address.ip(),
        });
        found.map(|exchanger| exchanger.target(priority, port)).collect()
    }

    /// Lets a connection that is being opened meet the exchanger of its present target.
    pub(crate) fn open(&mut self, dcid: Dcid, clock: &Clock, coverage: &mut Coverage) -> Opened {
        let Some(socket) = self.sockets.get_mut(&dcid) else { return Opened::Unusable };
        let SocketState::Opening(index) = socket.state else { return Opened::Unusable };
        let target = socket.targets[index].clone();
        let Some(exchanger) = self.exchangers.iter().find(|one| one.address.ip() == target.address.ip())
        else {
            return Opened::Unusable;
        };
        coverage.hit(exchanger.reach.point());
        match exchanger.meet(socket.tls, socket.credentials.is_some(), clock.wall().0, coverage) {
            Ok(facts) => {
                if index > 0 {
                    coverage.hit(Point::SecondTarget);
                }
                socket.state = SocketState::Idle;
                socket.since = clock.steady;
                socket.facts = Some(facts.clone());
                Opened::Ready(target, facts)
            }
            Err(failure) => {
                socket.failed.push(AddressTry { target, failure });
                if index + 1 == socket.targets.len() {
                    return Opened::Unusable;
                }
                socket.state = SocketState::Opening(index + 1);
                Opened::Next
            }
        }
    }

    /// Returns the exchanger that a connection is at, or is trying.
    pub(crate) fn exchanger_of(&self, dcid: Dcid) -> Option<&Exchanger> {
        let address = self.sockets.get(&dcid)?.address();
        self.exchangers.iter().find(|one| one.address.ip() == address.ip())
    }

    /// Makes everything healthy.
    pub(crate) fn heal(&mut self) {
        for domain in &mut self.domains {
            domain.dns = Dns::Answers;
        }
        for exchanger in &mut self.exchangers {
            exchanger.reach = Reach::Open;
            exchanger.tls = Tls::Good;
            exchanger.mail = Mail::Takes;
        }
    }
}

impl Exchanger {
    fn new(index: usize, rng: &mut Rng) -> Self {
        let low = index as u8 + 1;
        let ip: IpAddr = match rng.chance(25) {
            true => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(low)).into(),
            false => Ipv4Addr::new(192, 0, 2, low).into(),
        };
        Self {
            address: SocketAddr::new(ip, 25),
            name: format!("mx{index}.example"),
            reach: if rng.chance(60) { Reach::Open } else { rng.weighted(&Reach::ALL) },
            tls: rng.weighted(&Tls::ALL),
            mail: if rng.chance(60) { Mail::Takes } else { rng.weighted(&Mail::ALL) },
            facts: some_facts(rng),
        }
    }

    /// Changes something about it.
    pub(crate) fn change(&mut self, rng: &mut Rng) {
        match rng.below(8) {
            0..=3 => self.reach = rng.weighted(&Reach::ALL),
            4..=5 => self.mail = rng.weighted(&Mail::ALL),
            6 => self.tls = rng.weighted(&Tls::ALL),
            _ => self.facts = some_facts(rng),
        }
    }

    fn target(&self, preference: u16, port: u16) -> Target {
        Target { address: SocketAddr::new(self.address.ip(), port), name: self.name.clone(), preference }
    }

    /// What a client meets that connects now and asks `tls` of it.
    fn meet(
        &self,
        tls: TlsMode,
        login: bool,
        wall: u64,
        coverage: &mut Coverage,
    ) -> Result<PeerFacts, Failure> {
        if let Some(blow) = self.reach.blow(login) {
            return Err(failure(blow, Some(self.address), wall));
        }
        let broken = |cause| Err(failure((Stage::StartTls, cause, (4, 7, 5), 0), Some(self.address), wall));
        let mut facts = self.facts.clone();
        if tls == TlsMode::Off {
            return Ok(facts);
        }
        coverage.hit(self.tls.point());
        let demanded = matches!(tls, TlsMode::Required | TlsMode::Verify);
        let success = |verified| TlsResult::Success {
            protocol: "TLSv1.3".into(),
            cipher: "TLS_AES_256_GCM_SHA384".into(),
            verified,
        };
        facts.tls = match self.tls {
            Tls::Good => Some(success(true)),
            Tls::Missing if demanded => return broken(Cause::TlsNotOffered),
            Tls::Missing => None,
            Tls::Broken if demanded => return broken(Cause::TlsHandshake),
            Tls::Broken => Some(TlsResult::Failed { why: "handshake failure".into(), clear: true }),
            Tls::BadCertificate if tls == TlsMode::Verify => return broken(Cause::TlsCertificate),
            Tls::BadCertificate => Some(success(false)),
        };
        Ok(facts)
    }
}

fn addresses(mut targets: Vec<Target>, ttl_s: u32, clock: &Clock) -> Resolution {
    targets.sort_by_key(|target| (target.address, target.preference));
    targets.dedup_by_key(|target| target.address);
    targets.sort_by_key(|target| target.preference);
    let exchangers = targets.iter().map(|target| (target.preference, ttl_s, target.name.clone())).collect();
    Resolution::Addresses {
        targets,
        exchangers,
        expires_at: clock.wall().0 + u64::from(ttl_s) * crate::clock::SECOND,
    }
}

fn some_exchangers(pool: usize, rng: &mut Rng) -> Vec<(u16, usize)> {
    let mut indexes: Vec<usize> = (0..pool).collect();
    let count = rng.range(1, 3.min(pool as u64)) as usize;
    let mut chosen: Vec<(u16, usize)> = (0..count)
        .map(|_| (rng.pick(&[10, 10, 20]), indexes.swap_remove(rng.index(indexes.len()))))
        .collect();
    chosen.sort_unstable();
    chosen
}

fn some_facts(rng: &mut Rng) -> PeerFacts {
    PeerFacts {
        size_limit: rng.weighted(&[(4, None), (4, Some(100_000_000)), (2, Some(20_000))]),
        smtputf8: rng.chance(60),
        eight_bit: rng.chance(75),
        dsn: rng.chance(60),
        recipients_max: rng.weighted(&[(5, 1_000), (1, 1), (2, 3)]),
        transactions_max: rng.weighted(&[(6, None), (1, Some(1)), (1, Some(2))]),
        tls: None,
    }
}
