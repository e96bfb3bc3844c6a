//! How recipients leave a try: ended, once, or deferred with the clock that they now wait for.

use crate::delivery::Delivery;
use crate::delivery::destination::Reach;
use crate::delivery::gate::need_of;
use crate::delivery::io::{Effect, End};
use crate::delivery::reason::Kept;
use crate::delivery::recipient::{Marks, Place, Recipient, RecipientId};
use crate::delivery::settings::BounceProfile;
use crate::delivery::steady::Steady;
use crate::envelope::RecipientState;
use crate::event::{BounceKind, Cause, Event, Failure, Stage, Unreported};
use crate::ids::Dcid;

/// The clock that a deferred recipient waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitsFor {
    /// Its own, which starts or doubles.
    OwnClock,
    /// The destination's, until this instant.
    HostClock(Steady),
}

impl Delivery {
    /// Ends a recipient: it is gone from memory.
    pub(super) fn end(&mut self, id: RecipientId, end: End, effects: &mut Vec<Effect>) {
        self.take_out(id);
        let now = self.now();
        let Recipient { mid, rid, accepted, destination, marks, .. } = self.recipients[id];
        let unattempted = usize::from(!marks.has(Marks::ATTEMPTED));
        self.unattempted -= unattempted;
        self.index.remove(&(mid, rid, id));
        let of = &mut self.destinations[destination];
        of.unattempted -= unattempted;
        of.members.remove(&(accepted, id));
        of.touched = now;
        let host = of.host.clone();
        self.recipients.remove(id);
        if marks.has(Marks::AWAITED) {
            self.no_longer_awaited(mid, rid);
        }
        let last = self.of_message(mid).next().is_none();
        effects.push(Effect::End { mid, rid, host, end, last });
    }

    /// Takes a recipient out of the line or stops its clock; it then stands nowhere.
    pub(super) fn take_out(&mut self, id: RecipientId) {
        let recipient = &self.recipients[id];
        match recipient.place {
            Place::Ready(_) => {
                let need = need_of(recipient);
                let destination = &mut self.destinations[recipient.destination];
                destination.lines[need.line()].remove(&mut self.recipients, id);
            }
            Place::Far(_) | Place::Near => {
                self.own_clock_ended(id);
                self.timers.cancel(&mut self.recipients, id);
            }
            Place::Attempting(_) | Place::Nowhere | Place::Vacant(_) => {}
        }
        self.recipients[id].place = Place::Nowhere;
    }

    /// Bounces a recipient.
    pub(super) fn bounce(
        &mut self,
        id: RecipientId,
        dcid: Dcid,
        kind: BounceKind,
        failure: Failure,
        effects: &mut Vec<Effect>,
    ) {
        let recipient = &self.recipients[id];
        let profile = self.destinations[recipient.destination].plan.profile();
        let marks = recipient.marks;
        let unreported = unreported(marks.has(Marks::NULL_SENDER), marks.has(Marks::NOTIFY_FAILURE), profile);
        self.end(id, End::Bounced { dcid, kind, failure, unreported }, effects);
    }

    /// Bounces a recipient that waited too long or was tried too often; what it waited for is told with it.
    pub(super) fn expire(&mut self, id: RecipientId, effects: &mut Vec<Effect>) {
        let recipient = &self.recipients[id];
        let destination = &self.destinations[recipient.destination];
        let of_host = match &destination.reach {
            Reach::Backoff(backoff) => Some(&backoff.reason),
            Reach::Open => None,
        };
        let cause = recipient.last.as_ref().or(of_host).map(Kept::failure);
        let profile = destination.plan.profile();
        let first = if self.is_too_old(recipient, self.now()) {
            format!("Not delivered within {} seconds", profile.queue_seconds)
        } else {
            format!("Not delivered in {} attempts", profile.attempts)
        };
        let mut failure = self.local_failure(Cause::Expired, (5, 4, 7), first);
        if let Some(Failure { code, text, address, .. }) = cause {
            failure.address = address;
            let told = (code > 0).then(|| format!("The last reply was {code}:"));
            failure.text.extend(told.or_else(|| Some("The last failure was:".to_owned())));
            failure.text.extend(text);
        }
        self.bounce(id, Dcid(0), BounceKind::Expired, failure, effects);
    }

    /// Makes a failure that is a decision of ours.
    pub(super) fn local_failure(&self, cause: Cause, status: (u8, u16, u16), text: String) -> Failure {
        let at = self.clock.wall_now();
        Failure { stage: Stage::Local, cause, status, code: 0, text: vec![text], address: None, at }
    }

    /// Defers a recipient that was tried in vain; one that will not be tried again ends.
    pub(super) fn defer(
        &mut self,
        id: RecipientId,
        dcid: Dcid,
        failure: Failure,
        waits_for: WaitsFor,
        effects: &mut Vec<Effect>,
    ) {
        self.take_out(id);
        self.count_attempt(id);
        let destination = &mut self.destinations[self.recipients[id].destination];
        self.recipients[id].last = Some(destination.reasons.keep(&failure));
        let recipient = &self.recipients[id];
        if self.is_too_old(recipient, self.now()) || self.is_tried_too_often(recipient) {
            self.expire(id, effects);
            return;
        }
        let next = self.wait_for(id, waits_for);
        let report_delay = self.is_delay_reported_now(id);
        if report_delay {
            self.recipients[id].marks.set(Marks::DELAY_REPORTED, true);
        }
        effects.push(self.deferral(id, dcid, failure, next, report_delay));
    }

