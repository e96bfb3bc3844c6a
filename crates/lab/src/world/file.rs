//! A world written down in TOML.
//!
//! ```toml
//! seed = 7                       # chance; left out: new each time
//! dns = "127.0.0.1:5353"
//! port = 2525                    # of all hosts
//!
//! [[zone]]
//! origin = "example.test"
//! records = ["@ MX 10 mx.example.test", "mx.example.test A 127.16.0.9"]
//!
//! [[behaviour]]
//! name = "broken.test"           # or "*.test"
//! do = "servfail"                # nxdomain servfail refused silent slow empty truncated garbage
//! delay_ms = 500                 # for slow
//!
//! [[host]]
//! address = "127.16.0.9"
//! name = "mx.example.test"
//! temper = "greylisting"         # healthy silent slow busy unwelcoming without-mail greylisting full
//!                                # knowing-nobody blocklisting throttling losing-after-data
//!                                # refusing-connections vanishing
//! count = 2                      # for greylisting and throttling
//! greylist_s = 60                # for greylisting, in place of the count
//! list = "wren.rbl.test"         # for blocklisting; left out: a name of chance
//! delay_ms = 500                 # for slow
//! tls = "good"                   # only-tls12 self-signed expired refuse garbage hang close no-common-version
//! without = ["PIPELINING"]
//! size = 1000000
//! cut_after_received = 500       # bytes; also cut_after_sent
//!
//! [[host.rule]]
//! at = "rcpt"                    # banner helo starttls mail rcpt data final rset quit
//! address = "full*@*"
//! reply = "452 4.2.2 the box is full"
//! end = "reset"                  # instead of a reply: close reset hang
//! first = 3                      # only so often
//! delay_ms = 100
//! ```

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::Deserialize;

use super::{Details, Kind, Nature, World};
use crate::dns::{Behaviour, Entry, Zone};
use crate::host::{Act, Cut, Ending, HostPlan, Offers, Reply, Rule, Span, Stage, Temper, TlsTemper};
use crate::words::{Dice, fresh_seed};

