//! SMTP hosts of every temper.
//!
//! A [`Host`] listens on one address and behaves as its [`Temper`] says; the temper can be changed while it
//! runs. It records what it takes (see [`crate::record`]) and notes every breach of the protocol by its
//! clients, so that a test can ask for both. [`Refusing`] and [`Swallowing`] are the addresses at which there
//! is no host at all.

mod body;
mod closed;
mod command;
mod ledger;
mod offers;
mod reply;
mod serve;
mod session;
mod temper;
mod tempers;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;

pub use closed::{Refusing, Swallowing};
pub use ledger::Detail;
pub use offers::Offers;
pub use reply::{BadReply, Reply};
pub use temper::{Act, Cut, Ending, Rule, Span, Stage, Temper};
pub use tls::{Authority, TlsTemper};

use crate::record::{Delivery, Sums, TRACE_HEADERS};
use crate::room::Room;
use crate::words::{Dice, fresh_seed};
use ledger::Ledger;

/// What a host is to be.
#[derive(Clone, Debug)]
pub struct HostPlan {
    /// Where it listens; port 0 takes any.
    pub address: SocketAddr,
    /// What it calls itself; thrown where nothing is said.
    pub name: Option<String>,
    /// How it behaves.
    pub temper: Temper,
    /// What it notes.
    pub detail: Detail,
    /// The header fields that count as put on top on the way.
    pub trace: Vec<String>,
    /// Where its words come from.
    pub seed: u64,
}

impl HostPlan {
    /// A host at `address` that keeps records in memory.
    #[must_use]
    pub fn new(address: SocketAddr, temper: Temper) -> Self {
        Self {
            address,
            name: None,
            temper,
            detail: Detail::default(),
            trace: TRACE_HEADERS.map(str::to_owned).to_vec(),
            seed: fresh_seed(),
        }
    }

    /// Called `name`.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Noting as much as `detail` says.
    #[must_use]
    pub fn detail(mut self, detail: Detail) -> Self {
        self.detail = detail;
        self
    }

    /// With words that can be had again.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

/// A running host. It runs in a room and ends with that room.
#[derive(Clone, Debug)]
pub struct Host {
    address: SocketAddr,
    ledger: Arc<Ledger>,
}

impl Host {
    /// Starts a host in `room`, its certificates signed by `authority`.
    ///
    /// # Errors
    /// When its address cannot be bound or its record file cannot be opened.
    pub fn start(room: &Room, authority: &Arc<Authority>, plan: HostPlan) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(plan.address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let name = plan.name.unwrap_or_else(|| format!("{}.test", Dice::new(plan.seed).label()));
        let ledger = Arc::new(Ledger::open(name, plan.temper, plan.detail, plan.trace)?);
        let listener = room.enter(|| TcpListener::from_std(listener))?;
        room.spawn(serve::accept(listener, ledger.clone(), authority.clone(), plan.seed));
        Ok(Self { address, ledger })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it calls itself.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.ledger.name
    }

    /// Changes its temper for connections from now on; all counting starts over.
    pub fn change(&self, temper: Temper) {
        self.ledger.change(temper);
    }

    /// The messages it took, oldest first, where it keeps them.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.ledger.deliveries()
    }

    /// The sums of what it took.
    #[must_use]
    pub fn sums(&self) -> Sums {
        self.ledger.sums()
    }

    /// Breaches of the protocol by its clients, with their addresses: the first 1,000.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        self.ledger.complaints()
    }

    /// Connections so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.ledger.connections.load(Ordering::Relaxed)
    }

    /// Connections open now.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.ledger.open.load(Ordering::Relaxed)
    }

    /// Waits (blocking) until it took `messages`, at most for `patience`. Says whether it did.
    #[must_use]
    pub fn wait_for(&self, messages: u64, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while self.sums().messages < messages {
            if Instant::now() >= until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }
}
