//! A destination as it must be: its verdict, its clock, its rate window, what was looked up.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use mailreeve_core::delivery::io::{PeerFacts, Resolution};
use mailreeve_core::delivery::settings::BounceProfile;
use mailreeve_core::event::{Cause, Failure, HostStatus};

use super::timer::Timer;
use super::transact::Window;
use super::verdict::Down;
use crate::clock::{Clock, Moment, SECOND};

/// A destination.
#[derive(Clone, Debug, Default)]
pub(crate) struct Destination {
    /// Legal verdicts with the moment since when; no moment means that any is right.
    pub(crate) verdicts: Vec<(HostStatus, Option<Moment>)>,
    /// The verdict that was last told as an event.
    pub(crate) told: HostStatus,
    /// The verdict that was last shown to an operator.
    pub(crate) shown: HostStatus,
    /// Legal states of its clock.
    pub(crate) holds: Vec<Hold>,
    /// When the present clock was started, steady.
    pub(crate) held_at: u64,
    /// Moments of the failed tries since the last success.
    pub(crate) failures_at: Vec<Moment>,
    /// What failed at the last failed try.
    pub(crate) reasons: Vec<Failure>,
    /// Suspended by, and since.
    pub(crate) suspended: Option<(String, Moment)>,
    /// A look-up is under way since.
    pub(crate) lookup: Option<Moment>,
    /// The last answer and when it came, steady.
    pub(crate) answer: Option<(Resolution, u64)>,
    /// Recipients handed out: when, steady; to which address; how many.
    pub(crate) handed: VecDeque<(u64, IpAddr, usize)>,
    /// Present rate windows, of the whole or by address.
    pub(crate) windows: BTreeMap<Option<IpAddr>, Window>,
    /// The rate window may have begun anew here.
    pub(crate) window_floor: u64,
    /// What was last met at each address: what it can do, or nothing.
    pub(crate) met: BTreeMap<SocketAddr, Option<PeerFacts>>,
    /// One more connection failed beside others that stood, steady.
    pub(crate) refused_more: Option<u64>,
    /// The last attempt of any kind.
    pub(crate) attempted: Option<Timer>,
    /// The last attempt before the restart, while its verdict is the one of before.
    pub(crate) carried: Option<Timer>,
    /// It was shown as down since, and not as up afterwards.
    pub(crate) down: Option<Down>,
}

/// A state of the destination's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    /// When it fires; `None` when it does not run.
    pub(crate) timer: Option<Timer>,
    /// Its length; 0 when the next failure starts from the beginning.
    pub(crate) interval_s: u32,
}

impl Hold {
    /// Nothing holds.
    pub(crate) const FREE: Self = Self { timer: None, interval_s: 0 };

    /// The clock after one more failed try at `now`.
    fn longer(self, profile: &BounceProfile, now: u64) -> Self {
        let interval_s = longer(self.interval_s, profile);
        Self { timer: Some(Timer::at(now + u64::from(interval_s) * SECOND)), interval_s }
    }
}

/// Returns the next length of either clock.
pub(crate) fn longer(interval_s: u32, profile: &BounceProfile) -> u32 {
    match interval_s {
        0 => profile.initial_seconds,
        // Settings may have changed since the present length was chosen.
        _ => interval_s.saturating_mul(2).max(profile.initial_seconds),
    }
    .min(profile.max_seconds)
}

/// Returns the verdict that a failed connection gives, by what its addresses said.
pub(crate) fn verdict_of(failures: &[Failure]) -> HostStatus {
    let answers = |cause| {
        matches!(
            cause,
            Cause::GreetingRejected
                | Cause::HelloRejected
                | Cause::TlsNotOffered
                | Cause::TlsHandshake
                | Cause::TlsCertificate
                | Cause::TlsCertificateExpired
                | Cause::TlsNameMismatch
                | Cause::TlsCertificateUntrusted
                | Cause::AuthFailed
                | Cause::ProtocolError
        )
    };
    let negative = |cause| {
        matches!(
            cause,
            Cause::ConnectRefused
                | Cause::NoRoute
                | Cause::BannerTimeout
                | Cause::SmtpTimeout
                | Cause::ConnectionLost
        )
    };
    if failures.iter().any(|failure| answers(failure.cause)) {
        HostStatus::Up
    } else if failures.iter().any(|failure| negative(failure.cause)) {
        HostStatus::Down
    } else {
        HostStatus::Unknown
    }
}

impl Destination {
    /// Returns the legal states of the clock; never empty.
    pub(crate) fn holds(&self) -> Vec<Hold> {
        if self.holds.is_empty() { vec![Hold::FREE] } else { self.holds.clone() }
    }

    /// Returns the legal verdicts; never empty.
    pub(crate) fn verdicts(&self) -> Vec<(HostStatus, Option<Moment>)> {
        if self.verdicts.is_empty() { vec![(HostStatus::Unknown, None)] } else { self.verdicts.clone() }
    }

    /// The wall jumped.
    pub(crate) fn jumped(&mut self) {
        for timer in self
            .holds
            .iter_mut()
            .filter_map(|hold| hold.timer.as_mut())
            .chain(self.attempted.as_mut())
            .chain(self.carried.as_mut())
        {
            timer.jumped();
        }
    }

    /// Takes note of an attempt of any kind.
    pub(crate) fn attempt(&mut self, now: u64) {
        self.attempted = Some(Timer::at(now));
    }