/// A world as its file describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorldFile {
    seed: Option<u64>,
    dns: SocketAddr,
    port: u16,
    #[serde(default, rename = "zone")]
    zones: Vec<ZoneText>,
    #[serde(default, rename = "behaviour")]
    behaviours: Vec<BehaviourText>,
    #[serde(default, rename = "host")]
    hosts: Vec<HostText>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ZoneText {
    origin: String,
    ttl: Option<u32>,
    records: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BehaviourText {
    name: String,
    #[serde(rename = "do")]
    how: How,
    #[serde(default)]
    delay_ms: u64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum How {
    Nxdomain,
    Servfail,
    Refused,
    Silent,
    Slow,
    Empty,
    Truncated,
    Garbage,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HostText {
    address: IpAddr,
    port: Option<u16>,
    name: Option<String>,
    #[serde(default)]
    temper: Kind,
    #[serde(default)]
    count: u64,
    #[serde(default)]
    delay_ms: u64,
    greylist_s: Option<u64>,
    list: Option<String>,
    tls: Option<TlsTemper>,
    #[serde(default)]
    without: Vec<String>,
    size: Option<u64>,
    limits: Option<String>,
    cut_after_received: Option<u64>,
    cut_after_sent: Option<u64>,
    max_connections: Option<usize>,
    #[serde(default, rename = "rule")]
    rules: Vec<RuleText>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    at: Stage,
    address: Option<String>,
    reply: Option<String>,
    end: Option<Ending>,
    first: Option<u64>,
    #[serde(default)]
    delay_ms: u64,
}

/// A file that describes no world, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadWorld(String);

impl fmt::Display for BadWorld {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for BadWorld {}

impl WorldFile {
    /// Reads a file's text.
    ///
    /// # Errors
    /// What does not belong there, with its place.
    pub fn parse(text: &str) -> Result<Self, BadWorld> {
        toml::from_str(text).map_err(|error| BadWorld(error.to_string()))
    }

    /// Starts the world.
    ///
    /// # Errors
    /// A record, a name or a reply that is none, or an address that cannot be bound.
    pub fn start(&self) -> Result<World, BadWorld> {
        let bad = |error: &dyn fmt::Display| BadWorld(error.to_string());
        let world = World::start_at(self.seed.unwrap_or_else(fresh_seed), self.dns, self.port)
            .map_err(|error| bad(&error))?;
        for zone in &self.zones {
            let mut compiled = Zone::new(&zone.origin).ttl(zone.ttl.unwrap_or(60));
            for line in &zone.records {
                let entry: Entry = line.parse().map_err(|error| bad(&error))?;
                compiled = compiled.entry(entry.name, entry.data);
            }
            world.dns().put(&compiled).map_err(|error| bad(&error))?;
        }
        for behaviour in &self.behaviours {
            world.dns().behave(&behaviour.name, behaviour.read()).map_err(|error| bad(&error))?;
        }
        for host in &self.hosts {
            host.start(&world, self.port)?;
        }
        Ok(world)
    }
}

impl BehaviourText {
    const fn read(&self) -> Behaviour {
        match self.how {
            How::Nxdomain => Behaviour::Nxdomain,
            How::Servfail => Behaviour::ServFail,
            How::Refused => Behaviour::Refused,
            How::Silent => Behaviour::Silent,
            How::Slow => Behaviour::Slow(Duration::from_millis(self.delay_ms)),
            How::Empty => Behaviour::Empty,
            How::Truncated => Behaviour::TruncatedForEver,
            How::Garbage => Behaviour::Garbage,
        }
    }
}

impl HostText {
    fn start(&self, world: &World, port: u16) -> Result<(), BadWorld> {
        let address = SocketAddr::new(self.address, self.port.unwrap_or(port));
        let failed = |error: std::io::Error| BadWorld(format!("host {address}: {error}"));
        let temper = match self.nature() {
            Nature::Absent(absent) => return world.absent_at(address, absent).map(drop).map_err(failed),
            Nature::Host(temper) => self.refined(temper)?,
        };
        let mut plan = HostPlan::new(address, temper);
        plan.name.clone_from(&self.name);
        world.host_as_planned(plan).map(drop).map_err(failed)
    }

    fn nature(&self) -> Nature {
        self.temper.nature(&Details {
            count: self.count,
            delay: Duration::from_millis(self.delay_ms),
            span: self.greylist_s.map(Duration::from_secs),
            list: self.list.clone().unwrap_or_else(|| Dice::new(fresh_seed()).list_name()),
        })
    }

    /// The temper with all that the file says besides its name.
    fn refined(&self, mut temper: Temper) -> Result<Temper, BadWorld> {
        temper.offers = self.offers()?;
        temper.tls.clone_from(&self.tls);
        temper.max_connections = self.max_connections;
        if self.cut_after_received.is_some() || self.cut_after_sent.is_some() {
            let (received, sent) = (self.cut_after_received, self.cut_after_sent);
            temper.cut = Some(Cut { received, sent, ending: Ending::Close });
        }
        // What the file says in so many words goes before the temper's own rules.
        let mut rules = self.rules.iter().map(RuleText::read).collect::<Result<Vec<_>, _>>()?;
        rules.append(&mut temper.rules);
        temper.rules = rules;
        Ok(temper)
    }

    fn offers(&self) -> Result<Offers, BadWorld> {
        let mut offers = Offers { limits: self.limits.clone(), ..Offers::default() };
        offers.size = self.size.or(offers.size);
        for word in &self.without {
            match word.to_ascii_uppercase().as_str() {
                "EHLO" => offers.ehlo = false,
                "PIPELINING" => offers.pipelining = false,
                "8BITMIME" => offers.eight_bit = false,
                "SMTPUTF8" => offers.smtputf8 = false,
                "CHUNKING" => offers.chunking = false,
                "DSN" => offers.dsn = false,
                "ENHANCEDSTATUSCODES" => offers.enhanced = false,
                "SIZE" => offers.size = None,
                _ => return Err(BadWorld(format!("`{word}` is no extension that a host could go without"))),
            }
        }
        Ok(offers)
    }
}

impl RuleText {
    fn read(&self) -> Result<Rule, BadWorld> {
        let act = match (&self.reply, self.end) {
            (Some(reply), None) => {
                Act::Reply(reply.parse::<Reply>().map_err(|error| BadWorld(error.to_string()))?)
            }
            (None, Some(ending)) => Act::End(ending),
            (None, None) => Act::Proceed,
            (Some(_), Some(_)) => return Err(BadWorld("a rule has a reply or an end, not both".to_owned())),
        };
        let mut rule = Rule::new(self.at, act).delay(Duration::from_millis(self.delay_ms));
        if let Some(pattern) = &self.address {
            rule = rule.address(pattern);
        }
        Ok(self.first.map_or(rule.clone(), |count| rule.span(Span::First(count))))
    }
}
