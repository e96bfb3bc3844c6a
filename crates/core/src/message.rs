//! The header section of a message: what we read from it, once, and the trace field that we put on top.
//!
//! Nothing here trusts what it reads: values are cut to a bound, undecodable octets become U+FFFD, control
//! characters become spaces. What we write can be neither continued nor ended by a peer's words.
//!
//! Not here: hop counting and size limits (`mailreeve_smtp::server`, while the octets stream in), bodies.

use std::borrow::Cow;
use std::net::IpAddr;

use jiff::tz::TimeZone;
use mail_parser::HeaderValue;
use mail_parser::parsers::MessageStream;
use mailreeve_smtp::address::Mailbox;

use crate::Instant;
use crate::ids::Mid;

pub(crate) mod date;
#[cfg(test)]
mod tests;

/// Octets of a field's value that are looked at.
const VALUE: usize = 8_192;

/// Octets of a value that are kept.
const KEPT: usize = 998;

/// What a header section says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderFacts {
    /// `Message-ID` without its angle brackets.
    pub message_id: Option<String>,
    /// `Subject`, decoded (RFC 2047).
    pub subject: Option<String>,
    /// An octet above 127 stands in the section: SMTPUTF8 may be needed (RFC 6532).
    pub non_ascii: bool,
}

/// Reads the header section at the start of `content`, which ends with the first empty line, or with
/// `content`. Of fields that are there twice the first counts.
pub fn header_facts(content: &[u8]) -> HeaderFacts {
    let mut facts = HeaderFacts::default();
    let mut fields = Fields { rest: content };
    for (name, value) in fields.by_ref() {
        if facts.message_id.is_none() && name.eq_ignore_ascii_case(b"message-id") {
            facts.message_id = message_id(value);
        } else if facts.subject.is_none() && name.eq_ignore_ascii_case(b"subject") {
            facts.subject = Some(unstructured(value));
        }
    }
    let section = content.len() - fields.rest.len();
    facts.non_ascii = !content[..section].is_ascii();
    facts
}

/// The fields of a header section. Lines that are no field have an empty name.
struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if matches!(self.rest, [] | [b'\n', ..] | [b'\r', b'\n', ..]) {
            return None;
        }
        let mut end = 0;
        loop {
            end = memchr::memchr(b'\n', &self.rest[end..]).map_or(self.rest.len(), |at| end + at + 1);
            if !matches!(self.rest.get(end), Some(b' ' | b'\t')) {
                break;
            }
        }
        let (field, rest) = self.rest.split_at(end);
        self.rest = rest;
        let colon = memchr::memchr(b':', field).unwrap_or(0);
        let name = field[..colon].trim_ascii_end();
        let value = field.get(colon + 1..).unwrap_or_default();
        Some((name, &value[..value.len().min(VALUE)]))
    }
}

fn message_id(value: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(value);
    let id = match text.split_once('<') {
        Some((_, inside)) => inside.split('>').next().unwrap_or(inside),
        None => &text,
    };
    Some(kept(id)).filter(|id| !id.is_empty())
}

fn unstructured(value: &[u8]) -> String {
    if memchr::memmem::find(value, b"=?").is_none() {
        return kept(&String::from_utf8_lossy(value));
    }
    // The decoder takes a value to be complete only with its line end.
    let line = [value.trim_ascii_end(), b"\n"].concat();
    match MessageStream::new(&line).parse_unstructured() {
        HeaderValue::Text(text) => kept(&text),
        HeaderValue::TextList(texts) => kept(&texts.join(" ")),
        HeaderValue::Address(_)
        | HeaderValue::DateTime(_)
        | HeaderValue::ContentType(_)
        | HeaderValue::Received(_)
        | HeaderValue::Empty => kept(&String::from_utf8_lossy(value)),
    }
}

