//! The sending side of a session: greeting, EHLO, TLS and AUTH, then transactions, then QUIT.
//!
//! A [`Session`] begins when the TCP connection stands. The driver feeds it what the peer sends, the time,
//! and [`Transaction`]s; it does what [`Session::poll`] asks for and learns from it what came of them.
//! Content never passes through the session: the driver writes it when told ([`Output::Content`]).
//!
//! Promises:
//! * Each transaction gets exactly one [`Output::Done`] or [`Output::Lost`]. [`Final::Accepted`] only after
//!   the peer's whole final 2xx reply.
//! * Every wait has a deadline, except that between transactions, which is the caller's.
//! * What a peer sends takes bounded memory, and can only fail its own session.
//! * No byte that came before TLS is believed under TLS (CVE-2011-0411).
//!
//! Not here: connecting, TLS itself, which host to try, what a refusal means for a message.

mod capabilities;
mod commands;
mod ending;
mod exchange;
mod opening;
mod output;
mod reached;
mod reply_reader;
mod settings;
mod state;
mod step;
mod transacting;

use std::collections::VecDeque;
use std::sync::Arc;

pub use self::capabilities::Capabilities;

pub use self::output::{Final, Framing, Lost, NotSent, Output, Stage, Transaction};
use self::reached::Reached;
use self::reply_reader::ReplyReader;
pub use self::settings::{Credentials, Deadlines, ReplyLimits, Settings, TlsDemand};
use self::state::State;
use self::step::unasked;
use crate::instant::Instant;
use crate::reply::Reply;

/// The client side of one connection.
#[derive(Debug)]
pub struct Session {
    settings: Arc<Settings>,
    state: State,
    replies: ReplyReader,
    capabilities: Capabilities,
    /// Transactions not begun, oldest first.
    waiting: VecDeque<Transaction>,
    outputs: VecDeque<Output>,
    deadline: Option<Instant>,
    last_reply: Option<Reply>,
    reached: Reached,
    replies_heard: u64,
    tls: bool,
    /// The peer may hold a part of the transaction before, which failed.
    reset_due: bool,
    /// QUIT is to be said as soon as nothing is under way.
    quit_due: bool,
}

impl Session {
    /// Begins a session on a TCP connection that stands: waits for the greeting, or with
    /// [`implicit_tls`](Settings::implicit_tls) asks for the handshake.
    pub fn new(settings: Arc<Settings>, now: Instant) -> Self {
        let mut session = Self {
            state: State::Greeting,
            settings,
            replies: ReplyReader::default(),
            capabilities: Capabilities::default(),
            waiting: VecDeque::new(),
            outputs: VecDeque::new(),
            deadline: None,
            last_reply: None,
            reached: Reached::default(),
            replies_heard: 0,
            tls: false,
            reset_due: false,
            quit_due: false,
        };
        if session.settings.implicit_tls {
            session.start_handshake(false);
        }
        session.arm(now);
        session
    }

    /// Takes bytes from the peer; returns how many were used, which is all of them.
    pub fn receive(&mut self, input: &[u8], now: Instant) -> usize {
        let mut rest = input;
        while !rest.is_empty() && !self.closed() {
            if matches!(self.state, State::Handshake { .. }) {
                let what = "bytes in clear came where TLS must begin";
                self.lose(Lost::Protocol(what.to_owned()));
                break;
            }
            let (used, read) = self.replies.take(rest, &self.settings.limits);
            rest = &rest[used..];
            match read {
                Ok(None) => {}
                Ok(Some(reply)) => self.hear(reply, now),
                Err(malformed) => self.lose(Lost::Protocol(malformed.to_string())),
            }
        }
        input.len()
    }

    /// Notes that the peer closed the connection, or that it broke.
    pub fn peer_closed(&mut self, _now: Instant) {
        self.lose(Lost::PeerClosed);
    }

