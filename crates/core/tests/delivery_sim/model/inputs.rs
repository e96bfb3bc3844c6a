//! What each input makes true.

use mailreeve_core::delivery::io::{AddressTry, After, Input, RecipientResult, Resolution};
use mailreeve_core::delivery::why::Why;
use mailreeve_core::event::{Cause, Failure, HostStatus};
use mailreeve_core::ids::{Dcid, Host, Mid, Rid};

use super::destination::verdict_of;
use super::{Connection, FailedTry, Model, Phase, Recipient, Scene, Verdict, broken, require};
use crate::coverage::Coverage;

impl Model {
    /// Applies `input`.
    pub(super) fn take(&mut self, input: &Input, scene: Scene<'_>, coverage: &mut Coverage) -> Verdict {
        let now = scene.clock.moment();
        match input {
            Input::Enqueue(entering) => {
                for waiting in entering {
                    let moved = waiting.state.as_ref().and_then(|state| state.host.as_ref());
                    let profile = self.profile(moved.unwrap_or(&waiting.host));
                    let recipient = Recipient::enter(waiting, profile.max_seconds, scene.clock);
                    let of_host = recipient.own.as_ref().filter(|own| own.of_host);
                    let stored = of_host.and_then(|own| Some((own.timer, own.cause.clone()?)));
                    let destination = self.destination(&recipient.host);
                    if let Some((timer, failure)) = stored {
                        destination.take_up(timer, failure, now.steady);
                    }
                    self.recipients.insert((waiting.mid, waiting.rid), recipient);
                }
            }
            Input::Resolved { host, resolution } => self.resolved(host, resolution, scene),
            Input::Ready { dcid, target, peer, failed } => {
                let Some(connection) = self.connections.get(dcid) else {
                    return broken("the simulation", "Ready for nothing");
                };
                let host = connection.host.clone();
                let life = self.life_us();
                self.note_failed(&host, failed);
                self.sick.remove(&target.address);
                let destination = self.destination(&host);
                destination.met.insert(target.address, Some(peer.clone()));
                destination.judge(&[HostStatus::Up], life, scene.clock);
                destination.succeed();
                destination.attempt(now.steady);
            }
            Input::Unusable { dcid, failed } => return self.unusable(*dcid, failed, scene),
            Input::Outcome { dcid, mid, results, after } => {
                return self.outcome(*dcid, *mid, results, after, scene);
            }
            Input::Closed { dcid, .. } => drop(self.connections.remove(dcid)),
            Input::Tick => {}
            Input::DeliverNow { scope, .. } => self.deliver_now(scope, scene),
            Input::Suspend { host: None, by } => self.suspended = Some((by.clone(), now)),
            Input::Suspend { host: Some(host), by } => {
                self.destination(host).suspended = Some((by.clone(), now))
            }
            Input::Resume { host: None, .. } => self.suspended = None,
            Input::Resume { host: Some(host), .. } => self.destination(host).suspended = None,
            Input::Order(order) => self.take_order(order, coverage),
            // It concerns nobody who is here.
            Input::Held(_) => {}
            Input::GoOn { order } => self.order_goes_on(*order),
            Input::Reconfigure(settings) => {
                self.settings = settings.clone();
                self.disturbed_at = now.steady;
                self.reconfigured_at = now.steady;
                for destination in self.destinations.values_mut() {
                    destination.window_floor = now.steady;
                    // Another way to a destination makes what was learnt of the old one worthless.
                    destination.forget(false);
                }
            }
            Input::SpoolSpace { exhausted } => {
                self.exhausted = exhausted.then_some(now);
                self.disturbed_at = now.steady;
            }
            Input::RecordCorrupt { dcid, mid, .. } => self.step.corrupt = Some((*dcid, *mid)),
            Input::Probed { host, .. } => self.probed(host, scene),
            Input::Shutdown => self.stopping = true,
        }
        Ok(())
    }

    /// Returns how long a verdict is worth something, microseconds.
    pub(super) fn life_us(&self) -> u64 {
        u64::try_from(self.settings.verdict_life.as_micros()).unwrap_or(u64::MAX)
    }

    /// Tells whether a ready connection to `host` stands.
    fn has_live(host: &Host, scene: Scene<'_>) -> bool {
        scene.world.sockets.values().any(|socket| &socket.host == host && !socket.is_opening())
    }

    fn resolved(&mut self, host: &Host, resolution: &Resolution, scene: Scene<'_>) {
        let (life, profile) = (self.life_us(), self.profile(host).clone());
        // An answer to a question asked under other settings may be thrown away.
        let outdated = self
            .destinations
            .get(host)
            .and_then(|one| one.lookup)
            .is_none_or(|asked| asked.steady <= self.reconfigured_at);
        let before_hold = self
            .destinations
            .get(host)
            .is_some_and(|one| one.lookup.is_some_and(|asked| asked.steady <= one.held_at));
        let live = Self::has_live(host, scene) || outdated || before_hold;
        let nobody = !self.recipients.values().any(|recipient| &recipient.host == host);
        let destination = self.destination(host);
        destination.lookup = None;
        destination.answer = Some((resolution.clone(), scene.clock.steady));
        let (failure, hard) = match resolution {
            Resolution::Addresses { .. } => return,
            Resolution::Soft(failure) => (failure.clone(), false),
            Resolution::Hard(failure) => (failure.clone(), true),
        };
        if live {
            destination.refused_more = Some(scene.clock.steady);
        }
        let mut to = vec![HostStatus::Unknown];
        if live || nobody {
            to.extend(destination.verdicts().iter().map(|&(status, _)| status));
        }
        destination.judge(&to, life, scene.clock);
        destination.fail(vec![failure.clone()], live || nobody || hard, &profile, scene.clock);
        if hard {
            destination.forget(false);
        }
        self.step.failed_try = Some(FailedTry {
            host: host.clone(),
            waited: Vec::new(),
            beside: true,
            refused: (false, false),
            failures: vec![failure],
            charged: 0,
            ended: 0,
        });
    }

