//! What a session knows of itself, for the caller's records. Nothing here changes anything.

use super::Session;
use super::incoming::Incoming;
use super::question::{Ended, Stage, Verb};
use super::state::State;

impl Session {
    /// Returns how the session ended; `None` while it goes on.
    pub const fn ended(&self) -> Option<&Ended> {
        if let State::Ended(ended) = &self.state { Some(ended) } else { None }
    }

    /// Returns the argument of the last HELO or EHLO.
    pub fn helo(&self) -> Option<&str> {
        self.hello.as_ref().map(|hello| hello.name.as_str())
    }

    /// Tells whether the peer said EHLO.
    pub fn esmtp(&self) -> bool {
        self.hello.as_ref().is_some_and(|hello| hello.esmtp)
    }

    /// Tells whether the session is inside TLS.
    pub const fn tls(&self) -> bool {
        self.tls
    }

    /// Returns the verb of the last command; `None` before the first.
    pub const fn last_command(&self) -> Option<Verb> {
        self.last_verb
    }

    /// Returns how many messages were accepted.
    pub const fn messages(&self) -> usize {
        self.tally.messages
    }

    /// Returns how many senders were accepted.
    pub const fn transactions(&self) -> usize {
        self.tally.transactions
    }

    /// Returns how many commands were malformed or out of sequence.
    pub const fn errors(&self) -> usize {
        self.tally.errors
    }

    /// Returns where the session is.
    pub const fn stage(&self) -> Stage {
        self.state.stage(self.hello.is_some())
    }

    /// Returns the octets of content that have come in of an unfinished message.
    pub fn data_bytes(&self) -> u64 {
        self.state.incoming().map_or(0, Incoming::size)
    }
}
