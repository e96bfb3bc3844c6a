//! A name server and its hosts, started together and stopped together.
//!
//! All hosts of a world listen on one port, each on a loopback address of its own, as real ones do on port 25:
//! a gateway needs to be told two things only, the name server and the port. Names are found in both
//! directions. Dropping the world ends every socket in it.

mod domain;
mod file;
mod kind;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use parking_lot::Mutex;

pub use domain::{Plight, Settled};
pub use file::{BadWorld, WorldFile};
pub use kind::{Details, Kind, Nature};

use crate::dns::{DnsServer, Zone};
use crate::host::{Authority, Detail, Host, HostPlan, Refusing, Swallowing, Temper};
use crate::room::Room;
use crate::words::Dice;

/// A running world.
#[derive(Debug)]
pub struct World {
    dns: DnsServer,
    authority: Arc<Authority>,
    port: u16,
    inner: Mutex<Inner>,
    // Last: hosts end after everything that may point at them.
    room: Room,
}

#[derive(Debug)]
struct Inner {
    dice: Dice,
    /// The number of the next address.
    next: u32,
    hosts: Vec<Host>,
    refusing: Vec<Refusing>,
    swallowing: Vec<Swallowing>,
}

/// Addresses tried before a world is said to be full.
const ADDRESS_TRIES: u32 = 1000;
/// Loopback addresses that worlds use: 127.16.0.0 and up, away from what else runs on 127.0.0.1.
const FIRST_ADDRESS: u32 = u32::from_be_bytes([127, 16, 0, 1]);
/// As many as there are up to 127.127.255.255.
const ADDRESSES: u32 = 0x006F_0000;

/// What is at an address where there is no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// Connections are refused.
    Refusing,
    /// Connection requests vanish.
    Swallowing,
    /// The network says that there is no way.
    Unrouted,
}

/// The broadcast address of the loopback network: no connection leads there, on any machine, and the system
/// says so at once ("network is unreachable").
const UNROUTED: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);

impl World {
    /// Starts an empty world, its name server on any port of 127.0.0.1, its hosts to be on one port that is
    /// free now. All chance in it comes from `seed`.
    ///
    /// # Errors
    /// When a socket cannot be had.
    pub fn start(seed: u64) -> io::Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        Self::start_at(seed, (Ipv4Addr::LOCALHOST, 0).into(), port)
    }

    /// Starts an empty world whose name server is at `dns` and whose hosts are on `port`.
    ///
    /// # Errors
    /// When a socket cannot be had.
    pub fn start_at(seed: u64, dns: SocketAddr, port: u16) -> io::Result<Self> {
        let mut dice = Dice::new(seed);
        let next = (dice.throw() % u64::from(ADDRESSES)) as u32;
        let inner = Inner { dice, next, hosts: Vec::new(), refusing: Vec::new(), swallowing: Vec::new() };
        Ok(Self {
            dns: DnsServer::start(dns)?,
            authority: Arc::new(Authority::new()?),
            port,
            inner: Mutex::new(inner),
            room: Room::open("lab-world")?,
        })
    }

    /// Its name server.
    #[must_use]
    pub const fn dns(&self) -> &DnsServer {
        &self.dns
    }

    /// The port of its hosts.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The certificate of its authority, as PEM.
    #[must_use]
    pub fn authority_pem(&self) -> String {
        self.authority.pem()
    }

    /// A domain of chance under `.test`.
    pub fn domain_name(&self) -> String {
        let mut inner = self.inner.lock();
        let number = inner.dice.below(10_000);
        format!("{}{number}.test", inner.dice.label())
    }

    /// Gives `domain` a host of this temper: an MX, its address, the address's name, and the host itself.
    ///
    /// # Errors
    /// When the host cannot be started or the name is none.
    pub fn settle(&self, domain: &str, temper: Temper) -> io::Result<Host> {
        self.settle_with(domain, temper, Detail::default())
    }

    /// Like [`Self::settle`], noting as much as `detail` says.
    ///
    /// # Errors
    /// As for [`Self::settle`].
    pub fn settle_with(&self, domain: &str, temper: Temper, detail: Detail) -> io::Result<Host> {
        let host = self.host(domain, temper, detail)?;
        let zone = Zone::new(domain).mx(10, host.name()).address(host.name(), host.address().ip());
        self.dns.put(&zone).map_err(io::Error::other)?;
        Ok(host)
    }

    /// Gives `domain` an MX behind which nobody answers, and returns its address.
    ///
    /// # Errors
    /// When the address cannot be had or the name is none.
    pub fn settle_absent(&self, domain: &str, absent: Absent) -> io::Result<SocketAddr> {
        let address = self.absent(absent)?;
        let name = self.exchanger_name(domain);
        let zone = Zone::new(domain).mx(10, &name).address(&name, address.ip());
        self.dns.put(&zone).map_err(io::Error::other)?;
        Ok(address)
    }

    /// Starts a host with a name of chance under `domain` and an address of its own, which gets a PTR record.
    /// Zones are the caller's to make.
    ///
    /// # Errors
    /// When no address is free.
    pub fn host(&self, domain: &str, temper: Temper, detail: Detail) -> io::Result<Host> {
        let name = self.exchanger_name(domain);
        self.free_address(|address| {
            let seed = self.inner.lock().dice.throw();
            let plan = HostPlan::new(address, temper.clone()).name(&name).detail(detail.clone()).seed(seed);
            self.host_as_planned(plan)
        })
    }

    /// Starts a host as planned; its address gets a PTR record where the plan names it.
    ///
    /// # Errors
    /// When its address cannot be bound.
    pub fn host_as_planned(&self, plan: HostPlan) -> io::Result<Host> {
        let host = Host::start(&self.room, &self.authority, plan)?;
        self.dns.reverse(host.address().ip(), host.name()).map_err(io::Error::other)?;
        self.inner.lock().hosts.push(host.clone());
        Ok(host)
    }

    /// Takes an address at which nobody answers, for as long as the world is there.
    ///
    /// # Errors
    /// When no address is free.
    pub fn absent(&self, absent: Absent) -> io::Result<SocketAddr> {
        if absent == Absent::Unrouted {
            return self.absent_at((UNROUTED, self.port).into(), absent);
        }
        self.free_address(|address| self.absent_at(address, absent))
    }

    /// Takes this address, where nobody answers.
    ///
    /// # Errors
    /// When it cannot be bound.
    pub fn absent_at(&self, address: SocketAddr, absent: Absent) -> io::Result<SocketAddr> {
        match absent {
            Absent::Refusing => {
                let refusing = Refusing::start(address)?;
                self.inner.lock().refusing.push(refusing);
            }
            Absent::Swallowing => {
                let swallowing = Swallowing::start(address)?;
                self.inner.lock().swallowing.push(swallowing);
            }
            Absent::Unrouted => {}
        }
        Ok(address)
    }

    /// All hosts, oldest first.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        self.inner.lock().hosts.clone()
    }

    /// Tries addresses of this world, one after the other, until one is free.
    fn free_address<T>(&self, mut take: impl FnMut(SocketAddr) -> io::Result<T>) -> io::Result<T> {
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in 0..ADDRESS_TRIES {
            let number = {
                let mut inner = self.inner.lock();
                inner.next = (inner.next + 1) % ADDRESSES;
                inner.next
            };
            let address = IpAddr::V4(Ipv4Addr::from(FIRST_ADDRESS + number));
            match take(SocketAddr::new(address, self.port)) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
                result => return result,
            }
        }
        Err(last)
    }
}
