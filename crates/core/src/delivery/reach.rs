//! Whether destinations can be reached: answers of the name service, connections that came to stand or did not,
//! and the verdict that operators read.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use crate::delivery::Delivery;
use crate::delivery::connect::opening_as;
use crate::delivery::connection::{Peer, Phase};
use crate::delivery::content::{Met, Offer};
use crate::delivery::destination::{Backoff, DestinationId, Hold, Known, Path, Reach, TlsFailure};
use crate::delivery::end::{WaitsFor, bounce_kind, next_interval};
use crate::delivery::evidence::{status_after, telling_failure};
use crate::delivery::io::{AddressTry, Effect, PeerFacts, Resolution, Slot, Target};
use crate::delivery::recipient::{Place, RecipientId};
use crate::delivery::steady::Steady;
use crate::event::{Cause, Event, Failure, HostStatus, Stage, TlsResult};
use crate::ids::{Dcid, Mid, Rid};

/// The greeting of a host that never takes mail (RFC 7504).
const NEVER_ACCEPTS: u16 = 521;

impl Delivery {
    pub(super) fn resolved(&mut self, host: &str, resolution: Resolution, effects: &mut Vec<Effect>) {
        let Some(id) = self.destinations.find(host) else { return };
        let Path::Asking { bearer, outdated, .. } = self.destinations[id].path else { return };
        self.touch(id);
        if outdated {
            self.destinations[id].path = Path::Unknown;
            return;
        }
        match resolution {
            Resolution::Addresses { targets, exchangers, expires_at } => {
                self.found(id, targets, exchangers, Some(expires_at), effects);
            }
            Resolution::Soft(failure) => {
                self.record_lookup(id, &failure, false, effects);
                self.lookup_failed(id, failure, bearer, effects);
            }
            Resolution::Hard(failure) => {
                self.record_lookup(id, &failure, true, effects);
                self.remember_failure(id, &failure);
                let now = self.now();
                let destination = &mut self.destinations[id];
                destination.verdict.attempted = Some(now);
                let kept = destination.reasons.keep(&failure);
                destination.path = Path::Refused { failure: kept, kind: bounce_kind(&failure) };
                destination.reach = Reach::Open;
                destination.verdict.failing_since = None;
                self.judge(id, HostStatus::Unknown, Some(&failure), None, effects);
            }
        }
    }

    /// Takes in where a destination can be reached; `expires_at` is wall time, `None` for what a route fixes.
    pub(super) fn found(
        &mut self,
        id: DestinationId,
        mut targets: Vec<Target>,
        exchangers: Vec<(u16, u32, String)>,
        expires_at: Option<u64>,
        effects: &mut Vec<Effect>,
    ) {
        let Path::Asking { bearer, .. } = self.destinations[id].path else { return };
        if targets.is_empty() {
            let failure =
                self.local_failure(Cause::NoRoute, (4, 4, 4), "There is no address to connect to".to_owned());
            self.lookup_failed(id, failure, bearer, effects);
            return;
        }
        targets.sort_by_key(|target| target.preference);
        // An address behind several exchangers is one server: it is tried once, as the best of them.
        let mut met = BTreeSet::new();
        targets.retain(|target| met.insert(target.address));
        // An answer that is old already still serves the attempt that asked for it.
        let shortest = self.now().plus_secs(1);
        let expires = expires_at.map_or(Steady::NEVER, |at| self.clock.steady(at).max(shortest));
        let known = Known { targets, exchangers, expires, met: Vec::new() };
        self.destinations[id].path = Path::Known(known);
        self.destinations[id].plan = self.plan_for(&self.destinations[id]);
    }

    fn record_lookup(&mut self, id: DestinationId, failure: &Failure, hard: bool, effects: &mut Vec<Effect>) {
        let host = self.destinations[id].host.clone();
        effects.push(Effect::Record(Event::LookupFailed { host, hard, detail: failure.text.join(" ") }));
    }

