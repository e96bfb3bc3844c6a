//! Command lines cut out of the input, without a copy where a line lies whole in one piece of it.
//!
//! A line that is too long is thrown away up to its end, which is then reported, so that the session stays
//! in step and no peer decides how much is kept.

use memchr::memchr;

/// The part of a command line that has come in so far.
#[derive(Debug, Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
    overlong: bool,
}

/// What a piece of input brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// No line end yet; the piece is kept.
    Part,
    /// A line with its LF, whole in the input.
    Whole(&'a [u8]),
    /// A line with its LF, put together from pieces. Give the buffer back when done.
    Joined(Vec<u8>),
    /// The end of a line that exceeded the limit.
    TooLong,
}

impl Lines {
    /// Takes input up to the end of the first line; returns the octets used and what they brought.
    pub(super) fn take<'a>(&mut self, input: &'a [u8], limit: usize) -> (usize, Line<'a>) {
        let Some(lf) = memchr(b'\n', input) else {
            self.overlong |= self.partial.len() + input.len() > limit;
            match self.overlong {
                true => self.partial.clear(),
                false => self.partial.extend_from_slice(input),
            }
            return (input.len(), Line::Part);
        };
        let (line, used) = (&input[..=lf], lf + 1);
        if std::mem::take(&mut self.overlong) || self.partial.len() + line.len() > limit {
            self.partial.clear();
            return (used, Line::TooLong);
        }
        if self.partial.is_empty() {
            return (used, Line::Whole(line));
        }
        self.partial.extend_from_slice(line);
        (used, Line::Joined(std::mem::take(&mut self.partial)))
    }

    /// Takes a buffer back that a [`Line::Joined`] handed out.
    pub(super) fn give_back(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.partial = buffer;
    }

    /// Forgets a line that has begun.
    pub(super) fn clear(&mut self) {
        self.partial.clear();
        self.overlong = false;
    }

    /// Returns how many octets of a line are kept that has begun.
    pub(super) fn octets(&self) -> usize {
        self.partial.len()
    }

    /// Tells whether a line has begun.
    pub(super) fn begun(&self) -> bool {
        self.overlong || !self.partial.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_in_one_piece_is_not_copied() {
        let mut lines = Lines::default();
        let input = b"NOOP\r\nRSET\r\n";
        assert_eq!(lines.take(input, 512), (6, Line::Whole(b"NOOP\r\n")));
        assert!(!lines.begun());
    }

    #[test]
    fn pieces_are_joined() {
        let mut lines = Lines::default();
        assert_eq!(lines.take(b"NO", 512), (2, Line::Part));
        assert!(lines.begun());
        assert_eq!(lines.take(b"OP\r\nQ", 512), (4, Line::Joined(b"NOOP\r\n".to_vec())));
        assert_eq!(lines.take(b"QUIT\r\n", 512), (6, Line::Whole(b"QUIT\r\n")));
    }

    #[test]
    fn the_limit_counts_the_line_end_and_holds_for_any_cut() {
        let line = b"123456\r\n";
        for cut in 0..line.len() {
            for (limit, fits) in [(8, true), (7, false), (3, false)] {
                let mut lines = Lines::default();
                lines.take(&line[..cut], limit);
                assert!(lines.partial.len() <= limit);
                let (used, got) = lines.take(&line[cut..], limit);
                assert_eq!(used, line.len() - cut);
                assert_eq!(got != Line::TooLong, fits, "cut at {cut}, limit {limit}");
                assert!(!lines.begun());
            }
        }
    }

    #[test]
    fn an_endless_line_takes_no_memory() {
        let mut lines = Lines::default();
        for _ in 0..1000 {
            assert_eq!(lines.take(&[b'x'; 1000], 512), (1000, Line::Part));
            assert!(lines.partial.capacity() <= 1000);
        }
        assert_eq!(lines.take(b"\r\nNOOP\r\n", 512), (2, Line::TooLong));
        assert_eq!(lines.take(b"NOOP\r\n", 512), (6, Line::Whole(b"NOOP\r\n")));
    }
}
