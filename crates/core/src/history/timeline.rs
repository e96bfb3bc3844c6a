//! The fold of one destination's events: how it stood at any time, and what led to it.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::event::{Event, Failure, HostFacts, HostStatus, Stamped};
use crate::history::difference::{Difference, differences};
use crate::history::worked::{SettingsBetween, WhatChanged, Worked};

/// Facts that come so soon after a change stand beside it, microseconds.
const BESIDE: u64 = 2_000_000;

/// How a destination stood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nobody knew.
    #[default]
    Unknown,
    /// It took mail.
    Up,
    /// It did not.
    Down,
    /// The gateway did not run.
    NotRunning,
}

/// Who suspended delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspended {
    /// Who.
    pub by: String,
    /// Since when, microseconds since the epoch.
    pub since: u64,
    /// To every destination.
    pub everywhere: bool,
}

/// A destination at one time. All instants are microseconds since the epoch.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// How it stood.
    pub standing: Standing,
    /// Since when.
    pub since: u64,
    /// It may have stood so before: what led to it is older than the records.
    pub or_earlier: bool,
    /// It stood so before the gateway was started, and was not tried since.
    pub carried: bool,
    /// The failure behind it.
    pub cause: Option<Failure>,
    /// The address that the verdict speaks of.
    pub address: Option<SocketAddr>,
    /// What was known of the way.
    pub facts: Option<Arc<HostFacts>>,
    /// Suspended by an operator: it alone.
    pub suspended: Option<Suspended>,
    /// Suspended by an operator: all delivery.
    pub all_suspended: Option<Suspended>,
    /// Checksum of the configuration in force, and since when.
    pub configuration: Option<(u32, u64)>,
    /// What is not as it was when it worked last; `None` while it works, and when it never did.
    pub changed: Option<Arc<WhatChanged>>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Its verdict changed.
    Verdict,
    /// Its verdict changed more often than was told.
    Flapped {
        /// Changes that were not told.
        changes: u32,
        /// When the first of them was.
        since: u64,
    },
    /// The way there became another one.
    Way(Vec<Difference>),
    /// Delivery to it, or everywhere, was suspended.
    Suspended(Suspended),
    /// Delivery was resumed.
    Resumed {
        /// By whom.
        by: String,
        /// To every destination.
        everywhere: bool,
    },
    /// The gateway was stopped.
    Stopped,
    /// The gateway was started.
    Started,
    /// Another configuration came into force.
    Configured {
        /// The one before.
        from: u32,
        /// Checksum of the one in force.
        to: u32,
        /// Settings that differ.
        settings: SettingsBetween,
    },
}

/// One thing that happened, and how the destination stood afterwards.
#[derive(Clone, Debug)]
pub struct Step {
    /// When.
    pub at: u64,
    /// What.
    pub what: What,
    /// How it stood from then on.
    pub state: State,
}

/// Everything that happened to a destination, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    steps: Vec<Step>,
    now: State,
    /// Something was told of this very destination.
    begun: bool,
    worked: Option<Worked>,
    /// How it stood when the gateway stopped.
    before_stop: Option<Standing>,
}