    /// There is no way to the destination for now: unreachable, unless connections still stand.
    fn lookup_failed(
        &mut self,
        id: DestinationId,
        failure: Failure,
        bearer: (Mid, Rid),
        effects: &mut Vec<Effect>,
    ) {
        self.destinations[id].path = Path::Unknown;
        if self.destinations[id].standing() > 0 {
            self.remember_failure(id, &failure);
            self.hold_connections(id);
            return;
        }
        let bearer = self.bearer(id, bearer);
        self.unreachable(id, failure, HostStatus::Unknown, bearer, effects);
    }

    pub(super) fn ready(
        &mut self,
        dcid: Dcid,
        target: Target,
        facts: PeerFacts,
        failed: &[AddressTry],
        effects: &mut Vec<Effect>,
    ) {
        let Some(slot) = self.connections.find(dcid) else { return };
        let Phase::Opening { unproven, .. } = self.connections[slot].phase else { return };
        let id = self.connections[slot].destination;
        let address = target.address;
        self.record_failed_addresses(id, dcid, failed, effects);
        self.record_tls(id, dcid, &facts, effects);
        self.verdicts.clear(address);
        self.touch_waiting(address.ip());
        if unproven {
            self.limits.no_longer_unproven(1);
        }
        self.settle_address(slot, address);
        let destination = &mut self.destinations[id];
        destination.meet(Met { address, offer: Some(Offer::of(&facts)) });
        destination.probed = false;
        destination.opening.retain(|other| *other != slot);
        destination.free.push(slot);
        let outdated = self.connections[slot].epoch != destination.epoch;
        let connection = &mut self.connections[slot];
        connection.phase = Phase::Free;
        connection.peer = Some(Peer { target, facts });
        self.attempted(id);
        self.answered(id, Some(address), effects);
        if outdated || self.shutting_down {
            self.quit(slot, effects);
        }
        self.touch(id);
    }

    /// Ends the hold on addresses that the connection might have led to.
    fn settle_address(&mut self, slot: Slot, address: SocketAddr) {
        let held = std::mem::take(&mut self.connections[slot].held);
        let id = self.connections[slot].destination;
        for (place, other) in held.into_iter().enumerate() {
            let held = opening_as(place == 0);
            if other == address.ip() {
                self.limits.stands_at(other, held);
                self.connections[slot].held.push(other);
            } else {
                self.release_address(id, other, held);
            }
        }
    }

    pub(super) fn unusable(&mut self, dcid: Dcid, failed: &[AddressTry], effects: &mut Vec<Effect>) {
        let Some(slot) = self.connections.find(dcid) else { return };
        let Phase::Opening { need, bearer, choosy, .. } = self.connections[slot].phase else { return };
        let id = self.connections[slot].destination;
        self.record_failed_addresses(id, dcid, failed, effects);
        self.release(slot, None, effects);
        self.attempted(id);
        let failure = telling_failure(failed).cloned().unwrap_or_else(|| {
            self.local_failure(Cause::ConnectError, (4, 4, 1), "No address could be tried".to_owned())
        });
        self.remember_failure(id, &failure);
        let bearer = self.bearer(id, bearer);
        if choosy {
            // The servers that cannot take this message may be well: only the bearer is concerned, and the gate
            // finds what is left for it.
        } else if self.destinations[id].standing() > 0 {
            let until = self.hold_connections(id);
            if let Some(bearer) = bearer.or(self.destinations[id].line(need).head()) {
                self.defer(bearer, Dcid(0), failure, WaitsFor::HostClock(until), effects);
            }
        } else if !failed.is_empty() && failed.iter().all(|tried| tried.failure.code == NEVER_ACCEPTS) {
            self.judge(id, HostStatus::Up, Some(&failure), failure.address, effects);
            if let Some(bearer) = bearer {
                self.bounce(bearer, Dcid(0), bounce_kind(&failure), failure, effects);
            }
        } else {
            self.unreachable(id, failure, status_after(failed), bearer, effects);
        }
    }

