//! A recipient as it must be: where it stands, its own clock, its age and its attempts.

use mailreeve_core::delivery::io::{PeerFacts, RecipientResult, Waiting};
use mailreeve_core::delivery::settings::Settings;
use mailreeve_core::delivery::why::Why;
use mailreeve_core::event::{Failure, Stage};
use mailreeve_core::ids::{Dcid, Host};

use super::timer::Timer;
use crate::clock::{Clock, SECOND};

/// A recipient that has not ended.
#[derive(Clone, Debug)]
pub(crate) struct Recipient {
    /// Where to.
    pub(crate) host: Host,
    /// What it was entered with.
    pub(crate) waiting: Waiting,
    /// Where it stands.
    pub(crate) phase: Phase,
    /// Its own clock, when it runs.
    pub(crate) own: Option<Own>,
    /// Steady time at which its age was zero, and how much older the scheduler may think it younger.
    pub(crate) born: Timer,
    /// Attempts that count.
    pub(crate) attempts: u32,
    /// Whether the next attempt was forced by an operator.
    pub(crate) forced: Forced,
    /// Legal present lengths of its own clock; 0 before its first.
    pub(crate) intervals_s: Vec<u32>,
    /// A delay report went out.
    pub(crate) delay_reported: bool,
    /// It was tried before.
    pub(crate) tried: bool,
    /// An operator moved it since it entered.
    pub(crate) moved: bool,
    /// The why that was last seen.
    pub(crate) seen: Option<Why>,
}

/// Where a recipient stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Waits, for whatever reason.
    Waiting,
    /// In a transaction on this connection.
    Attempting(Dcid),
    /// The transaction's result was given and must be acted on in the same call.
    Resulted(Dcid, RecipientResult),
}

/// Its own clock.
#[derive(Clone, Debug)]
pub(crate) struct Own {
    /// When it fires.
    pub(crate) timer: Timer,
    /// The failure that started it.
    pub(crate) cause: Option<Failure>,
    /// It was stored for a failure of the destination: after a restart the destination may wait in its stead.
    pub(crate) of_host: bool,
}

/// Whether an operator forced the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forced {
    /// It counts.
    No,
    /// It was due anyway when the operator said so: both are right.
    Maybe,
    /// It does not count.
    Yes,
}

impl Recipient {
    /// A recipient entering at `clock`, with what was durable about it. A stored clock that runs longer than
    /// its interval, or `max_seconds`, can only come from a wall that has jumped back, and is cut.
    pub(crate) fn enter(waiting: &Waiting, max_seconds: u32, clock: &Clock) -> Self {
        let wall = clock.wall().0;
        let state = waiting.state.as_ref();
        let interval_s = state.map_or(0, |state| state.interval_s);
        let cause = state.and_then(|state| state.last.clone());
        let of_host = cause.as_ref().is_some_and(|failure| failure.stage <= Stage::Auth);
        let longest = if interval_s > 0 && !of_host { interval_s } else { max_seconds };
        let due_at = state.map_or(0, |state| state.due_at).min(wall + u64::from(longest) * SECOND);
        let own = (due_at > wall).then(|| Own { timer: Timer::at(clock.to_steady(due_at)), cause, of_host });
        Self {
            host: state.and_then(|state| state.host.clone()).unwrap_or_else(|| waiting.host.clone()),
            waiting: waiting.clone(),
            phase: Phase::Waiting,
            own,
            born: Timer::at(clock.steady - wall.saturating_sub(waiting.accepted_at).min(clock.steady)),
            attempts: state.map_or(0, |state| state.attempts),
            forced: Forced::No,
            intervals_s: vec![interval_s],
            delay_reported: state.is_some_and(|state| state.delay_reported),
            tried: state.is_some_and(|state| state.attempts > 0 || state.last.is_some()),
            moved: false,
            seen: None,
        }
    }

    /// The wall jumped.
    pub(crate) fn jumped(&mut self) {
        self.born.jumped();
        if let Some(own) = &mut self.own {
            own.timer.jumped();
        }
    }

    /// Takes note of a why that was found true. It settles whose clock is waited for where both were right.
    pub(crate) fn see(&mut self, why: Why) {
        match (&why, &mut self.own) {
            (Why::HostBackoff { .. }, Some(own)) if own.of_host => self.own = None,
            (Why::WaitingForRetry { .. }, Some(own)) => own.of_host = false,
            (_, _) => {}
        }
        self.seen = Some(why);
    }

    /// Tells whether its own clock does not stand in the way.
    pub(crate) fn own_clock_open(&self, now: u64) -> bool {
        self.own.as_ref().is_none_or(|own| own.of_host || own.timer.may_have_fired(now))
    }

    /// Tells whether ending it by age after `queue_seconds` is not too early.
    pub(crate) fn may_be_too_old(&self, queue_seconds: u64, now: u64) -> bool {
        self.born.may_have_fired(now.saturating_sub(queue_seconds * SECOND))
    }

    /// Returns the steady time at which it ends by age at the latest.
    pub(crate) fn too_old_at(&self, queue_seconds: u64) -> u64 {
        self.born.latest() + queue_seconds * SECOND
    }

    /// Tells whether a peer can take its message.
    pub(crate) fn fits(&self, facts: &PeerFacts, settings: &Settings) -> bool {
        let content = self.waiting.content;
        (facts.smtputf8 || !content.utf8_needed)
            && facts.size_limit.is_none_or(|limit| self.waiting.size <= limit)
            && (facts.eight_bit || !content.eight_bit || !settings.eight_bit_bounce)
    }

    /// Returns the legal numbers of counted attempts after one more that failed.
    pub(crate) fn attempts_after(&self) -> Vec<u32> {
        match self.forced {
            Forced::No => vec![self.attempts + 1],
            Forced::Maybe => vec![self.attempts, self.attempts + 1],
            Forced::Yes => vec![self.attempts],
        }
    }
}
