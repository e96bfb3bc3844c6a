//! Delivery decisions: who is tried when, where, on which connection, and why somebody waits.
//!
//! A [`Delivery`] is one shard: the destinations given to it, with all their waiting recipients, in memory only.
//! It decides and does nothing: [`Delivery::handle`] takes what happened ([`io::Input`]) with the time, and
//! returns what must be done ([`io::Effect`]).
//!
//! Promises:
//! - Every recipient that entered has one [`why::Why`] at any instant, until its one [`io::Effect::End`].
//! - Nothing starts but through the gate that also answers [`Delivery::why`] (law 3).
//! - Work of a call is bounded: what an input sets off goes on in slices of at most 1,000 recipients with the
//!   next calls, for which [`Delivery::deadline`] then asks at once (law: at most 5 ms an input).
//! - Nothing expires early and nothing waits longer than its clock when the wall clock jumps (`steady`).
//! - The same inputs and the same seed give the same effects.
//!
//! What the shell owes: it calls `handle(Input::Tick)` at the deadline; enters all waiting recipients of a
//! message that are meant for this shard in one `Enqueue`, at most about 1,000 recipients a call; answers every
//! `Resolve`, `Connect`, `Transact`, `Quit` and `Slice` once. It records `DeliveryOpened` itself, before it passes
//! `Ready` on, because it alone knows the local address; `ConnectFailed`, `LookupFailed`, `HostChanged`,
//! `DeliveryTls`, `DeliveryStarted` and `DeliveryClosed` come from here as [`io::Effect::Record`].
//!
//! Not here: MX look-ups, sockets, SMTP, reports, bodies; and counters, which are folded from events.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use crate::Instant;
use crate::ids::{Dcid, Mid, Rid};

mod address_use;
mod agenda;
mod answer;
mod awaiting;
mod carried;
mod cohorts;
mod connect;
mod connection;
mod content;
mod destination;
mod destinations;
mod end;
mod enqueue;
mod evidence;
mod gate;
mod held;
pub mod io;
mod limits;
mod line;
mod need;
mod operator;
mod order;
mod orders;
mod outage;
mod outcome;
mod pages;
mod plan;
mod probed;
mod reach;
mod reason;
mod recipient;
mod retry_now;
mod rng;
mod rows;
mod serve;
pub mod settings;
mod share;
mod slots_in_use;
mod steady;
mod timers;
mod told;
mod transact;
mod verdict;
mod verdicts;
pub mod views;
mod way;
pub mod why;
mod window;

#[cfg(test)]
mod tests;

pub use carried::CarriedVerdict;
pub use cohorts::Cohort;
pub use destination::{SPECIAL, TlsFailure};
pub use outage::{Outage, Outages};
pub use plan::{Demand, Plan};
pub use rows::Row;
pub use told::{Notice, TellOutages};

use connection::Connections;
use destination::{DestinationId, Suspension};
use destinations::Destinations;
use io::{Effect, Input};
use limits::Limits;
use operator::Job;
use orders::Orders;
use recipient::{RecipientId, Recipients};
use rng::Rng;
use settings::Settings;
use steady::{Clock, Steady};
use timers::Timers;
use verdicts::AddressVerdicts;

/// Recipients (or destinations) that one call works on.
const SLICE: usize = 1_000;

/// One delivery shard.
#[derive(Debug)]
pub struct Delivery {
    settings: Arc<Settings>,
    clock: Clock,
    /// The wake-up asked for after the last input.
    wanted: Steady,
    rng: Rng,
    next_dcid: Dcid,

    recipients: Recipients,
    /// All recipients by message.
    index: BTreeSet<(Mid, Rid, RecipientId)>,
    timers: Timers,
    unattempted: usize,

    destinations: Destinations,
    /// When which destination is to be looked at.
    agenda: BTreeSet<(Steady, DestinationId)>,
    /// Destinations for which something changed.
    dirty: VecDeque<DestinationId>,

    connections: Connections,
    limits: Limits,
    verdicts: AddressVerdicts,

    suspended: Option<Suspension>,
    /// Since when the disk cannot record ends, wall time.
    spool_exhausted: Option<u64>,
    shutting_down: bool,
    /// Operators' commands and reviews that are carried out in slices.
    jobs: VecDeque<Job>,
    /// Operators' orders over many recipients.
    orders: Orders,
    /// What is left of this call's work.
    budget: usize,
}

