//! The sending side of a session, without IO (RFC 5321 and what the next hop offers).
//!
//! The caller feeds [`receive`](Session::receive) what it read, carries out what [`poll`](Session::poll)
//! returns, and hands over one [`Transaction`] at a time. Content never enters the session: it says when and
//! how content is to be written, and the caller writes it.
//!
//! ```text
//!   Greeting ─► Ehlo ─┬─► StartTls ─► Handshake ─► Ehlo (anew, inside TLS) ─┐
//!      (5xx: Helo) ───┴──────────────────────────► Auth ────────────────────┴─► Idle ◄──────────┐
//!                                                                                │ transact     │
//!                            Quit ◄── quit ──────────────────────────────────────┴─► InFlight ──┘
//! ```
//! Forbidden: anything before the greeting; a transaction before `Ready`; content before a go-ahead (354, or
//! a written BDAT); AUTH in clear unless the settings allow it.
//!
//! # Promises
//! * A message counts as accepted only after its whole final 2xx line was read.
//! * Every recipient gets one result: its own RCPT refusal, or what ended the transaction.
//! * Memory is bounded whatever the peer sends. Nothing it sends panics.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::address::{Mailbox, ReversePath};
use crate::instant::Instant;
use crate::params::{MailParams, RcptParams};
use crate::reply::{Class, Reply};

mod auth;
mod capabilities;
mod commands;
mod flight;
mod reader;

pub use capabilities::Capabilities;

use auth::Auth;
use flight::Flight;
use reader::Reader;

/// How a session is led.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Our name in EHLO.
    pub helo: String,
    /// How long the peer may take.
    pub deadlines: Deadlines,
    /// What is asked of TLS.
    pub tls: TlsDemand,
    /// Who we are at a smarthost.
    pub auth: Option<Credentials>,
    /// Credentials may travel without TLS.
    pub auth_in_clear: bool,
    /// TLS from the first octet (port 465).
    pub implicit_tls: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            helo: "localhost".to_owned(),
            deadlines: Deadlines::default(),
            tls: TlsDemand::default(),
            auth: None,
            auth_in_clear: false,
            implicit_tls: false,
        }
    }
}

/// How long the peer may take for each step (RFC 5321 4.5.3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// From the connection to the greeting.
    pub greeting: Duration,
    /// EHLO and HELO.
    pub helo: Duration,
    /// STARTTLS, its handshake, and each step of AUTH.
    pub starttls: Duration,
    /// MAIL.
    pub mail: Duration,
    /// RCPT.
    pub rcpt: Duration,
    /// DATA, until the go-ahead.
    pub data_init: Duration,
    /// Each block of content; the caller's affair while it writes.
    pub data_block: Duration,
    /// From the end of content to the final reply.
    pub data_end: Duration,
    /// QUIT.
    pub quit: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        Self {
            greeting: minutes(5),
            helo: minutes(5),
            starttls: minutes(2),
            mail: minutes(5),
            rcpt: minutes(5),
            data_init: minutes(2),
            data_block: minutes(3),
            data_end: minutes(10),
            quit: Duration::from_secs(10),
        }
    }
}

/// What is asked of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TlsDemand {
    /// Not even when offered.
    Never,
    /// When offered.
    #[default]
    Opportunistic,
    /// Or no mail on this connection.
    Required,
}

/// A user and a password. Neither is ever shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    user: String,
    password: String,
}

impl Credentials {
    /// Makes credentials.
    pub const fn new(user: String, password: String) -> Self {
        Self { user, password }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// A message to be handed over, but for its content.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// The caller's name for it, given back with every result.
    pub tag: u64,
    /// The reverse path.
    pub mail: ReversePath,
    /// Parameters of MAIL; sent as far as the peer offers the extension.
    pub params: MailParams,
    /// The recipients with their parameters.
    pub recipients: Vec<(Mailbox, RcptParams)>,
    /// Octets of content.
    pub size: u64,
    /// An octet above 127 is in the content.
    pub eight_bit: bool,
    /// SMTPUTF8 is needed.
    pub utf8_needed: bool,
}

/// How content is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// Dot-stuffed, ended by a lone dot.
    Dot,
    /// As it is: BDAT told its length.
    Bdat,
}

