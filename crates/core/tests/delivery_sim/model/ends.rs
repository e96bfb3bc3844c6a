//! Deferrals and ends: each recipient ends once, for a reason that is true, and never too early.

use mailreeve_core::delivery::io::{End, PeerFacts, RecipientResult, Resolution};
use mailreeve_core::delivery::settings::Route;
use mailreeve_core::envelope::RecipientState;
use mailreeve_core::event::{BounceKind, Cause, Deed, Event, Failure, Unreported};
use mailreeve_core::ids::{Host, Mid, Rid};

use super::destination::longer;
use super::recipient::{Forced, Own};
use super::timer::Timer;
use super::{Model, Phase, Recipient, Scene, Verdict, Violation, broken, require};
use crate::clock::SECOND;
use crate::coverage::{Coverage, Point};

const ENDS: &str = "a recipient ends once, for a reason that is true";

impl Model {
    pub(super) fn defer(
        &mut self,
        state: &RecipientState,
        event: &Event,
        report_delay: bool,
        scene: Scene<'_>,
        coverage: &mut Coverage,
    ) -> Verdict {
        let key = (state.mid, state.rid);
        let Some(recipient) = self.recipients.get(&key).cloned() else {
            return broken(ENDS, format!("{key:?} is deferred and not here"));
        };
        let told = matches!(event, Event::Deferred { mid, rid, host, next_at, attempts, .. }
            if (*mid, *rid) == key && *host == recipient.host && *next_at == state.due_at && *attempts == state.attempts);
        require(told, "the event says what the state says", || format!("{state:?} against {event:?}"))?;
        let legal = recipient.attempts_after();
        require(legal.contains(&state.attempts), "attempts are counted", || {
            format!("{key:?}: {} attempts, {legal:?} are right", state.attempts)
        })?;
        if recipient.forced != Forced::No && state.attempts == recipient.attempts {
            coverage.hit(Point::DeferForced);
        }
        let mut after = recipient.clone();
        match recipient.phase {
            Phase::Resulted(_, RecipientResult::Soft(ref failure)) => {
                coverage.hit(Point::DeferOwn);
                self.own_or_host_clock(&mut after, state, failure, scene)?;
            }
            Phase::Waiting => {
                coverage.hit(Point::DeferHost);
                self.host_clock(&mut after, state, scene)?;
            }
            Phase::Attempting(_) | Phase::Resulted(..) => {
                return broken(ENDS, format!("{key:?} is deferred while {:?}", recipient.phase));
            }
        }
        let profile = self.profile(&recipient.host);
        let too_often = state.attempts >= profile.attempts && recipient.forced == Forced::No;
        require(!too_often, "attempts are limited", || {
            format!("{key:?}: deferred after {} of {}", state.attempts, profile.attempts)
        })?;
        self.delay_report(&recipient, state, report_delay, scene, coverage)?;
        after.delay_reported = state.delay_reported;
        after.attempts = state.attempts;
        after.forced = Forced::No;
        after.tried = true;
        after.phase = Phase::Waiting;
        self.recipients.insert(key, after);
        Ok(())
    }

    /// Its own temporary failure starts its own clock. A timeout inside SMTP makes the destination unreachable
    /// as well: the destination's clock may be the one to wait on.
    fn own_or_host_clock(
        &mut self,
        after: &mut Recipient,
        state: &RecipientState,
        failure: &Failure,
        scene: Scene<'_>,
    ) -> Verdict {
        let timeout = failure.cause == Cause::SmtpTimeout && after.intervals_s.contains(&state.interval_s);
        let held = timeout && self.destination(&after.host).clone().narrow_to_held(state.due_at, scene.clock);
        let own = self.own_clock(after, state, failure, scene);
        if !held {
            return own;
        }
        match (own, &mut after.own) {
            (Ok(()), Some(own)) => own.of_host = true,
            (Ok(()) | Err(_), _) => after.own = None,
        }
        Ok(())
    }

    /// Its own temporary failure starts its own clock.
    fn own_clock(
        &self,
        after: &mut Recipient,
        state: &RecipientState,
        failure: &Failure,
        scene: Scene<'_>,
    ) -> Verdict {
        const LAW: &str = "the recipient's clock: the initial wait, doubling to the longest";
        let profile = self.profile(&after.host);
        let legal: Vec<u32> =
            after.intervals_s.iter().map(|&interval_s| longer(interval_s, profile)).collect();
        require(legal.contains(&state.interval_s), LAW, || {
            format!("{:?} {:?}: {} s, {legal:?} are right", state.mid, state.rid, state.interval_s)
        })?;
        let due = scene.clock.wall().0 + u64::from(state.interval_s) * SECOND;
        require(state.due_at.abs_diff(due) <= SECOND, LAW, || {
            format!("{:?} {:?}: due at {}, right is {due}", state.mid, state.rid, state.due_at)
        })?;
        require(state.last.as_ref() == Some(failure), "the reason stays with the thing", || {
            format!("{:?} is not {failure:?}", state.last)
        })?;
        after.intervals_s = vec![state.interval_s];
        after.own = Some(Own {
            timer: Timer::at(scene.clock.to_steady(state.due_at)),
            cause: Some(failure.clone()),
            of_host: false,
        });
        Ok(())
    }