    /// Returns the recipient on whose behalf something was tried, if it still waits there.
    fn bearer(&self, id: DestinationId, (mid, rid): (Mid, Rid)) -> Option<RecipientId> {
        let recipient = self.find(mid, rid)?;
        let still = self.recipients[recipient].destination == id
            && matches!(self.recipients[recipient].place, Place::Ready(_));
        still.then_some(recipient)
    }

    /// Starts or doubles the destination's clock; only the one who tried has made an attempt. Returns when the
    /// destination is tried next.
    pub(super) fn unreachable(
        &mut self,
        id: DestinationId,
        failure: Failure,
        status: HostStatus,
        bearer: Option<RecipientId>,
        effects: &mut Vec<Effect>,
    ) -> Steady {
        let now = self.now();
        self.attempted(id);
        self.remember_failure(id, &failure);
        self.judge(id, status, Some(&failure), failure.address, effects);
        let wall = self.clock.wall_now();
        let destination = &mut self.destinations[id];
        let profile = destination.plan.profile();
        let (initial, longest) = (profile.initial_seconds, profile.max_seconds);
        let reason = destination.reasons.keep(&failure);
        let since = *destination.verdict.failing_since.get_or_insert(wall);
        let before = match &destination.reach {
            Reach::Open => 0,
            Reach::Backoff(backoff) => backoff.interval_s,
        };
        let until = match &mut destination.reach {
            Reach::Backoff(running) if running.until > now => {
                running.reason = reason;
                running.until
            }
            Reach::Backoff(_) | Reach::Open => {
                let interval_s = next_interval(before, initial, longest);
                let until = now.plus_secs(u64::from(interval_s));
                destination.reach = Reach::Backoff(Backoff { until, interval_s, since, reason });
                until
            }
        };
        if let Some(bearer) = bearer {
            self.defer(bearer, Dcid(0), failure, WaitsFor::HostClock(until), effects);
        }
        self.touch(id);
        until
    }

    /// A new connection failed while others stand: as many as there are is what the peer wants for now.
    ///
    /// Returns until when no more are opened.
    fn hold_connections(&mut self, id: DestinationId) -> Steady {
        let now = self.now();
        let destination = &mut self.destinations[id];
        let seconds = destination.plan.profile().initial_seconds.max(1);
        let running = destination.hold.filter(|hold| hold.until > now).map(|hold| hold.until);
        let until = running.unwrap_or(now.plus_secs(u64::from(seconds)));
        destination.hold = Some(Hold { until, cap: destination.lent().max(1) });
        until
    }

    fn record_failed_addresses(
        &mut self,
        id: DestinationId,
        dcid: Dcid,
        failed: &[AddressTry],
        effects: &mut Vec<Effect>,
    ) {
        let now = self.now();
        for tried in failed {
            let destination = &mut self.destinations[id];
            self.verdicts.failed(tried, &mut destination.reasons, now);
            destination.meet(Met { address: tried.target.address, offer: None });
            if tried.failure.stage == Stage::StartTls {
                let (text, at) = (tried.failure.text.join(" "), tried.failure.at);
                destination.last_tls = Some(TlsFailure { mode: destination.plan.control().tls, text, at });
            }
            let (host, failure) = (destination.host.clone(), tried.failure.clone());
            self.touch_waiting(tried.target.address.ip());
            effects.push(Effect::Record(Event::ConnectFailed {
                dcid,
                host,
                address: tried.target.address,
                failure,
            }));
        }
    }

    fn record_tls(&mut self, id: DestinationId, dcid: Dcid, facts: &PeerFacts, effects: &mut Vec<Effect>) {
        let Some(result) = &facts.tls else { return };
        let at = self.clock.wall_now();
        let destination = &mut self.destinations[id];
        if let TlsResult::Failed { why, .. } = result {
            let mode = destination.plan.control().tls;
            destination.last_tls = Some(TlsFailure { mode, text: why.clone(), at });
        }
        let host = destination.host.clone();
        effects.push(Effect::Record(Event::DeliveryTls { dcid, host, result: result.clone() }));
    }
}
