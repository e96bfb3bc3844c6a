//! Counters: the fold of the event stream, and nothing else.
//!
//! Promises: counting an event needs no look-back, so the counters of a ledger can be had again from any of
//! its segments' openings; the columns Reset, Uptime and Lifetime are one set of counters and two marks in
//! it, so they cannot drift apart; law 6 can be asked at any time ([`Tally::identity`]).
//!
//! Not here: what is waiting now, by destination and reason. That is the queue's own knowledge; the tally
//! only says how many recipients must be open ([`Tally::open_recipients`]), for others to compare.

use std::collections::BTreeMap;

use crate::event::{Event, GeneratedKind, Stamped};
use crate::ids::{Dcid, Host, Icid, Mid};

mod counters;
mod current;
mod identity;
mod proof;
mod rates;
mod stored;
#[cfg(test)]
mod tests;

pub use counters::{Counters, Destination, Ends, Generated, HardBounces};
pub use current::{Connections, CurrentIds};
pub use identity::Identity;
pub use proof::Proof;
pub use rates::Rate;
pub use stored::Unreadable;

use rates::{Kind, Rates};

/// The counters of the gateway and of each destination.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    system: System,
    destinations: BTreeMap<Host, Destination>,
    rates: Rates,
}

/// What is counted about the gateway as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct System {
    lifetime: Counters,
    /// The lifetime counters when the process started.
    at_start: Counters,
    /// The lifetime counters when an operator reset them.
    at_reset: Counters,
    started_at: Option<u64>,
    reset_at: Option<u64>,
    ids: CurrentIds,
    connections: Connections,
}

/// Which span a counter is asked over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Since an operator reset the counters, or ever.
    Reset,
    /// Since the process started.
    Uptime,
    /// Ever.
    Lifetime,
}

impl Tally {
    /// Counts an event.
    pub fn apply(&mut self, stamped: &Stamped) {
        let at = stamped.at;
        let system = &mut self.system;
        match &stamped.event {
            Event::Started { .. } => self.started(at),
            Event::CountersReset => self.reset(at),
            Event::ConnectionOpened { icid, .. } => system.opened_inbound(*icid),
            Event::ConnectionClosed { .. } => system.connections.closed_inbound(),
            Event::MessageStarted { mid, .. } => system.ids.saw_message(*mid),
            Event::RecipientRejected { .. } => system.lifetime.rejected_recipients += 1,
            Event::Accepted { mid, recipients, .. } => self.accepted(at, *mid, u64::from(*recipients)),
            Event::Generated { mid, kind, recipients, .. } => {
                system.generated(*mid, *kind, recipients.len() as u64);
            }
            Event::DeliveryOpened { dcid, .. } => system.opened_outbound(*dcid),
            Event::ConnectFailed { dcid, .. } => system.ids.saw_outbound(*dcid),
            Event::DeliveryClosed { .. } => system.connections.closed_outbound(),
            Event::Deferred { host, .. } => self.deferred(at, host),
            Event::Delivered { rids, host, .. } => {
                self.ended(at, host, Kind::Delivered, rids.len() as u64, |ends| &mut ends.delivered);
            }
            Event::Bounced { host, kind, .. } => {
                self.ended(at, host, Kind::HardBounced, 1, |ends| ends.hard.of(*kind));
            }
            Event::Deleted { host, .. } => self.ended(at, host, Kind::Deleted, 1, |ends| &mut ends.deleted),
            Event::Corrupt { recipients, .. } => {
                system.lifetime.corrupt_recipients += u64::from(*recipients);
            }
            Event::Archived { .. } => system.lifetime.archived_recipients += 1,
            // Of these nothing is counted.
            Event::DeliveryStarted { .. }
            | Event::HostChanged { .. }
            | Event::LookupFailed { .. }
            | Event::DeliveryTls { .. }
            | Event::Stopped
            | Event::LedgerGap { .. }
            | Event::Configured { .. }
            | Event::Alert(_)
            | Event::Greeted { .. }
            | Event::PeerJudged { .. }
            | Event::InboundTls { .. }
            | Event::SenderRejected { .. }
            | Event::RecipientAccepted { .. }
            | Event::MessageAborted { .. }
            | Event::Queued { .. }
            | Event::BadCommand { .. }
            | Event::Finished { .. }
            | Event::DeliverySuspended { .. }
            | Event::DeliveryResumed { .. }
            | Event::DeliverNow { .. }
            | Event::SpoolSpace { .. }
            | Event::Commanded { .. }
            | Event::SignIn { .. }
            | Event::ReceivingSuspended { .. }
            | Event::ReceivingResumed { .. }
            | Event::WorkQueuePaused { .. }
            | Event::WorkQueueResumed { .. }
            | Event::Redirected { .. }
            | Event::JobDone { .. }
            | Event::Probed { .. }
            | Event::HostFacts { .. }
            | Event::HostFlapped { .. }
            | Event::SettingsChanged { .. } => {}
        }
    }

