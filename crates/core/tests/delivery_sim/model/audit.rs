//! What must hold between two calls, whatever happened: nothing is overlooked, no timer is lost, no
//! connection is left lying about.

use std::collections::{BTreeMap, BTreeSet};

use mailreeve_core::Instant;
use mailreeve_core::delivery::why::{LimitOwner, Why};
use mailreeve_core::event::HostStatus;
use mailreeve_core::ids::{Dcid, Host, Mid, Rid};

use super::timer::JUMP_SLACK;
use super::{Model, Phase, Scene, Verdict, require};
use crate::clock::{Clock, SECOND};
use crate::coverage::{Coverage, Point};
use crate::world::SocketState;

/// How late an expiry or an idle connection may be noticed.
const NOTICE: u64 = 60 * SECOND;

impl Model {
    /// Judges the whole between two calls. Every recipient's why was judged before.
    pub(crate) fn audit(&mut self, deadline: Option<Instant>, scene: Scene<'_>) -> Verdict {
        require(self.retrying.is_empty(), "a retry-now is answered once, with what it did", || {
            format!("{} were not answered", self.retrying.len())
        })?;
        self.timers_kept(deadline, scene)?;
        self.nobody_too_old(scene)?;
        self.orders_go_on()?;
        self.one_trial(scene)?;
        self.idle_make_room(scene)?;
        self.connections_kept(scene)
    }

    /// The scheduler asks to be woken before anything is due that it has named.
    fn timers_kept(&self, deadline: Option<Instant>, scene: Scene<'_>) -> Verdict {
        let untils = self.recipients.iter().filter_map(|(key, recipient)| match &recipient.seen {
            Some(
                Why::WaitingForRetry { until, .. }
                | Why::HostBackoff { until, .. }
                | Why::RateLimit { until, .. },
            ) => Some((*until, *key)),
            Some(
                Why::Due
                | Why::Attempting { .. }
                | Why::HostOnTrial { .. }
                | Why::Resolving { .. }
                | Why::Connecting { .. }
                | Why::ConnectionLimit { .. }
                | Why::AddressOpening { .. }
                | Why::Suspended { .. }
                | Why::SpoolSpace { .. }
                | Why::ShuttingDown,
            )
            | None => None,
        });
        let Some((first, key)) = untils.min() else { return Ok(()) };
        let woken = deadline.is_some_and(|at| at.0 <= first + SECOND);
        let text = || {
            format!(
                "{key:?} is due in {} us, the deadline is {deadline:?}",
                first.saturating_sub(scene.clock.wall().0)
            )
        };
        require(woken, "no timer is lost", text)
    }

    fn nobody_too_old(&self, scene: Scene<'_>) -> Verdict {
        let now = scene.clock.steady;
        if self.stopping || self.exhausted.is_some() || now <= self.disturbed_at + NOTICE {
            return Ok(());
        }
        let old = self.recipients.iter().find(|(_, recipient)| {
            recipient.phase == Phase::Waiting
                && now > recipient.too_old_at(self.profile(&recipient.host).queue_seconds) + NOTICE
        });
        require(old.is_none(), "nobody waits longer than allowed", || format!("too old: {old:?}"))
    }

    fn one_trial(&self, scene: Scene<'_>) -> Verdict {
        let mut trying: BTreeMap<&Host, (Dcid, (Mid, Rid))> = BTreeMap::new();
        for (key, recipient) in &self.recipients {
            let Some(Why::Connecting { dcid }) = recipient.seen else { continue };
            let Some(destination) = self.destinations.get(&recipient.host) else { continue };
            let late =
                scene.world.sockets.get(&dcid).is_some_and(|socket| socket.asked_at > destination.held_at);
            let standing = scene
                .world
                .sockets
                .values()
                .any(|socket| socket.host == recipient.host && socket.is_standing());
            if standing || !destination.on_trial() || !late || recipient.phase != Phase::Waiting {
                continue;
            }
            let other = trying.insert(&recipient.host, (dcid, *key));
            require(other.is_none(), "one recipient at a time tries a host that is not up", || {
                let sockets: Vec<_> = scene
                    .world
                    .sockets
                    .iter()
                    .filter(|(_, socket)| socket.host == recipient.host)
                    .map(|(dcid, socket)| (dcid, &socket.state))
                    .collect();
                format!("{}: {key:?} and {other:?}: {sockets:?}", recipient.host)
            })?;
        }
        Ok(())
    }