/// What the caller is to do, or to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write these octets.
    Write(Vec<u8>),
    /// Write the content of this transaction, then call [`Session::content_written`].
    Content {
        /// The transaction.
        tag: u64,
        /// How.
        framing: Framing,
    },
    /// Do the handshake, then call [`Session::tls_started`] or [`Session::tls_failed`].
    StartTls,
    /// A transaction may be given.
    Ready,
    /// The greeting was 4xx or 5xx; the session is over.
    GreetingRejected(Reply),
    /// EHLO and HELO were refused; the session is over.
    HelloRejected(Reply),
    /// TLS was wanted and cannot be had; the session is over if it was required.
    TlsUnavailable(String),
    /// AUTH failed; the session is over.
    AuthFailed(Reply),
    /// The reply to RCPT number `index`.
    Recipient {
        /// The transaction.
        tag: u64,
        /// Which of its recipients.
        index: usize,
        /// The reply.
        reply: Reply,
    },
    /// MAIL was refused; [`Output::Done`] follows once the peer is in step again.
    MailRejected {
        /// The transaction.
        tag: u64,
        /// The reply.
        reply: Reply,
    },
    /// The transaction is over.
    Done {
        /// The transaction.
        tag: u64,
        /// How it ended for those recipients that RCPT accepted.
        result: Final,
    },
    /// The connection is of no use any more.
    Lost {
        /// The transaction that was under way.
        tag: Option<u64>,
        /// Where.
        stage: Stage,
        /// Why.
        why: Lost,
        /// The content was written in full: the peer may have the message.
        after_data: bool,
    },
    /// The session is over; close.
    Closed,
}

/// How a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Final {
    /// The peer has the message.
    Accepted(Reply),
    /// The peer refused it, at DATA or after the content.
    Rejected(Reply, Stage),
    /// No recipient was accepted.
    AllRecipientsRejected,
    /// It was not even tried.
    NotSent(NotSent),
}

/// Why a transaction was not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// SMTPUTF8 is needed and not offered (RFC 6531 3.2).
    Smtputf8NotOffered,
    /// It is larger than the peer's SIZE (RFC 1870 6.1).
    TooBig {
        /// That SIZE.
        limit: u64,
    },
}

/// Why a connection is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The peer closed it, or said 421.
    PeerClosed,
    /// The peer took too long.
    Timeout,
    /// What the peer said is not SMTP.
    Protocol(String),
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the stages are the commands' names")]
pub enum Stage {
    Connect,
    Greeting,
    Ehlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    Content,
    Final,
    Rset,
    Quit,
}

/// What the next reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    Auth,
    Mail,
    Rcpt(usize),
    Data,
    Final,
    Rset,
    Quit,
}

impl Expect {
    const fn stage(self) -> Stage {
        match self {
            Self::Greeting => Stage::Greeting,
            Self::Ehlo | Self::Helo => Stage::Ehlo,
            Self::StartTls => Stage::StartTls,
            Self::Auth => Stage::Auth,
            Self::Mail => Stage::Mail,
            Self::Rcpt(_) => Stage::Rcpt,
            Self::Data => Stage::Data,
            Self::Final => Stage::Final,
            Self::Rset => Stage::Rset,
            Self::Quit => Stage::Quit,
        }
    }
}

/// Where the session is between commands.
#[derive(Debug)]
enum State {
    /// Getting ready: greeting, EHLO, TLS, AUTH.
    Opening,
    /// The caller does the TLS handshake.
    Handshake,
    /// Nothing is under way.
    Idle,
    /// A transaction is.
    InFlight(Flight),
    /// QUIT was said.
    Quitting,
    /// Over.
    Closed,
}

/// The client side of one connection.
#[derive(Debug)]
pub struct Session {
    settings: Arc<Settings>,
    state: State,
    reader: Reader,
    expected: VecDeque<Expect>,
    outputs: VecDeque<Output>,
    capabilities: Capabilities,
    auth: Option<Auth>,
    tls: bool,
    /// The peer's transaction must be reset before the next MAIL.
    unclean: bool,
    since: Instant,
}

impl Session {
    /// Starts on a connection that stands.
    pub fn new(settings: Arc<Settings>, now: Instant) -> Self {
        let implicit = settings.implicit_tls;
        let mut session = Self {
            settings,
            state: if implicit { State::Handshake } else { State::Opening },
            reader: Reader::default(),
            expected: VecDeque::with_capacity(8),
            outputs: VecDeque::with_capacity(8),
            capabilities: Capabilities::default(),
            auth: None,
            tls: false,
            unclean: false,
            since: now,
        };
        if implicit {
            session.outputs.push_back(Output::StartTls);
        } else {
            session.expected.push_back(Expect::Greeting);
        }
        session
    }

    /// Takes input; returns the octets taken, which is all of it while the session goes on.
    pub fn receive(&mut self, input: &[u8], now: Instant) -> usize {
        let mut used = 0;
        while used < input.len() {
            if matches!(self.state, State::Closed) {
                return used;
            }
            if matches!(self.state, State::Handshake) {
                // Octets behind the 220 to STARTTLS were injected (CVE-2011-0411): fail closed.
                self.lose(Stage::StartTls, Lost::Protocol("data in clear after STARTTLS".to_owned()));
                return used;
            }
            let (taken, reply) = self.reader.read(&input[used..]);
            used += taken;
            match reply {
                Ok(Some(reply)) => {
                    self.since = now;
                    self.reply(reply);
                }
                Ok(None) => {}
                Err(why) => self.lose(self.stage(), Lost::Protocol(why)),
            }
        }
        used
    }

