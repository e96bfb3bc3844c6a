//! Message content as it comes in: the one copy of it, made while it is checked.
//!
//! Bytes may be cut anywhere; the outcome is the same. A message that breaks a rule is read on to its end
//! without being kept, so that the peer is there to read the reply. Nothing but CR LF `.` CR LF, each of
//! the five octets in its place, ends the data of DATA (RFC 5321 4.1.1.4).
//!
//! ```text
//!              '.' (DATA only)          CR               LF
//!   LineStart ───────────────▶ Dot ───────────▶ DotCr ───────▶ the end
//!    ▲  │ other                 │ other           │ other: a bare CR
//!    │  ▼                       ▼                 ▼
//!    │  Text ◀──────────────────┴─────────────────┘
//!    │  │ CR
//!    │ LF▼
//!    └─ Cr ──other: a bare CR──▶ Text
//! ```
//! A bare CR or LF never leads to `LineStart`: what follows it is neither unstuffed nor an end of data. When
//! they are normalised the next line begins in `BareStart`.

use memchr::memchr3;

use super::measure::{Bounds, Fault, Measure};

/// Which command carries the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// DATA: dots are stuffed, a lone one ends it.
    Dots,
    /// BDAT: octets as they are, their number is known.
    Chunks,
}

/// What [`Incoming::feed`] stopped for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// The input is used up.
    Input,
    /// The kept octets reached their bound and must be taken.
    Spill,
    /// The lone dot was read.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    LineStart,
    BareStart,
    Dot,
    DotCr,
    Text,
    Cr,
}

/// How content is taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) framing: Framing,
    /// Bare CR and LF become CRLF instead of being a fault.
    pub(super) normalise: bool,
    /// Octets kept in memory before they are handed on.
    pub(super) spill: usize,
}

/// Content on its way in, with what is known of it so far.
#[derive(Debug)]
pub(super) struct Incoming {
    manner: Manner,
    at: At,
    kept: Vec<u8>,
    spilled: u64,
    prefix_octets: u64,
    measure: Measure,
}

/// Content that came in whole and broke no rule.
#[derive(Debug)]
pub(super) struct Complete {
    pub(super) tail: Vec<u8>,
    pub(super) spilled: u64,
    pub(super) size: u64,
    pub(super) eight_bit: bool,
    pub(super) dots: bool,
    pub(super) header_end: u64,
}

impl Incoming {
    /// Starts with `prefix` standing in front of the content; `expected` octets are made room for.
    pub(super) fn new(manner: Manner, bounds: Bounds, prefix: Vec<u8>, expected: usize) -> Self {
        let prefix_octets = prefix.len() as u64;
        let mut kept = prefix;
        kept.reserve(expected);
        Self { manner, at: At::LineStart, kept, spilled: 0, prefix_octets, measure: Measure::new(bounds) }
    }

    /// Takes input up to the first reason to pause; returns the octets used and the reason.
    pub(super) fn feed(&mut self, input: &[u8]) -> (usize, Pause) {
        let mut used = 0;
        loop {
            if self.spill_due() {
                return (used, Pause::Spill);
            }
            let rest = &input[used..];
            if rest.is_empty() {
                return (used, Pause::Input);
            }
            let (step, ended) = self.scan(&rest[..rest.len().min(self.spill_room())]);
            used += step;
            if ended {
                return (used, Pause::End);
            }
        }
    }

    /// Takes what is kept so far, to be stored elsewhere.
    pub(super) fn take_spill(&mut self) -> Vec<u8> {
        let kept = std::mem::take(&mut self.kept);
        self.spilled += kept.len() as u64;
        kept
    }

    /// Returns the octets of content so far, the prefix not counted.
    pub(super) const fn size(&self) -> u64 {
        self.measure.size()
    }

    /// Returns the rule that was broken.
    pub(super) const fn fault(&self) -> Option<Fault> {
        self.measure.fault()
    }

    /// Ends the content: after [`Pause::End`], or after the last octet of the last chunk.
    pub(super) fn finish(mut self) -> Result<Complete, Fault> {
        if self.at == At::Cr {
            self.stray_cr(&[]);
        }
        match self.fault() {
            Some(fault) => Err(fault),
            None => Ok(Complete {
                spilled: self.spilled,
                size: self.measure.size(),
                eight_bit: self.measure.eight_bit(),
                dots: self.measure.dots(),
                header_end: self.prefix_octets + self.measure.header_end(),
                tail: self.kept,
            }),
        }
    }

