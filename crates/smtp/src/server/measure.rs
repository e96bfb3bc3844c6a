//! What is counted of content while it streams by, and the rules it is held to.
//!
//! Octets may be counted in runs of any length; which rule is found broken does not depend on the runs.

use super::header::Header;

/// The bounds content is held to; octets unless the name says otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) message: u64,
    pub(super) header: usize,
    /// Received fields.
    pub(super) hops: usize,
    /// One line, its CRLF not counted.
    pub(super) line: usize,
}

/// The first rule that content broke; [`Fault::LineEnds`] takes the place of any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    LineEnds,
    Nul,
    LineTooLong,
    HeaderTooLong,
    TooManyHops,
    TooBig,
}

/// Content so far, in numbers.
#[derive(Debug)]
pub(super) struct Measure {
    bounds: Bounds,
    size: u64,
    /// Octets of the present line.
    line: usize,
    header: Header,
    eight_bit: bool,
    dots: bool,
    fault: Option<Fault>,
}

impl Measure {
    pub(super) const fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            size: 0,
            line: 0,
            header: Header::new(bounds.hops),
            eight_bit: false,
            dots: false,
            fault: None,
        }
    }

    /// Returns the octets of content.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Returns the octets up to the end of the header section; all of them when it has no end.
    pub(super) fn header_end(&self) -> u64 {
        self.header.end().unwrap_or(self.size)
    }

    /// Tells whether there is an octet above 127.
    pub(super) const fn eight_bit(&self) -> bool {
        self.eight_bit
    }

    /// Tells whether some line starts with a dot.
    pub(super) const fn dots(&self) -> bool {
        self.dots
    }

    /// Returns the rule that was broken.
    pub(super) const fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Looks at the first octet of a line.
    pub(super) const fn line_start(&mut self, first: u8) {
        self.dots |= first == b'.';
    }

    /// Counts the next octets of a line, its line end excepted.
    pub(super) fn text(&mut self, run: &[u8]) {
        if self.fault.is_some() {
            return;
        }
        self.eight_bit = self.eight_bit || !run.is_ascii();
        let hop_room = self.header.field_name(run).unwrap_or(usize::MAX);
        let line_room = self.bounds.line - self.line;
        self.line = (self.line + run.len()).min(self.bounds.line);
        self.count(run.len(), line_room, hop_room);
    }

    /// Counts octets of a line end.
    pub(super) fn line_end(&mut self, octets: usize) {
        if self.fault.is_none() {
            self.count(octets, usize::MAX, usize::MAX);
        }
    }

    /// Goes on to the next line, behind a line end that was counted.
    pub(super) fn next_line(&mut self) {
        if self.line == 0 && self.fault.is_none() {
            self.header.close(self.size);
        }
        self.line = 0;
        self.header.next_line();
    }

    pub(super) fn break_rule(&mut self, fault: Fault) {
        if self.fault.is_none() || fault == Fault::LineEnds {
            self.fault = Some(fault);
        }
    }

    /// Counts octets against every bound. Of several that are exceeded the one met first is the fault, as
    /// if the octets had come one by one.
    fn count(&mut self, octets: usize, line_room: usize, hop_room: usize) {
        let size_room = usize::try_from(self.bounds.message - self.size).unwrap_or(usize::MAX);
        let header_room = self.header.room(self.bounds.header);
        let room = line_room.min(size_room).min(header_room).min(hop_room);
        if octets <= room {
            self.size += octets as u64;
            self.header.count(octets);
            return;
        }
        self.break_rule(match room {
            room if room == line_room => Fault::LineTooLong,
            room if room == header_room => Fault::HeaderTooLong,
            room if room == hop_room => Fault::TooManyHops,
            _ => Fault::TooBig,
        });
    }
}
