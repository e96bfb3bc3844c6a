//! What was sent and what arrived, one record a message, in memory and as lines of JSON.
//!
//! A record is written (to the file, by one `write`) before the reply that makes it true is sent. Whoever
//! kills the gateway, not the lab, therefore loses none; it is not synced, for the lab itself is not killed.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The header that carries the number of a generated message.
pub const ID_HEADER: &str = "X-Lab-Id";

/// Header fields that a relay may put on top of a message.
pub const TRACE_HEADERS: [&str; 6] =
    ["Received", "Return-Path", "Delivered-To", "Authentication-Results", "Received-SPF", "DKIM-Signature"];

/// A recipient as it was named in RCPT.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rcpt {
    /// What stood between `<` and `>`.
    pub address: String,
    /// Its parameters, as they stood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<String>,
}

/// A message that a host took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The lab's own number of the message, where it has one.
    pub id: Option<String>,
    /// Its Message-ID, as it stood.
    pub message_id: Option<String>,
    /// The sender: what stood between `<` and `>`.
    pub mail: String,
    /// Its parameters, as they stood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mail_params: Vec<String>,
    /// The accepted recipients, in order.
    pub rcpts: Vec<Rcpt>,
    /// Bytes of the whole message, unstuffed.
    pub bytes: u64,
    /// SHA-256 of the whole message in hexadecimal.
    pub sha256: String,
    /// SHA-256 without the trace fields on top.
    pub content_sha256: String,
    /// How many trace fields were on top.
    pub trace_fields: usize,
    /// The name of the host that took it.
    pub host: String,
    /// What the client called itself.
    pub helo: String,
    /// Where it came from.
    pub peer: Option<SocketAddr>,
    /// Whether the connection was encrypted.
    pub tls: bool,
    /// Microseconds since 1970, UTC.
    pub at_us: u64,
    /// The message itself, where the host was told to keep it. Never in the file.
    #[serde(skip)]
    pub content: Option<Vec<u8>>,
}

/// A message that a client was promised: all of its last 250 had arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acked {
    /// The lab's number of the message.
    pub id: String,
    /// The sender.
    pub mail: String,
    /// The recipients that were accepted.
    pub rcpts: Vec<String>,
    /// Bytes of the message, unstuffed.
    pub bytes: u64,
    /// SHA-256 of the message in hexadecimal.
    pub sha256: String,
    /// From the last byte of the message to the reply, in microseconds.
    pub latency_us: u64,
    /// Microseconds since 1970, UTC.
    pub at_us: u64,
    /// The text of the reply, which names the message in the gateway's own words.
    pub reply: String,
}

/// Sums that do not depend on the order of messages, cheap enough for a benchmark.
///
/// If the sums of what was acknowledged and of what arrived agree, then count, sizes and contents do, but
/// for an accident of one in 2^32 a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Messages.
    pub messages: u64,
    /// Accepted recipients of those messages.
    pub recipients: u64,
    /// Bytes without the trace fields on top.
    pub content_bytes: u64,
    /// Sum, modulo 2^64, of the CRC-32 of each message without the trace fields on top.
    pub checksum: u64,
}

impl Sums {
    /// Adds one message.
    pub const fn add(&mut self, recipients: usize, content_bytes: u64, crc: u32) {
        self.messages += 1;
        self.recipients += recipients as u64;
        self.content_bytes += content_bytes;
        self.checksum = self.checksum.wrapping_add(crc as u64);
    }

    /// Adds the messages of another sum.
    pub const fn merge(&mut self, other: Self) {
        self.messages += other.messages;
        self.recipients += other.recipients;
        self.content_bytes += other.content_bytes;
        self.checksum = self.checksum.wrapping_add(other.checksum);
    }
}

/// An append-only file of JSON lines.
#[derive(Debug)]
pub struct Journal {
    file: Mutex<File>,
}

impl Journal {
    /// Opens `path` for appending, and makes it where it is missing.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file: Mutex::new(file) })
    }

    /// Appends one record as one line; when this returns, the line is in the kernel's hands.
    ///
    /// # Errors
    /// When the file cannot be written. The record then must not be acknowledged.
    pub fn append(&self, record: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        self.file.lock().write_all(&line)
    }
}

/// SHA-256 in hexadecimal.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    let mut text = String::with_capacity(64);
    for byte in hasher.finalize() {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    text
}

/// Microseconds since 1970.
#[must_use]
pub fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Where the sender's own message starts: behind the fields on top whose names are in `trace`, with their
/// folded lines. Also says how many those are.
#[must_use]
pub fn skip_trace<T: AsRef<str>>(message: &[u8], trace: &[T]) -> (usize, usize) {
    let (mut at, mut fields) = (0, 0);
    while let Some(name) = field_name(&message[at..]) {
        if !trace.iter().any(|wanted| wanted.as_ref().as_bytes().eq_ignore_ascii_case(name)) {
            break;
        }
        fields += 1;
        at += field_length(&message[at..]);
    }
    (at, fields)
}

/// The unfolded value of the first field called `name`, without space around it.
#[must_use]
pub fn field(message: &[u8], name: &str) -> Option<String> {
    let mut at = 0;
    while let Some(found) = field_name(&message[at..]) {
        let length = field_length(&message[at..]);
        if found.eq_ignore_ascii_case(name.as_bytes()) {
            let value = &message[at + found.len() + 1..at + length];
            let text = String::from_utf8_lossy(value);
            return Some(text.replace("\r\n", "").trim().to_owned());
        }
        at += length;
    }
    None
}

/// The name of the field at the start of `rest`, or `None` at the end of the header.
fn field_name(rest: &[u8]) -> Option<&[u8]> {
    let colon = rest.iter().take(998).position(|byte| matches!(byte, b':' | b'\r' | b'\n' | b' ' | b'\t'))?;
    (colon > 0 && rest[colon] == b':').then(|| &rest[..colon])
}

/// Bytes of the field at the start of `rest`, its folded lines included.
fn field_length(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(end) = memchr::memchr(b'\n', &rest[at..]) {
        at += end + 1;
        if !matches!(rest.get(at), Some(b' ' | b'\t')) {
            return at;
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"Received: from a\r\n\tby b\r\nreceived: x\r\nX-Lab-Id: 7\r\n Received: no\r\n\r\nReceived: body\r\n";

    #[test]
    fn trace_on_top_is_skipped_and_nothing_else() {
        let (at, fields) = skip_trace(MESSAGE, &TRACE_HEADERS);
        assert_eq!(fields, 2);
        assert!(MESSAGE[at..].starts_with(b"X-Lab-Id"));
        assert_eq!(skip_trace(b"", &TRACE_HEADERS), (0, 0));
        assert_eq!(skip_trace(b"\r\nReceived: x\r\n", &TRACE_HEADERS), (0, 0));
        assert_eq!(skip_trace(b"Received: without end", &TRACE_HEADERS), (21, 1));
    }

    #[test]
    fn fields_are_found_in_the_header_only() {
        assert_eq!(field(MESSAGE, "x-lab-id").as_deref(), Some("7 Received: no"));
        assert_eq!(field(b"A: 1\r\n\r\nB: 2\r\n", "B"), None);
    }

    #[test]
    fn sums_do_not_depend_on_the_order() {
        let (mut one, mut other) = (Sums::default(), Sums::default());
        one.add(1, 10, u32::MAX);
        one.add(2, 20, 5);
        other.add(2, 20, 5);
        other.add(1, 10, u32::MAX);
        assert_eq!(one, other);
    }
}
