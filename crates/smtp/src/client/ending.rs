//! How sessions end: by QUIT, by a refusal, by 421, by loss. Every transaction is told.

use super::Session;
use super::exchange::Exchange;
use super::output::{Lost, Output, Stage};
use super::state::State;
use super::step::Step;

impl Session {
    /// Reports that the peer refuses us before any transaction, and says QUIT; with 421 only closes.
    pub(super) fn refused(&mut self, code: u16, output: Output) {
        self.outputs.push_back(output);
        if code == 421 {
            return self.end();
        }
        self.lose_waiting(&Lost::PeerClosed);
        self.say_quit();
    }

    pub(super) fn say_quit(&mut self) {
        self.say(&["QUIT"], State::QuitReply);
    }

    /// Ends the session: the peer said that it closes, or that it heard QUIT.
    pub(super) fn end(&mut self) {
        self.discard_io();
        match std::mem::replace(&mut self.state, State::Closed) {
            State::EnvelopeReplies(exchange) => self.settle(*exchange),
            State::ContentWriting { exchange, chained } | State::FinalReply { exchange, chained } => {
                self.settle(*exchange);
                if let Some(next) = chained {
                    self.lose_exchange(*next, Stage::Mail, &Lost::PeerClosed);
                }
            }
            State::Greeting
            | State::EhloReply
            | State::HeloReply
            | State::StartTlsReply
            | State::Handshake { .. }
            | State::AuthReply(_)
            | State::Idle
            | State::QuitReply
            | State::Closed => {}
        }
        self.close(&Lost::PeerClosed);
    }

    /// Ends the session without a word, and reports why.
    pub(super) fn lose(&mut self, why: Lost) {
        self.discard_io();
        let stage = self.state.stage();
        match std::mem::replace(&mut self.state, State::Closed) {
            State::EnvelopeReplies(exchange) => self.lose_exchange(*exchange, stage, &why),
            State::ContentWriting { exchange, chained } | State::FinalReply { exchange, chained } => {
                self.lose_exchange(*exchange, stage, &why);
                if let Some(next) = chained {
                    let stage = next.owed().map_or(Stage::Mail, Step::stage);
                    self.lose_exchange(*next, stage, &why);
                }
            }
            State::Greeting
            | State::EhloReply
            | State::HeloReply
            | State::StartTlsReply
            | State::Handshake { .. }
            | State::AuthReply(_) => self.lost(None, stage, &why, false),
            // A peer may go away between transactions, and need not answer QUIT. Nonsense is told, with the
            // transaction that was to begin if there is one.
            State::Idle | State::QuitReply => {
                if matches!(why, Lost::Protocol(_)) && self.waiting.is_empty() {
                    self.lost(None, stage, &why, false);
                }
            }
            State::Closed => return,
        }
        self.close(&why);
    }

    /// Ends the session because of what the peer said, with no transaction under way.
    pub(super) fn fail(&mut self, stage: Stage, what: String) {
        self.discard_io();
        let why = Lost::Protocol(what);
        self.lost(None, stage, &why, false);
        self.close(&why);
    }

    /// Reports the transactions that have not begun as lost.
    pub(super) fn lose_waiting(&mut self, why: &Lost) {
        while let Some(transaction) = self.waiting.pop_front() {
            self.lost(Some(transaction.tag), Stage::Mail, why, false);
        }
    }

    /// Reports a transaction's settled result.
    pub(super) fn settle(&mut self, exchange: Exchange) {
        debug_assert!(exchange.settled(), "a transaction is over without a result");
        let tag = exchange.tag();
        if let Some(result) = exchange.into_result() {
            self.outputs.push_back(Output::Done { tag, result });
        }
    }

    /// A transaction whose result was settled before the loss keeps it.
    fn lose_exchange(&mut self, exchange: Exchange, stage: Stage, why: &Lost) {
        if exchange.settled() {
            self.settle(exchange);
            return self.lost(None, stage, why, false);
        }
        self.lost(Some(exchange.tag()), stage, why, exchange.content_sent());
    }

    fn lost(&mut self, tag: Option<u64>, stage: Stage, why: &Lost, after_data: bool) {
        self.outputs.push_back(Output::Lost { tag, stage, why: why.clone(), after_data });
    }

    fn close(&mut self, why: &Lost) {
        self.lose_waiting(why);
        self.replies.clear();
        self.state = State::Closed;
        self.deadline = None;
        self.outputs.push_back(Output::Closed);
    }

    /// Takes back what the driver was to do and has not taken up; what it was told stays.
    fn discard_io(&mut self) {
        self.outputs.retain(|output| match output {
            Output::Write(_) | Output::Content { .. } | Output::StartTls => false,
            Output::Ready
            | Output::GreetingRejected(_)
            | Output::HelloRejected(_)
            | Output::TlsUnavailable(_)
            | Output::AuthFailed(_)
            | Output::Recipient { .. }
            | Output::MailRejected { .. }
            | Output::Done { .. }
            | Output::Lost { .. }
            | Output::Closed => true,
        });
    }
}
