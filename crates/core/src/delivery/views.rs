//! What operators read of a shard, without scanning its queue.

use std::net::SocketAddr;

use crate::Instant;
use crate::delivery::Delivery;
use crate::delivery::answer::asked_since;
use crate::delivery::destination::{Destination, Known, Reach, TlsFailure};
use crate::delivery::io::{Slot, Target};
use crate::delivery::reason::Kept;
use crate::delivery::recipient::RecipientId;
use crate::delivery::settings::Route;
use crate::delivery::steady::Steady;
use crate::delivery::why::Why;
use crate::event::{Failure, HostStatus};
use crate::ids::{Dcid, Host, Mid, Rid};

/// A waiting recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientView {
    /// The message.
    pub mid: Mid,
    /// The recipient.
    pub rid: Rid,
    /// Where to.
    pub host: Host,
    /// When the message was accepted, microseconds since the epoch.
    pub accepted_at: u64,
    /// Attempts that count.
    pub attempts: u32,
    /// Why it waits.
    pub why: Why,
    /// Its next try is not before; the present when nothing but a turn is awaited.
    pub due: u64,
    /// Its last failure.
    pub last: Option<Failure>,
}

/// A page of waiting recipients.
#[derive(Clone, Debug)]
pub struct Page {
    /// At most as many as were asked for.
    pub recipients: Vec<RecipientView>,
    /// Where to go on; `None` after the last one.
    pub next: Option<Cursor>,
}

/// A place between two recipients. It holds while recipients come and go: nobody who stays is skipped or repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// After this recipient, by message and number.
    After(Mid, Rid),
    /// After this member of a destination, by age.
    AfterMember(AfterMember),
}

/// The inside of a [`Cursor`] within a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AfterMember(pub(super) Steady, pub(super) RecipientId);

/// All that is known of a destination.
#[derive(Clone, Debug)]
pub struct DestinationView {
    /// Its name.
    pub host: Host,
    /// Up, down or unknown.
    pub status: HostStatus,
    /// Since when, microseconds since the epoch; `None` before the first attempt.
    pub since: Option<u64>,
    /// The status is that of an earlier run: nothing was tried since the start.
    pub carried: bool,
    /// It is being tried now: looked up or connected to, while no connection to it stands.
    pub trying: bool,
    /// The failure behind the status.
    pub reason: Option<Failure>,
    /// The address that the status speaks of.
    pub address: Option<SocketAddr>,
    /// The last failure of any class.
    pub last_failure: Option<Failure>,
    /// The last reply of class 5.
    pub last_5xx: Option<Failure>,
    /// The last failure of TLS.
    pub last_tls: Option<TlsFailure>,
    /// Waiting recipients, and those of them never tried.
    pub active: usize,
    /// Never tried.
    pub unattempted: usize,
    /// Connections that stand, those being closed included.
    pub current: usize,
    /// Connections being opened.
    pub pending: usize,
    /// When the oldest waiting message was accepted.
    pub oldest: Option<u64>,
    /// The last time that something happened on a connection to it.
    pub last_activity: Option<u64>,
    /// The last time that it took a message.
    pub last_delivered: Option<u64>,
    /// How long mail may wait for it, seconds.
    pub queue_seconds: u64,
    /// Targets by preference.
    pub targets: Vec<TargetView>,
    /// The targets hold until; `None` when unknown or fixed by a route.
    pub expires: Option<u64>,
    /// Exchangers as answered: preference, seconds to live, name.
    pub exchangers: Vec<(u16, u32, String)>,
    /// The route, when one is configured.
    pub route: Option<Route>,
    /// The name service is being asked since.
    pub resolving_since: Option<u64>,
    /// Unreachable: since when, and when it is tried next.
    pub backoff: Option<BackoffView>,
    /// By whom it was suspended and since when; all delivery, or itself.
    pub suspended: Option<(String, u64)>,
    /// It is all delivery that is suspended.
    pub suspended_all: bool,
}

/// The clock of a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackoffView {
    /// Unreachable since.
    pub since: u64,
    /// The next try.
    pub next_attempt: u64,
    /// Present length of the clock, seconds.
    pub interval_s: u32,
    /// Why.
    pub reason: Failure,
}

/// A target and what is held against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetView {
    /// The target.
    pub target: Target,
    /// It failed lately: until when it is tried last, and how it failed.
    pub verdict: Option<(u64, Failure)>,
}

/// A destination in one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Its name.
    pub host: Host,
    /// Up, down or unknown.
    pub status: HostStatus,
    /// Waiting recipients.
    pub active: usize,
    /// Slots lent to it.
    pub connections: usize,
}

