//! Whether a why is true: the operator's answer against the world (law 2).

use mailreeve_core::delivery::why::{LimitOwner, Why};
use mailreeve_core::event::Failure;
use mailreeve_core::ids::{Dcid, Host, Mid, Rid};

use super::{Model, Phase, Recipient, Scene, Verdict, broken, require};
use crate::clock::{Clock, SECOND};
use crate::coverage::{Coverage, Point};

pub(super) const LAW: &str = "every why is true (law 2)";

impl Model {
    /// Judges what the scheduler says of a recipient, and remembers it.
    pub(crate) fn judge_why(
        &mut self,
        key: (Mid, Rid),
        why: Option<Why>,
        scene: Scene<'_>,
        coverage: &mut Coverage,
    ) -> Verdict {
        let Some(why) = why else { return broken(LAW, format!("{key:?} waits without a why")) };
        coverage.hit(point(&why));
        // Out of the map while it is compared with the rest of the model.
        let Some(mut recipient) = self.recipients.remove(&key) else { return Ok(()) };
        let verdict = self.is_true(&mut recipient, &why, scene);
        let host = recipient.host.clone();
        let text = || format!("{key:?} for {host}: {why:?}: ");
        let verdict =
            verdict.map_err(|violation| super::Violation { text: text() + &violation.text, ..violation });
        recipient.see(why);
        self.recipients.insert(key, recipient);
        verdict
    }

    fn is_true(&mut self, recipient: &mut Recipient, why: &Why, scene: Scene<'_>) -> Verdict {
        let wall = scene.clock.wall().0;
        if let Phase::Attempting(on) = recipient.phase {
            return require(*why == Why::Attempting { dcid: on }, LAW, || {
                format!("it is being attempted on {on:?}")
            });
        }
        let host = recipient.host.clone();
        match why {
            Why::Due => broken(LAW, "nothing stands in the way, and it is not started"),
            Why::Attempting { dcid } => broken(LAW, format!("{dcid:?} does not attempt it")),
            Why::WaitingForRetry { until, cause } => {
                self.own_clock_runs(recipient, *until, cause.as_ref(), scene)
            }
            Why::HostBackoff { until, since, reason } => {
                self.host_clock_runs(&host, *until, *since, reason, scene)
            }
            Why::HostOnTrial { dcid } => {
                self.opening(&host, *dcid, scene)?;
                let destination = self.destination(&host);
                let alone =
                    !scene.world.sockets.values().any(|socket| socket.host == host && socket.is_standing());
                let trial = alone || destination.maybe_on_trial() || destination.may_be_other_than_up();
                require(trial, LAW, || "the destination is not on trial".into())?;
                self.nothing_idle(recipient, scene)
            }
            Why::Connecting { dcid } => {
                self.opening(&host, *dcid, scene)?;
                self.nothing_idle(recipient, scene)
            }
            Why::Resolving { since } => {
                let lookup = self.destination(&host).lookup;
                let true_since = lookup.is_some_and(|moment| Clock::is_moment(*since, moment));
                require(true_since, LAW, || format!("looked up since {lookup:?}"))?;
                self.nothing_idle(recipient, scene)
            }
            Why::ConnectionLimit { whose, limit } => {
                self.connection_limit(recipient, whose, *limit, scene)?;
                self.nothing_idle(recipient, scene)
            }
            Why::AddressOpening { address, opening } => {
                let (under_way, at_a_time) = self.openings_at(*address, scene);
                require(under_way == *opening && under_way >= at_a_time, LAW, || {
                    format!("{under_way} are being opened, {at_a_time} may")
                })?;
                self.no_room_sooner(recipient, *address, scene)?;
                self.nothing_idle(recipient, scene)
            }
            Why::RateLimit { whose, until } => {
                require(*until > wall, LAW, || "the window is open".into())?;
                self.rate_limit(&host, whose, *until, scene)
            }
            Why::Suspended { by, since, host: scope } => {
                let truth = match scope {
                    None => self.suspended.clone(),
                    Some(scope) if *scope == host => self.destination(&host).suspended.clone(),
                    Some(_) => None,
                };
                let right = truth
                    .as_ref()
                    .is_some_and(|(who, moment)| who == by && Clock::is_moment(*since, *moment));
                require(right, LAW, || format!("suspended: {truth:?}"))
            }
            Why::SpoolSpace { since } => {
                let right = self.exhausted.is_some_and(|moment| Clock::is_moment(*since, moment));
                require(right, LAW, || format!("exhausted since {:?}", self.exhausted))
            }
            Why::ShuttingDown => require(self.stopping, LAW, || "nothing is stopping".into()),
        }
    }

