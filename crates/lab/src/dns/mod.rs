//! A name server for the lab: authoritative for the zones it was given, recursive for nobody.
//!
//! It answers on UDP and TCP on one loopback port, sends truncated answers to TCP as a real server does, and
//! can be told at run time to fail for a name in any of the ways of [`Behaviour`]. Every question is logged
//! before it is answered, also those that get no answer.
//!
//! It is not a resolver, and its limits are a test's limits: it keeps the last 100,000 questions.

mod answer;
mod dead;
mod entry;
mod serve;
mod zone;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_proto::rr::Name;
use parking_lot::Mutex;

pub use dead::DeadServer;
pub use entry::{BadZone, Data, Entry};
pub use hickory_proto::rr::RecordType;
pub use zone::Zone;

use crate::room::Room;
use zone::Compiled;

/// How the server treats questions for a name, instead of answering from its zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// RCODE 3, whatever the zone holds.
    Nxdomain,
    /// RCODE 2.
    ServFail,
    /// RCODE 5.
    Refused,
    /// No answer at all, on UDP and on TCP.
    Silent,
    /// The zone's answer, this much later.
    Slow(Duration),
    /// NOERROR without records: the name exists, the type does not.
    Empty,
    /// Truncated over UDP, and TCP closes without an answer.
    TruncatedForEver,
    /// Bytes that are no DNS message, under the right identifier.
    Garbage,
}

/// What the server says about names in none of its zones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outside {
    /// RCODE 3: the lab is the whole world.
    #[default]
    Nxdomain,
    /// RCODE 5, as an authoritative server in the wild does.
    Refused,
}

/// How a question came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// A datagram.
    Udp,
    /// A message on a connection.
    Tcp,
}

/// A question that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The name in lower case, without the last dot.
    pub name: String,
    /// The type asked for.
    pub record_type: RecordType,
    /// How it came.
    pub transport: Transport,
    /// Who asked.
    pub peer: SocketAddr,
    /// When it was read.
    pub at: Instant,
}

/// A running name server. Stops when dropped.
#[derive(Debug)]
pub struct DnsServer {
    address: SocketAddr,
    state: Arc<State>,
    _room: Room,
}

/// Questions kept in the log.
const LOG_LIMIT: usize = 100_000;

impl DnsServer {
    /// Starts a server without zones at `at`, UDP and TCP; port 0 takes any port that is free for both.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn start(at: SocketAddr) -> io::Result<Self> {
        let room = Room::open("lab-dns")?;
        let (udp, tcp) = serve::bind(at)?;
        let address = udp.local_addr()?;
        let state = Arc::new(State::default());
        room.enter(|| serve::start(&room, udp, tcp, &state))?;
        Ok(Self { address, state, _room: room })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a zone, in place of one with the same origin.
    ///
    /// # Errors
    /// When a name in the zone is no domain name; nothing changes then.
    pub fn put(&self, zone: &Zone) -> Result<(), BadZone> {
        let compiled = zone.compile()?;
        self.state.inner.lock().zones.insert(compiled.origin.clone(), compiled);
        Ok(())
    }

    /// Takes a zone away.
    pub fn remove(&self, origin: &str) {
        if let Ok(origin) = zone::name(origin) {
            self.state.inner.lock().zones.remove(&origin);
        }
    }

    /// Gives `address` a PTR record, in a reverse zone that is made when first needed.
    ///
    /// # Errors
    /// When `host` is no domain name.
    pub fn reverse(&self, address: IpAddr, host: &str) -> Result<(), BadZone> {
        let host = zone::name(host)?;
        self.state.inner.lock().reverse(address, host);
        Ok(())
    }

    /// Treats questions of every type for `name` as told, from now on. `*.name` means every name below it
    /// that has no behaviour of its own.
    ///
    /// # Errors
    /// When `name` is no domain name.
    pub fn behave(&self, name: &str, behaviour: Behaviour) -> Result<(), BadZone> {
        let key = (zone::name(name)?, None);
        self.state.inner.lock().behaviours.insert(key, behaviour);
        Ok(())
    }