    /// A failed try of the destination is charged to one, whose own clock does not move.
    fn host_clock(&mut self, after: &mut Recipient, state: &RecipientState, scene: Scene<'_>) -> Verdict {
        const LAW: &str = "a failed try counts for one recipient only";
        let host = after.host.clone();
        let key = (state.mid, state.rid);
        let Some(failed) = self.step.failed_try.as_mut().filter(|failed| failed.host == host) else {
            return broken(LAW, format!("{key:?} is deferred, and nothing has failed"));
        };
        failed.charged += 1;
        let was_trying = failed.waited.is_empty() || failed.waited.contains(&key);
        require(was_trying, LAW, || format!("{key:?} is charged, {:?} tried", failed.waited))?;
        let beside = failed.beside;
        let cause = state
            .last
            .as_ref()
            .is_some_and(|last| failed.failures.iter().any(|failure| failure.cause == last.cause));
        require(cause, "the reason stays with the thing", || {
            format!("{key:?}: {:?} is not {:?}", state.last, failed.failures)
        })?;
        require(
            after.intervals_s.contains(&state.interval_s),
            "a host failure does not move the recipient's clock",
            || format!("{key:?}: {} s, was {:?}", state.interval_s, after.intervals_s),
        )?;
        let wall = scene.clock.wall().0;
        if beside {
            let soon = state.due_at > wall
                && state.due_at <= wall + u64::from(self.profile(&host).max_seconds) * SECOND;
            return require(soon, "nobody waits longer than the longest wait", || {
                format!("{key:?}: due at {}", state.due_at)
            });
        }
        let destination = self.destination(&host);
        let holds = destination.holds();
        let held = destination.narrow_to_held(state.due_at, scene.clock);
        require(held, "the destination's clock: the initial wait, doubling to the longest", || {
            format!(
                "{key:?} at {host}: due {} us ahead, {holds:?} are right",
                state.due_at.saturating_sub(wall)
            )
        })
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one effect")]
    pub(super) fn end(
        &mut self,
        mid: Mid,
        rid: Rid,
        host: &Host,
        end: &End,
        last: bool,
        scene: Scene<'_>,
        coverage: &mut Coverage,
    ) -> Verdict {
        let Some(recipient) = self.recipients.remove(&(mid, rid)) else {
            return broken(ENDS, format!("{mid:?} {rid:?} ends and is not here: {end:?}"));
        };
        require(recipient.host == *host, ENDS, || {
            format!("{mid:?} {rid:?} is for {}, not {host}", recipient.host)
        })?;
        let others = self.recipients.range((mid, Rid(0))..=(mid, Rid(u32::MAX))).count();
        require(last == (others == 0), "`last` is the last of its message", || {
            format!("{mid:?} {rid:?}: last is {last}, {others} are left")
        })?;
        if last {
            coverage.hit(Point::EndLast);
        }
        if let Some(failed) = self.step.failed_try.as_mut().filter(|failed| failed.host == *host) {
            failed.ended += 1;
        }
        let point = match end {
            End::Delivered { dcid, reply, relayed_dsn } => {
                let result = RecipientResult::Delivered { reply: reply.clone(), relayed_dsn: *relayed_dsn };
                let is = recipient.phase == Phase::Resulted(*dcid, result);
                require(is, ENDS, || format!("{mid:?} {rid:?} is {:?}, not {end:?}", recipient.phase))?;
                Point::EndDelivered
            }
            End::Deleted { by } => self.deleted((mid, rid), &recipient, by, coverage)?,
            End::Archived { by } => {
                let archives = |deed: &Deed| *deed == Deed::Archive;
                self.done_by_order((mid, rid), &recipient, by, archives, coverage)?;
                Point::EndArchived
            }
            End::Corrupt { .. } => {
                let right = self.step.corrupt.is_some_and(|(_, damaged)| damaged == mid);
                require(right, ENDS, || format!("{mid:?} is not damaged"))?;
                Point::EndCorrupt
            }
            End::Bounced { kind, failure, unreported, .. } => {
                self.reported(&recipient, *unreported, coverage)?;
                if failure.cause == Cause::Operator {
                    let by = failure.text.first().and_then(|text| text.strip_prefix("Returned by "));
                    let bounces = |deed: &Deed| *deed == Deed::Bounce && *kind == BounceKind::Other;
                    self.done_by_order((mid, rid), &recipient, by.unwrap_or(""), bounces, coverage)?;
                    Point::EndOperatorBounce
                } else {
                    self.bounced(mid, rid, &recipient, *kind, failure, scene)?
                }
            }
        };
        coverage.hit(point);
        Ok(())
    }

    fn deleted(
        &mut self,
        key: (Mid, Rid),
        recipient: &Recipient,
        by: &str,
        coverage: &mut Coverage,
    ) -> Result<Point, Violation> {
        if self.route(&recipient.host) == Some(&Route::Discard) && by == "route" {
            return Ok(Point::EndDiscarded);
        }
        self.done_by_order(key, recipient, by, |deed| *deed == Deed::Delete, coverage)?;
        Ok(Point::EndOperatorDelete)
    }

    fn reported(
        &self,
        recipient: &Recipient,
        unreported: Option<Unreported>,
        coverage: &mut Coverage,
    ) -> Verdict {
        let waiting = &recipient.waiting;
        let legal = [
            (waiting.null_sender, Unreported::NullSender, Point::UnreportedNull),
            (!waiting.notify_failure, Unreported::NotRequested, Point::UnreportedNotify),
            (!self.profile(&recipient.host).send_bounces, Unreported::Profile, Point::UnreportedProfile),
        ];
        let reasons: Vec<Unreported> =
            legal.iter().filter(|(holds, ..)| *holds).map(|(_, reason, _)| *reason).collect();
        let right = unreported.map_or(reasons.is_empty(), |reason| reasons.contains(&reason));
        require(right, "a bounce is reported unless there is a reason", || {
            format!("{unreported:?}, right is {reasons:?}")
        })?;
        let point = unreported
            .and_then(|reason| legal.iter().find(|(_, one, _)| *one == reason))
            .map_or(Point::ReportedBounce, |(.., point)| *point);
        coverage.hit(point);
        Ok(())
    }

    fn bounced(
        &mut self,
        mid: Mid,
        rid: Rid,
        recipient: &Recipient,
        kind: BounceKind,
        failure: &Failure,
        scene: Scene<'_>,
    ) -> Result<Point, Violation> {
        let wrong = |what: &str| {
            broken(
                ENDS,
                format!(
                    "{mid:?} {rid:?} at {}: {what}: {kind:?} {failure:?} while {:?}",
                    recipient.host, recipient.phase
                ),
            )
        };
        if kind == BounceKind::Expired {
            return self.expired(mid, rid, recipient, scene);
        }
        match &recipient.phase {
            Phase::Resulted(_, RecipientResult::Hard(given)) => {
                match given == failure && kind == BounceKind::FiveXx {
                    true => Ok(Point::EndHard),
                    false => wrong("the result was another"),
                }
            }
            Phase::Waiting => {
                self.bounced_waiting(recipient, kind, failure).map_or_else(|| wrong("nothing says so"), Ok)
            }
            Phase::Attempting(_) | Phase::Resulted(..) => wrong("the result was another"),
        }
    }

    /// Finds what makes it right to bounce a recipient that waits.
    fn bounced_waiting(&self, recipient: &Recipient, kind: BounceKind, failure: &Failure) -> Option<Point> {
        let destination = self.destinations.get(&recipient.host)?;
        let hard = matches!(&destination.answer, Some((Resolution::Hard(answer), _)) if answer.cause == failure.cause);
        let says_521 = self
            .step
            .failed_try
            .as_ref()
            .is_some_and(|failed| failed.host == recipient.host && failed.refused.1);
        let content = recipient.waiting.content;
        let size = recipient.waiting.size;
        let targets = self.known(&recipient.host).map_or(Vec::new(), |known| known.targets);
        // Every server that can be reached was asked, none can take it, and one of them for this reason.
        let nobody = destination.nobody_met(&targets, |facts| recipient.fits(facts, &self.settings));
        let refused = |lacks: &dyn Fn(&PeerFacts) -> bool| nobody && destination.somebody_met(lacks);
        match (kind, failure.cause) {
            (BounceKind::Dns, _) | (BounceKind::Other, Cause::MailLoop) if hard => Some(Point::EndDns),
            (BounceKind::FiveXx, Cause::GreetingRejected) if says_521 => Some(Point::EndGreeting521),
            (_, Cause::Utf8NotOffered) if refused(&|facts| content.utf8_needed && !facts.smtputf8) => {
                Some(Point::EndUtf8)
            }
            (_, Cause::TooBigForPeer)
                if refused(&|facts| facts.size_limit.is_some_and(|limit| size > limit)) =>
            {
                Some(Point::EndSize)
            }
            (_, Cause::EightBitNotOffered) if refused(&|facts| content.eight_bit && !facts.eight_bit) => {
                Some(Point::EndEightBit)
            }
            _ => None,
        }
    }
}
