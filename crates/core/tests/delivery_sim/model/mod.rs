//! The reference model: what must be true of the queue, told from the inputs that the scheduler was given,
//! the effects it asked for and the world, by the rules of the design and by nothing of the implementation.
//!
//! Where the design leaves a choice the model keeps every legal state and narrows to the one that the
//! scheduler shows; where it leaves none, anything else is a [`Violation`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use mailreeve_core::delivery::io::{Input, OrderId, Resolution};
use mailreeve_core::delivery::settings::{BounceProfile, Control, Hop, HopHost, Route, Settings};
use mailreeve_core::event::Failure;
use mailreeve_core::ids::{Dcid, Host, Mid, Rid};

use crate::clock::{Clock, Moment};
use crate::coverage::{Coverage, Point};
use crate::world::{SocketState, World};

mod audit;
mod destination;
mod effects;
mod ends;
mod expiry;
mod inputs;
mod met;
mod orders;
mod recipient;
mod retry;
mod room;
mod timer;
mod transact;
mod truth;
mod verdict;

pub(crate) use destination::Destination;
pub(crate) use orders::signature;
pub(crate) use recipient::{Phase, Recipient};
use retry::Retrying;

/// A law broken: which, and what was seen.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    /// The law, in the words of the design.
    pub(crate) law: &'static str,
    /// What was claimed and what is true.
    pub(crate) text: String,
}

/// Nothing, or a broken law.
pub(crate) type Verdict = Result<(), Violation>;

/// Fails with the law and the text.
pub(crate) fn broken<T>(law: &'static str, text: impl Into<String>) -> Result<T, Violation> {
    Err(Violation { law, text: text.into() })
}

/// Fails unless `holds`.
pub(crate) fn require(holds: bool, law: &'static str, text: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { broken(law, text()) }
}

/// What the model judges by: the world as it is, and the time.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    /// The world.
    pub(crate) world: &'a World,
    /// The time.
    pub(crate) clock: &'a Clock,
}

/// The queue as it must be.
pub(crate) struct Model {
    pub(crate) settings: Arc<Settings>,
    pub(crate) recipients: BTreeMap<(Mid, Rid), Recipient>,
    pub(crate) destinations: BTreeMap<Host, Destination>,
    pub(crate) suspended: Option<(String, Moment)>,
    pub(crate) exhausted: Option<Moment>,
    pub(crate) stopping: bool,
    /// When the disk last could not record, or settings changed: a timer may be caught up a little later.
    disturbed_at: u64,
    reconfigured_at: u64,
    last_dcid: Option<Dcid>,
    connections: BTreeMap<Dcid, Connection>,
    orders: BTreeMap<OrderId, orders::Ordered>,
    /// Addresses that were last met failing, by whichever destination.
    sick: BTreeSet<SocketAddr>,
    /// Retry-nows that were not answered yet, oldest first.
    retrying: VecDeque<Retrying>,
    /// What the present input allows and demands.
    step: Step,
}

/// Where a destination is reached.
pub(crate) struct Known {
    /// Address and preference.
    pub(crate) targets: Vec<(SocketAddr, u16)>,
    /// When the answer came, steady, and when it expires, wall; `None` when a route fixes it.
    pub(crate) answered: Option<(u64, u64)>,
}

/// Returns each address once, with its best preference.
fn once_each(targets: impl IntoIterator<Item = (SocketAddr, u16)>) -> Vec<(SocketAddr, u16)> {
    let mut best = BTreeMap::new();
    for (address, preference) in targets {
        let known = best.entry(address).or_insert(preference);
        *known = preference.min(*known);
    }
    best.into_iter().collect()
}

/// A connection that was asked for and has not ended.
struct Connection {
    host: Host,
    asked_at: u64,
    /// Only some of the destination's addresses were named.
    partial: bool,
}

/// The consequences that the input in hand may have, and has had.
#[derive(Default)]
struct Step {
    /// A failed try of a destination: who may be charged for it.
    failed_try: Option<FailedTry>,
    /// Recipients whose transaction ended.
    resulted: BTreeSet<(Mid, Rid)>,
    corrupt: Option<(Dcid, Mid)>,
    changed: BTreeSet<Host>,
    /// A probe of it was answered.
    probed: Option<Host>,
}

/// A connection or look-up that failed in this input.
struct FailedTry {
    host: Host,
    /// Those that waited for exactly this connection.
    waited: Vec<(Mid, Rid)>,
    /// Another connection stands, or this was a second look for some: nobody needs to pay for it.
    beside: bool,
    /// Every address said 521, or some did.
    refused: (bool, bool),
    failures: Vec<Failure>,
    charged: u32,
    ended: u32,
}

