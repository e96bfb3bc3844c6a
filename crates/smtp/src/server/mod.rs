//! The receiving side of a session, without IO (RFC 5321 and the extensions EHLO offers).
//!
//! The caller feeds [`receive`](Session::receive) what it read, writes what [`output`](Session::output)
//! holds, and answers each [`Question`]. Every decision that needs the outside, from the greeting to the
//! final 250, is such a question, and the session waits for the answer as it waits for a command.
//!
//! # Promises
//! * Replies are in the order of the commands. The replies to pipelined commands add up in the output, so
//!   that they leave in one write.
//! * The outcome does not depend on how the input is cut.
//! * Content is copied once, from the caller's slice into the vector that [`Question::Message`] hands on.
//! * Memory is bounded by the [`Limits`]: a part of a command line, the content up to a spill, and about
//!   64 KiB of replies, beyond which no more input is taken until the output is drained.
//! * Nothing a peer sends panics. It advances the session, or ends it.
//!
//! # The caller's loop
//! 1. Take the [`notices`](Session::notices), then the [`question`](Session::question); answer it now or
//!    later.
//! 2. Give what is left of the input to `receive`. When it takes nothing while the output is empty, an
//!    answer is due: keep the rest for after it.
//! 3. Drain the output once nothing more is taken; read more; call [`timeout`](Session::timeout) when
//!    [`deadline`](Session::deadline) has passed.
//! 4. Once [`ended`](Session::ended) says why, write what is left of the output and close.
//!
//! The envelope is the caller's. The session keeps of it only what the protocol needs.

use std::sync::Arc;

use crate::instant::Instant;
use crate::reply::write_line;

mod body;
mod clock;
mod command;
mod commands;
mod envelope;
mod facts;
mod header;
mod heard;
mod incoming;
mod lines;
mod measure;
mod question;
mod replies;
mod say;
mod settings;
mod starttls;
mod state;
#[cfg(test)]
mod tests;

pub use question::{
    Abort, DataVerdict, EndReason, Ended, Greeting, Message, Notice, Question, Shutdown, Stage, Verb, Verdict,
};
pub use settings::{Deadlines, Extensions, Limits, LineEnds, Settings};

use clock::Clock;
use lines::Lines;
use state::State;

use crate::transcript::Transcript;

/// Octets of output beyond which no input is taken before it is drained.
const OUTPUT_OCTETS: usize = 64 << 10;

/// The server side of one connection.
///
/// ```
/// use std::sync::Arc;
/// use mailreeve_smtp::instant::Instant;
/// use mailreeve_smtp::server::{Greeting, Question, Session, Settings, Verdict};
///
/// let now = Instant::from_secs(1_750_000_000);
/// let mut session = Session::new(Arc::new(Settings::new("gw.example.com")), now);
/// session.greet(Greeting::Accept, now);
/// session.receive(b"HELO client.example\r\nMAIL FROM:<alice@a.example>\r\n", now);
/// if let Some(Question::Mail { path, .. }) = session.question() {
///     assert_eq!(path.to_string(), "alice@a.example");
///     session.answer_mail(Verdict::Accept, now);
/// }
/// assert_eq!(
///     String::from_utf8_lossy(session.output()),
///     "220 gw.example.com ESMTP\r\n250 gw.example.com\r\n250 2.1.0 Sender ok\r\n",
/// );
/// ```
#[derive(Debug)]
pub struct Session {
    settings: Arc<Settings>,
    state: State,
    lines: Lines,
    output: Vec<u8>,
    question: Option<Question>,
    notices: Notices,
    hello: Option<Hello>,
    tls: bool,
    last_verb: Option<Verb>,
    tally: Tally,
    clock: Clock,
    shutdown: Option<Shutdown>,
    /// What is pipelined behind a transaction that was refused or dropped is answered, but it is no error.
    voided: bool,
    transcript: Option<Box<Transcript>>,
    /// Octets of the output that the transcript has.
    noted: usize,
}

/// What the peer calls itself.
#[derive(Debug)]
struct Hello {
    name: String,
    esmtp: bool,
}

/// Notices that were not taken yet; of each kind the last one counts.
#[derive(Debug, Default)]
struct Notices {
    hello: bool,
    aborted: Option<Abort>,
}

#[derive(Debug, Default)]
struct Tally {
    transactions: usize,
    messages: usize,
    errors: usize,
    idle_commands: usize,
}

impl Session {
    /// Starts a session on a connection that was just accepted. It waits for [`greet`](Self::greet).
    pub fn new(settings: Arc<Settings>, now: Instant) -> Self {
        Self {
            settings,
            state: State::Greeting,
            lines: Lines::default(),
            output: Vec::new(),
            question: None,
            notices: Notices::default(),
            hello: None,
            tls: false,
            last_verb: None,
            tally: Tally::default(),
            clock: Clock::new(now),
            shutdown: None,
            voided: false,
            transcript: None,
            noted: 0,
        }
    }