    /// Treats questions for the name of `address` as told, from now on.
    pub fn behave_in_reverse(&self, address: IpAddr, behaviour: Behaviour) {
        let key = (Name::from(address).to_lowercase(), None);
        self.state.inner.lock().behaviours.insert(key, behaviour);
    }

    /// Like [`Self::behave`], for one record type. The behaviour of a type goes before that of its name.
    ///
    /// # Errors
    /// When `name` is no domain name.
    pub fn behave_for(
        &self,
        name: &str,
        record_type: RecordType,
        behaviour: Behaviour,
    ) -> Result<(), BadZone> {
        let key = (zone::name(name)?, Some(record_type));
        self.state.inner.lock().behaviours.insert(key, behaviour);
        Ok(())
    }

    /// Answers for `name` from the zones again, whatever was told before.
    pub fn calm(&self, name: &str) {
        if let Ok(name) = zone::name(name) {
            self.state.inner.lock().behaviours.retain(|(behaving, _), _| *behaving != name);
        }
    }

    /// Treats every question alike, until told `None`: a dead or a failing server.
    pub fn behave_always(&self, behaviour: Option<Behaviour>) {
        self.state.inner.lock().always = behaviour;
    }

    /// Says what names outside of all zones get.
    pub fn outside(&self, outside: Outside) {
        self.state.inner.lock().outside = outside;
    }

    /// The questions asked so far, oldest first.
    #[must_use]
    pub fn questions(&self) -> Vec<Asked> {
        self.state.inner.lock().log.iter().cloned().collect()
    }

    /// How often `name` was asked for in this type.
    #[must_use]
    pub fn asked(&self, name: &str, record_type: RecordType) -> usize {
        let name = name.trim_end_matches('.').to_lowercase();
        let inner = self.state.inner.lock();
        inner.log.iter().filter(|asked| asked.name == name && asked.record_type == record_type).count()
    }

    /// Empties the log of questions.
    pub fn forget_questions(&self) {
        self.state.inner.lock().log.clear();
    }
}

/// What the server's tasks and its owner share.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) inner: Mutex<Inner>,
}

/// Zones, behaviours and the log.
#[derive(Debug, Default)]
pub(crate) struct Inner {
    pub(crate) zones: HashMap<Name, Compiled>,
    pub(crate) outside: Outside,
    behaviours: HashMap<(Name, Option<RecordType>), Behaviour>,
    always: Option<Behaviour>,
    log: VecDeque<Asked>,
}

impl Inner {
    /// The behaviour for a question, the closest one first. `name` is in lower case.
    pub(crate) fn behaviour(&self, name: &Name, record_type: RecordType) -> Option<Behaviour> {
        let of = |name: &Name| {
            let typed = self.behaviours.get(&(name.clone(), Some(record_type)));
            typed.or_else(|| self.behaviours.get(&(name.clone(), None))).copied()
        };
        if let Some(found) = self.always.or_else(|| of(name)) {
            return Some(found);
        }
        let mut parent = name.clone();
        while !parent.is_root() {
            parent = parent.base_name();
            let below = Name::from_ascii("*").and_then(|star| star.append_domain(&parent)).ok()?;
            if let Some(found) = of(&below) {
                return Some(found);
            }
        }
        None
    }

    /// Writes a question into the log.
    pub(crate) fn note(&mut self, asked: Asked) {
        if self.log.len() == LOG_LIMIT {
            self.log.pop_front();
        }
        self.log.push_back(asked);
    }

    fn reverse(&mut self, address: IpAddr, host: Name) {
        let name = Name::from(address).to_lowercase();
        let origin = name.trim_to(2);
        let zone = self.zones.entry(origin.clone()).or_insert_with(|| Compiled::empty(origin));
        zone.put_pointer(name, host);
    }
}