impl Model {
    /// A model of an empty shard.
    pub(crate) fn new(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            recipients: BTreeMap::new(),
            destinations: BTreeMap::new(),
            suspended: None,
            exhausted: None,
            stopping: false,
            disturbed_at: 0,
            reconfigured_at: 0,
            last_dcid: None,
            connections: BTreeMap::new(),
            orders: BTreeMap::new(),
            sick: BTreeSet::new(),
            retrying: VecDeque::new(),
            step: Step::default(),
        }
    }

    /// Takes note of what the scheduler is about to be told. `scene.world` has the sockets as the input
    /// leaves them.
    pub(crate) fn begin(&mut self, input: &Input, scene: Scene<'_>, coverage: &mut Coverage) -> Verdict {
        self.step = Step::default();
        self.cover_trial(input, coverage);
        self.take(input, scene, coverage)
    }

    /// Takes note of a jump of the wall clock: every running timer may now fire a little late.
    pub(crate) fn jumped(&mut self) {
        for recipient in self.recipients.values_mut() {
            recipient.jumped();
        }
        for destination in self.destinations.values_mut() {
            destination.jumped();
        }
    }

    /// Returns the destination control of `host`.
    pub(crate) fn control(&self, host: &Host) -> &Control {
        let found = self.settings.controls.iter().find(|(pattern, _)| pattern.matches(host.as_str()));
        found.map_or(&self.settings.default_control, |(_, control)| control)
    }

    /// Returns the bounce profile of `host`.
    pub(crate) fn profile(&self, host: &Host) -> &BounceProfile {
        &self.settings.profiles[self.control(host).profile]
    }

    /// Returns the route of `host`, when one is set.
    pub(crate) fn route(&self, host: &Host) -> Option<&Route> {
        self.settings
            .routes
            .iter()
            .find(|(pattern, _)| pattern.matches(host.as_str()))
            .map(|(_, route)| route)
    }

    /// Returns where `host` is reached: fixed by a route of addresses, or as last answered. With it, when the
    /// answer came and when it expires.
    pub(crate) fn known(&self, host: &Host) -> Option<Known> {
        let fixed = |hop: &Hop| match &hop.host {
            HopHost::Address(address) => Some((*address, hop.priority)),
            HopHost::Name(_) => None,
        };
        if let Some(Route::Hops { hops, .. }) = self.route(host)
            && let Some(targets) = hops.iter().map(fixed).collect::<Option<Vec<_>>>()
        {
            return Some(Known { targets: once_each(targets), answered: None });
        }
        match self.destinations.get(host)?.answer.as_ref()? {
            (Resolution::Addresses { targets, expires_at, .. }, at) => {
                let targets = targets.iter().map(|target| (target.address, target.preference));
                Some(Known { targets: once_each(targets), answered: Some((*at, *expires_at)) })
            }
            (Resolution::Soft(_) | Resolution::Hard(_), _) => None,
        }
    }

    /// Tells whether no recipient is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.recipients.is_empty()
    }

    /// Tells whether a recipient is in an attempt.
    pub(crate) fn is_attempting(&self, mid: Mid, rid: Rid) -> bool {
        self.recipients
            .get(&(mid, rid))
            .is_some_and(|recipient| matches!(recipient.phase, Phase::Attempting(_)))
    }

    /// Counts how trials end.
    fn cover_trial(&self, input: &Input, coverage: &mut Coverage) {
        let (dcid, point) = match input {
            Input::Ready { dcid, .. } => (dcid, Point::TrialWon),
            Input::Unusable { dcid, .. } => (dcid, Point::TrialFailed),
            _ => return,
        };
        let Some(connection) = self.connections.get(dcid) else { return };
        let trial = self
            .destinations
            .get(&connection.host)
            .is_some_and(|one| one.on_trial() && connection.asked_at > one.held_at);
        if trial {
            coverage.hit(point);
        }
    }

    fn destination(&mut self, host: &Host) -> &mut Destination {
        self.destinations.entry(host.clone()).or_default()
    }

    /// Returns the idle connection that could carry the recipient now, when there is one.
    fn idle_for(&self, recipient: &Recipient, scene: Scene<'_>) -> Option<Dcid> {
        let control = self.control(&recipient.host);
        let fits = |socket: &&crate::world::Socket| {
            socket.host == recipient.host
                && socket.state == SocketState::Idle
                && socket.facts.as_ref().is_some_and(|facts| {
                    recipient.fits(facts, &self.settings)
                        && socket.transactions
                            < control
                                .messages_per_connection
                                .min(facts.transactions_max.unwrap_or(usize::MAX))
                })
                && self.rate_room(&recipient.host, Some(socket.address().ip()), scene) > 0
        };
        scene.world.sockets.iter().find(|(_, socket)| fits(socket)).map(|(dcid, _)| *dcid)
    }
}
