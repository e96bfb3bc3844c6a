//! What is said over a connection, in the form in which it may be kept: commands and replies with their instants,
//! and in place of content, of credentials and of what may be either their number of octets.
//!
//! Nothing secret is ever in a [`Transcript`], not even for a moment: octets are judged before they are copied.
//!
//! * Content of DATA and BDAT is counted.
//! * Of AUTH only the verb and a known mechanism are kept, and of all lines that follow until the exchange is over
//!   nothing (RFC 4954): challenges and responses may hold credentials in any form.
//! * Of what a peer sends where a command is due only commands are kept. Anything else may be content that it
//!   believes to be sending, or a response to a challenge that was never given; so may what only resembles a command
//!   once content or AUTH has come up.
//!
//! Memory: at most the limit given at the beginning, and a line. What does not fit is counted.

mod guard;
mod steps;

pub use guard::Heard;
pub use steps::{Step, What, steps};

use self::guard::Guard;
use self::steps::Kind;
use crate::instant::Instant;

/// One conversation on its way into the record. Whoever owns it takes it out stretch by stretch.
#[derive(Debug)]
pub struct Transcript {
    limit: usize,
    octets: Vec<u8>,
    began: Instant,
    /// The instant of the last step.
    last: Instant,
    /// That of the last one that was taken out.
    taken: Instant,
    /// Octets of content that came in since the last step.
    content: u64,
    unkept: u64,
    failed: bool,
    guard: Guard,
}

/// A stretch of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    /// Its steps, for [`steps()`].
    pub octets: Vec<u8>,
    /// Microseconds from the beginning of the conversation to that from which its steps count.
    pub from_us: u64,
    /// Somebody was refused in it, or it was told to have failed.
    pub failed: bool,
    /// Octets of text that did not fit.
    pub unkept: u64,
}

impl Transcript {
    /// Begins; a stretch takes `limit` octets. The first step counts from `now`.
    pub fn new(limit: usize, now: Instant) -> Self {
        let guard = Guard::default();
        Self {
            limit,
            octets: Vec::new(),
            began: now,
            last: now,
            taken: now,
            content: 0,
            unkept: 0,
            failed: false,
            guard,
        }
    }

    /// Notes what a server says. A reply of class 4 or 5 makes the stretch a failed one.
    pub fn said_replies(&mut self, octets: &[u8], now: Instant) {
        self.failed |= refuses(octets);
        self.step(Kind::SaidText, octets, now);
    }

    /// Notes a line where a server waits for a command, with its line end.
    pub fn heard_line(&mut self, line: &[u8], heard: Heard, now: Instant) {
        let shown = self.guard.shown(line, heard);
        if shown > 0 {
            self.step(Kind::HeardText, &line[..shown], now);
        }
        if shown < line.len() {
            self.count(Kind::HeardHidden, (line.len() - shown) as u64, now);
        }
    }

    /// Notes so many octets of a line that never ended.
    pub fn heard_unfinished(&mut self, octets: usize, now: Instant) {
        if octets > 0 {
            self.count(Kind::HeardHidden, octets as u64, now);
        }
    }

    /// Notes so many octets of content that a server took.
    pub fn heard_content(&mut self, octets: usize, now: Instant) {
        self.guard.content_came();
        if self.content == 0 {
            // The step is written when it is known how much there is; its instant is that of its beginning.
            self.note_instant(now);
        }
        self.content += octets as u64;
    }

    /// Notes commands that a client says, any number of whole lines.
    pub fn said_commands(&mut self, octets: &[u8], now: Instant) {
        let mut run = 0;
        let mut at = 0;
        for line in octets.split_inclusive(|octet| *octet == b'\n') {
            let end = at + line.len();
            let shown = self.guard.client_says(line);
            if shown < line.len() {
                self.step(Kind::SaidText, &octets[run..at + shown], now);
                self.count(Kind::SaidHidden, (line.len() - shown) as u64, now);
                run = end;
            }
            at = end;
        }
        self.step(Kind::SaidText, &octets[run..], now);
    }

    /// Notes so many octets of content that a client said.
    pub fn said_content(&mut self, octets: u64, now: Instant) {
        self.count(Kind::SaidContent, octets, now);
    }