    /// A probe was answered: what kept the destination waiting may be forgotten, if it was not up.
    fn probed(&mut self, host: &Host, scene: Scene<'_>) {
        let life = self.life_us();
        self.step.probed = Some(host.clone());
        let Some(destination) = self.destinations.get_mut(host) else { return };
        if destination.may_be_other_than_up() {
            let old = destination.verdicts().into_iter().map(|(status, _)| status);
            let to: Vec<HostStatus> = old.chain([HostStatus::Up]).collect();
            destination.judge(&to, life, scene.clock);
            destination.forget(false);
        }
    }

    fn unusable(&mut self, dcid: Dcid, failed: &[AddressTry], scene: Scene<'_>) -> Verdict {
        let Some(Connection { host, asked_at, partial }) = self.connections.remove(&dcid) else {
            return broken("the simulation", "Unusable for nothing");
        };
        let failures: Vec<Failure> = failed.iter().map(|one| one.failure.clone()).collect();
        let says_521 = failures.iter().filter(|failure| failure.code == 521).count();
        let refused = (says_521 == failures.len(), says_521 > 0);
        let waited =
            self.recipients.iter().filter(|(_, recipient)| recipient.seen == Some(Why::Connecting { dcid }));
        let waited: Vec<(Mid, Rid)> = waited.map(|(key, _)| *key).collect();
        let (life, profile) = (self.life_us(), self.profile(&host).clone());
        let live = Self::has_live(&host, scene);
        self.note_failed(&host, failed);
        let destination = self.destination(&host);
        if live {
            destination.refused_more = Some(scene.clock.steady);
        }
        let unsure = live
            || partial
            || waited.is_empty()
            || refused.1
            || (destination.maybe_on_trial() && asked_at < destination.held_at);
        let mut to = vec![verdict_of(&failures)];
        if unsure {
            to.extend(destination.verdicts().iter().map(|&(status, _)| status));
        }
        destination.judge(&to, life, scene.clock);
        destination.fail(failures.clone(), unsure, &profile, scene.clock);
        destination.attempt(scene.clock.steady);
        self.step.failed_try = Some(FailedTry {
            host,
            waited,
            beside: live || partial,
            refused,
            failures,
            charged: 0,
            ended: 0,
        });
        Ok(())
    }

    fn outcome(
        &mut self,
        dcid: Dcid,
        mid: Mid,
        results: &[(Rid, RecipientResult)],
        after: &After,
        scene: Scene<'_>,
    ) -> Verdict {
        let Some(connection) = self.connections.get(&dcid) else {
            return broken("the simulation", "Outcome for nothing");
        };
        let (host, asked_at) = (connection.host.clone(), connection.asked_at);
        if matches!(after, After::Gone(_)) {
            self.connections.remove(&dcid);
        }
        for (rid, result) in results {
            let Some(recipient) = self.recipients.get_mut(&(mid, *rid)) else {
                return broken("the simulation", "a result for nobody");
            };
            require(recipient.phase == Phase::Attempting(dcid), "the simulation", || {
                "a result without an attempt".into()
            })?;
            recipient.phase = Phase::Resulted(dcid, result.clone());
            self.step.resulted.insert((mid, *rid));
        }
        let delivered = results.iter().any(|(_, result)| matches!(result, RecipientResult::Delivered { .. }));
        let (life, profile) = (self.life_us(), self.profile(&host).clone());
        let destination = self.destination(&host);
        let stale = destination.maybe_on_trial() && asked_at <= destination.held_at;
        let failures = results.iter().filter_map(|(_, result)| match result {
            RecipientResult::Soft(failure) | RecipientResult::Hard(failure) => Some(failure),
            RecipientResult::Delivered { .. } => None,
        });
        let failures: Vec<Failure> = failures.cloned().collect();
        let old = destination.verdicts().into_iter().map(|(status, _)| status);
        if delivered || (!stale && failures.iter().any(|failure| failure.code != 0)) {
            destination.judge(&[HostStatus::Up], life, scene.clock);
            destination.succeed();
        } else if failures.iter().all(|failure| failure.cause == Cause::SmtpTimeout) {
            let to: Vec<HostStatus> = old.chain([HostStatus::Up, HostStatus::Down]).collect();
            destination.judge(&to, life, scene.clock);
            destination.fail(failures, true, &profile, scene.clock);
        } else {
            let to: Vec<HostStatus> = old.chain([HostStatus::Up]).collect();
            destination.judge(&to, life, scene.clock);
            destination.forget(false);
        }
        destination.attempt(scene.clock.steady);
        Ok(())
    }

    fn note_failed(&mut self, host: &Host, failed: &[AddressTry]) {
        for one in failed {
            self.sick.insert(one.target.address);
            self.destination(host).met.insert(one.target.address, None);
        }
    }
}
