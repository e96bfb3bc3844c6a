//! How a session speaks: its own replies, counted or not, and the caller's.

use super::question::{EndReason, Verdict};
use super::{Session, replies};
use crate::reply::{Reply, write_line};

impl Session {
    /// Says one of the session's own replies.
    pub(super) fn say(&mut self, reply: &str) {
        self.output.extend_from_slice(reply.as_bytes());
    }

    /// Says a reply to a mistake of the peer's, and counts it.
    pub(super) fn error(&mut self, reply: &str) {
        self.tally.errors += 1;
        if self.tally.errors > self.settings.limits.errors {
            self.say(replies::TOO_MANY_ERRORS);
            return self.end(EndReason::TooManyErrors);
        }
        self.say(reply);
    }

    /// Says a reply to a command that brought no message further, and counts it.
    pub(super) fn idle(&mut self, reply: &str) {
        if self.may_idle() {
            self.say(reply);
        }
    }

    /// Counts a command that brought no message further; ends the session at the first one too many.
    pub(super) fn may_idle(&mut self) -> bool {
        self.tally.idle_commands += 1;
        let may = self.tally.idle_commands <= self.settings.limits.idle_commands;
        if !may {
            self.say(replies::TOO_MANY_COMMANDS);
            self.end(EndReason::TooManyCommands);
        }
        may
    }

    /// Says the caller's word. A 421 ends the session (RFC 5321 3.8).
    pub(super) fn refuse(&mut self, reply: &Reply) {
        reply.write(&mut self.output);
        if reply.code == 421 {
            self.end(EndReason::Refused);
        }
    }

    /// Says a verdict, which may end the session; returns whether it was an acceptance.
    pub(super) fn pronounce(&mut self, verdict: Verdict, accepted: &str) -> bool {
        match verdict {
            Verdict::Accept => self.say(accepted),
            Verdict::AcceptWith(text) => write_line(&mut self.output, 250, b' ', None, &text),
            Verdict::Refuse(reply) => {
                self.refuse(&reply);
                return false;
            }
            Verdict::RefuseAndClose(reply) => {
                self.refuse(&reply);
                self.end(EndReason::Refused);
                return false;
            }
        }
        true
    }
}