    /// Notes what a client hears, cut anywhere. A reply of class 4 or 5 makes the stretch a failed one.
    pub fn heard_replies(&mut self, octets: &[u8], now: Instant) {
        if !self.guard.is_authenticating() {
            self.failed |= refuses(octets);
            return self.step(Kind::HeardText, octets, now);
        }
        for octet in octets {
            if let Some((line, shown)) = self.guard.client_hears(*octet) {
                self.failed |= refuses(&line);
                self.step(Kind::HeardText, &line[..shown], now);
                if shown < line.len() {
                    self.count(Kind::HeardHidden, (line.len() - shown) as u64, now);
                }
            }
        }
    }

    /// Notes a fact in our own words: TLS came about, the peer closed.
    pub fn note(&mut self, text: &str, now: Instant) {
        self.step(Kind::Note, text.as_bytes(), now);
    }

    /// Makes the stretch a failed one.
    pub const fn fail(&mut self) {
        self.failed = true;
    }

    /// Tells whether the stretch is so large that it should be taken.
    pub const fn is_full(&self) -> bool {
        self.octets.len() >= self.limit / 4 * 3
    }

    /// Tells whether anything was noted since the last stretch.
    pub const fn is_empty(&self) -> bool {
        self.octets.is_empty() && self.content == 0 && self.unkept == 0
    }

    /// Takes what was noted; the conversation goes on.
    pub fn take(&mut self) -> Stretch {
        self.write_content();
        Stretch {
            octets: std::mem::take(&mut self.octets),
            from_us: std::mem::replace(&mut self.taken, self.last).0.saturating_sub(self.began.0),
            failed: std::mem::take(&mut self.failed),
            unkept: std::mem::take(&mut self.unkept),
        }
    }

    /// Returns how much was noted since the last stretch: a number that grows with everything that is.
    pub const fn noted(&self) -> u64 {
        self.octets.len() as u64 + self.content + self.unkept
    }

    /// Copies what was noted; the stretch goes on.
    pub fn so_far(&self) -> Stretch {
        let mut octets = self.octets.clone();
        if self.content > 0 && self.fits(0) {
            steps::push_head(&mut octets, Kind::HeardContent, 0, self.content);
        }
        let from_us = self.taken.0.saturating_sub(self.began.0);
        Stretch { octets, from_us, failed: self.failed, unkept: self.unkept }
    }

    fn step(&mut self, kind: Kind, text: &[u8], now: Instant) {
        if text.is_empty() {
            return;
        }
        self.write_content();
        if !self.fits(text.len()) {
            self.unkept += text.len() as u64;
            return;
        }
        self.open(kind, text.len() as u64, now);
        self.octets.extend_from_slice(text);
    }

    fn count(&mut self, kind: Kind, octets: u64, now: Instant) {
        self.write_content();
        if self.fits(0) {
            self.open(kind, octets, now);
        }
    }

    fn fits(&self, octets: usize) -> bool {
        self.octets.len() + octets + steps::HEAD_MAX <= self.limit
    }

    fn open(&mut self, kind: Kind, length: u64, now: Instant) {
        if self.octets.capacity() == 0 {
            self.octets.reserve(FIRST_OCTETS.min(self.limit));
        }
        let after = now.0.saturating_sub(self.last.0);
        self.last = self.last.max(now);
        steps::push_head(&mut self.octets, kind, after, length);
    }

    /// Content that came in is one step, however many pieces it came in.
    fn write_content(&mut self) {
        let content = std::mem::take(&mut self.content);
        if content > 0 && self.fits(0) {
            steps::push_head(&mut self.octets, Kind::HeardContent, 0, content);
        }
    }

    /// Moves the time on without a step of its own.
    fn note_instant(&mut self, now: Instant) {
        if self.fits(0) {
            self.open(Kind::Time, 0, now);
        }
    }
}

/// Room that a first step makes: a transaction of one recipient fits.
const FIRST_OCTETS: usize = 384;

/// Tells whether one of these lines is a reply of class 4 or 5.
fn refuses(octets: &[u8]) -> bool {
    let refusal = |line: &[u8]| matches!(line, [b'4' | b'5', second, third, ..] if second.is_ascii_digit() && third.is_ascii_digit());
    refusal(octets) || octets.split(|octet| *octet == b'\n').skip(1).any(refusal)
}

#[cfg(test)]
mod tests;
