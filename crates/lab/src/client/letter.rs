//! Messages with a number of their own, made cheaply.
//!
//! Bodies are printed once, a few different ones; a message is a fresh header on one of them. Its number is in
//! the header, in the sender and in every recipient, so that it can be found again wherever it ends up.

use std::time::{SystemTime, UNIX_EPOCH};

use crc32fast::Hasher;

use crate::form::{date, stuffed};
use crate::record;
use crate::words::Dice;

/// What bodies look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// Lines of 72 ASCII letters.
    #[default]
    Plain,
    /// All that is legal and easily spoilt: leading dots, lines of dots, 8-bit letters, lines of 998 bytes, empty
    /// lines, trailing space, lines that look like headers or like an mbox.
    Torture,
}

/// How many different bodies are printed.
const BODIES: usize = 8;

/// Makes messages.
#[derive(Debug)]
pub(super) struct Press {
    run: u32,
    body: Body,
    size: usize,
    recipients: usize,
    sender_domain: String,
    recipient_domains: Vec<String>,
    date: String,
    printed: Vec<Printed>,
}

/// A body, as it is and as it goes over the line.
#[derive(Debug)]
pub(super) struct Printed {
    pub(super) plain: Vec<u8>,
    stuffed: Option<Vec<u8>>,
    crc: Hasher,
}

impl Printed {
    /// With the dots that DATA needs (RFC 5321 section 4.5.2).
    pub(super) fn stuffed(&self) -> &[u8] {
        self.stuffed.as_deref().unwrap_or(&self.plain)
    }
}

/// A message.
#[derive(Debug)]
pub(super) struct Letter<'a> {
    pub(super) id: String,
    pub(super) mail: String,
    pub(super) rcpts: Vec<String>,
    pub(super) header: Vec<u8>,
    pub(super) printed: &'a Printed,
}

impl Letter<'_> {
    pub(super) fn bytes(&self) -> usize {
        self.header.len() + self.printed.plain.len()
    }

    pub(super) fn crc(&self) -> u32 {
        let mut hasher = Hasher::new();
        hasher.update(&self.header);
        hasher.combine(&self.printed.crc);
        hasher.finalize()
    }

    pub(super) fn sha256(&self) -> String {
        record::sha256(&[&self.header, &self.printed.plain])
    }
}

impl Press {
    /// A press for messages of about `size` bytes, all told.
    pub(super) fn new(load: &super::Load) -> Self {
        let mut dice = Dice::new(load.seed);
        let mut press = Self {
            run: dice.throw() as u32,
            body: load.body,
            size: load.size,
            recipients: load.recipients.max(1),
            sender_domain: load.sender_domain.clone(),
            recipient_domains: load.recipient_domains.clone(),
            date: date(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()),
            printed: Vec::new(),
        };
        let header = press.header("0".repeat(22).as_str(), "", "").len() + 80;
        let length = press.size.saturating_sub(header).max(2);
        press.printed = (0..BODIES).map(|_| print(&mut dice, press.body, length)).collect();
        press
    }

    /// Whether messages hold 8-bit bytes.
    pub(super) fn is_8bit(&self) -> bool {
        self.body == Body::Torture
    }

    /// The message with this number in this session.
    pub(super) fn letter(&self, session: usize, serial: u64) -> Letter<'_> {
        let id = format!("{:08x}{:04x}{:010x}", self.run, session & 0xFFFF, serial & 0xFF_FFFF_FFFF);
        let mail = format!("s-{id}@{}", self.sender_domain);
        let rcpts: Vec<String> = (0..self.recipients)
            .map(|number| {
                let index = (serial as usize).wrapping_add(session).wrapping_add(number)
                    % self.recipient_domains.len().max(1);
                let domain = self.recipient_domains.get(index).map_or("example.test", String::as_str);
                format!("r{number:03}-{id}@{domain}")
            })
            .collect();
        let header = self.header(&id, &mail, rcpts.first().map_or("", String::as_str));
        let printed = &self.printed[(serial as usize).wrapping_add(session) % self.printed.len()];
        Letter { id, mail, rcpts, header, printed }
    }

    fn header(&self, id: &str, mail: &str, rcpt: &str) -> Vec<u8> {
        let mime = match self.body {
            Body::Plain => "",
            Body::Torture => {
                "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
            }
        };
        format!(
            "{}: {id}\r\nMessage-ID: <{id}@lab.test>\r\nDate: {}\r\nFrom: <{mail}>\r\nTo: <{rcpt}>\r\n\
             Subject: number {id}\r\n{mime}\r\n",
            record::ID_HEADER,
            self.date
        )
        .into_bytes()
    }
}