impl Delivery {
    /// Makes an empty shard. DCIDs count from `first_dcid`; `seed` decides the order of equal exchangers.
    pub fn new(settings: Arc<Settings>, seed: u64, first_dcid: Dcid) -> Self {
        let mut delivery = Self {
            settings,
            clock: Clock::default(),
            wanted: Steady::NEVER,
            rng: Rng::new(seed),
            next_dcid: first_dcid,
            recipients: Recipients::new(),
            index: BTreeSet::new(),
            timers: Timers::default(),
            unattempted: 0,
            destinations: Destinations::default(),
            agenda: BTreeSet::new(),
            dirty: VecDeque::new(),
            connections: Connections::default(),
            limits: Limits::default(),
            verdicts: AddressVerdicts::default(),
            suspended: None,
            spool_exhausted: None,
            shutting_down: false,
            jobs: VecDeque::new(),
            orders: Orders::default(),
            budget: 0,
        };
        for name in SPECIAL {
            delivery.destination_for(&crate::ids::Host::new(name));
        }
        delivery
    }

    /// Takes in what happened and appends what must be done.
    ///
    /// Facts come before the ends and deferrals that they explain. Inputs about unknown connections or recipients
    /// change nothing.
    pub fn handle(&mut self, input: Input, now: Instant, effects: &mut Vec<Effect>) {
        self.clock.observe(now, self.wanted);
        self.budget = SLICE;
        match input {
            Input::Enqueue(waiting) => self.enqueue(waiting),
            Input::Resolved { host, resolution } => self.resolved(host.as_str(), resolution, effects),
            Input::Ready { dcid, target, peer, failed } => self.ready(dcid, target, peer, &failed, effects),
            Input::Unusable { dcid, failed } => self.unusable(dcid, &failed, effects),
            Input::Outcome { dcid, mid, results, after } => self.outcome(dcid, mid, results, after, effects),
            Input::Closed { dcid, why } => self.closed(dcid, why, effects),
            Input::Tick => {}
            Input::DeliverNow { scope, by } => self.deliver_now(scope, by),
            Input::Suspend { host, by } => self.suspend(host, by, effects),
            Input::Resume { host, by } => self.resume(host, by, effects),
            Input::Order(order) => self.take_order(order),
            Input::Held(slice) => self.take_held(slice),
            Input::GoOn { order } => self.go_on(order),
            Input::Reconfigure(settings) => self.reconfigure(settings),
            Input::SpoolSpace { exhausted } => self.spool_space(exhausted),
            Input::RecordCorrupt { dcid, mid, detail } => self.record_corrupt(dcid, mid, &detail, effects),
            Input::Probed { host, address, by_itself } => {
                self.probed(host.as_str(), address, by_itself, effects);
            }
            Input::Shutdown => self.shutdown(effects),
        }
        self.keep_time(effects);
        self.work_on_jobs(effects);
        self.work_on_orders(effects);
        self.serve_all(effects);
        self.wanted = self.next_wanted();
    }

    /// Returns when [`Input::Tick`] is wanted: at once while work is left over from a slice, and within half
    /// a minute while anything in memory ages.
    pub fn deadline(&self) -> Option<Instant> {
        (self.wanted != Steady::NEVER).then(|| Instant(self.clock.wall(self.wanted)))
    }

    /// Returns the number that the next connection will have: the shell reserves numbers beyond it in time.
    pub fn next_dcid(&self) -> Dcid {
        self.next_dcid
    }

    fn now(&self) -> Steady {
        self.clock.now()
    }

    fn find(&self, mid: Mid, rid: Rid) -> Option<RecipientId> {
        let range = (mid, rid, RecipientId::FIRST)..=(mid, rid, RecipientId::NONE);
        self.index.range(range).next().map(|(_, _, id)| *id)
    }

    /// Yields the recipients of a message that are in this shard, by number.
    fn of_message(&self, mid: Mid) -> impl Iterator<Item = RecipientId> {
        let range = (mid, Rid(0), RecipientId::FIRST)..=(mid, Rid(u32::MAX), RecipientId::NONE);
        self.index.range(range).map(|(_, _, id)| *id)
    }

    /// Notes that something changed for a destination.
    fn touch(&mut self, id: DestinationId) {
        let destination = &mut self.destinations[id];
        if !destination.dirty {
            destination.dirty = true;
            self.dirty.push_back(id);
        }
    }
}
