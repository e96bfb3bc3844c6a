//! Recipients enter: just accepted, or read back from the spool with what is known of earlier attempts.
//!
//! A recipient that waited for its own clock goes on waiting for it. One that waited for its destination's clock
//! brings that clock back: a restart does not send a burst to a host that was down a minute ago.

use crate::delivery::Delivery;
use crate::delivery::destination::{Backoff, DestinationId, Path, Reach};
use crate::delivery::gate::need_of;
use crate::delivery::io::Waiting;
use crate::delivery::plan::Plan;
use crate::delivery::recipient::{Link, Marks, Place, Recipient, RecipientId};
use crate::delivery::steady::Steady;
use crate::event::{Cause, Failure, Stage};
use crate::ids::Host;

impl Delivery {
    pub(super) fn enqueue(&mut self, waiting: Vec<Waiting>) {
        for one in waiting {
            self.admit(&one);
        }
    }

    fn admit(&mut self, waiting: &Waiting) {
        if self.find(waiting.mid, waiting.rid).is_some() {
            return;
        }
        let state = waiting.state.as_ref();
        let host = state.and_then(|state| state.host.as_ref()).unwrap_or(&waiting.host);
        let destination = self.destination_for(host);
        let recipient = self.recipient_from(waiting, destination);
        let (due, last) = (recipient.due, state.and_then(|state| state.last.as_ref()));
        let unattempted = !recipient.marks.has(Marks::ATTEMPTED);
        let (mid, rid, accepted) = (recipient.mid, recipient.rid, recipient.accepted);

        let id = self.recipients.insert(recipient);
        self.index.insert((mid, rid, id));
        self.unattempted += usize::from(unattempted);
        let now = self.now();
        let of = &mut self.destinations[destination];
        of.members.insert((accepted, id));
        of.unattempted += usize::from(unattempted);
        of.touched = now;
        match last {
            Some(failure) if due > now && is_of_destination(failure) => {
                self.bring_back_clock(destination, due, failure);
                self.stand_in_line(id);
            }
            Some(_) | None if due > now => self.start_own_clock(id),
            Some(_) | None => self.stand_in_line(id),
        }
        self.touch(destination);
    }

    fn recipient_from(&mut self, waiting: &Waiting, id: DestinationId) -> Recipient {
        let now = self.now();
        let destination = &mut self.destinations[id];
        let state = waiting.state.as_ref();
        let profile = destination.plan.profile();
        let mut marks = Marks::default();
        marks.set(Marks::EIGHT_BIT, waiting.content.eight_bit);
        marks.set(Marks::UTF8_NEEDED, waiting.content.utf8_needed);
        marks.set(Marks::NULL_SENDER, waiting.null_sender);
        marks.set(Marks::NOTIFY_FAILURE, waiting.notify_failure);
        marks.set(Marks::NOTIFY_DELAY, waiting.notify_delay);
        marks.set(Marks::DELAY_REPORTED, state.is_some_and(|state| state.delay_reported));
        marks.set(Marks::ATTEMPTED, state.is_some_and(|state| state.attempts > 0 || state.last.is_some()));
        marks.set(Marks::REDIRECTED, state.is_some_and(|state| state.host.is_some()));
        let interval_s = state.map_or(0, |state| state.interval_s);
        let last = state.and_then(|state| state.last.as_ref());
        let own_clock = interval_s > 0 && !last.is_some_and(is_of_destination);
        let longest = if own_clock { interval_s } else { profile.max_seconds };
        let due = state.map_or(now, |state| self.clock.steady(state.due_at));
        Recipient {
            mid: waiting.mid,
            accepted: self.clock.steady(waiting.accepted_at).min(now),
            // A clock that was turned back while the daemon was down makes nobody wait longer than its interval.
            due: due.clamp(now, now.plus_secs(u64::from(longest))),
            size: waiting.size,
            last: last.map(|last| destination.reasons.keep(last)),
            rid: waiting.rid,
            destination: id,
            interval_s,
            attempts: state.map_or(0, |state| state.attempts),
            place: Place::Nowhere,
            marks,
        }
    }

    /// Puts a recipient that stands nowhere in the line of its destination, as due since now.
    pub(super) fn stand_in_line(&mut self, id: RecipientId) {
        let now = self.now();
        let recipient = &mut self.recipients[id];
        recipient.place = Place::Ready(Link::LOOSE);
        recipient.due = recipient.due.min(now);
        let need = need_of(recipient);
        let destination = &mut self.destinations[recipient.destination];
        destination.lines[need.line()].insert(&mut self.recipients, id);
    }

    /// Puts a recipient that stands nowhere behind all others of its line: it had its turn.
    pub(super) fn stand_behind(&mut self, id: RecipientId) {
        let recipient = &mut self.recipients[id];
        recipient.place = Place::Ready(Link::LOOSE);
        let need = need_of(recipient);
        let destination = &mut self.destinations[recipient.destination];
        destination.lines[need.line()].push_back(&mut self.recipients, id);
    }

    /// Restores the clock of a destination that was not tried since the start.
    fn bring_back_clock(&mut self, id: DestinationId, until: Steady, failure: &Failure) {
        let now = self.now();
        let failed_at = self.clock.steady(failure.at);
        let destination = &mut self.destinations[id];
        let being_tried = matches!(destination.path, Path::Asking { .. }) || destination.lent() > 0;
        if being_tried || destination.verdict.attempted.is_some() {
            return;
        }
        let profile = destination.plan.profile();
        let (shortest, longest) = (profile.initial_seconds, profile.max_seconds.max(profile.initial_seconds));
        let interval = u32::try_from(until.since(failed_at).as_secs()).unwrap_or(u32::MAX);
        let reason = destination.reasons.keep(failure);
        let backoff = match &destination.reach {
            Reach::Backoff(known) if known.until >= until => return,
            Reach::Backoff(known) => {
                Backoff { until, interval_s: known.interval_s, since: known.since, reason }
            }
            Reach::Open => {
                let interval_s = interval.clamp(shortest, longest);
                let since = destination.verdict.failing_since.unwrap_or(failure.at);
                Backoff { until, interval_s, since, reason }
            }
        };
        destination.verdict.reason = Some(backoff.reason.clone());
        destination.last_failure = Some(backoff.reason.clone());
        destination.verdict.failing_since = Some(backoff.since);
        destination.reach = Reach::Backoff(backoff);
        destination.look_at = destination.look_at.min(until);
        debug_assert!(until > now);
    }

    /// Returns the destination of that name, new or known.
    pub(super) fn destination_for(&mut self, host: &Host) -> DestinationId {
        match self.destinations.find(host.as_str()) {
            Some(id) => id,
            None => {
                let plan = Plan::new(&self.settings, host.as_str(), std::iter::empty());
                self.destinations.insert(host.clone(), plan)
            }
        }
    }
}

/// Tells whether a failure was the destination's, not a recipient's own: no mail command was answered.
fn is_of_destination(failure: &Failure) -> bool {
    failure.stage < Stage::Mail || (failure.stage == Stage::Local && failure.cause == Cause::NoRoute)
}