    /// Returns the next thing to do or to know.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Returns when the peer will have taken too long; `None` while nothing is awaited of it.
    pub fn deadline(&self) -> Option<Instant> {
        let times = &self.settings.deadlines;
        let wait = match (&self.state, self.expected.front()) {
            (State::Closed, _) => return None,
            (State::Handshake, _) => times.starttls,
            (_, None) => return None,
            (_, Some(expect)) => match expect {
                Expect::Greeting => times.greeting,
                Expect::Ehlo | Expect::Helo => times.helo,
                Expect::StartTls | Expect::Auth => times.starttls,
                Expect::Mail | Expect::Rset => times.mail,
                Expect::Rcpt(_) => times.rcpt,
                Expect::Data => times.data_init,
                Expect::Final => times.data_end,
                Expect::Quit => times.quit,
            },
        };
        Some(self.since + wait)
    }

    /// Tells that the time is `now`; ends the session when its deadline has passed.
    pub fn timeout(&mut self, now: Instant) {
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            self.lose(self.stage(), Lost::Timeout);
        }
    }

    /// Tells that the peer has closed, or that writing failed.
    pub fn peer_closed(&mut self, _now: Instant) {
        match self.state {
            State::Closed => {}
            State::Quitting => self.close(),
            State::Opening | State::Handshake | State::Idle | State::InFlight(_) => {
                self.lose(self.stage(), Lost::PeerClosed);
            }
        }
    }

    /// Tells that the handshake is done: all that was said before is forgotten (RFC 3207 4.2).
    pub fn tls_started(&mut self, now: Instant) {
        self.since = now;
        self.tls = true;
        self.reader = Reader::default();
        self.state = State::Opening;
        if self.settings.implicit_tls {
            self.expected.push_back(Expect::Greeting);
        } else {
            self.say_ehlo();
        }
    }

    /// Tells that the handshake failed. The connection is of no use; the caller may try again in clear.
    pub fn tls_failed(&mut self, reason: String, _now: Instant) {
        self.lose(Stage::StartTls, Lost::Protocol(reason));
    }

    /// Hands a message over. The session must be [`idle`](Self::idle).
    pub fn transact(&mut self, transaction: Transaction, now: Instant) {
        debug_assert!(self.idle(), "a transaction is given to an idle session only");
        if !self.idle() {
            let tag = Some(transaction.tag);
            let why = Lost::Protocol("the session was not ready".to_owned());
            self.outputs.push_back(Output::Lost { tag, stage: Stage::Mail, why, after_data: false });
            return;
        }
        self.since = now;
        if let Some(why) = self.unfit(&transaction) {
            let result = Final::NotSent(why);
            self.outputs.push_back(Output::Done { tag: transaction.tag, result });
            return;
        }
        self.begin(transaction);
    }

    /// Tells that the content, and its terminator, were written.
    pub fn content_written(&mut self, now: Instant) {
        self.since = now;
        if let State::InFlight(flight) = &mut self.state {
            flight.content_written = true;
        }
    }

    /// Says QUIT.
    pub fn quit(&mut self, now: Instant) {
        if self.idle() {
            self.since = now;
            self.state = State::Quitting;
            self.expected.push_back(Expect::Quit);
            self.outputs.push_back(Output::Write(b"QUIT\r\n".to_vec()));
        } else if !matches!(self.state, State::Closed) {
            self.close();
        }
    }

    /// What the peer offers.
    pub const fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Tells whether the session is inside TLS.
    pub const fn tls(&self) -> bool {
        self.tls
    }

    /// Tells whether a transaction may be given.
    pub fn idle(&self) -> bool {
        matches!(self.state, State::Idle) && self.expected.is_empty()
    }

    /// Tells whether the session is over.
    pub const fn closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    fn stage(&self) -> Stage {
        match (&self.state, self.expected.front()) {
            (State::Handshake, _) => Stage::StartTls,
            (State::InFlight(flight), Some(Expect::Final)) if !flight.content_written => Stage::Content,
            (_, Some(expect)) => expect.stage(),
            (State::InFlight(_), None) => Stage::Content,
            (State::Opening | State::Idle | State::Quitting | State::Closed, None) => Stage::Quit,
        }
    }

    fn unfit(&self, transaction: &Transaction) -> Option<NotSent> {
        if transaction.utf8_needed && !self.capabilities.smtputf8 {
            return Some(NotSent::Smtputf8NotOffered);
        }
        let limit = self.capabilities.size.filter(|limit| *limit > 0)?;
        (transaction.size > limit).then_some(NotSent::TooBig { limit })
    }

    fn reply(&mut self, reply: Reply) {
        let Some(expect) = self.expected.pop_front() else {
            // Some peers say 421 to an idle connection before they close it.
            let why = match reply.code {
                421 => Lost::PeerClosed,
                _ => Lost::Protocol(format!("a reply that nobody asked for: {reply}")),
            };
            return self.lose(Stage::Quit, why);
        };
        let goodbye = reply.code == 421;
        match expect {
            Expect::Greeting => self.greeted(reply),
            Expect::Ehlo => self.ehlo_answered(reply),
            Expect::Helo => self.helo_answered(reply),
            Expect::StartTls => self.starttls_answered(&reply),
            Expect::Auth => self.auth_answered(reply),
            Expect::Mail => self.mail_answered(reply),
            Expect::Rcpt(index) => self.rcpt_answered(index, reply),
            Expect::Data => self.data_answered(reply),
            Expect::Final => self.final_answered(reply),
            Expect::Rset => {}
            Expect::Quit => return self.close(),
        }
        // 421 means that the peer closes, whatever it was the answer to (RFC 5321 3.8).
        if goodbye && !matches!(self.state, State::Closed) {
            self.lose(expect.stage(), Lost::PeerClosed);
        }
    }

    fn greeted(&mut self, reply: Reply) {
        match reply.class() {
            Class::Done => self.say_ehlo(),
            Class::Intermediate => self.lose(Stage::Greeting, Lost::Protocol(format!("greeting {reply}"))),
            Class::Transient | Class::Permanent => {
                self.outputs.push_back(Output::GreetingRejected(reply));
                self.close();
            }
        }
    }

    fn say_ehlo(&mut self) {
        self.capabilities = Capabilities::default();
        self.expected.push_back(Expect::Ehlo);
        self.outputs.push_back(Output::Write(format!("EHLO {}\r\n", self.settings.helo).into_bytes()));
    }

    fn ehlo_answered(&mut self, reply: Reply) {
        match reply.class() {
            Class::Done => {
                self.capabilities = Capabilities::read(&reply);
                self.secure();
            }
            // Servers before 1995, and those that hide behind filters (RFC 5321 3.2).
            Class::Permanent if reply.code != 521 && reply.code != 554 => {
                self.expected.push_back(Expect::Helo);
                let helo = format!("HELO {}\r\n", self.settings.helo);
                self.outputs.push_back(Output::Write(helo.into_bytes()));
            }
            Class::Permanent | Class::Transient | Class::Intermediate => self.hello_rejected(reply),
        }
    }

    fn helo_answered(&mut self, reply: Reply) {
        if reply.class() == Class::Done { self.secure() } else { self.hello_rejected(reply) }
    }

    fn hello_rejected(&mut self, reply: Reply) {
        self.outputs.push_back(Output::HelloRejected(reply));
        self.close();
    }

    /// After EHLO: TLS if it is wanted and not there yet, else AUTH.
    fn secure(&mut self) {
        match (self.settings.tls, self.tls, self.capabilities.starttls) {
            (TlsDemand::Opportunistic | TlsDemand::Required, false, true) => {
                self.expected.push_back(Expect::StartTls);
                self.outputs.push_back(Output::Write(b"STARTTLS\r\n".to_vec()));
            }
            (TlsDemand::Required, false, false) => {
                self.tls_unavailable("STARTTLS is not offered".to_owned());
            }
            (TlsDemand::Never | TlsDemand::Opportunistic | TlsDemand::Required, _, _) => self.authenticate(),
        }
    }

    fn starttls_answered(&mut self, reply: &Reply) {
        if reply.code == 220 {
            self.state = State::Handshake;
            self.outputs.push_back(Output::StartTls);
            return;
        }
        self.tls_unavailable(format!("STARTTLS was refused: {reply}"));
    }

    fn tls_unavailable(&mut self, why: String) {
        self.outputs.push_back(Output::TlsUnavailable(why));
        match self.settings.tls {
            TlsDemand::Required => self.close(),
            TlsDemand::Never | TlsDemand::Opportunistic => self.authenticate(),
        }
    }

    fn ready(&mut self) {
        self.state = State::Idle;
        self.outputs.push_back(Output::Ready);
    }

    /// The connection is of no use: tells the transaction under way, if any, and ends.
    fn lose(&mut self, stage: Stage, why: Lost) {
        let (tag, after_data) = match &self.state {
            State::InFlight(flight) => (Some(flight.transaction.tag), flight.content_written),
            State::Opening | State::Handshake | State::Idle | State::Quitting | State::Closed => {
                (None, false)
            }
        };
        self.outputs.push_back(Output::Lost { tag, stage, why, after_data });
        self.close();
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.expected.clear();
        self.outputs.push_back(Output::Closed);
    }
}
