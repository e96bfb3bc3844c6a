//! One conversation of a host, without a socket: input goes in, replies and steps come out.
//!
//! ```text
//! banner -> commands -> (MAIL -> RCPT... -> DATA | BDAT...) -> commands ...
//! ```
//! Every stage asks the temper first. A rule may delay it: then the event waits in `due` while the caller
//! sleeps, and is carried out by the next call. There is no other place where a session waits. What a healthy
//! host does at each stage stands in [`healthy`], how its temper has its way in [`tempered`],
//! what it holds against its client in [`strict`].

mod healthy;
mod strict;
mod tempered;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};

use super::body;
use super::command::{self, Command};
use super::ledger::Ledger;
use super::reply::Reply;
use super::temper::{Act, Ending, Stage, Temper};
use crate::record::{Delivery, Rcpt};
use crate::words::Dice;

/// What the caller has to do next. Output that is there is to be sent first, in every case.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Read more.
    Read,
    /// Sleep, then call again.
    Wait(Duration),
    /// Start TLS, then call [`Session::encrypted`].
    StartTls,
    /// Leave.
    End(Ending),
}

/// The longest command line taken, and the largest message where SIZE names no limit.
const LINE_LIMIT: usize = 64 << 10;
const MESSAGE_LIMIT: u64 = 64 << 20;

/// A conversation.
#[derive(Debug)]
pub(super) struct Session {
    ledger: Arc<Ledger>,
    temper: Arc<Temper>,
    peer: SocketAddr,
    dice: Dice,
    /// Replies not yet sent.
    pub(super) out: Vec<u8>,
    /// The pause between bytes that the last rule wanted; taken by the caller.
    pub(super) pace: Option<Duration>,
    helo: String,
    greeted: bool,
    tls: bool,
    /// The banner was 5xx: nothing but QUIT is served any more (RFC 5321 section 3.1).
    rejected: bool,
    envelope: Option<Envelope>,
    reading: Reading,
    due: Option<(Event, Act)>,
    hits: Vec<u64>,
    messages: u64,
}

#[derive(Debug, Default)]
struct Envelope {
    mail: Rcpt,
    rcpts: Vec<Rcpt>,
    chunks: Option<Vec<u8>>,
}

/// What the input is.
#[derive(Debug)]
enum Reading {
    Commands,
    /// Message content; so many bytes hold no end.
    Data {
        scanned: usize,
    },
    /// Content of a message that is too big already.
    Discard,
    /// A chunk of BDAT, of which so many bytes are to come.
    Chunk {
        left: u64,
        last: bool,
        refused: bool,
    },
}

/// Something that the temper has a say in.
#[derive(Debug)]
enum Event {
    Banner,
    Helo(String, bool),
    Starttls,
    Mail(Rcpt),
    Rcpt(Rcpt),
    Data,
    Chunk(u64, bool),
    Final(Took),
    Rset,
    Quit,
}

/// A message that is complete and not yet taken.
#[derive(Debug, Default)]
struct Took {
    recipients: usize,
    content_bytes: u64,
    crc: u32,
    too_big: bool,
    delivery: Option<Box<Delivery>>,
}

impl Session {
    pub(super) fn new(ledger: &Arc<Ledger>, temper: &Arc<Temper>, peer: SocketAddr, seed: u64) -> Self {
        Self {
            ledger: ledger.clone(),
            temper: temper.clone(),
            peer,
            dice: Dice::new(seed),
            out: Vec::new(),
            pace: None,
            helo: String::new(),
            greeted: false,
            tls: false,
            rejected: false,
            envelope: None,
            reading: Reading::Commands,
            due: None,
            hits: vec![0; temper.rules.len()],
            messages: 0,
        }
    }

    /// The connection is there.
    pub(super) fn open(&mut self, too_many: bool) -> Step {
        if too_many {
            self.reply(&Reply::new(421).enhanced("4.7.0").text("too many connections"));
            return Step::End(Ending::Close);
        }
        self.event(Event::Banner).unwrap_or(Step::Read)
    }

    /// TLS stands; `leftover` is what the client had sent in clear text behind STARTTLS.
    pub(super) fn encrypted(&mut self, leftover: &[u8]) {
        if !leftover.is_empty() {
            self.complain("clear text behind STARTTLS");
        }
        self.tls = true;
        self.greeted = false;
        self.helo.clear();
        self.envelope = None;
    }