    /// Sets the Reset column, and what is counted of each destination, to zero.
    pub fn reset(&mut self, at: u64) {
        self.system.at_reset = self.system.lifetime;
        self.system.reset_at = Some(at);
        for destination in self.destinations.values_mut() {
            *destination = Destination { last_activity: destination.last_activity, ..Destination::default() };
        }
    }

    /// Sets the Uptime column to zero: what was counted until now was another process's.
    pub fn begin_uptime(&mut self) {
        self.system.at_start = self.system.lifetime;
    }

    /// Returns the gateway's counters over a span.
    pub fn counters(&self, column: Column) -> Counters {
        let system = &self.system;
        match column {
            Column::Reset => system.lifetime.since(&system.at_reset),
            Column::Uptime => system.lifetime.since(&system.at_start),
            Column::Lifetime => system.lifetime,
        }
    }

    /// Returns what is counted of a destination since it was first seen, or since the counters were reset.
    pub fn destination_counters(&self, host: &str) -> Option<&Destination> {
        self.destinations.get(host)
    }

    /// Returns every destination by name.
    pub fn destinations(&self) -> impl Iterator<Item = (&Host, &Destination)> {
        self.destinations.iter()
    }

    /// Takes out the destinations at which nothing happened since `before`, for a store of their own.
    pub fn take_idle(&mut self, before: u64) -> Vec<(Host, Destination)> {
        self.destinations.extract_if(.., |_, destination| destination.last_activity < before).collect()
    }

    /// Puts back a destination that was taken out. What was counted meanwhile is added.
    pub fn put_back(&mut self, host: Host, counters: Destination) {
        self.destinations.entry(host).or_default().add(&counters);
    }

    /// Returns events an hour, extrapolated from the last 1, 5 and 15 minutes before `now`.
    pub fn rates(&self, now: u64) -> [Rate; 3] {
        self.rates.windows(now)
    }

    /// Returns how many recipients must be waiting or being attempted now (law 6).
    pub fn open_recipients(&self) -> u64 {
        self.system.lifetime.open()
    }

    /// Compares the lifetime counters with the recipients that are really there.
    pub fn identity(&self, closing: u64) -> Identity {
        Identity::over(0, &self.system.lifetime, closing)
    }

    /// Returns the highest ids seen.
    pub const fn ids(&self) -> CurrentIds {
        self.system.ids
    }

    /// Returns the connections open now, as far as events tell.
    pub const fn connections(&self) -> Connections {
        self.system.connections
    }

    /// Returns when the process started, microseconds since the epoch.
    pub const fn started_at(&self) -> Option<u64> {
        self.system.started_at
    }

    /// Returns when the counters were last reset, if ever.
    pub const fn reset_at(&self) -> Option<u64> {
        self.system.reset_at
    }

    fn started(&mut self, at: u64) {
        self.system.started_at = Some(at);
        self.system.connections = Connections::default();
        self.begin_uptime();
    }

    fn accepted(&mut self, at: u64, mid: Mid, recipients: u64) {
        self.system.ids.saw_message(mid);
        self.system.lifetime.messages_received += 1;
        self.system.lifetime.recipients_received += recipients;
        self.rates.add(at, Kind::MessagesReceived, 1);
        self.rates.add(at, Kind::RecipientsReceived, recipients);
    }

    fn deferred(&mut self, at: u64, host: &Host) {
        self.system.lifetime.soft_bounced_events += 1;
        self.rates.add(at, Kind::SoftBouncedEvents, 1);
        self.destination(host, at).soft_bounced_events += 1;
    }

    /// Counts an end for the gateway and for the destination: the same counter of both.
    fn ended(&mut self, at: u64, host: &Host, kind: Kind, count: u64, which: impl Fn(&mut Ends) -> &mut u64) {
        *which(&mut self.system.lifetime.ends) += count;
        self.rates.add(at, kind, count);
        *which(&mut self.destination(host, at).ends) += count;
    }

    fn destination(&mut self, host: &Host, at: u64) -> &mut Destination {
        let destination = self.destinations.entry(host.clone()).or_default();
        destination.last_activity = destination.last_activity.max(at);
        destination
    }
}

impl System {
    fn opened_inbound(&mut self, icid: Icid) {
        self.ids.saw_inbound(icid);
        self.connections.inbound += 1;
    }

    fn opened_outbound(&mut self, dcid: Dcid) {
        self.ids.saw_outbound(dcid);
        self.connections.outbound += 1;
    }

    fn generated(&mut self, mid: Mid, kind: GeneratedKind, recipients: u64) {
        self.ids.saw_message(mid);
        *self.lifetime.generated.of(kind) += recipients;
    }
}

impl Generated {
    const fn of(&mut self, kind: GeneratedKind) -> &mut u64 {
        match kind {
            GeneratedKind::Bounce => &mut self.bounces,
            GeneratedKind::Delay => &mut self.delays,
            GeneratedKind::Success => &mut self.successes,
        }
    }
}
