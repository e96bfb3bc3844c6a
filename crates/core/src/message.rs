//! One pass over the header section of a message, and the trace field that we add.
//!
//! Only what the gateway tells about a message is read here: its Message-ID and its Subject, decoded for
//! people. Everything is bounded, and nothing of it can add a line to a log or to a header.

use std::fmt::Write as _;
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mail_parser::{HeaderName, HeaderValue, MessageParser};
use mailreeve_smtp::address::Mailbox;

use crate::Instant;
use crate::ids::Mid;

/// Octets kept of a Message-ID.
const MESSAGE_ID_OCTETS: usize = 250;
/// Octets kept of a Subject, decoded.
const SUBJECT_OCTETS: usize = 500;

/// What the header section says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderFacts {
    /// The Message-ID without angle brackets.
    pub message_id: Option<String>,
    /// The Subject, decoded (RFC 2047).
    pub subject: Option<String>,
    /// An octet above 127 stands in the header section.
    pub non_ascii: bool,
}

/// Reads the facts from content; stops at the empty line behind the header section.
pub fn header_facts(content: &[u8]) -> HeaderFacts {
    let mut facts = HeaderFacts::default();
    let mut rest = content;
    while let Some((field, after)) = next_field(rest) {
        rest = after;
        facts.non_ascii |= !field.is_ascii();
        let Some(colon) = memchr::memchr(b':', field) else { continue };
        let (name, value) = (field[..colon].trim_ascii_end(), &field[colon + 1..]);
        if facts.message_id.is_none() && name.eq_ignore_ascii_case(b"message-id") {
            facts.message_id = message_id(value);
        } else if facts.subject.is_none() && name.eq_ignore_ascii_case(b"subject") {
            facts.subject = Some(subject(value));
        }
    }
    facts
}

/// The next field with its folded lines, and what follows it; `None` at the end of the header section.
fn next_field(content: &[u8]) -> Option<(&[u8], &[u8])> {
    if content.is_empty() || content.starts_with(b"\r\n") {
        return None;
    }
    let mut end = 0;
    loop {
        end += memchr::memchr(b'\n', &content[end..])? + 1;
        match content.get(end) {
            Some(b' ' | b'\t') => {}
            Some(_) | None => return Some((&content[..end], &content[end..])),
        }
    }
}

fn message_id(value: &[u8]) -> Option<String> {
    let text = printable(&String::from_utf8_lossy(value), MESSAGE_ID_OCTETS);
    let inner = text.trim().trim_start_matches('<').trim_end_matches('>');
    (!inner.is_empty()).then(|| inner.to_owned())
}

fn subject(value: &[u8]) -> String {
    if !value.windows(2).any(|pair| pair == b"=?") {
        return printable(&String::from_utf8_lossy(value), SUBJECT_OCTETS);
    }
    let mut header = b"Subject:".to_vec();
    header.extend_from_slice(&value[..value.len().min(4 * SUBJECT_OCTETS)]);
    header.extend_from_slice(b"\r\n\r\n");
    let parsed = MessageParser::new().parse_headers(&header);
    let decoded = parsed.as_ref().and_then(|message| match message.header(HeaderName::Subject)? {
        HeaderValue::Text(text) => Some(text.as_ref().to_owned()),
        HeaderValue::TextList(texts) => Some(texts.join(" ")),
        HeaderValue::Address(_)
        | HeaderValue::DateTime(_)
        | HeaderValue::ContentType(_)
        | HeaderValue::Received(_)
        | HeaderValue::Empty => None,
    });
    printable(&decoded.unwrap_or_else(|| String::from_utf8_lossy(value).into_owned()), SUBJECT_OCTETS)
}

/// Text on one line: folds become spaces, control characters vanish, at most `limit` octets.
fn printable(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len().min(limit));
    let mut space = true;
    for character in text.chars() {
        let character = if matches!(character, '\r' | '\n' | '\t' | ' ') { ' ' } else { character };
        if character.is_control() || (character == ' ' && space) {
            continue;
        }
        if out.len() + character.len_utf8() > limit {
            break;
        }
        space = character == ' ';
        out.push(character);
    }
    out.truncate(out.trim_end().len());
    out
}

/// What a trace field tells (RFC 5321 4.4).
pub struct Trace<'a> {
    /// The peer's HELO or EHLO argument.
    pub helo: &'a str,
    /// The peer's name, when DNS gave one.
    pub reverse: Option<&'a str>,
    /// The peer's address.
    pub peer: IpAddr,
    /// Our name.
    pub by: &'a str,
    /// EHLO was said.
    pub esmtp: bool,
    /// SMTPUTF8 was asked for.
    pub utf8: bool,
    /// Protocol and cipher, under TLS.
    pub tls: Option<(&'a str, &'a str)>,
    /// The message.
    pub mid: Mid,
    /// The recipient, when there is only one.
    pub recipient: Option<&'a Mailbox>,
    /// When.
    pub at: Instant,
    /// The zone of the date.
    pub zone: &'a TimeZone,
}

