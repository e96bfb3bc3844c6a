//! What is counted of a message's header section while it streams by: its octets and its hops.
//!
//! A hop is a Received field (RFC 5321 4.4, loop detection in 6.3). The section ends with the first empty
//! line; a message without one is all header.

/// The name a hop is counted by.
const RECEIVED: &[u8] = b"received:";

/// The header section so far.
#[derive(Debug)]
pub(super) struct Header {
    octets: usize,
    end: Option<u64>,
    hops: usize,
    hops_allowed: usize,
    /// Octets of [`RECEIVED`] that the present line begins with; `None` when it begins otherwise.
    matched: Option<usize>,
}

impl Header {
    pub(super) const fn new(hops_allowed: usize) -> Self {
        Self { octets: 0, end: None, hops: 0, hops_allowed, matched: Some(0) }
    }

    /// Returns the size of the content at which the section ended, its empty line included.
    pub(super) const fn end(&self) -> Option<u64> {
        self.end
    }

    /// Returns the octets the section may still take; all of them when it has ended.
    pub(super) const fn room(&self, bound: usize) -> usize {
        match self.end {
            Some(_) => usize::MAX,
            None => bound.saturating_sub(self.octets),
        }
    }

    pub(super) const fn count(&mut self, octets: usize) {
        if self.end.is_none() {
            self.octets += octets;
        }
    }

    /// Ends the section, unless it has ended, at the present `size` of the content.
    pub(super) fn close(&mut self, size: u64) {
        self.end.get_or_insert(size);
    }

    pub(super) const fn next_line(&mut self) {
        self.matched = Some(0);
    }

    /// Looks at the next octets of the present line. When they complete the name of a hop that is one too
    /// many, returns how many octets of `run` come before the one that does.
    pub(super) fn field_name(&mut self, run: &[u8]) -> Option<usize> {
        let matched = self.matched.filter(|_| self.end.is_none())?;
        let expected = &RECEIVED[matched..];
        let length = expected.len().min(run.len());
        if !run[..length].eq_ignore_ascii_case(&expected[..length]) {
            self.matched = None;
            return None;
        }
        if length < expected.len() {
            self.matched = Some(matched + length);
            return None;
        }
        self.matched = None;
        self.hops += 1;
        (self.hops > self.hops_allowed).then(|| length - 1)
    }
}
