//! STARTTLS (RFC 3207): the handshake is the caller's, and nothing said before it counts after it.

use super::question::{Abort, EndReason, Question};
use super::state::State;
use super::{Session, replies};
use crate::instant::Instant;

impl Session {
    /// Answers [`Question::StartTls`]: the handshake is done. All that was said before is forgotten.
    pub fn tls_started(&mut self, now: Instant) {
        if self.expect(State::handshake).is_none() {
            return;
        }
        self.tls = true;
        self.hello = None;
        self.notices.hello = false;
        self.voided = false;
        self.clock.wait(now);
        self.shut_down_if_asked();
    }

    /// Answers [`Question::StartTls`]: the handshake failed. The session is over.
    pub fn tls_failed(&mut self, now: Instant) {
        if self.expect(State::handshake).is_some() {
            self.clock.wait(now);
            self.end(EndReason::TlsFailed);
        }
    }

    pub(super) fn start_tls(&mut self) {
        if self.tls {
            return self.error(replies::TLS_ALREADY);
        }
        if !self.settings.extensions.starttls {
            return self.error(replies::NOT_IMPLEMENTED);
        }
        self.drop_transaction(Abort::StartTls);
        self.say(replies::TLS_GO);
        self.state = State::Handshake;
        self.question = Some(Question::StartTls);
    }
}
