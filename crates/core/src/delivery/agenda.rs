//! What happens by itself as time passes: clocks end, recipients grow too old, verdicts age, connections lie idle.

use std::time::Duration;

use crate::delivery::destination::{Destination, DestinationId, Reach};
use crate::delivery::io::Effect;
use crate::delivery::recipient::RecipientId;
use crate::delivery::steady::{HEARTBEAT, Steady};
use crate::delivery::{Delivery, SLICE};
use crate::event::HostStatus;

/// A destination that nobody uses is forgotten after this.
const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);

/// How soon a destination is looked at again whose oldest recipients are being attempted beyond their time.
const OVERDUE_LOOK: Duration = Duration::from_secs(1);

impl Delivery {
    /// Does what has come due, as far as this call's budget goes.
    pub(super) fn keep_time(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now();
        self.verdicts.sweep(now);
        let destinations = &self.destinations;
        self.limits.sweep(|id| destinations[id].awaits_address);
        while self.budget > 0
            && let Some(id) = self.timers.pop(&mut self.recipients, now)
        {
            self.budget -= 1;
            self.own_clock_ended(id);
            self.stand_in_line(id);
            let destination = self.recipients[id].destination;
            self.touch(destination);
        }
        while self.budget > 0
            && let Some((at, id)) = self.agenda.first().copied()
            && at <= now
        {
            self.budget -= 1;
            self.agenda.pop_first();
            self.destinations[id].agenda = Steady::NEVER;
            self.look_at(id, effects);
        }
        while let Some((until, slot)) = self.connections.oldest_idle()
            && until <= now
        {
            self.quit(slot, effects);
        }
    }

    /// Returns when the next call is wanted.
    pub(super) fn next_wanted(&self) -> Steady {
        let now = self.now();
        let work_left = !self.jobs.is_empty()
            || self.has_orders_to_work_on()
            || !self.dirty.is_empty()
            || self.limits.has_waiting_with_room(&self.settings);
        if work_left {
            return now;
        }
        let agenda = self.agenda.first().map_or(Steady::NEVER, |(at, _)| *at);
        let idle = self.connections.oldest_idle().map_or(Steady::NEVER, |(until, _)| until);
        let next = agenda.min(idle).min(self.timers.next());
        let nothing_ages = next == Steady::NEVER && self.recipients.len() == 0;
        if nothing_ages { next } else { next.min(now.plus(HEARTBEAT)).max(now) }
    }

    /// Looks at a destination whose entry in the agenda came up.
    ///
    /// Who is too old there ends when it is served next, in this call.
    fn look_at(&mut self, id: DestinationId, effects: &mut Vec<Effect>) {
        let now = self.now();
        if self.destinations[id].vacant {
            return;
        }
        let destination = &mut self.destinations[id];
        if destination.look_at <= now {
            destination.look_at = Steady::NEVER;
        }
        destination.hold = destination.hold.filter(|hold| hold.until > now);
        destination.sweep_addresses(now);
        self.age_verdict(id, effects);
        let destination = &self.destinations[id];
        if destination.is_deserted() && destination.touched.plus(REMEMBERED) <= now && !destination.dirty {
            self.destinations.forget(id);
            return;
        }
        self.touch(id);
    }

    /// Bounces the recipients that are too old, oldest first, whatever else keeps them.
    pub(super) fn expire_members(&mut self, id: DestinationId, effects: &mut Vec<Effect>) {
        let now = self.now();
        if self.spool_exhausted.is_some() || self.shutting_down {
            return;
        }
        let destination = &self.destinations[id];
        let limit = destination.plan.profile().queue_seconds;
        let is_old = |(accepted, _): &&(Steady, RecipientId)| accepted.plus_secs(limit) <= now;
        let waits = |(_, recipient): &&(Steady, RecipientId)| !self.recipients[*recipient].is_attempting();
        let old = destination.members.iter().take(SLICE).take_while(is_old).filter(waits);
        let old: Vec<_> = old.take(self.budget).map(|(_, recipient)| *recipient).collect();
        for recipient in old {
            self.budget = self.budget.saturating_sub(1);
            self.expire(recipient, effects);
        }
    }

    /// Makes a verdict unknown that nobody has tested for long.
    fn age_verdict(&mut self, id: DestinationId, effects: &mut Vec<Effect>) {
        let destination = &self.destinations[id];
        let aged = self.verdict_ages_at(destination).is_some_and(|at| at <= self.now());
        if aged {
            let was = destination.verdict.status;
            self.judge(id, HostStatus::Unknown, None, None, effects);
            let verdict = &mut self.destinations[id].verdict;
            verdict.was = Some(was);
            // What was not looked at for so long may have been up meanwhile.
            verdict.down_since = None;
        }
    }

    fn verdict_ages_at(&self, destination: &Destination) -> Option<Steady> {
        let untested = destination.standing() == 0 && destination.opening.is_empty();
        let verdict = &destination.verdict;
        let attempted = verdict.attempted.or(verdict.carried).filter(|_| untested)?;
        let told = verdict.status != HostStatus::Unknown;
        told.then(|| attempted.plus(self.settings.verdict_life))
    }

    /// Enters a destination in the agenda, no later than it has to be looked at.
    pub(super) fn plan_next_look(&mut self, id: DestinationId) {
        let now = self.now();
        let destination = &self.destinations[id];
        let mut next = destination.look_at;
        if let Reach::Backoff(backoff) = &destination.reach
            && backoff.until > now
            && !destination.members.is_empty()
        {
            next = next.min(backoff.until);
        }
        if let Some(hold) = destination.hold {
            next = next.min(hold.until);
        }
        next = next.min(self.verdict_ages_at(destination).unwrap_or(Steady::NEVER));
        match destination.members.first() {
            Some((accepted, _)) if self.spool_exhausted.is_none() && !self.shutting_down => {
                let limit = destination.plan.profile().queue_seconds;
                let mut expiry = accepted.plus_secs(limit);
                if expiry <= now {
                    let waiting = |(_, id): &&(Steady, RecipientId)| !self.recipients[*id].is_attempting();
                    let oldest = destination.members.iter().take(SLICE).find(waiting);
                    expiry = oldest.map_or(now.plus(OVERDUE_LOOK), |(accepted, _)| accepted.plus_secs(limit));
                }
                next = next.min(expiry);
            }
            Some(_) => {}
            None if destination.is_deserted() => next = next.min(destination.touched.plus(REMEMBERED)),
            None => {}
        }
        if next < destination.agenda {
            let next = next.max(now);
            self.agenda.remove(&(destination.agenda, id));
            self.agenda.insert((next, id));
            self.destinations[id].agenda = next;
        }
    }
}
