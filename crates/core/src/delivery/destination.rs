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
use std::net::IpAddr;

use crate::delivery::cohorts::OwnClocks;
use crate::delivery::content::Met;
use crate::delivery::io::{Slot, Target, TlsMode};
use crate::delivery::line::Line;
use crate::delivery::need::Need;
use crate::delivery::plan::Plan;
use crate::delivery::reason::{Kept, Reasons};
use crate::delivery::recipient::RecipientId;
use crate::delivery::steady::Steady;
use crate::delivery::verdict::Verdict;
use crate::delivery::window::Window;
use crate::event::{BounceKind, HostStatus};
use crate::ids::{Host, Mid, Rid};

/// Destinations that exist always and have no entry in the name service.
pub const SPECIAL: [&str; 4] =
    ["the.cpq.host", "the.encryption.queue", "the.euq.queue", "the.euq.release.queue"];

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
    /// What its mail servers offered when they were met.
    pub(super) met: Vec<Met>,
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

/// What one destination has and did at one address.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Share {
    /// Connections that lead there or may end up there.
    pub(super) lent: usize,
    /// Recipients tried there, where the settings limit that by address.
    pub(super) window: Window,
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
    pub(super) lines: [Line; Need::LINES],
    /// All its recipients by age.
    pub(super) members: BTreeSet<(Steady, RecipientId)>,
    pub(super) unattempted: usize,
    /// Those of them whose own clock runs.
    pub(super) own_clocks: OwnClocks,
    /// Connections being opened, oldest first.
    pub(super) opening: Vec<Slot>,
    /// Connections that stand and carry nothing.
    pub(super) free: Vec<Slot>,
    pub(super) busy: usize,
    pub(super) closing: usize,
    /// A probe of the gateway's own has opened it since a connection stood last.
    pub(super) probed: bool,
    pub(super) hold: Option<Hold>,
    pub(super) window: Window,
    /// Its share of each address that it uses.
    pub(super) addresses: BTreeMap<IpAddr, Share>,
    pub(super) suspended: Option<Suspension>,
    pub(super) last_activity: Option<Steady>,
    pub(super) last_delivered: Option<Steady>,
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
    /// It stands in the queue for slots: as one that answered lately, as one that did not.
    pub(super) awaits_slot: [bool; 2],
    /// It is its turn to take a slot that others wait for as well; its ticket.
    pub(super) turn: Option<u64>,
    /// It waits for something at one of its addresses.
    pub(super) awaits_address: bool,
    /// It was last used then; forgotten a day later.
    pub(super) touched: Steady,
    pub(super) vacant: bool,
}

impl Destination {
    pub(super) fn new(host: Host, plan: Plan) -> Self {
        let special = SPECIAL.contains(&host.as_str());
        Self {
            host,
            special,
            plan,
            path: Path::Unknown,
            reach: Reach::Open,
            verdict: Verdict::default(),
            lines: [Line::default(); Need::LINES],
            members: BTreeSet::new(),
            unattempted: 0,
            own_clocks: OwnClocks::default(),
            opening: Vec::new(),
            free: Vec::new(),
            busy: 0,
            closing: 0,
            probed: false,
            hold: None,
            window: Window::default(),
            addresses: BTreeMap::new(),
            suspended: None,
            last_activity: None,
            last_delivered: None,
            last_failure: None,
            last_5xx: None,
            last_tls: None,
            reasons: Reasons::default(),
            agenda: Steady::NEVER,
            look_at: Steady::NEVER,
            dirty: false,
            epoch: 0,
            awaits_slot: [false; 2],
            turn: None,
            awaits_address: false,
            touched: Steady::default(),
            vacant: false,
        }
    }

    pub(super) fn line(&self, need: Need) -> &Line {
        &self.lines[need.line()]
    }

    /// Adds what a mail server offers, in place of what it offered before.
    pub(super) fn meet(&mut self, met: Met) {
        if let Path::Known(known) = &mut self.path {
            known.met.retain(|other| other.address != met.address);
            known.met.push(met);
        }
    }

    /// Counts a connection that leads to an address or may end up there.
    pub(super) fn hold_address(&mut self, address: IpAddr) {
        self.addresses.entry(address).or_default().lent += 1;
    }

    /// Ends the count of [`hold_address`](Self::hold_address).
    pub(super) fn release_address(&mut self, address: IpAddr) {
        if let Some(share) = self.addresses.get_mut(&address) {
            share.lent -= 1;
            if share.lent == 0 && share.window.is_unused() {
                self.addresses.remove(&address);
            }
        }
    }

    /// Returns the window that limits the rate: of the whole, or of an address.
    pub(super) fn window_at(&mut self, address: Option<IpAddr>) -> &mut Window {
        match address.filter(|_| self.plan.control().per_address) {
            Some(address) => &mut self.addresses.entry(address).or_default().window,
            None => &mut self.window,
        }
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

    /// It is being looked up or connected to, and no connection stands that would tell how it is.
    pub(super) fn is_being_tried(&self) -> bool {
        let asking = matches!(self.path, Path::Asking { .. });
        self.standing() == 0 && (asking || !self.opening.is_empty())
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
