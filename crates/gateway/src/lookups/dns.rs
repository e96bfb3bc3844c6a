//! One question to the name service, one typed answer.
//!
//! The resolver (hickory) caches by the records' own lifetimes. A temporary failure here is never turned
//! into "does not exist": the two end a message differently.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::{Resolver, TokioResolver, system_conf};

use super::counters::LookupCounters;
use super::loopback::{self, Servers};
pub use super::no_answer::NoAnswer;
use super::no_answer::{negative_ttl, no_answer, worse};

/// Aliases in a row that are followed: as many as the resolver follows when each is an answer of its own.
const ALIASES: usize = 8;

/// Answers with the seconds they may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// The records.
    pub records: Vec<T>,
    /// Seconds to live of the shortest-lived record.
    pub ttl: u32,
}

/// The gateway's view of the name service.
pub struct Dns {
    resolver: TokioResolver,
    deadline: Duration,
    /// Milliseconds after `started` of the last answer of any kind, plus one; 0 means none yet.
    last_answer: AtomicU64,
    started: Instant,
    counters: Arc<LookupCounters>,
    servers: Servers,
}

/// Settings of the name service.
#[derive(Clone, Debug)]
pub struct DnsSettings {
    /// Resolvers to ask; the system's when empty.
    pub servers: Vec<SocketAddr>,
    /// Time for one try.
    pub timeout: Duration,
    /// Tries.
    pub attempts: usize,
    /// Answers remembered.
    pub cache_entries: usize,
}

impl Dns {
    /// Makes a resolver for the runtime it is called in. Its look-ups are counted in `counters`.
    pub fn new(settings: &DnsSettings, counters: Arc<LookupCounters>) -> Result<Self, NetError> {
        let (config, mut options) = if settings.servers.is_empty() {
            system_conf::read_system_conf()?
        } else {
            let servers = settings.servers.iter().map(name_server).collect();
            let mut options = ResolverOpts::default();
            options.edns0 = true;
            (ResolverConfig::from_parts(None, Vec::new(), servers), options)
        };
        options.timeout = settings.timeout;
        options.attempts = settings.attempts.max(1);
        options.cache_size = settings.cache_entries as u64;
        options.ndots = 0;
        let addresses = config.name_servers().iter().map(address).collect();
        let servers = Servers { addresses, timeout: settings.timeout, attempts: settings.attempts };
        let provider = TokioRuntimeProvider::default();
        let resolver = Resolver::builder_with_config(config, provider).with_options(options).build()?;
        // UDP, then TCP, for each try and server: nothing may take longer, whatever the library does.
        let tries = u32::try_from(settings.attempts.max(1)).unwrap_or(1);
        let deadline = settings.timeout * tries * 2 + Duration::from_secs(1);
        Ok(Self {
            resolver,
            deadline,
            last_answer: AtomicU64::new(0),
            started: Instant::now(),
            counters,
            servers,
        })
    }

    /// Asks for the exchangers of `name`: preference, seconds to live, host name (`.` for a null MX).
    pub async fn mx(&self, name: &str) -> Result<Answer<(u16, u32, String)>, NoAnswer> {
        self.ask(name, RecordType::MX, |data, ttl| match data {
            RData::MX(mx) => Some((mx.preference, ttl, plain(&mx.exchange))),
            _ => None,
        })
        .await
    }

    /// Asks for the addresses of `name`, IPv6 and IPv4 at once; fails only when neither kind is there.
    pub async fn addresses(&self, name: &str) -> Result<Answer<IpAddr>, NoAnswer> {
        let v6 = self.ask(name, RecordType::AAAA, |data, _| match data {
            RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
            _ => None,
        });
        let v4 = self.ask(name, RecordType::A, |data, _| match data {
            RData::A(a) => Some(IpAddr::V4(a.0)),
            _ => None,
        });
        match tokio::join!(v6, v4) {
            (Ok(mut v6), Ok(v4)) => {
                v6.records.extend(v4.records);
                Ok(Answer { records: v6.records, ttl: v6.ttl.min(v4.ttl) })
            }
            (Ok(answer), Err(_)) | (Err(_), Ok(answer)) => Ok(answer),
            (Err(v6), Err(v4)) => match worse(v6, v4) {
                NoAnswer::NoRecords if self.alias_without_end(name).await => Err(NoAnswer::AliasLoop),
                failure => Err(failure),
            },
        }
    }

    /// Tells whether `name` is an alias of an alias ... beyond what the resolver follows: to it that is a name
    /// without records, to an operator it is a mistake in the zone.
    async fn alias_without_end(&self, name: &str) -> bool {
        let mut at = name.to_owned();
        for _ in 0..ALIASES {
            let next = self.ask(&at, RecordType::CNAME, |data, _| match data {
                RData::CNAME(cname) => Some(plain(&cname.0)),
                _ => None,
            });
            match next.await.map(|answer| answer.records.into_iter().next()) {
                Ok(Some(next)) => at = next,
                Ok(None) | Err(_) => return false,
            }
        }
        true
    }

    /// Asks for the names of `address`.
    pub async fn names(&self, address: IpAddr) -> Result<Answer<String>, NoAnswer> {
        let name = Name::from(address.to_canonical()).to_ascii();
        self.ask(&name, RecordType::PTR, |data, _| match data {
            RData::PTR(ptr) => Some(plain(&ptr.0)),
            _ => None,
        })
        .await
    }

