//! A destination: everything that the shard knows of one recipient host.
//!
//! Whether it can be reached ([`Reach`]), two states and the trial between them:
//! ```text
//!   Open ──no target usable, or soft DNS failure──► Backoff ──until──► (trial: one recipient tries)
//!    ▲                                                 ▲                        │
//!    │                                                 └──── failed: doubled ───┤
//!    └──────────────── a connection is ready ───────────────────────────────────┘
//! ```
//! The trial needs no state of its own: a destination without a standing connection opens one at a time, on
//! behalf of one recipient, whatever its history; so the first contact is a trial too. Forbidden: more than one
//! opening connection while none stands and none ever stood.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::{Index, IndexMut};

use crate::delivery::io::{Slot, Target, TlsMode};
use crate::delivery::line::Line;
use crate::delivery::plan::Plan;
use crate::delivery::reason::{Kept, Reasons};
use crate::delivery::recipient::RecipientId;
use crate::delivery::steady::Steady;
use crate::delivery::window::Window;
use crate::event::{BounceKind, HostStatus};
use crate::ids::{Host, Mid, Rid};

/// Destinations that exist always and have no entry in the name service.
pub const SPECIAL: [&str; 4] = ["the.cpq.host", "the.encryption.queue", "the.euq.queue", "the.euq.release.queue"];

/// Names a destination in memory; used again after it was forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DestinationId(pub(super) u32);

impl DestinationId {
    #[cfg(test)]
    pub(super) const FIRST: Self = Self(0);
}

/// What is known of the way there.
#[derive(Debug)]
pub(super) enum Path {
    /// Never asked, or forgotten.
    Unknown,
    /// The name service is being asked, on behalf of one recipient.
    Asking {
        since: u64,
        bearer: (Mid, Rid),
        /// The route changed meanwhile: the answer will be of no use.
        outdated: bool,
    },
    /// Targets, until they expire.
    Known(Known),
    /// It can never be reached: who waits is bounced, then it is unknown again.
    Refused { failure: Kept, kind: BounceKind },
}

/// A known way.
#[derive(Debug)]
pub(super) struct Known {
    /// By preference.
    pub(super) targets: Vec<Target>,
    pub(super) exchangers: Vec<(u16, u32, String)>,
    pub(super) expires: Steady,
    /// Addresses that turned out not to offer SMTPUTF8.
    pub(super) without_utf8: Vec<SocketAddr>,
}

/// Whether the destination can be reached; see the drawing above.
#[derive(Debug)]
pub(super) enum Reach {
    Open,
    Backoff(Backoff),
}

/// The destination's clock.
#[derive(Debug)]
pub(super) struct Backoff {
    pub(super) until: Steady,
    pub(super) interval_s: u32,
    /// Unreachable since, wall time.
    pub(super) since: u64,
    pub(super) reason: Kept,
}

/// Up, down or unknown, and why.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) status: HostStatus,
    /// Wall time of the change to this status; 0 before the first.
    pub(super) since: u64,
    /// The failure behind the present status, or the last one that was.
    pub(super) reason: Option<Kept>,
    pub(super) address: Option<SocketAddr>,
    /// The last attempt.
    pub(super) attempted: Option<Steady>,
}

/// New connections pause: the peer refused one while others stood.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    pub(super) until: Steady,
    /// As many as stood then.
    pub(super) cap: usize,
}

/// Delivery was stopped by an operator.
#[derive(Clone, Debug)]
pub(super) struct Suspension {
    pub(super) by: String,
    /// Wall time.
    pub(super) since: u64,
}

/// The last failure of TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFailure {
    /// What was demanded then.
    pub mode: TlsMode,
    /// What went wrong.
    pub text: String,
    /// When, microseconds since the epoch.
    pub at: u64,
}

/// What a recipient needs of a peer; each need has a line of its own, so that nobody waits behind another need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Any peer will do.
    Plain,
    /// One that offers SMTPUTF8.
    Utf8,
}

