//! Reports to senders: what became of their recipients (RFC 3464 in RFC 6522, RFC 6533 for UTF-8 addresses).
//!
//! Promises: a report has three parts, one for people, one for programs, and what is returned of the message;
//! nothing that a peer, a sender or a message said can become a header field or a part of its own; the same
//! facts give the same octets. To the sender it says whose matter a failure is and what to do; what only our
//! operators may know (our networks, our routes) is not in it.
//!
//! Not here: when a failure is final, and storing the report. [`plan`] says who may be told at all.

use jiff::tz::TimeZone;
use mailreeve_smtp::address::{Mailbox, ReversePath};
use mailreeve_smtp::params::Return;

use crate::Instant;
use crate::envelope::{ContentFacts, Envelope};
use crate::event::{Failure, GeneratedKind, Unreported};
use crate::ids::{Mid, Rid};
use crate::message::date;

mod encode;
mod people;
mod programs;
#[cfg(test)]
mod tests;
mod words;

/// A message is returned whole below this many octets, and a header section is cut there.
pub const RETURNED: usize = 10 * 1_024;

/// What a report is made of.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The MID of the report itself.
    pub mid: Mid,
    /// The name we go by.
    pub hostname: &'a str,
    /// The message it is about.
    pub envelope: &'a Envelope,
    /// What happened, a recipient each; at least one.
    pub recipients: &'a [Fact<'a>],
    /// The content of the message, or as much of it as is at hand; its header section at least.
    pub content: &'a [u8],
    /// Now.
    pub at: Instant,
    /// The zone of its dates.
    pub zone: &'a TimeZone,
    /// Random, so that nobody can foretell the boundary and the Message-ID.
    pub random: u64,
}

/// What happened to one recipient.
#[derive(Clone, Copy, Debug)]
pub struct Fact<'a> {
    /// Which of the envelope's.
    pub rid: Rid,
    /// What became of it.
    pub outcome: Outcome<'a>,
    /// The host that answered, by name or as a literal in brackets; `None` when none did.
    pub remote: Option<&'a str>,
    /// When it was last tried.
    pub last_attempt: Option<Instant>,
}

/// What became of a recipient.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// It will not be tried again.
    Failed(&'a Failure),
    /// It is being tried until then.
    Delayed {
        /// Why the last try failed.
        failure: &'a Failure,
        /// Trying ends.
        until: Instant,
    },
    /// It is with a host that gives no reports.
    Relayed {
        /// What that host replied.
        reply: &'a str,
    },
    /// It is in its mailbox.
    Delivered {
        /// What the mailbox's host replied.
        reply: &'a str,
    },
}

/// A report, ready to be put into the queue with a null reverse path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// What it tells, by its gravest outcome.
    pub kind: GeneratedKind,
    /// Whom it goes to.
    pub recipient: Mailbox,
    /// Header section and body, CRLF throughout where ours.
    pub content: Vec<u8>,
    /// What delivery must know of it.
    pub facts: ContentFacts,
}

/// What can be told of a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// Failed for good.
    Failed,
    /// Late.
    Delayed,
    /// Handed to a host; `dsn` when that host offers DSN and so reports itself.
    Relayed {
        /// The host offers DSN.
        dsn: bool,
    },
}

/// Says whether the sender is told of it (RFC 3461 4.1, 5.2).
///
/// # Errors
/// Why not.
pub fn plan(envelope: &Envelope, rid: Rid, happened: Happened) -> Result<(), Unreported> {
    if envelope.sender == ReversePath::Null {
        return Err(Unreported::NullSender);
    }
    let recipient = usize::try_from(rid.0).ok().and_then(|rid| envelope.recipients.get(rid));
    let notify = recipient.and_then(|recipient| recipient.params.notify);
    let wanted = match (happened, notify) {
        (_, Some(notify)) if notify.never => false,
        (Happened::Failed, notify) => notify.is_none_or(|notify| notify.failure),
        // Left to us where nothing is asked; the bounce profile decides whether delays are told at all.
        (Happened::Delayed, notify) => notify.is_none_or(|notify| notify.delay),
        (Happened::Relayed { dsn }, notify) => !dsn && notify.is_some_and(|notify| notify.success),
    };
    if wanted { Ok(()) } else { Err(Unreported::NotRequested) }
}

