//! Outbound connections as the shard sees them.
//!
//! ```text
//!   Opening ──Ready──► Free ⇄ Busy ──Outcome, gone──► Gone
//!      │                │ └────────────┐                ▲
//!      └──Unusable──► Gone   Quit──► Closing ──Closed───┘
//! ```
//! Forbidden: Busy to Closing (a transaction is never cut), Opening to Busy (only a ready connection carries
//! mail), and anything out of Gone: its slot was returned.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::ops::{Index, IndexMut};

use crate::delivery::content::Offer;
use crate::delivery::destination::DestinationId;
use crate::delivery::io::{PeerFacts, Slot, Target, TlsMode};
use crate::delivery::need::Need;
use crate::delivery::plan::Demand;
use crate::delivery::recipient::RecipientId;
use crate::delivery::steady::Steady;
use crate::ids::{Dcid, Mid, Rid};

/// Where a connection stands; see the drawing above.
#[derive(Debug)]
pub(super) enum Phase {
    /// The shell tries its targets.
    Opening {
        need: Need,
        /// For whom it is opened first: a failure is this recipient's attempt.
        bearer: (Mid, Rid),
        /// Some mail servers were left out, which cannot take the bearer's message.
        choosy: bool,
        /// It counts among those of destinations that did not answer lately.
        unproven: bool,
    },
    /// Ready and idle.
    Free,
    /// A transaction is under way.
    Busy { mid: Mid, members: Vec<(Rid, RecipientId)> },
    /// QUIT was asked for.
    Closing,
    /// The slot is not lent.
    Gone,
}

/// What a ready connection leads to.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) target: Target,
    pub(super) facts: PeerFacts,
}

/// One connection; its number in the table is its slot.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) dcid: Dcid,
    pub(super) destination: DestinationId,
    pub(super) demand: Demand,
    pub(super) phase: Phase,
    pub(super) peer: Option<Peer>,
    /// Addresses that count this connection.
    pub(super) held: Vec<IpAddr>,
    /// The epoch of its destination's route.
    pub(super) epoch: u32,
    /// Transactions carried so far.
    pub(super) transactions: usize,
    /// When it is closed for lying idle; `None` while it is not known as idle.
    idle_until: Option<Steady>,
}

impl Connection {
    /// Makes a connection that starts to open.
    pub(super) fn opening(
        dcid: Dcid,
        destination: DestinationId,
        demand: Demand,
        held: Vec<IpAddr>,
        phase: Phase,
    ) -> Self {
        Self {
            dcid,
            destination,
            demand,
            phase,
            peer: None,
            held,
            epoch: 0,
            transactions: 0,
            idle_until: None,
        }
    }

    fn gone() -> Self {
        let demand = Demand { tls: TlsMode::Off, credentials: None, implicit_tls: false };
        Self::opening(Dcid(0), DestinationId(u32::MAX), demand, Vec::new(), Phase::Gone)
    }

    /// The address it leads to, when that is settled.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.peer.as_ref().map(|peer| peer.target.address)
    }

    /// What its peer offers, once it stands.
    pub(super) fn offer(&self) -> Option<Offer> {
        self.peer.as_ref().map(|peer| Offer::of(&peer.facts))
    }

    /// Tells whether a destination that demands this and lists `target` may use it.
    fn serves(&self, demand: &Demand, target: &Target) -> bool {
        let Some(peer) = &self.peer else { return false };
        let same_name = peer.target.name == target.name;
        self.demand == *demand && (demand.tls != TlsMode::Verify || same_name)
    }
}

/// The connections that hold a slot.
#[derive(Debug, Default)]
pub(super) struct Connections {
    cells: Vec<Connection>,
    by_dcid: HashMap<Dcid, Slot>,
    idle: BTreeSet<(Steady, Slot)>,
    idle_at: BTreeMap<SocketAddr, Vec<Slot>>,
    /// Connections whose slot comes back soon.
    closing: usize,
}

impl Connections {
    pub(super) fn insert(&mut self, slot: Slot, connection: Connection) {
        while self.cells.len() <= slot.0 as usize {
            self.cells.push(Connection::gone());
        }
        debug_assert!(matches!(self[slot].phase, Phase::Gone), "a slot is lent once");
        self.by_dcid.insert(connection.dcid, slot);
        self[slot] = connection;
    }

