//! How messages are sent on a connection: as wished, as far as the server offers it.

use super::letter::Letter;
use super::load::{Flow, Transfer};

/// What the server offered in EHLO.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Offered {
    pub(super) pipelining: bool,
    pub(super) eight_bit: bool,
    pub(super) chunking: bool,
    pub(super) size: bool,
    pub(super) starttls: bool,
}

impl Offered {
    /// Reads the lines of the reply to EHLO.
    pub(super) fn read(text: &str) -> Self {
        let has = |word: &str| {
            text.lines()
                .skip(1)
                .any(|line| line.split(' ').next().is_some_and(|first| first.eq_ignore_ascii_case(word)))
        };
        Self {
            pipelining: has("PIPELINING"),
            eight_bit: has("8BITMIME"),
            chunking: has("CHUNKING"),
            size: has("SIZE"),
            starttls: has("STARTTLS"),
        }
    }
}

/// How messages are sent on this connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) flow: Flow,
    pub(super) transfer: Transfer,
    pub(super) offered: Offered,
    pub(super) is_8bit: bool,
}

impl Manner {
    /// As wished, as far as the server offers it.
    pub(super) fn new(flow: Flow, transfer: Transfer, offered: Offered, is_8bit: bool) -> Self {
        let flow = if offered.pipelining { flow } else { Flow::LockStep };
        let transfer = if offered.chunking { transfer } else { Transfer::Data };
        Self { flow, transfer, offered, is_8bit }
    }

    /// Whether the next message's envelope goes out with the end of this one.
    pub(super) fn chains(&self) -> bool {
        self.flow == Flow::Chained && self.transfer == Transfer::Data
    }

    /// MAIL and RCPT, and DATA where that is next, as one group.
    pub(super) fn group(&self, letter: &Letter<'_>) -> Vec<u8> {
        let mut group = Vec::with_capacity(256);
        self.mail(letter, &mut group);
        for rcpt in &letter.rcpts {
            group.extend_from_slice(format!("RCPT TO:<{rcpt}>\r\n").as_bytes());
        }
        if self.transfer == Transfer::Data {
            group.extend_from_slice(b"DATA\r\n");
        }
        group
    }

    pub(super) fn mail(&self, letter: &Letter<'_>, out: &mut Vec<u8>) {
        let size = if self.offered.size { format!(" SIZE={}", letter.bytes()) } else { String::new() };
        let body = if self.is_8bit && self.offered.eight_bit { " BODY=8BITMIME" } else { "" };
        out.extend_from_slice(format!("MAIL FROM:<{}>{size}{body}\r\n", letter.mail).as_bytes());
    }
}