    /// Tells whether any resolver of ours answers at all; asked when a question timed out.
    pub async fn reachable(&self) -> bool {
        const FRESH_MS: u64 = 30_000;
        let last = self.last_answer.load(Ordering::Relaxed);
        if last > 0 && self.elapsed_ms().saturating_sub(last) < FRESH_MS {
            return true;
        }
        !matches!(self.ask(".", RecordType::NS, |_, _| Some(())).await, Err(NoAnswer::Timeout))
    }

    /// Forgets every cached answer.
    pub fn flush(&self) {
        self.resolver.clear_cache();
        self.counters.flushed();
    }

    /// Returns the name servers that are asked, in the order in which they are configured.
    pub fn servers(&self) -> &[SocketAddr] {
        &self.servers.addresses
    }

    /// Returns the counters of look-ups.
    pub const fn counters(&self) -> &Arc<LookupCounters> {
        &self.counters
    }

    async fn ask<T>(
        &self,
        name: &str,
        kind: RecordType,
        take: impl Fn(&RData, u32) -> Option<T>,
    ) -> Result<Answer<T>, NoAnswer> {
        let mut name = Name::from_ascii(name).map_err(|_| NoAnswer::BadName)?;
        name.set_fqdn(true);
        let (found, _) = self.records(name, kind).await;
        let taken: Vec<_> = found?
            .iter()
            .filter_map(|record| take(&record.data, record.ttl).map(|taken| (record.ttl, taken)))
            .collect();
        let ttl = taken.iter().map(|(ttl, _)| *ttl).min().unwrap_or(0);
        let records: Vec<T> = taken.into_iter().map(|(_, record)| record).collect();
        if records.is_empty() { Err(NoAnswer::NoRecords) } else { Ok(Answer { records, ttl }) }
    }

    /// Asks for records of one type, aliases on the way included, and tells whether the cache had them.
    pub async fn records(&self, name: Name, kind: RecordType) -> (Result<Vec<Record>, NoAnswer>, bool) {
        if loopback::is_taken(&name, kind) {
            let asked = self.counters.asked(&name, kind);
            self.counters.missed(asked);
            let answer = loopback::ask(&self.servers, name, kind).await;
            self.note(&answer);
            return (answer, false);
        }
        let (lookup, from_cache) = self.look_up(name, kind).await;
        (lookup.map(|lookup| lookup.answers().to_vec()), from_cache)
    }

    async fn look_up(&self, name: Name, kind: RecordType) -> (Result<Lookup, NoAnswer>, bool) {
        let asked = self.counters.asked(&name, kind);
        let mut looking = std::pin::pin!(self.resolver.lookup(name, kind));
        // An answer from the cache is there at once; one from the network never is.
        let (answer, from_cache) = match futures_util::poll!(&mut looking) {
            Poll::Ready(answer) => (answer, true),
            Poll::Pending => {
                self.counters.missed(asked);
                match tokio::time::timeout(self.deadline, looking).await {
                    Ok(answer) => (answer, false),
                    Err(_) => return (Err(NoAnswer::Timeout), false),
                }
            }
        };
        let ttl = match &answer {
            Ok(lookup) => lookup.answers().iter().map(|record| record.ttl).min(),
            Err(error) => negative_ttl(error),
        };
        let answer = match answer {
            Ok(lookup) if kind != RecordType::CNAME && aliases(lookup.answers()) > ALIASES => {
                Err(NoAnswer::AliasLoop)
            }
            Ok(lookup) => Ok(lookup),
            Err(error) => Err(no_answer(&error)),
        };
        match (from_cache, ttl) {
            (true, _) => self.counters.hit(&answer),
            (false, Some(ttl)) => self.counters.kept(asked, ttl),
            (false, None) => {}
        }
        self.note(&answer);
        (answer, from_cache)
    }

    /// Remembers when a server answered last.
    fn note<T>(&self, answer: &Result<T, NoAnswer>) {
        if !matches!(answer, Err(NoAnswer::Timeout)) {
            self.last_answer.store(self.elapsed_ms().max(1), Ordering::Relaxed);
        }
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// How many aliases one answer went through.
fn aliases(answers: &[Record]) -> usize {
    answers.iter().filter(|record| record.record_type() == RecordType::CNAME).count()
}

fn name_server(server: &SocketAddr) -> NameServerConfig {
    let mut udp = ConnectionConfig::udp();
    udp.port = server.port();
    let mut tcp = ConnectionConfig::tcp();
    tcp.port = server.port();
    NameServerConfig::new(server.ip(), true, vec![udp, tcp])
}

fn address(server: &NameServerConfig) -> SocketAddr {
    let port = server.connections.first().map_or(53, |connection| connection.port);
    SocketAddr::new(server.ip, port)
}

/// A name without its trailing dot, in lower case; the root stays `.`.
fn plain(name: &Name) -> String {
    let text = name.to_ascii().to_ascii_lowercase();
    match text.strip_suffix('.') {
        Some("") | None => text,
        Some(rest) => rest.to_owned(),
    }
}