    fn spill_due(&self) -> bool {
        self.fault().is_none() && self.kept.len() >= self.manner.spill.max(1)
    }

    /// Octets that may be scanned before a spill can become due. A scan keeps at most what it reads, or
    /// twice that where bare line ends are normalised.
    fn spill_room(&self) -> usize {
        let growth = if self.manner.normalise { 2 } else { 1 };
        match self.fault() {
            Some(_) => usize::MAX,
            None => (self.manner.spill.saturating_sub(self.kept.len()) / growth).max(1),
        }
    }

    /// Scans all of `input`, or up to the end of the data; copies whole runs of lines.
    fn scan(&mut self, input: &[u8]) -> (usize, bool) {
        let mut run = 0;
        let mut at = 0;
        while let Some(&octet) = input.get(at) {
            match self.at {
                At::LineStart if octet == b'.' && self.manner.framing == Framing::Dots => {
                    self.keep(&input[run..at]);
                    at += 1;
                    run = at;
                    self.at = At::Dot;
                }
                At::LineStart | At::BareStart => self.begin_line(octet),
                At::Dot => match octet {
                    b'\r' => {
                        at += 1;
                        run = at;
                        self.at = At::DotCr;
                    }
                    b'\n' => {
                        at += 1;
                        run = at;
                        self.lone_dot_without_crlf();
                    }
                    _ => self.begin_line(octet),
                },
                At::DotCr if octet == b'\n' => return (at + 1, true),
                At::DotCr => self.lone_dot_without_crlf(),
                At::Text => (at, run) = self.scan_text(input, at, run),
                At::Cr if octet == b'\n' => {
                    at += 1;
                    self.end_line();
                }
                At::Cr => {
                    self.stray_cr(&input[run..at]);
                    run = at;
                }
            }
        }
        self.keep(&input[run..]);
        (input.len(), false)
    }

    /// Scans lines from `at` on until something other than plain lines comes up.
    fn scan_text(&mut self, input: &[u8], mut at: usize, mut run: usize) -> (usize, usize) {
        let rest = &input[at..];
        let length = memchr3(b'\r', b'\n', 0, rest).unwrap_or(rest.len());
        self.measure.text(&rest[..length]);
        at += length;
        match rest.get(length..) {
            Some([b'\r', b'\n', ..]) => {
                self.measure.line_end(1);
                self.end_line();
                at += 2;
            }
            Some([b'\r', ..]) => {
                self.measure.line_end(1);
                self.at = At::Cr;
                at += 1;
            }
            Some([b'\n', ..]) => {
                self.stray_lf(&input[run..at]);
                at += 1;
                run = at;
            }
            Some([_, ..]) => {
                self.measure.break_rule(Fault::Nul);
                at += 1;
            }
            Some([]) | None => {}
        }
        (at, run)
    }

    fn begin_line(&mut self, first: u8) {
        self.measure.line_start(first);
        self.at = At::Text;
    }

    /// Ends a line at the LF of its CRLF, the CR being counted.
    fn end_line(&mut self) {
        self.measure.line_end(1);
        self.measure.next_line();
        self.at = At::LineStart;
    }

    /// A CR that no LF follows; the CR is counted, and is the last octet of `run` or of what is kept.
    fn stray_cr(&mut self, run: &[u8]) {
        self.at = At::Text;
        if !self.manner.normalise {
            return self.measure.break_rule(Fault::LineEnds);
        }
        self.keep(run);
        self.keep(b"\n");
        self.end_line();
        self.at = At::BareStart;
    }

    /// An LF that no CR precedes, behind `run`.
    fn stray_lf(&mut self, run: &[u8]) {
        if !self.manner.normalise {
            return self.measure.break_rule(Fault::LineEnds);
        }
        self.keep(run);
        self.keep(b"\r\n");
        self.measure.line_end(1);
        self.end_line();
        self.at = At::BareStart;
    }

    /// A line of one dot whose line end is no CRLF: it ends nothing, and its dot is not stuffing.
    fn lone_dot_without_crlf(&mut self) {
        self.begin_line(b'.');
        self.measure.text(b".");
        self.keep(b".");
        self.stray_lf(&[]);
    }

    /// Copies a run; of content that broke a rule nothing is kept.
    fn keep(&mut self, run: &[u8]) {
        if self.fault().is_none() {
            self.kept.extend_from_slice(run);
        } else {
            self.kept = Vec::new();
        }
    }
}