/// Builds a report; `None` when there is nobody to send it to, or nothing to say.
pub fn build(report: &Report<'_>) -> Option<Built> {
    let ReversePath::Mailbox(recipient) = &report.envelope.sender else { return None };
    let kind =
        programs::facts(report).map(|(fact, _)| fact.outcome.kind()).min_by_key(|kind| gravity(*kind))?;
    let people = people::part(report, kind);
    let programs = programs::part(report);
    let returned = returned(report, kind);
    let boundary = boundary(report, &returned);
    let mut content = Vec::with_capacity(2_048 + people.len() + programs.body.len() + returned.body.len());
    let encoding = encoding(people.is_ascii() && programs.body.is_ascii() && returned.body.is_ascii());
    header(report, kind, recipient, (&boundary, encoding), &mut content);
    let header_bytes = u32::try_from(content.len()).unwrap_or(u32::MAX);
    content.extend_from_slice(b"This is a report in several parts (RFC 6522); the first is for people.\r\n");
    let plain = if people.is_ascii() { "text/plain; charset=us-ascii" } else { "text/plain; charset=utf-8" };
    part(&boundary, "Notification", plain, people.as_bytes(), &mut content);
    part(&boundary, "Delivery report", programs.kind, programs.body.as_bytes(), &mut content);
    part(&boundary, "Returned message", returned.kind, returned.body, &mut content);
    content.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let facts = ContentFacts {
        eight_bit: !content.is_ascii(),
        dots: content.starts_with(b".") || memchr::memmem::find(&content, b"\n.").is_some(),
        // Only the header section's address can need it: the parts declare their own UTF-8 (RFC 6533 3).
        utf8_needed: !recipient.is_ascii(),
        header_bytes,
    };
    Some(Built { kind, recipient: recipient.clone(), content, facts })
}

impl Outcome<'_> {
    const fn kind(&self) -> GeneratedKind {
        match self {
            Self::Failed(_) => GeneratedKind::Bounce,
            Self::Delayed { .. } => GeneratedKind::Delay,
            Self::Relayed { .. } | Self::Delivered { .. } => GeneratedKind::Success,
        }
    }
}

const fn gravity(kind: GeneratedKind) -> u8 {
    match kind {
        GeneratedKind::Bounce => 0,
        GeneratedKind::Delay => 1,
        GeneratedKind::Success => 2,
    }
}

fn header(
    report: &Report<'_>,
    kind: GeneratedKind,
    to: &Mailbox,
    (boundary, encoding): (&str, &str),
    out: &mut Vec<u8>,
) {
    let host = encode::token(report.hostname);
    out.extend_from_slice(b"Date: ");
    date::write(report.at, report.zone, out);
    let subject = match kind {
        GeneratedKind::Bounce => "Your message could not be delivered",
        GeneratedKind::Delay => "Your message is delayed",
        GeneratedKind::Success => "Your message was handed on",
    };
    let fields = format!(
        "\r\nFrom: Mail Delivery System <MAILER-DAEMON@{host}>\r\n\
         To: <{}>\r\n\
         Subject: {subject}\r\n\
         Message-ID: <{}.{:016x}@{host}>\r\n\
         Auto-Submitted: auto-replied\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{boundary}\"\r\n\
         Content-Transfer-Encoding: {encoding}\r\n\r\n",
        encode::line(to.as_str()),
        report.mid,
        report.random,
    );
    out.extend_from_slice(fields.as_bytes());
}

/// The line end before a boundary belongs to the boundary (RFC 2046 5.1.1), so that the body stays as it is.
fn part(boundary: &str, description: &str, kind: &str, body: &[u8], out: &mut Vec<u8>) {
    let encoding = encoding(body.is_ascii());
    let head = format!(
        "\r\n--{boundary}\r\nContent-Description: {description}\r\nContent-Type: {kind}\r\n\
         Content-Transfer-Encoding: {encoding}\r\n\r\n"
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(body);
}

const fn encoding(ascii: bool) -> &'static str {
    if ascii { "7bit" } else { "8bit" }
}

/// What is returned of the message, and its media type.
struct Returned<'a> {
    kind: &'static str,
    body: &'a [u8],
}

/// The whole message when it is small, failed and the sender did not ask for less (RFC 3461 4.3); else its
/// header section, cut at a line.
fn returned<'a>(report: &Report<'a>, kind: GeneratedKind) -> Returned<'a> {
    let content = report.content;
    let header_bytes = usize::try_from(report.envelope.content.header_bytes).unwrap_or(usize::MAX);
    let header = &content[..header_bytes.min(content.len())];
    let at_hand = u64::try_from(content.len()).is_ok_and(|length| length == report.envelope.size);
    let asked = report.envelope.params.ret != Some(Return::Headers) && kind == GeneratedKind::Bounce;
    if asked && at_hand && content.len() < RETURNED {
        let kind = if is_international(header) { "message/global" } else { "message/rfc822" };
        return Returned { kind, body: content };
    }
    let body = if header.len() <= RETURNED {
        header
    } else {
        let cut = &header[..RETURNED];
        &cut[..memchr::memrchr(b'\n', cut).map_or(0, |at| at + 1)]
    };
    let kind = if is_international(body) { "message/global-headers" } else { "text/rfc822-headers" };
    Returned { kind, body }
}

/// Header sections with raw octets of another charset are no UTF-8 ones: they are returned as they came.
fn is_international(header: &[u8]) -> bool {
    !header.is_ascii() && std::str::from_utf8(header).is_ok()
}

/// A boundary that nothing in the returned message can be taken for.
fn boundary(report: &Report<'_>, returned: &Returned<'_>) -> String {
    let mut boundary = format!("report-{}-{:016x}", report.mid, report.random);
    while memchr::memmem::find(returned.body, boundary.as_bytes()).is_some() {
        boundary.push_str("-x");
    }
    boundary
}