    /// Goes on as far as the input reaches.
    pub(super) fn next(&mut self, input: &mut BytesMut) -> Step {
        if let Some((event, act)) = self.due.take()
            && let Some(step) = self.carry_out(event, act)
        {
            return step;
        }
        loop {
            let step = match self.reading {
                Reading::Commands => match self.line(input) {
                    Some(step) => step,
                    None => return Step::Read,
                },
                Reading::Data { mut scanned } => {
                    let Some(complete) = body::end_of_data(input, &mut scanned) else {
                        return self.keep_reading(input, scanned);
                    };
                    self.reading = Reading::Commands;
                    self.data(input, complete)
                }
                Reading::Discard => {
                    let Some(complete) = body::end_of_data(input, &mut 0) else {
                        input.advance(input.len().saturating_sub(4));
                        return Step::Read;
                    };
                    input.advance(complete.consumed);
                    self.reading = Reading::Commands;
                    self.event(Event::Final(Took { too_big: true, ..Took::default() }))
                }
                Reading::Chunk { left, last, refused } => {
                    if left > 0 && input.is_empty() {
                        return Step::Read;
                    }
                    self.chunk(input, left, last, refused)
                }
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    /// Reads one command line and acts. `None`: there is none yet. `Some(None)`: go on.
    fn line(&mut self, input: &mut BytesMut) -> Option<Option<Step>> {
        let Some(end) = memchr::memchr(b'\n', input) else {
            if input.len() <= LINE_LIMIT {
                return None;
            }
            self.complain("a command line without end");
            self.reply(&Reply::new(500).enhanced("5.5.2"));
            return Some(Some(Step::End(Ending::Close)));
        };
        let line = input.split_to(end + 1);
        let text = line.strip_suffix(b"\r\n");
        if text.is_none() {
            self.complain("a command line that ends in a bare LF");
        }
        let command = command::parse(text.unwrap_or(&line[..end]));
        if !input.is_empty() && !self.may_pipeline(&command) {
            self.complain("commands sent ahead without PIPELINING, or behind one that ends a group");
        }
        Some(self.command(command))
    }

    fn command(&mut self, command: Command) -> Option<Step> {
        if self.rejected && command != Command::Quit {
            return self.say(Reply::new(503).enhanced("5.5.1"));
        }
        let ready = self.envelope.as_ref().is_some_and(|envelope| !envelope.rcpts.is_empty());
        match command {
            Command::Helo(_, true) if !self.temper.offers.ehlo => self.say(Reply::new(502)),
            Command::Helo(name, extended) => self.event(Event::Helo(name, extended)),
            Command::Starttls if self.temper.tls.is_none() || self.tls => {
                self.wrong("STARTTLS not offered", 502)
            }
            Command::Starttls => self.event(Event::Starttls),
            Command::Mail(_) if !self.greeted => self.wrong("MAIL before EHLO", 503),
            Command::Mail(_) if self.envelope.is_some() => self.wrong("MAIL inside of a transaction", 503),
            Command::Mail(sender) => {
                self.check_params(&sender);
                self.event(Event::Mail(sender))
            }
            Command::Rcpt(_) if self.envelope.is_none() => self.say(Reply::new(503).enhanced("5.5.1")),
            Command::Rcpt(rcpt) => {
                self.check_params(&rcpt);
                self.event(Event::Rcpt(rcpt))
            }
            Command::Data if self.in_chunks() => self.wrong("DATA after BDAT", 503),
            Command::Data if !ready => self.say(Reply::new(503).enhanced("5.5.1")),
            Command::Data => self.event(Event::Data),
            Command::Bdat(size, last) => self.begin_chunk(size, last, ready),
            Command::Rset => self.event(Event::Rset),
            Command::Noop => self.say(Reply::new(250).enhanced("2.0.0")),
            Command::Quit => self.event(Event::Quit),
            Command::Vrfy => self.say(Reply::new(252).enhanced("2.1.5")),
            Command::Help => self.say(Reply::new(214).enhanced("2.0.0")),
            Command::Malformed(what) => self.wrong(what, 501),
            Command::Unknown => self.wrong("an unknown command", 500),
        }
    }

    fn in_chunks(&self) -> bool {
        self.envelope.as_ref().is_some_and(|envelope| envelope.chunks.is_some())
    }

    /// Refuses for a mistake of the client, and remembers it.
    fn wrong(&mut self, what: &str, code: u16) -> Option<Step> {
        self.complain(what);
        let enhanced = if code == 503 { "5.5.1" } else { "5.5.2" };
        self.say(Reply::new(code).enhanced(enhanced))
    }

    fn say(&mut self, reply: Reply) -> Option<Step> {
        self.reply(&reply);
        None
    }

    fn reply(&mut self, reply: &Reply) {
        reply.write(&mut self.dice, self.peer.ip(), &mut self.out);
    }

    fn complain(&self, what: &str) {
        self.ledger.complain(format!("{} ({}): {what}", self.peer, self.helo));
    }
}