    /// Starts the clock, or puts the recipient behind the others that wait for the destination.
    fn wait_for(&mut self, id: RecipientId, waits_for: WaitsFor) -> Steady {
        let now = self.now();
        let recipient = &mut self.recipients[id];
        match waits_for {
            WaitsFor::OwnClock => {
                let profile = self.destinations[recipient.destination].plan.profile();
                recipient.interval_s =
                    next_interval(recipient.interval_s, profile.initial_seconds, profile.max_seconds);
                recipient.due = now.plus_secs(u64::from(recipient.interval_s));
                let due = recipient.due;
                self.start_own_clock(id);
                due
            }
            WaitsFor::HostClock(until) => {
                recipient.due = now;
                self.stand_behind(id);
                until
            }
        }
    }

    /// Counts a try that failed, unless an operator forced it.
    fn count_attempt(&mut self, id: RecipientId) {
        let recipient = &mut self.recipients[id];
        if !recipient.marks.has(Marks::ATTEMPTED) {
            self.unattempted -= 1;
            self.destinations[recipient.destination].unattempted -= 1;
        }
        recipient.attempts += u32::from(!recipient.marks.has(Marks::FORCED));
        recipient.marks.set(Marks::ATTEMPTED, true);
        recipient.marks.set(Marks::FORCED, false);
    }

    /// A delay report goes out with the first failed try after the profile's time, once.
    fn is_delay_reported_now(&self, id: RecipientId) -> bool {
        let recipient = &self.recipients[id];
        let marks = recipient.marks;
        let after = self.destinations[recipient.destination].plan.profile().delay_report_seconds;
        let age = self.now().since(recipient.accepted).as_secs();
        let wanted = marks.has(Marks::NOTIFY_DELAY) && !marks.has(Marks::NULL_SENDER);
        wanted && !marks.has(Marks::DELAY_REPORTED) && after.is_some_and(|after| age >= after)
    }

    fn deferral(
        &self,
        id: RecipientId,
        dcid: Dcid,
        failure: Failure,
        next: Steady,
        report_delay: bool,
    ) -> Effect {
        let host = self.destinations[self.recipients[id].destination].host.clone();
        let state = self.state_of(id, next, Some(failure.clone()));
        let RecipientState { mid, rid, attempts, due_at: next_at, .. } = state;
        let event = Event::Deferred { dcid, mid, rid, host, failure, next_at, attempts };
        Effect::Defer { state, event, report_delay }
    }

    /// Returns what is kept of a recipient over a restart: due at `due`, with its last failure.
    pub(super) fn state_of(&self, id: RecipientId, due: Steady, last: Option<Failure>) -> RecipientState {
        let Recipient { mid, rid, destination, attempts, interval_s, marks, .. } = self.recipients[id];
        RecipientState {
            mid,
            rid,
            host: marks.has(Marks::REDIRECTED).then(|| self.destinations[destination].host.clone()),
            attempts,
            due_at: self.clock.wall(due),
            interval_s,
            last,
            delay_reported: marks.has(Marks::DELAY_REPORTED),
        }
    }
}

/// Tells why nobody hears of a bounce, if nobody does.
pub(super) fn unreported(
    null_sender: bool,
    notify_failure: bool,
    profile: &BounceProfile,
) -> Option<Unreported> {
    if null_sender {
        Some(Unreported::NullSender)
    } else if !notify_failure {
        Some(Unreported::NotRequested)
    } else {
        (!profile.send_bounces).then_some(Unreported::Profile)
    }
}

/// Returns the length of a clock after one more failure: the first, then doubling up to the longest.
pub(super) fn next_interval(present_s: u32, initial_s: u32, max_s: u32) -> u32 {
    let initial = initial_s.max(1);
    let longest = max_s.max(initial);
    if present_s == 0 { initial } else { present_s.saturating_mul(2).clamp(initial, longest) }
}

/// Returns what operators count a permanent failure as.
pub(super) fn bounce_kind(failure: &Failure) -> BounceKind {
    if failure.cause == Cause::MailLoop {
        BounceKind::Other
    } else if failure.stage == Stage::Dns {
        BounceKind::Dns
    } else if failure.code >= 500 {
        BounceKind::FiveXx
    } else {
        BounceKind::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_double_between_their_bounds() {
        let table = [
            (0, 60, 3_600, 60),
            (60, 60, 3_600, 120),
            (1_920, 60, 3_600, 3_600),
            (3_600, 60, 3_600, 3_600),
            (60, 300, 3_600, 300),
            (3_600, 60, 600, 600),
            (0, 0, 0, 1),
            (0, 60, 30, 60),
            (u32::MAX, 60, u32::MAX, u32::MAX),
        ];
        for (present, initial, max, expected) in table {
            assert_eq!(next_interval(present, initial, max), expected, "{present} {initial} {max}");
        }
    }
}