/// Who waits for a destination, how it is reached, and how that went.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) host: Host,
    /// One of [`SPECIAL`].
    pub(super) special: bool,
    pub(super) plan: Plan,
    pub(super) path: Path,
    pub(super) reach: Reach,
    pub(super) verdict: Verdict,
    /// Ready recipients by [`Need`].
    pub(super) lines: [Line; 2],
    /// All its recipients by age.
    pub(super) members: BTreeSet<(Steady, RecipientId)>,
    pub(super) unattempted: usize,
    /// Connections being opened, oldest first.
    pub(super) opening: Vec<Slot>,
    /// Connections that stand and carry nothing.
    pub(super) free: Vec<Slot>,
    pub(super) busy: usize,
    pub(super) closing: usize,
    pub(super) hold: Option<Hold>,
    pub(super) window: Window,
    pub(super) suspended: Option<Suspension>,
    pub(super) last_activity: Option<Steady>,
    pub(super) last_failure: Option<Kept>,
    pub(super) last_5xx: Option<Kept>,
    pub(super) last_tls: Option<TlsFailure>,
    pub(super) reasons: Reasons,
    /// When its entry in the agenda comes up.
    pub(super) agenda: Steady,
    /// A limit of rate or a hold ends then.
    pub(super) look_at: Steady,
    /// It is in the list of those to be served.
    pub(super) dirty: bool,
    /// Counts changes of route or demand; connections of an older epoch are not used again.
    pub(super) epoch: u32,
    /// It waits for a slot of the gateway.
    pub(super) awaits_slot: bool,
    /// It was last used then; forgotten a day later.
    pub(super) touched: Steady,
    pub(super) vacant: bool,
}

impl Destination {
    fn new(host: Host, plan: Plan) -> Self {
        let special = SPECIAL.contains(&host.as_str());
        Self {
            host,
            special,
            plan,
            path: Path::Unknown,
            reach: Reach::Open,
            verdict: Verdict::default(),
            lines: [Line::default(), Line::default()],
            members: BTreeSet::new(),
            unattempted: 0,
            opening: Vec::new(),
            free: Vec::new(),
            busy: 0,
            closing: 0,
            hold: None,
            window: Window::default(),
            suspended: None,
            last_activity: None,
            last_failure: None,
            last_5xx: None,
            last_tls: None,
            reasons: Reasons::default(),
            agenda: Steady::NEVER,
            look_at: Steady::NEVER,
            dirty: false,
            epoch: 0,
            awaits_slot: false,
            touched: Steady::default(),
            vacant: false,
        }
    }

    pub(super) fn line(&self, need: Need) -> &Line {
        &self.lines[need as usize]
    }

    /// Connections that are ready: idle or in a transaction.
    pub(super) fn standing(&self) -> usize {
        self.free.len() + self.busy
    }

    /// Slots lent to it.
    pub(super) fn lent(&self) -> usize {
        self.opening.len() + self.standing() + self.closing
    }

    /// It answered at its last attempt: it may use every slot of the gateway.
    pub(super) fn is_proven(&self) -> bool {
        self.verdict.status == HostStatus::Up
    }

    pub(super) fn known(&self) -> Option<&Known> {
        match &self.path {
            Path::Known(known) => Some(known),
            Path::Unknown | Path::Asking { .. } | Path::Refused { .. } => None,
        }
    }

    /// Nothing of it is in use.
    pub(super) fn is_deserted(&self) -> bool {
        self.members.is_empty() && self.lent() == 0 && self.suspended.is_none() && !self.special
    }
}

/// All destinations in memory.
#[derive(Debug, Default)]
pub(super) struct Destinations {
    cells: Vec<Destination>,
    vacant: Vec<DestinationId>,
    by_host: BTreeMap<Host, DestinationId>,
}

impl Destinations {
    pub(super) fn len(&self) -> usize {
        self.by_host.len()
    }

    /// Returns how many cells there are, vacant ones too.
    pub(super) fn cells(&self) -> u32 {
        self.cells.len() as u32
    }

    pub(super) fn find(&self, host: &str) -> Option<DestinationId> {
        self.by_host.get(host).copied()
    }

    pub(super) fn insert(&mut self, host: Host, plan: Plan) -> DestinationId {
        let destination = Destination::new(host.clone(), plan);
        let id = match self.vacant.pop() {
            Some(id) => {
                self[id] = destination;
                id
            }
            None => {
                self.cells.push(destination);
                DestinationId(self.cells.len() as u32 - 1)
            }
        };
        self.by_host.insert(host, id);
        id
    }

    /// Forgets a deserted destination.
    pub(super) fn forget(&mut self, id: DestinationId) {
        debug_assert!(self[id].is_deserted());
        self.by_host.remove(&self[id].host.clone());
        self[id].vacant = true;
        self.vacant.push(id);
    }

    /// Yields the destinations in memory by name.
    pub(super) fn by_name(&self) -> impl Iterator<Item = &Destination> {
        self.by_host.values().map(|id| &self[*id])
    }
}

impl Index<DestinationId> for Destinations {
    type Output = Destination;

    fn index(&self, id: DestinationId) -> &Destination {
        &self.cells[id.0 as usize]
    }
}

impl IndexMut<DestinationId> for Destinations {
    fn index_mut(&mut self, id: DestinationId) -> &mut Destination {
        &mut self.cells[id.0 as usize]
    }
}
