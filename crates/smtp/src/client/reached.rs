//! When each stage of a session was answered: instants noted once, subtracted by whoever asks.

use super::output::Stage;
use super::state::State;
use super::{Instant, Session};
use crate::client::step::Step;

/// Stages that have an instant.
const STAGES: usize = 12;

/// When each stage was over. Those of a transaction are the latest one's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reached([Option<Instant>; STAGES]);

impl Reached {
    /// Notes a later instant over an earlier one: the last recipient, the end of the handshake.
    pub(super) fn last(&mut self, stage: Stage, now: Instant) {
        self.0[stage as usize] = Some(now);
    }

    /// Notes the first instant: EHLO is said once more under TLS.
    fn first(&mut self, stage: Stage, now: Instant) {
        self.0[stage as usize].get_or_insert(now);
    }

    /// Forgets a transaction.
    pub(super) fn begin_transaction(&mut self) {
        self.0[Stage::Mail as usize..].fill(None);
    }
}

impl Session {
    /// Returns when a stage was answered: the peer's reply came, the handshake was done, the content was written.
    /// From [`Stage::Mail`] on the answer is about the transaction under way, or else the last one.
    pub fn reached(&self, stage: Stage) -> Option<Instant> {
        self.reached.0[stage as usize]
    }

    /// Notes that a whole reply came in the present state.
    pub(super) fn note_reply(&mut self, now: Instant) {
        let stage = match &self.state {
            State::ContentWriting { exchange, .. } => exchange.owed().map_or(Stage::Content, Step::stage),
            state => state.stage(),
        };
        match stage {
            Stage::Connect | Stage::Greeting | Stage::Ehlo | Stage::Mail => self.reached.first(stage, now),
            Stage::StartTls
            | Stage::Auth
            | Stage::Rcpt
            | Stage::Data
            | Stage::Content
            | Stage::Final
            | Stage::Rset
            | Stage::Quit => self.reached.last(stage, now),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::address::{Mailbox, ReversePath};
    use crate::client::{Output, Settings, Transaction};
    use crate::params::{MailParams, RcptParams};

    fn transaction() -> Option<Transaction> {
        Some(Transaction {
            tag: 1,
            mail: ReversePath::parse("a@a.test").ok()?,
            params: MailParams::default(),
            recipients: vec![(Mailbox::parse("b@b.test").ok()?, RcptParams::default())],
            size: 3,
            eight_bit: false,
            utf8_needed: false,
        })
    }

    /// Feeds a line each second.
    fn hear(session: &mut Session, second: u64, line: &str) {
        session.receive(line.as_bytes(), Instant::from_secs(second));
        while let Some(output) = session.poll() {
            if matches!(output, Output::Content { .. }) {
                session.content_written(Instant::from_secs(second));
            }
        }
    }

    #[test]
    fn every_stage_has_the_instant_of_its_answer() {
        let mut session = Session::new(Arc::new(Settings::default()), Instant::from_secs(1));
        let at = |session: &Session, stage| session.reached(stage).map(Instant::secs);
        assert_eq!(at(&session, Stage::Greeting), None);
        hear(&mut session, 2, "220 mx.test\r\n");
        hear(&mut session, 3, "250 mx.test\r\n");
        assert_eq!((at(&session, Stage::Greeting), at(&session, Stage::Ehlo)), (Some(2), Some(3)));
        for round in [10, 20] {
            let Some(transaction) = transaction() else { unreachable!("both addresses are good") };
            session.transact(transaction, Instant::from_secs(round));
            assert_eq!(at(&session, Stage::Mail), None, "nothing is left of the one before");
            let lines = ["250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 taken\r\n"];
            for (second, line) in (round + 1..).zip(lines) {
                hear(&mut session, second, line);
            }
            let stages = [Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Content, Stage::Final];
            let reached = stages.map(|stage| at(&session, stage).map(|second| second - round));
            assert_eq!(reached, [Some(1), Some(2), Some(3), Some(3), Some(4)]);
        }
        assert_eq!(at(&session, Stage::Greeting), Some(2));
    }
}
