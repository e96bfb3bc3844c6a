//! What operators and the daemon command: stop, go on, new settings, no space, shut down.
//!
//! What concerns many destinations is a [`Job`], carried out in slices as the budget of the calls allows. What is
//! done to many recipients is an order (`orders`).

use std::sync::Arc;

use crate::delivery::Delivery;
use crate::delivery::connection::Phase;
use crate::delivery::destination::{DestinationId, Suspension};
use crate::delivery::io::Effect;
use crate::delivery::retry_now::RetryNow;
use crate::delivery::settings::Settings;
use crate::event::Event;
use crate::ids::Host;

/// Work over many destinations.
#[derive(Debug)]
pub(super) enum Job {
    /// Look at every destination again, from this cell on: something changed for all.
    Review { next: u32 },
    /// An operator's retry-now.
    RetryNow(RetryNow),
}

impl Delivery {
    /// Carries jobs out, in order, as far as the budget goes.
    pub(super) fn work_on_jobs(&mut self, effects: &mut Vec<Effect>) {
        while self.budget > 0
            && let Some(job) = self.jobs.pop_front()
        {
            let left = match job {
                Job::Review { next } => self.review(next),
                Job::RetryNow(retry) => self.work_on_retry(retry, effects),
            };
            if let Some(left) = left {
                self.jobs.push_front(left);
            }
        }
    }

    fn review(&mut self, next: u32) -> Option<Job> {
        for cell in next..self.destinations.cells() {
            if self.budget == 0 {
                return Some(Job::Review { next: cell });
            }
            let id = DestinationId(cell);
            if !self.destinations[id].vacant {
                self.budget -= 1;
                self.touch(id);
            }
        }
        None
    }

    pub(super) fn review_all(&mut self) {
        self.jobs.push_back(Job::Review { next: 0 });
    }

    pub(super) fn suspend(&mut self, host: Option<Host>, by: String, effects: &mut Vec<Effect>) {
        let suspension = Suspension { by: by.clone(), since: self.clock.wall_now() };
        match &host {
            None => self.suspended = self.suspended.take().or(Some(suspension)),
            Some(name) => {
                let id = self.destination_for(name);
                let suspended = &mut self.destinations[id].suspended;
                *suspended = suspended.take().or(Some(suspension));
            }
        }
        effects.push(Effect::Record(Event::DeliverySuspended { host, by }));
    }

    /// Takes up a suspension of an earlier run: everywhere (`None`) or of one destination. Before the first input.
    /// It was told when it was ordered, so nothing is told now.
    pub fn restore_suspension(&mut self, host: Option<&Host>, by: String, since: u64) {
        let suspension = Some(Suspension { by, since });
        match host {
            None => self.suspended = suspension,
            Some(name) => {
                let id = self.destination_for(name);
                self.destinations[id].suspended = suspension;
            }
        }
    }

    pub(super) fn resume(&mut self, host: Option<Host>, by: String, effects: &mut Vec<Effect>) {
        match &host {
            None => {
                self.suspended = None;
                self.review_all();
            }
            Some(name) => {
                if let Some(id) = self.destinations.find(name.as_str()) {
                    self.destinations[id].suspended = None;
                    self.touch(id);
                }
            }
        }
        effects.push(Effect::Record(Event::DeliveryResumed { host, by }));
    }

    pub(super) fn reconfigure(&mut self, settings: Arc<Settings>) {
        self.settings = settings;
        self.review_all();
    }

    pub(super) fn spool_space(&mut self, exhausted: bool) {
        if exhausted {
            let since = self.clock.wall_now();
            self.spool_exhausted.get_or_insert(since);
        } else if self.spool_exhausted.take().is_some() {
            self.review_all();
        }
    }

    pub(super) fn shutdown(&mut self, effects: &mut Vec<Effect>) {
        self.shutting_down = true;
        let free = |phase: &Phase| matches!(phase, Phase::Free);
        let idle: Vec<_> = self
            .connections
            .lent()
            .filter(|(_, connection)| free(&connection.phase))
            .map(|(slot, _)| slot)
            .collect();
        for slot in idle {
            self.quit(slot, effects);
        }
    }
}