/// Appends the `Received` field for a message that is coming in.
pub fn write_received(trace: &Trace<'_>, out: &mut Vec<u8>) {
    let mut text = String::with_capacity(256);
    let with = match (trace.utf8, trace.esmtp, trace.tls.is_some()) {
        (true, _, false) => "UTF8SMTP",
        (true, _, true) => "UTF8SMTPS",
        (false, true, true) => "ESMTPS",
        (false, true, false) => "ESMTP",
        (false, false, _) => "SMTP",
    };
    let helo = atoms(trace.helo);
    let name = trace.reverse.map_or_else(|| "unknown".to_owned(), atoms);
    // Writing to a String cannot fail.
    let _ = write!(text, "Received: from {helo} ({name} {})\r\n", literal(trace.peer));
    if let Some((protocol, cipher)) = trace.tls {
        let _ = write!(text, "\t(using {} with cipher {})\r\n", atoms(protocol), atoms(cipher));
    }
    let _ = write!(text, "\tby {} with {with} id {}", trace.by, trace.mid);
    if let Some(recipient) = trace.recipient.filter(|recipient| recipient.is_ascii()) {
        let _ = write!(text, "\r\n\tfor <{recipient}>");
    }
    let _ = write!(text, ";\r\n\t{}\r\n", date(trace.at, trace.zone));
    out.extend_from_slice(text.as_bytes());
}

/// A date as header fields carry it (RFC 5322 3.3): `Thu, 13 Aug 2020 14:29:42 -0400`.
pub fn date(at: Instant, zone: &TimeZone) -> String {
    let at = i64::try_from(at.0).ok().and_then(|us| Timestamp::from_microsecond(us).ok());
    let at = at.unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone());
    at.strftime("%a, %d %b %Y %H:%M:%S %z").to_string()
}

fn literal(peer: IpAddr) -> String {
    match peer {
        IpAddr::V4(v4) => format!("[{v4}]"),
        IpAddr::V6(v6) => format!("[IPv6:{v6}]"),
    }
}

/// A word that a peer chose, made safe inside a structured field: no white space, comments or controls.
fn atoms(word: &str) -> String {
    let safe = |c: char| c.is_ascii_graphic() && !matches!(c, '(' | ')' | '<' | '>' | '\\' | '"' | ';' | ',');
    let kept: String = word.chars().filter(|c| safe(*c)).take(255).collect();
    if kept.is_empty() { "unknown".to_owned() } else { kept }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn facts_come_from_the_header_section_only() {
        let content = b"Received: from x\r\n\tby y\r\nSUBJECT: =?utf-8?B?5ris6Kmm?=\r\n =?utf-8?Q?_two?=\r\n\
            Message-Id: <a.b@c>\r\nSubject: second\r\n\r\nMessage-ID: <body@x>\r\n";
        let facts = header_facts(content);
        assert_eq!(facts.message_id.as_deref(), Some("a.b@c"));
        assert_eq!(facts.subject.as_deref(), Some("測試 two"));
        assert!(!facts.non_ascii);
    }

    #[test]
    fn facts_are_bounded_and_on_one_line() {
        let long = format!("Subject: a\r\n b\x07{}\r\nX\u{e9}: y\r\n\r\n", "x".repeat(2_000));
        let facts = header_facts(long.as_bytes());
        let subject = facts.subject.unwrap();
        assert!(subject.starts_with("a bxxx") && subject.len() == SUBJECT_OCTETS);
        assert!(facts.non_ascii);
        assert_eq!(header_facts(b""), HeaderFacts::default());
        assert_eq!(header_facts(b"no end"), HeaderFacts::default());
        assert_eq!(header_facts(b"Message-ID: <>\r\n\r\n").message_id, None);
    }

    fn received(trace: &Trace<'_>) -> String {
        let mut out = Vec::new();
        write_received(trace, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_trace_field_tells_the_hop_and_cannot_be_injected_into() {
        let recipient = Mailbox::parse("b@gw.test").unwrap();
        let mut trace = Trace {
            helo: "client (x)\r\nEvil: y",
            reverse: Some("mail.example.com"),
            peer: "2001:db8::1".parse().unwrap(),
            by: "gw.test",
            esmtp: true,
            utf8: false,
            tls: Some(("TLSv1.3", "TLS13_AES_256_GCM_SHA384")),
            mid: Mid(12),
            recipient: Some(&recipient),
            at: Instant::from_secs(1_597_343_382),
            zone: &TimeZone::UTC,
        };
        assert_eq!(
            received(&trace),
            "Received: from clientxEvil:y (mail.example.com [IPv6:2001:db8::1])\r\n\
             \t(using TLSv1.3 with cipher TLS13_AES_256_GCM_SHA384)\r\n\
             \tby gw.test with ESMTPS id 12\r\n\
             \tfor <b@gw.test>;\r\n\
             \tThu, 13 Aug 2020 18:29:42 +0000\r\n"
        );
        trace.tls = None;
        trace.esmtp = false;
        trace.recipient = None;
        trace.reverse = None;
        trace.peer = "192.0.2.1".parse().unwrap();
        assert_eq!(
            received(&trace),
            "Received: from clientxEvil:y (unknown [192.0.2.1])\r\n\
             \tby gw.test with SMTP id 12;\r\n\tThu, 13 Aug 2020 18:29:42 +0000\r\n"
        );
    }
}
