//! Since when a destination is down: over verdicts of unknown in between, and over a restart.

use mailreeve_core::delivery::CarriedVerdict;
use mailreeve_core::event::HostStatus;

use super::destination::Destination;
use super::timer::Timer;
use crate::clock::{Clock, Moment};

/// A verdict of down that holds again, since the same moment, when the next one is down.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Down {
    /// Since when; no moment means that any is right.
    pub(crate) since: Option<Moment>,
    /// It may have been dropped for its age: then a new one begins with its own moment.
    pub(crate) maybe_aged: bool,
}

impl Destination {
    /// The verdict becomes one of `to`.
    pub(crate) fn judge(&mut self, to: &[HostStatus], verdict_life_us: u64, clock: &Clock) {
        let mut old = self.verdicts();
        if self.may_have_aged(verdict_life_us, clock.steady) {
            old.push((HostStatus::Unknown, None));
            self.may_forget_down();
        }
        self.verdicts.clear();
        for &status in to {
            for &(before, since) in &old {
                let mut legal = vec![if before == status { since } else { Some(clock.moment()) }];
                if before != status
                    && status == HostStatus::Down
                    && let Some(down) = self.down
                {
                    legal.retain(|_| down.maybe_aged);
                    legal.push(down.since);
                }
                for since in legal {
                    if !self.verdicts.contains(&(status, since)) {
                        self.verdicts.push((status, since));
                    }
                }
            }
        }
    }

    /// Its verdict may have aged: whoever was down may have begun anew since.
    pub(crate) fn may_forget_down(&mut self) {
        self.down = self.down.map(|down| Down { maybe_aged: true, ..down });
    }

    /// An operator was shown this verdict.
    pub(crate) fn show(&mut self, status: HostStatus, since: Option<Moment>) {
        self.shown = status;
        self.down = match status {
            HostStatus::Up => None,
            HostStatus::Down => Some(Down { since, maybe_aged: false }),
            HostStatus::Unknown => self.down,
        };
    }

    /// The verdict was taken up from before a restart.
    pub(crate) fn carry(&mut self, verdict: &CarriedVerdict, clock: &Clock) {
        let now = clock.steady;
        let moment = |wall: u64| Moment { steady: now, wall };
        // How old it is only the wall clock can tell, which may have jumped meanwhile.
        let age = clock.wall().0.saturating_sub(verdict.tried_at);
        self.verdicts = vec![(verdict.status, Some(moment(verdict.since)))];
        (self.told, self.shown) = (verdict.status, verdict.status);
        self.carried = Some(Timer::at(now.saturating_sub(age)));
        self.down = verdict.down_since.map(|at| Down { since: Some(moment(at)), maybe_aged: false });
        self.failures_at.extend(verdict.failing_since.map(moment));
    }
}