/// Unfolds a value, takes control characters out of it and cuts it.
fn kept(text: &str) -> String {
    let text = text.trim();
    let text: Cow<'_, str> = match text.contains(char::is_control) {
        false => Cow::Borrowed(text),
        // RFC 5322 2.2.3: a fold is a CRLF before a blank, and only the CRLF goes.
        true => Cow::Owned(text.replace("\r\n", "").replace(char::is_control, " ")),
    };
    text[..text.floor_char_boundary(KEPT)].to_owned()
}

/// How a message came to us, for its trace field.
#[derive(Clone, Copy, Debug)]
pub struct Trace<'a> {
    /// What the peer called itself; may be empty.
    pub helo: &'a str,
    /// What the name service calls the peer.
    pub reverse: Option<&'a str>,
    /// The peer's address.
    pub peer: IpAddr,
    /// Our own name.
    pub by: &'a str,
    /// EHLO, not HELO.
    pub esmtp: bool,
    /// SMTPUTF8 was asked for.
    pub utf8: bool,
    /// Protocol and cipher suite.
    pub tls: Option<(&'a str, &'a str)>,
    /// The message.
    pub mid: Mid,
    /// The recipient, when there is only one: with several, each would learn of the others.
    pub recipient: Option<&'a Mailbox>,
    /// Now.
    pub at: Instant,
    /// The zone of the date.
    pub zone: &'a TimeZone,
}

/// Appends a `Received` field (RFC 5321 4.4, RFC 3848, RFC 8314 4.3), CRLF included.
pub fn write_received(trace: &Trace<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"Received: from ");
    match trace.helo {
        "" => literal(trace.peer, out),
        helo => word(helo, trace.utf8, out),
    }
    out.extend_from_slice(b" (");
    if let Some(reverse) = trace.reverse {
        word(reverse, trace.utf8, out);
        out.push(b' ');
    }
    literal(trace.peer, out);
    out.extend_from_slice(b")\r\n\tby ");
    word(trace.by, trace.utf8, out);
    out.extend_from_slice(b" with ");
    out.extend_from_slice(match (trace.esmtp, trace.utf8, trace.tls.is_some()) {
        (false, _, _) => b"SMTP",
        (true, false, false) => b"ESMTP",
        (true, false, true) => b"ESMTPS",
        (true, true, false) => b"UTF8SMTP",
        (true, true, true) => b"UTF8SMTPS",
    });
    out.extend_from_slice(b" id ");
    out.extend_from_slice(trace.mid.to_string().as_bytes());
    let recipient = trace.recipient.map(Mailbox::as_str);
    let writable = |address: &&str| (trace.utf8 || address.is_ascii()) && !address.contains(char::is_control);
    let recipient = recipient.filter(writable);
    if recipient.is_some() || trace.tls.is_some() {
        out.extend_from_slice(b"\r\n\t");
    }
    if let Some(address) = recipient {
        out.extend_from_slice(b"for <");
        out.extend_from_slice(address.as_bytes());
        out.extend_from_slice(if trace.tls.is_some() { b"> " } else { b">" });
    }
    if let Some((protocol, cipher)) = trace.tls {
        out.extend_from_slice(b"tls ");
        word(cipher, false, out);
        out.extend_from_slice(b" (");
        word(protocol, false, out);
        out.push(b')');
    }
    out.extend_from_slice(b";\r\n\t");
    date::write(trace.at, trace.zone, out);
    out.extend_from_slice(b"\r\n");
}

fn literal(address: IpAddr, out: &mut Vec<u8>) {
    let text = match address.to_canonical() {
        IpAddr::V4(v4) => format!("[{v4}]"),
        IpAddr::V6(v6) => format!("[IPv6:{v6}]"),
    };
    out.extend_from_slice(text.as_bytes());
}

/// Appends a name of others: what is not of a name or an address literal becomes a question mark.
fn word(name: &str, utf8: bool, out: &mut Vec<u8>) {
    for c in name[..name.floor_char_boundary(255)].chars() {
        let plain = c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        let c = if plain || (utf8 && !c.is_ascii() && c.is_alphanumeric()) { c } else { '?' };
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}