    fn own_clock_runs(
        &self,
        recipient: &mut Recipient,
        until: u64,
        cause: Option<&Failure>,
        scene: Scene<'_>,
    ) -> Verdict {
        let Some(own) = recipient.own.as_mut() else { return broken(LAW, "its own clock does not run") };
        require(until > scene.clock.wall().0, LAW, || "its clock has run out".into())?;
        let timer = own.timer;
        require(own.timer.agrees(until, scene.clock), LAW, || {
            format!("its clock fires at {timer:?}, not at {} (steady)", scene.clock.to_steady(until))
        })?;
        let same = match (&own.cause, cause) {
            (Some(truth), Some(said)) => {
                (truth.cause, truth.code, truth.stage) == (said.cause, said.code, said.stage)
            }
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        require(same, LAW, || format!("the cause was {:?}", own.cause))
    }

    fn host_clock_runs(
        &mut self,
        host: &Host,
        until: u64,
        since: u64,
        reason: &Failure,
        scene: Scene<'_>,
    ) -> Verdict {
        require(until > scene.clock.wall().0, LAW, || "the clock has run out".into())?;
        let destination = self.destination(host);
        let holds = destination.holds();
        require(destination.narrow_to_held(until, scene.clock), LAW, || {
            format!("its clock is one of {holds:?}, not {} (steady)", scene.clock.to_steady(until))
        })?;
        let known = destination
            .reasons
            .iter()
            .any(|failure| (failure.cause, failure.stage) == (reason.cause, reason.stage));
        require(known, LAW, || format!("what failed was {:?}", destination.reasons))?;
        let verdicts = destination.verdicts();
        let mut moments =
            destination.failures_at.iter().copied().chain(verdicts.iter().filter_map(|(_, since)| *since));
        require(moments.any(|moment| Clock::is_moment(since, moment)), LAW, || {
            format!("failing at {:?}, verdict {verdicts:?}", destination.failures_at)
        })
    }

    fn opening(&self, host: &Host, dcid: Dcid, scene: Scene<'_>) -> Verdict {
        let socket = scene.world.sockets.get(&dcid);
        let right = socket.is_some_and(|socket| &socket.host == host && socket.is_opening());
        require(right, LAW, || {
            format!("{dcid:?} is {:?}", socket.map(|socket| (&socket.host, &socket.state)))
        })
    }

    /// Nobody waits beside an idle connection that could take the message.
    fn nothing_idle(&self, recipient: &Recipient, scene: Scene<'_>) -> Verdict {
        let idle = self.idle_for(recipient, scene);
        require(idle.is_none(), "an idle connection is used", || format!("{idle:?} is idle"))
    }

    fn rate_limit(&self, host: &Host, whose: &LimitOwner, until: u64, scene: Scene<'_>) -> Verdict {
        let control = self.control(host);
        let ip = match whose {
            LimitOwner::Gateway => return broken(LAW, "the gateway has no rate"),
            LimitOwner::Destination(named) => {
                require(named == host && !control.per_address, LAW, || "not its limit".into())?;
                None
            }
            LimitOwner::Address(ip) => {
                require(control.per_address, LAW, || "not its limit".into())?;
                Some(*ip)
            }
        };
        let handed = self.handed_in_window(host, ip, scene);
        let right = control.recipients.is_some_and(|limit| handed >= u64::from(limit));
        require(right, LAW, || format!("{handed} were handed out, {:?} allowed", control.recipients))?;
        let disturbed = scene.clock.steady < self.reconfigured_at + crate::clock::HOUR;
        let end = scene.clock.wall().0 + u64::from(control.recipient_minutes) * 60 * SECOND + SECOND;
        require(disturbed || until <= end, LAW, || {
            format!("a window is {} minutes", control.recipient_minutes)
        })
    }
}

/// Returns the coverage point of a why; `Due` never survives a call.
fn point(why: &Why) -> Point {
    match why {
        Why::Due | Why::Attempting { .. } => Point::WhyAttempting,
        Why::WaitingForRetry { .. } => Point::WhyWaitingForRetry,
        Why::HostBackoff { .. } => Point::WhyHostBackoff,
        Why::HostOnTrial { .. } => Point::WhyHostOnTrial,
        Why::Resolving { .. } => Point::WhyResolving,
        Why::Connecting { .. } => Point::WhyConnecting,
        Why::ConnectionLimit { whose: LimitOwner::Gateway, .. } => Point::WhyLimitGateway,
        Why::ConnectionLimit { whose: LimitOwner::Destination(_), .. } => Point::WhyLimitDestination,
        Why::ConnectionLimit { whose: LimitOwner::Address(_), .. } => Point::WhyLimitAddress,
        Why::AddressOpening { .. } => Point::WhyOpeningAddress,
        Why::RateLimit { whose: LimitOwner::Address(_), .. } => Point::WhyRateAddress,
        Why::RateLimit { whose: LimitOwner::Destination(_) | LimitOwner::Gateway, .. } => {
            Point::WhyRateDestination
        }
        Why::Suspended { host: None, .. } => Point::WhySuspendedAll,
        Why::Suspended { host: Some(_), .. } => Point::WhySuspendedHost,
        Why::SpoolSpace { .. } => Point::WhySpoolSpace,
        Why::ShuttingDown => Point::WhyShuttingDown,
    }
}
