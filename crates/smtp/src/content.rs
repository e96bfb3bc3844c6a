//! Framing of message data that is sent: dot-stuffing and the end of the data (RFC 5321 4.5.2).
//!
//! [`stuffed`] and [`Stuffer`] cut content into slices that a driver hands to one vectored write, so that
//! no byte is copied. Not here: the receiving side, which takes the stuffing out and holds line ends to the
//! rules; that is the server session's.

use memchr::memmem;

#[cfg(test)]
mod tests;

/// Cuts whole content into slices that written one after the other are its dot-stuffed form, without the
/// [`terminator`].
///
/// Content without a line that starts with a dot is one slice.
pub fn stuffed(content: &[u8]) -> Stuffed<'_> {
    Stuffer::default().chunk(content)
}

/// Returns what ends the data of `DATA` after `content`: `.` CRLF, with a CRLF before it when the content
/// does not end with one.
pub fn terminator(content: &[u8]) -> &'static [u8] {
    if content.is_empty() || ends_with_crlf(content) { b".\r\n" } else { b"\r\n.\r\n" }
}

/// Tells whether the last line of `content` is ended.
pub fn ends_with_crlf(content: &[u8]) -> bool {
    content.ends_with(b"\r\n")
}

/// Dot-stuffs content that comes in chunks, cut anywhere.
///
/// A dot is doubled after every LF, though strict content has none without its CR: should a bare LF ever
/// reach this point, a peer that takes it for a line end must not see the end of the data (SMTP smuggling).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stuffer {
    /// The last two octets seen; zero before the first.
    last: [u8; 2],
    started: bool,
}

impl Stuffer {
    /// Cuts the next chunk into the slices that are its dot-stuffed form. Each chunk counts from the moment
    /// of the call, whether or not its slices are used.
    pub fn chunk<'a>(&mut self, chunk: &'a [u8]) -> Stuffed<'a> {
        let at_line_start = !self.started || self.last[1] == b'\n';
        self.last = match *chunk {
            [] => self.last,
            [only] => [self.last[1], only],
            [.., before, end] => [before, end],
        };
        self.started |= !chunk.is_empty();
        Stuffed { rest: chunk, dot_due: at_line_start && chunk.first() == Some(&b'.') }
    }

    /// Returns what ends the data after the chunks seen so far, see [`terminator`].
    pub fn terminator(&self) -> &'static [u8] {
        if !self.started || self.last == *b"\r\n" { b".\r\n" } else { b"\r\n.\r\n" }
    }
}

/// The slices of a dot-stuffed chunk, in order; none is empty.
#[derive(Clone, Debug)]
pub struct Stuffed<'a> {
    rest: &'a [u8],
    dot_due: bool,
}

impl<'a> Iterator for Stuffed<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        if std::mem::take(&mut self.dot_due) {
            return Some(b".");
        }
        // A first dot that was due is behind us, one that is found from here on lies after an LF.
        let Some(lf) = memmem::find(self.rest, b"\n.") else {
            return Some(std::mem::take(&mut self.rest));
        };
        let (slice, rest) = self.rest.split_at(lf + 1);
        self.rest = rest;
        self.dot_due = true;
        Some(slice)
    }
}

impl std::iter::FusedIterator for Stuffed<'_> {}