    /// An idle connection gives its slot to a destination that needs one: each that waits for the gateway's
    /// limit has a slot on its way while there are idle ones.
    fn idle_make_room(&self, scene: Scene<'_>) -> Verdict {
        let sockets = || scene.world.sockets.values();
        if sockets().count() < self.settings.connections {
            return Ok(());
        }
        let waits =
            |why: &Option<Why>| matches!(why, Some(Why::ConnectionLimit { whose: LimitOwner::Gateway, .. }));
        let waiting: BTreeSet<&Host> =
            self.recipients.values().filter(|one| waits(&one.seen)).map(|one| &one.host).collect();
        let idle = sockets().filter(|socket| socket.state == SocketState::Idle).count();
        let coming = sockets().filter(|socket| socket.state == SocketState::Quitting).count();
        require(
            idle == 0 || coming >= waiting.len(),
            "an idle connection gives its slot to who needs it",
            || format!("{waiting:?} wait, {idle} are idle, {coming} are closing"),
        )
    }

    fn connections_kept(&self, scene: Scene<'_>) -> Verdict {
        let now = scene.clock.steady;
        let idle_us = u64::try_from(self.settings.idle.as_micros()).unwrap_or(u64::MAX);
        let jumped = if scene.clock.last_jump == 0 { 0 } else { 4 * JUMP_SLACK };
        for (dcid, socket) in &scene.world.sockets {
            if socket.state != SocketState::Idle {
                continue;
            }
            require(!self.stopping, "a stopping gateway closes its connections", || {
                format!("{dcid:?} to {} is idle", socket.host)
            })?;
            let settled = now > self.reconfigured_at + idle_us + NOTICE;
            let late = now > socket.since + idle_us + SECOND + jumped;
            require(!settled || !late, "an idle connection is closed", || {
                format!("{dcid:?} to {} is idle for {} us", socket.host, now - socket.since)
            })?;
            let most = self.control(&socket.host).messages_per_connection;
            let used = socket.asked_at > self.reconfigured_at
                && socket.transactions - socket.transactions_before >= most
                || socket
                    .facts
                    .as_ref()
                    .and_then(|facts| facts.transactions_max)
                    .is_some_and(|most| socket.transactions >= most);
            require(!used, "a used up connection is closed", || {
                format!("{dcid:?} had {} transactions", socket.transactions)
            })?;
        }
        Ok(())
    }

    /// Judges a destination's verdict as an operator reads it.
    pub(crate) fn judge_verdict(
        &mut self,
        host: &Host,
        status: HostStatus,
        since: Option<u64>,
        scene: Scene<'_>,
        coverage: &mut Coverage,
    ) -> Verdict {
        const LAW: &str = "verdicts follow the world";
        let (life, now) = (self.life_us(), scene.clock.steady);
        let live = scene.world.sockets.values().any(|socket| &socket.host == host);
        let reconfigured_at = self.reconfigured_at;
        let destination = self.destination(host);
        let may_age = destination.may_have_aged(life, now);
        let must_age =
            !live && now > reconfigured_at + life + NOTICE && destination.must_have_aged(life, now);
        if status == HostStatus::Unknown && may_age {
            destination.may_forget_down();
            return Ok(());
        }
        require(!must_age, LAW, || {
            format!("{host} is told {status:?}, and was last tried at {:?}", destination.attempted)
        })?;
        let legal = destination.verdicts();
        let told = destination.told;
        let right = legal.iter().find(|(verdict, moment)| {
            *verdict == status
                && moment.is_none_or(|moment| since.is_some_and(|since| Clock::is_moment(since, moment)))
        });
        require(right.is_some(), LAW, || {
            format!("{host} is told {status:?} since {since:?}, true is one of {legal:?}")
        })?;
        require(told == status, "the events tell every change", || {
            format!("{host} is {status:?}, the last event said {told:?}")
        })?;
        if let Some(right) = right.copied() {
            let before = destination.shown;
            destination.verdicts = vec![right];
            destination.show(status, right.1);
            if let Some(point) = transition(before, status) {
                coverage.hit(point);
            }
        }
        Ok(())
    }
}

fn transition(from: HostStatus, to: HostStatus) -> Option<Point> {
    use HostStatus::{Down, Unknown, Up};
    match (from, to) {
        (Unknown, Up) => Some(Point::UnknownToUp),
        (Unknown, Down) => Some(Point::UnknownToDown),
        (Up, Down) => Some(Point::UpToDown),
        (Up, Unknown) => Some(Point::UpToUnknown),
        (Down, Up) => Some(Point::DownToUp),
        (Down, Unknown) => Some(Point::DownToUnknown),
        (Unknown, Unknown) | (Up, Up) | (Down, Down) => None,
    }
}