    /// Notes that time has passed. Does nothing before the [`deadline`](Self::deadline).
    pub fn timeout(&mut self, now: Instant) {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.lose(Lost::Timeout);
        }
    }

    /// Returns when [`timeout`](Self::timeout) is to be called; `None` when nothing is waited for.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Returns the next thing to do or to know.
    pub fn poll(&mut self) -> Option<Output> {
        match self.outputs.pop_front()? {
            Output::Content { tag, framing, follow: _ } => {
                let follow = self.begin_chained();
                Some(Output::Content { tag, framing, follow })
            }
            output => Some(output),
        }
    }

    /// Notes that the handshake is done. Bytes the driver read before it must not be fed after it.
    pub fn tls_started(&mut self, now: Instant) {
        if let State::Handshake { greeted } = self.state {
            self.tls = true;
            self.reached.last(Stage::StartTls, now);
            self.replies.clear();
            self.capabilities = Capabilities::default();
            if greeted {
                self.say_ehlo()
            } else {
                self.state = State::Greeting
            }
            self.arm(now);
        }
    }

    /// Notes that the handshake failed. The connection is of no use after that, not even in clear.
    pub fn tls_failed(&mut self, reason: String, _now: Instant) {
        if matches!(self.state, State::Handshake { .. }) {
            self.lose(Lost::Protocol(reason));
        }
    }

    /// Hands a transaction over. Its commands leave as soon as they may: at once when the session is
    /// [`idle`](Self::idle); behind the content of the one before, when the peer offers PIPELINING; else
    /// after the one before is done. More than one ahead only wait.
    pub fn transact(&mut self, transaction: Transaction, now: Instant) {
        self.waiting.push_back(transaction);
        match &self.state {
            State::Idle if self.replies.begun() => {
                let why = Lost::Protocol("a reply began that no command asked for".to_owned());
                self.lose(why);
            }
            State::Idle => {
                self.reached.begin_transaction();
                self.begin_waiting();
                self.arm(now);
            }
            State::FinalReply { .. } => self.write_chained(),
            State::Closed => self.lose_waiting(&Lost::PeerClosed),
            State::Greeting
            | State::Handshake { .. }
            | State::EhloReply
            | State::HeloReply
            | State::StartTlsReply
            | State::AuthReply(_)
            | State::EnvelopeReplies(_)
            | State::ContentWriting { .. }
            | State::QuitReply => {}
        }
    }

    /// Notes that a part of the content was taken by the network: the deadline of a block starts anew.
    pub fn content_progress(&mut self, now: Instant) {
        if matches!(self.state, State::ContentWriting { .. }) {
            self.arm(now);
        }
    }

    /// Notes that content and its end were written, as [`Output::Content`] asked. To be called before what
    /// the peer sent after that is fed, and also when writing what follows the end failed.
    pub fn content_written(&mut self, now: Instant) {
        if matches!(self.state, State::ContentWriting { .. }) {
            self.end_content();
            self.reached.last(Stage::Content, now);
            self.arm(now);
        }
    }

    /// Says QUIT, as soon as no transaction is under way or waiting.
    pub fn quit(&mut self, now: Instant) {
        self.quit_due = true;
        if matches!(self.state, State::Idle) {
            self.begin_waiting();
            self.arm(now);
        }
    }

    /// Returns what the peer offers.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Tells whether the session runs under TLS.
    pub fn tls(&self) -> bool {
        self.tls
    }

    /// Tells whether a transaction handed over now begins at once.
    pub fn idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Tells whether the session has ended.
    pub fn closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Returns the last whole reply of the peer.
    pub fn last_reply(&self) -> Option<&Reply> {
        self.last_reply.as_ref()
    }

    /// Returns how many whole replies the peer gave.
    pub fn replies_heard(&self) -> u64 {
        self.replies_heard
    }

    fn hear(&mut self, reply: Reply, now: Instant) {
        self.replies_heard += 1;
        self.last_reply = Some(reply.clone());
        self.note_reply(now);
        // Each of these sets the state that follows.
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Greeting => self.greeted(reply),
            State::EhloReply => self.ehlo_answered(reply),
            State::HeloReply => self.helo_answered(reply),
            State::StartTlsReply => self.starttls_answered(&reply),
            State::AuthReply(step) => self.auth_answered(step, reply),
            State::EnvelopeReplies(exchange) => self.envelope_answered(exchange, reply),
            State::ContentWriting { exchange, chained } => self.content_interrupted(exchange, chained, reply),
            State::FinalReply { exchange, chained } => self.content_answered(exchange, chained, reply),
            // Between transactions only 421 may come unasked: the peer goes away (RFC 5321 3.8).
            State::Idle if reply.code == 421 => self.end(),
            State::Idle => self.fail(Stage::Mail, unasked(&reply)),
            State::Handshake { .. } => self.fail(Stage::StartTls, unasked(&reply)),
            State::QuitReply => self.end(),
            State::Closed => {}
        }
        self.arm(now);
    }
}
