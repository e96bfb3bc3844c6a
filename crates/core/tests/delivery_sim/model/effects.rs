//! What each effect claims, and what must have been done when a call returns.

use mailreeve_core::delivery::io::Effect;
use mailreeve_core::delivery::settings::Route;
use mailreeve_core::event::{Event, HostStatus};
use mailreeve_core::ids::{Dcid, Host, Mid};

use super::{Model, Phase, Recipient, Scene, Verdict, broken, require};
use crate::coverage::{Coverage, Point};
use crate::world::SocketState;

impl Model {
    /// Judges one effect and takes it over. `scene.world` is still as before it.
    pub(crate) fn effect(&mut self, effect: &Effect, scene: Scene<'_>, coverage: &mut Coverage) -> Verdict {
        match effect {
            Effect::Resolve { host, .. } => {
                coverage.hit(Point::OutResolve);
                self.resolve(host, scene)
            }
            Effect::Connect { dcid, slot, host, targets, tls, credentials, implicit_tls, .. } => {
                coverage.hit(Point::OutConnect);
                self.may_start(host, scene)?;
                self.connect(*dcid, *slot, host, targets, scene)?;
                self.connect_as(host, *tls, credentials.as_ref(), *implicit_tls)
            }
            Effect::Transact { dcid, mid, rids, .. } => {
                coverage.hit(Point::OutTransact);
                self.transact(*dcid, *mid, rids, scene)
            }
            Effect::Quit { dcid } => {
                coverage.hit(Point::OutQuit);
                let idle =
                    scene.world.sockets.get(dcid).is_some_and(|socket| socket.state == SocketState::Idle);
                require(idle, "Quit closes an idle connection", || format!("{dcid:?} is not idle"))
            }
            Effect::Record(event) => {
                coverage.hit(Point::OutRecord);
                self.recorded(event, scene, coverage)
            }
            Effect::Retried(did) => {
                coverage.hit(Point::OutRetried);
                self.retried(*did)
            }
            Effect::Defer { state, event, report_delay } => {
                coverage.hit(Point::OutDefer);
                self.defer(state, event, *report_delay, scene, coverage)
            }
            Effect::Redirect { state, event } => {
                coverage.hit(Point::OutRedirect);
                self.redirected(state, event, scene, coverage)
            }
            Effect::Slice { order, progress } => {
                coverage.hit(Point::OutSlice);
                self.slice_done(*order, progress)
            }
            Effect::OrderOver { order, progress } => {
                coverage.hit(Point::OutOrderOver);
                self.order_over(*order, progress)
            }
            Effect::End { mid, rid, host, end, last } => {
                coverage.hit(Point::OutEnd);
                self.end(*mid, *rid, host, end, *last, scene, coverage)
            }
        }
    }

    /// Nothing stands in the way of trying `host`, and somebody wants it.
    pub(super) fn may_start(&mut self, host: &Host, scene: Scene<'_>) -> Verdict {
        const LAW: &str = "delivery starts only where why is Due (law 3)";
        let now = scene.clock.steady;
        require(!self.stopping, LAW, || format!("{host}: started while stopping"))?;
        require(self.exhausted.is_none(), LAW, || format!("{host}: started without spool space"))?;
        require(self.suspended.is_none(), LAW, || format!("{host}: started while all is suspended"))?;
        require(self.route(host) != Some(&Route::Discard), LAW, || {
            format!("{host}: tried though discarded")
        })?;
        let wanted = |recipient: &Recipient| {
            &recipient.host == host && recipient.phase == Phase::Waiting && recipient.own_clock_open(now)
        };
        require(self.recipients.values().any(wanted), LAW, || format!("{host}: nobody is due"))?;
        let destination = self.destination(host);
        require(destination.suspended.is_none(), LAW, || format!("{host}: started while suspended"))?;
        let holds = destination.holds();
        require(destination.narrow_to_open(now), LAW, || {
            format!("{host}: started while its clock runs: {holds:?}")
        })
    }

    fn resolve(&mut self, host: &Host, scene: Scene<'_>) -> Verdict {
        self.may_start(host, scene)?;
        let destination = self.destination(host);
        require(destination.lookup.is_none(), "one look-up at a time", || {
            format!("{host} is being looked up")
        })?;
        destination.lookup = Some(scene.clock.moment());
        Ok(())
    }

    fn recorded(&mut self, event: &Event, scene: Scene<'_>, coverage: &mut Coverage) -> Verdict {
        let Event::HostChanged { host, status, .. } = event else { return Ok(()) };
        let once = self.step.changed.insert(host.clone());
        require(once, "a failed try is one HostChanged", || format!("{host}: told twice"))?;
        let life = self.life_us();
        let by_probe = self.step.probed.as_ref() == Some(host) && *status == HostStatus::Up;
        let destination = self.destination(host);
        if by_probe {
            destination.attempt(scene.clock.steady);
        }
        if *status == HostStatus::Unknown
            && destination.told != *status
            && destination.may_have_aged(life, scene.clock.steady)
        {
            if destination.verdicts().iter().all(|(verdict, _)| verdict != status) {
                coverage.hit(Point::VerdictAged);
            }
            destination.verdicts.push((*status, Some(scene.clock.moment())));
        }
        let legal = destination.verdicts();
        destination.verdicts = legal.iter().copied().filter(|(verdict, _)| verdict == status).collect();
        destination.told = *status;
        require(!destination.verdicts.is_empty(), "verdicts follow the world", || {
            format!("{host}: told {status:?}, true is one of {legal:?}")
        })
    }

    /// Judges what a whole call did about its input.
    pub(crate) fn finish(&mut self) -> Verdict {
        let unanswered =
            self.recipients.iter().find(|(_, recipient)| matches!(recipient.phase, Phase::Resulted(..)));
        if let Some((key, recipient)) = unanswered {
            return broken(
                "every result is acted on",
                format!("{key:?} of {} has neither end nor deferral: {:?}", recipient.host, recipient.phase),
            );
        }
        if let Some((dcid, mid)) = self.step.corrupt {
            self.finish_corrupt(dcid, mid)?;
        }
        let Some(failed) = &self.step.failed_try else { return Ok(()) };
        require(failed.charged <= 1, "a failed try counts for one recipient only", || {
            format!("{}: {} were charged", failed.host, failed.charged)
        })?;
        let must = !failed.beside
            && !failed.waited.is_empty()
            && failed.ended == 0
            && failed.waited.iter().any(|key| self.recipients.contains_key(key));
        require(!must || failed.charged == 1, "a failed try counts for the one that tried", || {
            format!("{}: nobody was charged, {:?} waited for it", failed.host, failed.waited)
        })?;
        Ok(())
    }

    fn finish_corrupt(&self, dcid: Dcid, mid: Mid) -> Verdict {
        let left = self
            .recipients
            .iter()
            .find(|(key, recipient)| key.0 == mid && recipient.phase == Phase::Attempting(dcid));
        require(left.is_none(), "a damaged record ends its recipients", || {
            format!("{:?} is still attempted", left.map(|(key, _)| key))
        })
    }
}