/// Sums over the shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Waiting recipients.
    pub active: usize,
    /// Never tried.
    pub unattempted: usize,
    /// Tried at least once.
    pub attempted: usize,
    /// Slots lent.
    pub connections: usize,
    /// Destinations in memory.
    pub destinations: usize,
}

/// A connection that holds a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionView {
    /// Its slot.
    pub slot: Slot,
    /// Its number.
    pub dcid: Dcid,
    /// Who uses it.
    pub host: Host,
    /// Where it leads, once settled.
    pub address: Option<SocketAddr>,
    /// What it does.
    pub state: ConnectionState,
}

/// What a connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// It is being opened.
    Opening,
    /// Ready, with nothing to do.
    Idle,
    /// It carries this message.
    Busy(Mid),
    /// QUIT was asked for.
    Closing,
}

impl Delivery {
    pub(super) fn recipient_view(&self, id: RecipientId, at: Steady) -> RecipientView {
        let recipient = &self.recipients[id];
        let destination = &self.destinations[recipient.destination];
        let of_host = match &destination.reach {
            Reach::Backoff(backoff) => backoff.until,
            Reach::Open => at,
        };
        RecipientView {
            mid: recipient.mid,
            rid: recipient.rid,
            host: destination.host.clone(),
            accepted_at: self.clock.wall(recipient.accepted),
            attempts: recipient.attempts,
            why: self.why_of(id, at),
            due: self.clock.wall(recipient.due.max(of_host).max(at)),
            last: recipient.last.as_ref().map(Kept::failure),
        }
    }

    /// Returns all that is known of a destination, or `None` when it is not in memory.
    pub fn destination(&self, host: &Host, now: Instant) -> Option<DestinationView> {
        let destination = &self.destinations[self.destinations.find(host.as_str())?];
        let at = self.clock.peek(now, self.wanted);
        let Destination { verdict, members, .. } = destination;
        let failure = |kept: &Option<Kept>| kept.as_ref().map(Kept::failure);
        let known = destination.known();
        Some(DestinationView {
            host: destination.host.clone(),
            status: verdict.status,
            since: (verdict.since > 0).then_some(verdict.since),
            carried: verdict.carried.is_some(),
            trying: destination.is_being_tried(),
            reason: failure(&verdict.reason),
            address: verdict.address,
            last_failure: failure(&destination.last_failure),
            last_5xx: failure(&destination.last_5xx),
            last_tls: destination.last_tls.clone(),
            active: members.len(),
            unattempted: destination.unattempted,
            current: destination.standing() + destination.closing,
            pending: destination.opening.len(),
            oldest: members.first().map(|(accepted, _)| self.clock.wall(*accepted)),
            last_activity: destination.last_activity.map(|at| self.clock.wall(at)),
            last_delivered: destination.last_delivered.map(|at| self.clock.wall(at)),
            queue_seconds: destination.plan.profile().queue_seconds,
            targets: known.map_or(Vec::new(), |known| self.target_views(known, at)),
            expires: known
                .filter(|known| known.expires != Steady::NEVER)
                .map(|known| self.clock.wall(known.expires)),
            exchangers: known.map_or(Vec::new(), |known| known.exchangers.clone()),
            route: Some(destination.plan.route().clone()).filter(|route| *route != Route::UseDns),
            resolving_since: asked_since(destination),
            backoff: self.backoff_view(destination),
            suspended: self.suspension_of(destination),
            suspended_all: self.suspended.is_some(),
        })
    }

    pub(super) fn backoff_view(&self, destination: &Destination) -> Option<BackoffView> {
        match &destination.reach {
            Reach::Open => None,
            Reach::Backoff(backoff) => Some(BackoffView {
                since: backoff.since,
                next_attempt: self.clock.wall(backoff.until),
                interval_s: backoff.interval_s,
                reason: backoff.reason.failure(),
            }),
        }
    }

    fn target_views(&self, known: &Known, at: Steady) -> Vec<TargetView> {
        let view = |target: &Target| {
            let verdict = self.verdicts.running(target.address, at);
            let verdict = verdict.map(|verdict| (self.clock.wall(verdict.until), verdict.failure.failure()));
            TargetView { target: target.clone(), verdict }
        };
        known.targets.iter().map(view).collect()
    }

    /// Yields every destination in memory, by name.
    pub fn cells(&self) -> impl Iterator<Item = Cell> {
        self.destinations.by_name().map(|destination| Cell {
            host: destination.host.clone(),
            status: destination.verdict.status,
            active: destination.members.len(),
            connections: destination.lent(),
        })
    }

    /// Returns the sums over the shard.
    pub fn gauges(&self) -> Gauges {
        let active = self.recipients.len();
        Gauges {
            active,
            unattempted: self.unattempted,
            attempted: active - self.unattempted,
            connections: self.limits.lent(),
            destinations: self.destinations.len(),
        }
    }
}
