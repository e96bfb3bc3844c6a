//! A connection that is really open, or being opened.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use mailreeve_core::delivery::io::{AddressTry, PeerFacts, Slot, Target, TlsMode};
use mailreeve_core::ids::{Host, Mid, Rid};

/// One connection, from the first SYN to the last FIN.
pub(crate) struct Socket {
    pub(crate) slot: Slot,
    pub(crate) host: Host,
    pub(crate) targets: Vec<Target>,
    pub(crate) tls: TlsMode,
    pub(crate) credentials: Option<Arc<str>>,
    pub(crate) implicit_tls: bool,
    pub(crate) state: SocketState,
    /// Targets that failed so far.
    pub(crate) failed: Vec<AddressTry>,
    /// What the peer said it can do, once ready.
    pub(crate) facts: Option<PeerFacts>,
    /// Transactions handed to it.
    pub(crate) transactions: usize,
    /// Those of them for another destination, before this one took it over.
    pub(crate) transactions_before: usize,
    /// When it was asked for, steady.
    pub(crate) asked_at: u64,
    /// Since when it is in this state, steady.
    pub(crate) since: u64,
    /// The peer has closed and we have not read it yet.
    pub(crate) peer_closed: bool,
}

/// Where a connection stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SocketState {
    /// Trying the target of this index.
    Opening(usize),
    /// Ready, with nothing to do.
    Idle,
    /// A transaction is under way.
    Busy { mid: Mid, rids: Vec<Rid> },
    /// QUIT was said.
    Quitting,
}

impl Socket {
    /// Returns the address it is connected to, or is trying now.
    pub(crate) fn address(&self) -> SocketAddr {
        match &self.state {
            SocketState::Opening(index) => self.targets[*index].address,
            SocketState::Idle | SocketState::Busy { .. } | SocketState::Quitting => {
                self.targets[self.failed.len()].address
            }
        }
    }

    /// Tells whether it is not ready yet.
    pub(crate) fn is_opening(&self) -> bool {
        matches!(self.state, SocketState::Opening(_))
    }

    /// Where it is tried first.
    pub(crate) fn first_choice(&self) -> Option<IpAddr> {
        self.targets.first().map(|target| target.address.ip())
    }

    /// Tells whether it is ready, and stays.
    pub(crate) fn is_standing(&self) -> bool {
        matches!(self.state, SocketState::Idle | SocketState::Busy { .. })
    }

    /// Tells whether it holds, or may come to hold, a connection to `ip`.
    pub(crate) fn may_hold(&self, ip: IpAddr) -> bool {
        match &self.state {
            SocketState::Opening(_) => self.targets.iter().any(|target| target.address.ip() == ip),
            SocketState::Idle | SocketState::Busy { .. } | SocketState::Quitting => self.address().ip() == ip,
        }
    }
}