    /// Greets the peer, or refuses it.
    pub fn greet(&mut self, greeting: Greeting, now: Instant) {
        if self.expect(State::greeting).is_none() {
            return;
        }
        self.clock.wait(now);
        match greeting {
            // A 421 stands in the place of the banner.
            Greeting::Accept if self.shutdown.is_some() => self.shut_down_if_asked(),
            Greeting::Accept => write_line(&mut self.output, 220, b' ', None, &self.settings.banner),
            Greeting::Refuse(reply) => {
                reply.write(&mut self.output);
                self.state = State::Quit;
                if reply.code == 421 {
                    self.end(EndReason::Refused);
                }
            }
        }
    }

    /// Takes input; returns the octets taken.
    ///
    /// Stops before the end of the input when a question comes up, when the session ends, and when the
    /// output should be drained first. What is behind STARTTLS is taken and thrown away (RFC 3207 6,
    /// CVE-2011-0411).
    pub fn receive(&mut self, input: &[u8], now: Instant) -> usize {
        let mut used = 0;
        while used < input.len() && self.output.len() < OUTPUT_OCTETS {
            let rest = &input[used..];
            let taken = match self.state {
                State::Command(_) | State::Quit => self.receive_command(rest, now),
                State::Content(_) => self.receive_content(rest, now),
                State::Chunk(_) => self.receive_chunk(rest, now),
                State::Discard(_) => self.receive_discarded(rest, now),
                State::Greeting
                | State::SenderVerdict(_)
                | State::RecipientVerdict(_)
                | State::DataVerdict(..)
                | State::Spill(_)
                | State::MessageVerdict
                | State::Handshake
                | State::Ended(_) => break,
            };
            used += taken;
            if matches!(self.state, State::Handshake) {
                return input.len();
            }
        }
        self.shut_down_if_asked();
        used
    }

    /// Returns the replies to be written; the caller drains them.
    pub const fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Notes that the output was written, and empties it.
    pub fn output_written(&mut self) {
        self.output.clear();
        self.noted = 0;
    }

    /// Takes the open question. It is handed out once; the session waits until it is answered.
    pub const fn question(&mut self) -> Option<Question> {
        self.question.take()
    }

    /// Takes a notice. Take all of them before the question: they are older.
    pub fn notices(&mut self) -> Option<Notice> {
        if let Some(abort) = self.notices.aborted.take() {
            return Some(Notice::TransactionAborted(abort));
        }
        let hello = self.hello.as_ref().filter(|_| std::mem::take(&mut self.notices.hello))?;
        Some(Notice::Helo { name: hello.name.clone(), esmtp: hello.esmtp })
    }

    /// Tells that the peer has closed its side. An unfinished message is dropped.
    pub fn peer_closed(&mut self, now: Instant) {
        if self.ended().is_none() {
            self.note_unfinished_line(now);
            self.clock.wait(now);
            self.end(EndReason::PeerClosed { stage: self.stage(), data_bytes: self.data_bytes() });
        }
    }

    /// Ends the session with a 421 at the next boundary of a command: at once when the peer is silent, after
    /// the reply to a message whose content is on its way.
    pub fn shutdown(&mut self, reason: Shutdown, now: Instant) {
        if self.ended().is_some() {
            return;
        }
        self.shutdown.get_or_insert(reason);
        self.shut_down_if_asked();
        if self.ended().is_some() {
            self.clock.wait(now);
        }
    }

    /// Takes the state that an answer fits; an answer that fits no open question changes nothing. An answer
    /// may come late, after a deadline or the peer ended the session; anything else is the caller's mistake.
    fn expect<T>(&mut self, pick: fn(State) -> Result<T, State>) -> Option<T> {
        match pick(std::mem::replace(&mut self.state, State::Command(None))) {
            Ok(expected) => {
                self.question = None;
                Some(expected)
            }
            Err(state) => {
                debug_assert!(matches!(state, State::Ended(_)), "no such answer is due");
                self.state = state;
                None
            }
        }
    }

    /// Notes that the transaction is over without a message.
    const fn abort(&mut self, why: Abort) {
        self.notices.aborted = Some(why);
        self.voided = true;
    }

    fn end(&mut self, reason: EndReason) {
        if self.ended().is_some() {
            return;
        }
        if self.state.in_transaction() {
            self.abort(Abort::Ended);
        }
        self.question = None;
        self.lines.clear();
        self.state = State::Ended(Ended { reason });
    }

    fn shut_down_if_asked(&mut self) {
        let Some(reason) = self.shutdown else { return };
        if matches!(self.state, State::Command(_) | State::Quit) && !self.lines.begun() {
            self.say(match reason {
                Shutdown::Stopping => replies::STOPPING,
                Shutdown::Overloaded => replies::OVERLOADED,
                Shutdown::Suspended => replies::SUSPENDED,
            });
            self.end(EndReason::Shutdown(reason));
        }
    }
}