    /// Takes a connection whose slot goes back.
    pub(super) fn remove(&mut self, slot: Slot) -> Connection {
        self.wake(slot);
        let connection = std::mem::replace(&mut self[slot], Connection::gone());
        self.closing -= usize::from(matches!(connection.phase, Phase::Closing));
        self.by_dcid.remove(&connection.dcid);
        connection
    }

    pub(super) fn find(&self, dcid: Dcid) -> Option<Slot> {
        self.by_dcid.get(&dcid).copied()
    }

    /// Notes that a free connection has nothing to do until an instant at which it is closed; tells whether that is
    /// news.
    pub(super) fn rest(&mut self, slot: Slot, until: Steady) -> bool {
        if self[slot].idle_until.is_some() {
            return false;
        }
        self[slot].idle_until = Some(until);
        self.idle.insert((until, slot));
        if let Some(address) = self[slot].address() {
            self.idle_at.entry(address).or_default().push(slot);
        }
        true
    }

    /// Ends [`rest`](Self::rest).
    pub(super) fn wake(&mut self, slot: Slot) {
        let Some(until) = self[slot].idle_until.take() else { return };
        self.idle.remove(&(until, slot));
        let Some(address) = self[slot].address() else { return };
        if let Some(resting) = self.idle_at.get_mut(&address) {
            resting.retain(|other| *other != slot);
            if resting.is_empty() {
                self.idle_at.remove(&address);
            }
        }
    }

    /// Notes that the destination of opening connections answered elsewhere; returns how many are proven by it.
    pub(super) fn prove(&mut self, opening: &[Slot]) -> usize {
        let mut proven = 0;
        for slot in opening {
            if let Phase::Opening { unproven, .. } = &mut self[*slot].phase {
                proven += usize::from(std::mem::take(unproven));
            }
        }
        proven
    }

    /// Notes that QUIT was asked for.
    pub(super) fn close(&mut self, slot: Slot) {
        self.wake(slot);
        self[slot].phase = Phase::Closing;
        self.closing += 1;
    }

    /// Returns how many connections are closing.
    pub(super) fn closing(&self) -> usize {
        self.closing
    }

    /// Returns the connection that has rested longest, and when it is to be closed.
    pub(super) fn oldest_idle(&self) -> Option<(Steady, Slot)> {
        self.idle.first().copied()
    }

    /// Returns an idle connection to an address.
    pub(super) fn idle_to(&self, address: IpAddr) -> Option<Slot> {
        let from = SocketAddr::new(address, 0);
        let (found, resting) = self.idle_at.range(from..).next()?;
        (found.ip() == address).then(|| resting.first().copied()).flatten()
    }

    /// Returns an idle connection that a destination with this demand and these targets may take over.
    pub(super) fn adoptable(
        &self,
        demand: &Demand,
        targets: &[Target],
        takes: impl Fn(&Connection) -> bool,
    ) -> Option<Slot> {
        if self.idle_at.is_empty() {
            return None;
        }
        let fits = |slot: &&Slot, target: &Target| {
            let connection = &self[**slot];
            connection.serves(demand, target) && takes(connection)
        };
        let best = targets.first()?.preference;
        targets.iter().take_while(|target| target.preference == best).find_map(|target| {
            let resting = self.idle_at.get(&target.address)?;
            resting.iter().find(|slot| fits(slot, target)).copied()
        })
    }

    /// Yields the connections that hold a slot, by slot.
    pub(super) fn lent(&self) -> impl Iterator<Item = (Slot, &Connection)> {
        (0..).map(Slot).zip(&self.cells).filter(|(_, connection)| !matches!(connection.phase, Phase::Gone))
    }
}

impl Index<Slot> for Connections {
    type Output = Connection;

    fn index(&self, slot: Slot) -> &Connection {
        &self.cells[slot.0 as usize]
    }
}

impl IndexMut<Slot> for Connections {
    fn index_mut(&mut self, slot: Slot) -> &mut Connection {
        &mut self.cells[slot.0 as usize]
    }
}