    /// Tells whether the verdict may be too old to be worth anything.
    pub(crate) fn may_have_aged(&self, life_us: u64, now: u64) -> bool {
        self.attempted.or(self.carried).is_none_or(|at| at.may_have_fired(now.saturating_sub(life_us)))
    }

    /// Tells whether the verdict must be too old.
    pub(crate) fn must_have_aged(&self, life_us: u64, now: u64) -> bool {
        self.attempted.or(self.carried).is_none_or(|at| at.must_have_fired(now.saturating_sub(life_us)))
    }

    /// A try failed. `unsure`: it began before the clock that runs now, or others still work, so leaving the
    /// clock as it is would be right as well.
    pub(crate) fn fail(
        &mut self,
        failures: Vec<Failure>,
        unsure: bool,
        profile: &BounceProfile,
        clock: &Clock,
    ) {
        let old = self.holds();
        let mut holds: Vec<Hold> = old.iter().map(|hold| hold.longer(profile, clock.steady)).collect();
        if unsure {
            holds.extend(old.iter().copied());
            holds.extend(old.iter().filter(|hold| hold.interval_s > 0).map(|hold| Hold {
                timer: Some(Timer::at(clock.steady + u64::from(hold.interval_s) * SECOND)),
                interval_s: hold.interval_s,
            }));
        } else {
            self.held_at = clock.steady;
            self.reasons.clear();
        }
        holds.dedup();
        self.holds = holds;
        self.failures_at.push(clock.moment());
        self.reasons.extend(failures);
    }

    /// The clock may be taken up again from what was stored for a recipient; its length is then not known.
    pub(crate) fn take_up(&mut self, timer: Timer, failure: Failure, now: u64) {
        if self.attempted.is_some() {
            return;
        }
        self.holds = self.holds();
        self.holds.push(Hold { timer: Some(timer), interval_s: 0 });
        self.held_at = now;
        self.failures_at.push(Moment { steady: now, wall: failure.at });
        self.reasons.push(failure);
    }

    /// Tells whether no clock may be in memory, and from now on expects only that.
    pub(crate) fn narrow_to_idle(&mut self) -> bool {
        let idle: Vec<Hold> = self.holds().into_iter().filter(|hold| hold.timer.is_none()).collect();
        let any = !idle.is_empty();
        if any {
            self.holds = idle;
        }
        any
    }

    /// Tells whether a clock of this length may fire then, and from now on expects only that.
    pub(crate) fn narrow_to_shown(&mut self, until: u64, interval_s: u32, clock: &Clock) -> bool {
        let shown = |hold: &Hold| {
            hold.interval_s == interval_s && hold.timer.is_some_and(|mut timer| timer.agrees(until, clock))
        };
        let shown: Vec<Hold> = self.holds().into_iter().filter(shown).collect();
        let any = !shown.is_empty();
        if any {
            self.holds = shown;
            self.holds.truncate(1);
        }
        any
    }

    /// Takes over the clock's length as shown, where it is not known.
    pub(crate) fn learn_interval(&mut self, interval_s: u32) {
        for hold in self.holds.iter_mut().filter(|hold| hold.timer.is_some() && hold.interval_s == 0) {
            hold.interval_s = interval_s;
        }
    }

    /// An attempt reached a dialogue: nothing holds any more.
    pub(crate) fn succeed(&mut self) {
        self.holds = vec![Hold::FREE];
        self.failures_at.clear();
        self.reasons.clear();
    }

    /// An operator made the clock forgotten; whether the length of the clock is forgotten with it is free.
    pub(crate) fn forget(&mut self, surely: bool) {
        let mut holds = vec![Hold::FREE];
        for hold in self.holds() {
            holds.push(Hold { timer: None, ..hold });
            if !surely {
                holds.push(hold);
            }
        }
        holds.dedup();
        self.holds = holds;
    }

    /// Tells whether a try may start now, and from now on expects only the states in which it may.
    pub(crate) fn narrow_to_open(&mut self, now: u64) -> bool {
        let open: Vec<Hold> = self
            .holds()
            .into_iter()
            .filter(|hold| hold.timer.is_none_or(|timer| timer.may_have_fired(now)))
            .collect();
        let any = !open.is_empty();
        if any {
            self.holds = open;
        }
        any
    }

    /// Tells whether the clock may run until `until`, and from now on expects only that.
    pub(crate) fn narrow_to_held(&mut self, until: u64, clock: &Clock) -> bool {
        let mut held = self.holds();
        held.retain_mut(|hold| hold.timer.as_mut().is_some_and(|timer| timer.agrees(until, clock)));
        let any = !held.is_empty();
        if any {
            self.holds = held;
        }
        any
    }

    /// Tells whether its clock surely runs.
    pub(crate) fn surely_held(&self, now: u64) -> bool {
        self.holds().iter().all(|hold| hold.timer.is_some_and(|timer| !timer.may_have_fired(now)))
    }

    /// Tells whether it is surely in a run of failed tries, so that one recipient at a time tries it.
    pub(crate) fn on_trial(&self) -> bool {
        self.holds().iter().all(|hold| hold.timer.is_some())
    }

    /// Tells whether it may be that the last attempt did not reach it.
    pub(crate) fn may_be_other_than_up(&self) -> bool {
        self.verdicts().iter().any(|(status, _)| *status != HostStatus::Up)
    }

    /// Tells whether it may be in a run of failed tries.
    pub(crate) fn maybe_on_trial(&self) -> bool {
        self.holds().iter().any(|hold| hold.timer.is_some())
    }
}