fn print(dice: &mut Dice, body: Body, length: usize) -> Printed {
    let mut plain = Vec::with_capacity(length + 1000);
    while plain.len() + 2 < length {
        let line = match body {
            Body::Plain => letters(dice, 72),
            Body::Torture => hard_line(dice),
        };
        let room = length - plain.len() - 2;
        plain.extend_from_slice(&line[..line.len().min(room)]);
        plain.extend_from_slice(b"\r\n");
    }
    if plain.is_empty() {
        plain.extend_from_slice(b"\r\n");
    }
    let mut crc = Hasher::new();
    crc.update(&plain);
    let stuffed = stuff(&plain);
    Printed { plain, stuffed, crc }
}

/// The body with its leading dots doubled, or `None` where it has none.
fn stuff(plain: &[u8]) -> Option<Vec<u8>> {
    Some(stuffed(plain)).filter(|stuffed| stuffed.len() > plain.len())
}

fn letters(dice: &mut Dice, length: usize) -> Vec<u8> {
    (0..length).map(|_| b"abcdefghijklmnopqrstuvwxyz     "[dice.below(31)]).collect()
}

fn hard_line(dice: &mut Dice) -> Vec<u8> {
    match dice.below(12) {
        0 => b".".to_vec(),
        1 => b"..".to_vec(),
        2 => [b".", letters(dice, 40).as_slice()].concat(),
        3 => vec![b'.'; 300],
        4 => letters(dice, 998),
        5 => Vec::new(),
        6 => [letters(dice, 30).as_slice(), b" \t  "].concat(),
        7 => "gr\u{fc}\u{df}e \u{4f60}\u{597d} \u{1f4ee}".as_bytes().to_vec(),
        8 => (0..60).map(|_| 0x80 | (dice.throw() as u8)).collect(),
        9 => b"From somebody Thu Jan  1 00:00:00 1970".to_vec(),
        10 => b"Received: from nowhere".to_vec(),
        _ => letters(dice, 72),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Load;
    use super::*;

    #[test]
    fn messages_differ_and_have_about_their_size() {
        for body in [Body::Plain, Body::Torture] {
            let load = Load { size: 4096, recipients: 3, body, ..Load::default() };
            let press = Press::new(&load);
            let (first, second) = (press.letter(0, 0), press.letter(1, 0));
            assert_ne!(first.id, second.id);
            assert!(first.bytes().abs_diff(4096) < 120, "{}", first.bytes());
            assert_eq!(first.rcpts.len(), 3);
            let whole = [first.header.as_slice(), &first.printed.plain].concat();
            assert_eq!(first.crc(), crc32fast::hash(&whole));
            assert_eq!(first.sha256(), record::sha256(&[&whole]));
            assert!(whole.ends_with(b"\r\n"));
            assert!(whole.split(|byte| *byte == b'\n').all(|line| line.len() <= 999));
        }
    }

    #[test]
    fn dots_are_doubled_at_line_starts_only() {
        assert_eq!(stuff(b".a\r\nb.\r\n.\r\n").as_deref(), Some(&b"..a\r\nb.\r\n..\r\n"[..]));
        assert_eq!(stuff(b"a.\r\n"), None);
    }
}
