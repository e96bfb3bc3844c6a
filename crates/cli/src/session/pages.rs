//! Output that waits at the end of each page.

use std::io::{self, ErrorKind, Stdout, Write};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcgetwinsize, tcsetattr};

use crate::interrupt::{Interrupt, Woken};

const MORE: &str = "-Press Any Key For More-";
/// How long a page is looked at; after that the rest is not wanted.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// Standard output in pages. A flush begins a new one: what is shown as it comes never waits.
///
/// Whoever has seen enough (`q`, Ctrl-C) makes writing fail with [`ErrorKind::BrokenPipe`].
pub(super) struct Pages<'a> {
    out: Stdout,
    interrupt: &'a Interrupt,
    page: Page,
}

impl<'a> Pages<'a> {
    /// Goes on with a page.
    pub(super) fn new(interrupt: &'a Interrupt, page: Page) -> Self {
        Self { out: io::stdout(), interrupt, page }
    }

    /// Shows all that was written; returns the page for what comes next.
    pub(super) fn end(mut self) -> io::Result<Page> {
        self.out.flush()?;
        Ok(self.page)
    }

    /// Waits for a key; `false` when the rest is not wanted.
    fn pause(&mut self) -> io::Result<bool> {
        self.out.write_all(MORE.as_bytes())?;
        self.out.flush()?;
        let key = self.key();
        self.out.write_all(b"\r\x1b[K")?;
        key.map(|key| !matches!(key, None | Some(b'q' | b'Q' | 0x04)))
    }

    fn key(&self) -> io::Result<Option<u8>> {
        let stdin = io::stdin();
        let before = tcgetattr(&stdin)?;
        let mut raw = before.clone();
        raw.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        tcsetattr(&stdin, OptionalActions::Now, &raw)?;
        // A key may be several octets; they are one key if they come together.
        let mut octets = [0; 16];
        let read = match self.interrupt.wait(Some(stdin.as_fd()), Instant::now() + PATIENCE) {
            Ok(Woken::Readable) => rustix::io::read(&stdin, &mut octets).map_err(io::Error::from),
            Ok(Woken::Timeout | Woken::Interrupted) => Ok(0),
            Err(error) => Err(error),
        };
        tcsetattr(&stdin, OptionalActions::Now, &before)?;
        Ok((read? > 0).then_some(octets[0]))
    }
}

impl Write for Pages<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if text.is_empty() {
            return Ok(0);
        }
        if self.page.is_full() {
            if !self.pause()? {
                self.page.begin();
                return Err(ErrorKind::BrokenPipe.into());
            }
            self.page.begin();
        }
        let fits = self.page.take(text);
        self.out.write_all(&text[..fits])?;
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.page.begin();
        self.out.flush()
    }
}

/// How full a page is.
#[derive(Clone, Copy)]
pub(super) struct Page {
    /// Rows that it holds; 0 for any number.
    rows: usize,
    columns: usize,
    full: usize,
    column: usize,
}

impl Page {
    /// An empty page of the terminal as it is now; one without an end when nobody waits for it.
    pub(super) fn of_the_terminal(waits: bool) -> Self {
        let size = tcgetwinsize(io::stdout()).ok().filter(|_| waits);
        let (rows, columns) = size.map_or((0, 0), |size| (size.ws_row, size.ws_col));
        Self::new(rows.into(), columns.into())
    }

    /// The last row of a terminal is for what is said there at the end of a page.
    const fn new(terminal_rows: usize, columns: usize) -> Self {
        Self { rows: terminal_rows.saturating_sub(1), columns, full: 0, column: 0 }
    }

    const fn begin(&mut self) {
        self.full = 0;
    }

    const fn is_full(&self) -> bool {
        self.rows > 0 && self.full >= self.rows
    }

    /// Returns how many octets of `text` fit, and counts them as shown.
    fn take(&mut self, text: &[u8]) -> usize {
        for (at, octet) in text.iter().enumerate() {
            match octet {
                b'\n' => {
                    self.full += 1;
                    self.column = 0;
                    if self.is_full() {
                        return at + 1;
                    }
                }
                // Octets of a character after its first take no room.
                0x80..=0xbf => {}
                _ => {
                    if self.columns > 0 && self.column == self.columns {
                        self.full += 1;
                        self.column = 0;
                        if self.is_full() {
                            return at;
                        }
                    }
                    self.column += 1;
                }
            }
        }
        text.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(terminal_rows: usize, columns: usize, text: &str) -> Vec<String> {
        let (mut page, mut rest, mut pages) =
            (Page::new(terminal_rows, columns), text.as_bytes(), Vec::new());
        while !rest.is_empty() {
            let fits = page.take(rest);
            pages.push(String::from_utf8_lossy(&rest[..fits]).into_owned());
            rest = &rest[fits..];
            page.begin();
        }
        pages
    }

    #[test]
    fn a_page_is_what_the_terminal_shows() {
        assert_eq!(pages(3, 10, "one\ntwo\nthree\nfour"), ["one\ntwo\n", "three\nfour"]);
        assert_eq!(pages(0, 0, "one\ntwo\n"), ["one\ntwo\n"]);
        // A row that is exactly full is one row, a longer one two.
        assert_eq!(pages(3, 3, "abc\nabcd\nx"), ["abc\nabc", "d\nx"]);
        assert_eq!(pages(3, 2, "\u{e4}\u{e4}\n\u{e4}\nx"), ["\u{e4}\u{e4}\n\u{e4}\n", "x"]);
        assert_eq!(pages(2, 80, "exactly\n"), ["exactly\n"]);
    }
}
