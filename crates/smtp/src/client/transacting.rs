//! Transactions: begun, answered, chained behind one another.

use super::Session;
use super::exchange::Exchange;
use super::output::{Final, Framing, Lost, Output};
use super::state::State;
use super::step::{Next, unasked};
use crate::reply::{Class, Reply};

/// Room for the commands of a transaction with one recipient, so that they are put together in one piece.
const COMMAND_OCTETS: usize = 256;

impl Session {
    /// Begins the next transaction that can be sent; without one says QUIT if that is due, or waits.
    pub(super) fn begin_waiting(&mut self) {
        let reset = self.reset_due;
        if let Some(exchange) = self.next_sendable(reset) {
            self.go_on(exchange);
        } else if self.quit_due {
            self.say_quit();
        } else {
            self.state = State::Idle;
        }
    }

    /// Takes a reply while nothing of the content was written.
    pub(super) fn envelope_answered(&mut self, mut exchange: Box<Exchange>, reply: Reply) {
        let closing = reply.code == 421;
        let answered = exchange.answer(reply, &mut self.outputs);
        match (answered, closing, exchange.owed()) {
            (Err(what), _, _) => self.lose_in(State::EnvelopeReplies(exchange), what),
            (Ok(()), true, _) => self.end_in(State::EnvelopeReplies(exchange)),
            (Ok(()), false, Some(_)) => self.state = State::EnvelopeReplies(exchange),
            (Ok(()), false, None) => self.go_on(exchange),
        }
    }

    /// Takes a reply while the content is being written: to the commands that left with it, or a refusal
    /// that does not wait for its end.
    pub(super) fn content_interrupted(
        &mut self,
        mut exchange: Box<Exchange>,
        chained: Option<Box<Exchange>>,
        reply: Reply,
    ) {
        let closing = reply.code == 421;
        let (answered, ends) = match (exchange.owed(), reply.class()) {
            (Some(_), _) => (exchange.answer(reply, &mut self.outputs), closing),
            (None, Class::Transient | Class::Permanent) => {
                exchange.content_refused(reply);
                (Ok(()), true)
            }
            (None, Class::Done | Class::Intermediate) => (Err(unasked(&reply)), true),
        };
        let state = State::ContentWriting { exchange, chained };
        match (answered, ends) {
            (Err(what), _) => self.lose_in(state, what),
            (Ok(()), true) => self.end_in(state),
            (Ok(()), false) => self.state = state,
        }
    }

    /// Takes a reply after the content was written.
    pub(super) fn content_answered(
        &mut self,
        mut exchange: Box<Exchange>,
        chained: Option<Box<Exchange>>,
        reply: Reply,
    ) {
        let closing = reply.code == 421;
        let answered = exchange.answer(reply, &mut self.outputs);
        match (answered, closing, exchange.owed()) {
            (Err(what), _, _) => self.lose_in(State::FinalReply { exchange, chained }, what),
            (Ok(()), true, _) => self.end_in(State::FinalReply { exchange, chained }),
            (Ok(()), false, Some(_)) => self.state = State::FinalReply { exchange, chained },
            (Ok(()), false, None) => self.over(exchange, chained),
        }
    }

    /// Content and its end were written.
    pub(super) fn end_content(&mut self) {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::ContentWriting { mut exchange, chained } => {
                exchange.content_written();
                self.state = State::FinalReply { exchange, chained };
                self.write_chained();
            }
            elsewhere => self.state = elsewhere,
        }
    }

    /// Begins the next transaction behind the content of the present one, where that is possible; returns
    /// its commands.
    ///
    /// RFC 2920 3.1 lets commands follow the end of the content. The content of the present transaction is the
    /// last thing that is written of it, so that the replies stay in order.
    pub(super) fn begin_chained(&mut self) -> Vec<u8> {
        let (State::ContentWriting { exchange, chained: None }
        | State::FinalReply { exchange, chained: None }) = &self.state
        else {
            return Vec::new();
        };
        if !self.capabilities.pipelining {
            return Vec::new();
        }
        // A refused BDAT asks for RSET, and whether this one is refused is not known yet.
        let reset = exchange.framing() == Framing::Bdat;
        let Some(mut next) = self.next_sendable(reset) else { return Vec::new() };
        let mut commands = Vec::with_capacity(COMMAND_OCTETS);
        next.write_flight(&self.capabilities, &mut commands);
        if let State::ContentWriting { chained, .. } | State::FinalReply { chained, .. } = &mut self.state {
            *chained = Some(next);
        }
        commands
    }

    pub(super) fn write_chained(&mut self) {
        let commands = self.begin_chained();
        if !commands.is_empty() {
            self.outputs.push_back(Output::Write(commands));
        }
    }

    /// Does what comes next in a transaction that no reply is owed for.
    fn go_on(&mut self, mut exchange: Box<Exchange>) {
        let mut commands = Vec::new();
        let mut content = false;
        match exchange.next() {
            Next::Over => return self.over(exchange, None),
            Next::EmptyContent => {
                commands.extend_from_slice(b".\r\n");
                exchange.content_written();
            }
            Next::Content => content = true,
            Next::Commands => {
                commands.reserve(COMMAND_OCTETS);
                exchange.write_flight(&self.capabilities, &mut commands);
                content = exchange.may_fly_with_content(&self.capabilities);
            }
        }
        if content {
            exchange.announce_content(&mut commands);
        }
        if !commands.is_empty() {
            self.outputs.push_back(Output::Write(commands));
        }
        if content {
            let (tag, framing) = (exchange.tag(), exchange.framing());
            self.outputs.push_back(Output::Content { tag, framing, follow: Vec::new() });
            self.state = State::ContentWriting { exchange, chained: None };
        } else if exchange.content_sent() {
            self.state = State::FinalReply { exchange, chained: None };
        } else {
            self.state = State::EnvelopeReplies(exchange);
        }
    }

    /// Reports a transaction's result and goes on with the next.
    fn over(&mut self, exchange: Box<Exchange>, chained: Option<Box<Exchange>>) {
        self.reset_due = exchange.open();
        self.settle(*exchange);
        match chained {
            Some(next) => self.state = State::EnvelopeReplies(next),
            None => self.begin_waiting(),
        }
    }

    /// Takes the oldest waiting transaction that this peer can take; reports those before it as not sent.
    fn next_sendable(&mut self, reset: bool) -> Option<Box<Exchange>> {
        let framing = if self.capabilities.chunking { Framing::Bdat } else { Framing::Dot };
        while let Some(transaction) = self.waiting.pop_front() {
            let result = match transaction.unsendable(&self.capabilities) {
                Some(why) => Final::NotSent(why),
                None if transaction.recipients.is_empty() => Final::AllRecipientsRejected,
                None => {
                    let exchange = Exchange::new(transaction, framing, reset);
                    return Some(Box::new(match self.settings.envelope_only {
                        true => exchange.envelope_only(),
                        false => exchange,
                    }));
                }
            };
            self.outputs.push_back(Output::Done { tag: transaction.tag, result });
        }
        None
    }

    fn lose_in(&mut self, state: State, what: String) {
        self.state = state;
        self.lose(Lost::Protocol(what));
    }

    fn end_in(&mut self, state: State) {
        self.state = state;
        self.end();
    }
}
