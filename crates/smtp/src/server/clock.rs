//! How long each wait may last, and what is said when it lasted too long.

use std::time::Duration;

use super::measure::Fault;
use super::question::{EndReason, Stage};
use super::state::State;
use super::{Session, replies};
use crate::instant::Instant;

/// How long an ended session may take to write its last words.
const LINGER: Duration = Duration::from_secs(10);

/// The instants that the deadlines count from.
#[derive(Debug)]
pub(super) struct Clock {
    opened: Instant,
    /// When the present wait began.
    since: Instant,
    /// When the last block of content came.
    block: Instant,
    /// When the content began to come, moved on by the time that storing a part of it took.
    content: Instant,
    /// Octets since then.
    octets: u64,
}

impl Clock {
    pub(super) const fn new(now: Instant) -> Self {
        Self { opened: now, since: now, block: now, content: now, octets: 0 }
    }

    /// Begins to wait for something else.
    pub(super) const fn wait(&mut self, now: Instant) {
        self.since = now;
    }

    /// Begins to wait for content.
    pub(super) const fn await_content(&mut self, now: Instant) {
        self.wait(now);
        self.block = now;
        self.content = now;
        self.octets = 0;
    }

    /// Notes that octets of content came.
    pub(super) const fn block(&mut self, octets: usize, now: Instant) {
        self.block = now;
        self.octets += octets as u64;
    }

    /// Goes on waiting for content after a part of it was stored, which was not the peer's fault.
    pub(super) fn resume_content(&mut self, now: Instant) {
        self.content = self.content + now.since(self.since);
        self.block = now;
        self.wait(now);
    }
}

impl Session {
    /// Returns when [`timeout`](Self::timeout) is to be called unless something happens before. For a session
    /// that has ended: until when to try to write its last words.
    pub fn deadline(&self) -> Instant {
        let clock = &self.clock;
        let deadlines = &self.settings.deadlines;
        match self.state {
            State::Greeting => clock.since + deadlines.decision,
            State::Command(_) | State::Quit => self.session_end().min(clock.since + deadlines.command),
            State::Content(_) | State::Chunk(_) | State::Discard(_) => {
                self.session_end().min(clock.block + deadlines.data).min(self.rate_end())
            }
            State::SenderVerdict(_)
            | State::RecipientVerdict(_)
            | State::DataVerdict(..)
            | State::Spill(_)
            | State::MessageVerdict => clock.since + deadlines.decision,
            State::Handshake => self.session_end().min(clock.since + deadlines.handshake),
            State::Ended(_) => clock.since + LINGER,
        }
    }

    /// Ends the session if its deadline has passed.
    pub fn timeout(&mut self, now: Instant) {
        if self.ended().is_some() || now < self.deadline() {
            return;
        }
        self.note_unfinished_line(now);
        let stage = self.stage();
        let session_over = now >= self.session_end() && stage != Stage::Decision && stage != Stage::Greeting;
        let (reply, reason) = match stage {
            Stage::Handshake => ("", EndReason::Timeout(stage)),
            Stage::Greeting | Stage::Decision => (replies::DECISION_TIME, EndReason::Timeout(stage)),
            // The peer may be waiting for a reply to an end of data that is none.
            Stage::Data if self.state.fault() == Some(Fault::LineEnds) => {
                (replies::LINE_ENDS, EndReason::LineEnds)
            }
            _ if session_over => (replies::SESSION_TIME, EndReason::SessionTime(stage)),
            Stage::Data if self.too_slow(now) => {
                (replies::TOO_SLOW, EndReason::TooSlow { data_bytes: self.data_bytes() })
            }
            Stage::Hello | Stage::Idle | Stage::Envelope | Stage::Data | Stage::Ended => {
                (replies::TIMEOUT, EndReason::Timeout(stage))
            }
        };
        self.say(reply);
        self.clock.wait(now);
        self.end(reason);
    }

    fn session_end(&self) -> Instant {
        self.clock.opened + self.settings.deadlines.session
    }

    /// Returns when the content will have come in too slowly if nothing more of it comes.
    fn rate_end(&self) -> Instant {
        let deadlines = &self.settings.deadlines;
        if deadlines.minimum_rate == 0 {
            return Instant(u64::MAX);
        }
        let earned = self.clock.octets.saturating_mul(1_000_000) / deadlines.minimum_rate;
        self.clock.content + deadlines.rate_grace + Duration::from_micros(earned)
    }

    fn too_slow(&self, now: Instant) -> bool {
        let receiving = matches!(self.state, State::Content(_) | State::Chunk(_) | State::Discard(_));
        receiving && now >= self.rate_end() && now < self.clock.block + self.settings.deadlines.data
    }
}