impl Timeline {
    /// Folds the events of one destination and those of all, in the order in which they happened.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Stamped>) -> Self {
        let mut timeline = Self::default();
        events.into_iter().for_each(|stamped| timeline.take(stamped));
        timeline
    }

    /// Everything that happened, oldest first.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns how it stood at an instant; `None` before anything was told of it.
    pub fn at(&self, at: u64) -> Option<&State> {
        let after = self.steps.partition_point(|step| step.at <= at);
        after.checked_sub(1).map(|last| &self.steps[last].state)
    }

    /// Returns how it stands after all of it; `None` when nothing was told of it.
    pub fn last(&self) -> Option<&State> {
        self.steps.last().map(|step| &step.state)
    }

    fn take(&mut self, stamped: &Stamped) {
        let at = stamped.at;
        match &stamped.event {
            Event::HostChanged { status, reason, address, .. } => {
                self.judged(at, *status, reason.as_ref(), *address);
                self.step(at, What::Verdict);
            }
            Event::HostFlapped { changes, since, status, reason, address, .. } => {
                self.judged(at, *status, reason.as_ref(), *address);
                self.step(at, What::Flapped { changes: *changes, since: *since });
            }
            Event::HostFacts { facts, .. } => self.facts(at, facts),
            Event::DeliverySuspended { host, by } => {
                let everywhere = host.is_none();
                let suspended = Suspended { by: by.clone(), since: at, everywhere };
                let place = if everywhere { &mut self.now.all_suspended } else { &mut self.now.suspended };
                *place = Some(suspended.clone());
                self.begun |= !everywhere;
                self.step(at, What::Suspended(suspended));
            }
            Event::DeliveryResumed { host, by } => {
                let everywhere = host.is_none();
                let place = if everywhere { &mut self.now.all_suspended } else { &mut self.now.suspended };
                *place = None;
                self.begun |= !everywhere;
                self.step(at, What::Resumed { by: by.clone(), everywhere });
            }
            Event::Stopped => self.stopped(at),
            Event::Started { .. } => self.started(at),
            Event::Configured { checksum, .. } => self.configured(at, *checksum),
            Event::SettingsChanged { to, settings, more, .. } => self.settings(*to, settings, *more),
            _ => {}
        }
    }

    fn step(&mut self, at: u64, what: What) {
        if self.begun {
            // A clock that was set back makes no step older than the one before it.
            let at = self.steps.last().map_or(at, |last| last.at.max(at));
            self.steps.push(Step { at, what, state: self.now.clone() });
        }
    }

    fn judged(&mut self, at: u64, status: HostStatus, reason: Option<&Failure>, address: Option<SocketAddr>) {
        self.begun = true;
        let standing = standing(status);
        let now = &mut self.now;
        if now.standing != standing || self.steps.is_empty() {
            now.since = at;
        }
        now.standing = standing;
        (now.or_earlier, now.carried) = (false, false);
        now.cause = reason.cloned();
        now.address = address;
        if standing == Standing::Up {
            now.changed = None;
        }
    }

    fn facts(&mut self, at: u64, facts: &HostFacts) {
        let first = !std::mem::replace(&mut self.begun, true);
        let other = self.now.standing != standing(facts.status) && self.now.standing != Standing::NotRunning;
        let before = self.now.facts.replace(Arc::new(facts.clone()));
        if first || other {
            // The change itself is older than the records, or was lost.
            self.judged(at, facts.status, None, None);
            self.now.or_earlier = true;
        }
        Worked::take(&mut self.worked, facts, at);
        let fails = facts.status != HostStatus::Up && self.now.cause.is_some();
        let changed = self.worked.as_ref().filter(|_| fails).map(|worked| worked.compare(&facts.way));
        self.now.changed = changed.map(Arc::new);
        let beside = self.steps.last_mut().filter(|last| {
            matches!(last.what, What::Verdict | What::Flapped { .. }) && at.saturating_sub(last.at) <= BESIDE
        });
        let mut differences = before.map(|before| differences(&before.way, &facts.way)).unwrap_or_default();
        // A configuration is a step of its own.
        differences.retain(|one| !matches!(one, Difference::ConfigurationChanged { .. }));
        match beside {
            Some(last) if !first && !other => last.state = self.now.clone(),
            _ if first || other => self.step(at, What::Verdict),
            _ if !differences.is_empty() => self.step(at, What::Way(differences)),
            // The same again: the day's telling.
            _ => {}
        }
    }

    fn stopped(&mut self, at: u64) {
        self.before_stop = Some(self.now.standing);
        self.now.standing = Standing::NotRunning;
        self.step(at, What::Stopped);
    }

    /// What was up is unknown after a start, until it is tried; what was down is told until then.
    fn started(&mut self, at: u64) {
        let before = self.before_stop.take().unwrap_or(self.now.standing);
        let now = &mut self.now;
        now.standing = match before {
            Standing::Down => Standing::Down,
            Standing::Up | Standing::Unknown | Standing::NotRunning => Standing::Unknown,
        };
        now.carried = before != Standing::Up && now.cause.is_some();
        if before == Standing::Up {
            now.since = at;
            now.cause = None;
        }
        self.step(at, What::Started);
    }

    fn configured(&mut self, at: u64, checksum: u32) {
        let before = self.now.configuration.map(|(before, _)| before);
        if before == Some(checksum) {
            return;
        }
        self.now.configuration = Some((checksum, at));
        if let Some(from) = before {
            self.step(at, What::Configured { from, to: checksum, settings: SettingsBetween::default() });
        }
    }

    fn settings(&mut self, to: u32, names: &[String], more: u32) {
        if let Some(worked) = &mut self.worked {
            worked.settings_changed(names, more);
        }
        if let Some(Step { what: What::Configured { to: last, settings, .. }, .. }) = self.steps.last_mut()
            && *last == to
        {
            settings.add(names, more);
        }
    }
}

const fn standing(status: HostStatus) -> Standing {
    match status {
        HostStatus::Unknown => Standing::Unknown,
        HostStatus::Up => Standing::Up,
        HostStatus::Down => Standing::Down,
    }
}

#[cfg(test)]
mod tests;
