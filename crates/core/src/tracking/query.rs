//! What is asked for, and whether a record is it.

use std::net::IpAddr;

use super::record::{Kind, Record, State, Tracked};
use super::text::{END, START, folded, folded_pattern};
use crate::ids::{Icid, Mid};

/// Which records are wanted: those that fit everything that is given. An empty query wants all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The envelope sender.
    pub sender: Option<Pattern>,
    /// A recipient, accepted or refused.
    pub recipient: Option<Pattern>,
    /// The subject.
    pub subject: Option<Pattern>,
    /// The whole Message-ID; angle brackets are left away.
    pub message_id: Option<String>,
    /// The message.
    pub mid: Option<Mid>,
    /// The inbound connection.
    pub icid: Option<Icid>,
    /// The peer that sent it, or one that it was sent to.
    pub ip: Option<IpAddr>,
    /// A destination, a next hop, or the name of the peer that sent it; the whole name.
    pub host: Option<String>,
    /// Begun at or after this instant, microseconds since the epoch.
    pub from: Option<u64>,
    /// Begun before this instant.
    pub to: Option<u64>,
    /// Something of this kind happened.
    pub kind: Option<Kind>,
    /// Is in this state, or a recipient of it is.
    pub state: Option<State>,
}

/// What a text must be like. Made from what people type; compared in the form of [`folded`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// It is this one.
    Is(String),
    /// It begins so.
    Begins(String),
    /// This is in it.
    Contains(String),
}

impl Pattern {
    /// Reads a pattern: `=text` is the whole text, `^text` its beginning, anything else a part of it. `<>` is the
    /// empty one, as of a sender.
    pub fn read(typed: &str) -> Self {
        if typed == "<>" {
            return Self::Is(String::new());
        }
        match typed.chars().next() {
            Some('=') if !typed.starts_with("=?") => Self::Is(folded_pattern(&typed[1..])),
            Some('^') => Self::Begins(folded_pattern(&typed[1..])),
            Some(_) | None => Self::Contains(folded_pattern(typed)),
        }
    }

    /// Tells whether every text fits.
    pub fn fits_all(&self) -> bool {
        match self {
            Self::Is(_) => false,
            Self::Begins(text) | Self::Contains(text) => text.is_empty(),
        }
    }

    /// The pattern as it must stand in a text between [`START`] and [`END`].
    pub fn bounded(&self) -> String {
        match self {
            Self::Is(text) => format!("{START}{text}{END}"),
            Self::Begins(text) => format!("{START}{text}"),
            Self::Contains(text) => text.clone(),
        }
    }

    /// Tells whether a text, as it is, fits.
    pub fn fits(&self, text: &str) -> bool {
        let text = folded(text);
        match self {
            Self::Is(whole) => text == *whole,
            Self::Begins(start) => text.starts_with(start),
            Self::Contains(part) => text.contains(part),
        }
    }
}

impl Query {
    /// Tells whether nothing is asked for, so that every record fits.
    pub fn wants_all(&self) -> bool {
        let Self { sender, recipient, subject, message_id, mid, icid, ip, host, from, to, kind, state } =
            self;
        let open = |pattern: &Option<Pattern>| pattern.as_ref().is_none_or(Pattern::fits_all);
        let fields = message_id.is_none() && mid.is_none() && icid.is_none() && ip.is_none();
        let span = host.is_none() && from.is_none() && to.is_none() && kind.is_none() && state.is_none();
        open(sender) && open(recipient) && open(subject) && fields && span
    }

    /// Tells whether a record is wanted.
    pub fn fits(&self, record: &Record) -> bool {
        self.fits_numbers(record) && self.fits_words(record) && self.fits_texts(record)
    }

    fn fits_numbers(&self, record: &Record) -> bool {
        let message = self.mid.is_none_or(|mid| record.tracked == Tracked::Message(mid));
        let connection = self.icid.is_none_or(|icid| record.icid == Some(icid));
        let from = self.from.is_none_or(|from| record.began_at >= from);
        message && connection && from && self.to.is_none_or(|to| record.began_at < to)
    }

    fn fits_words(&self, record: &Record) -> bool {
        let id = self.message_id.as_deref().is_none_or(|id| {
            let wanted = message_id(id);
            record.message_id.as_deref().is_some_and(|id| message_id(id) == wanted)
        });
        let ip = self.ip.is_none_or(|ip| record.addresses.contains(&ip.to_canonical()));
        let host = self.host.as_deref().is_none_or(|name| record.hosts.contains(&host(name)));
        let kind = self.kind.is_none_or(|kind| record.kinds.has(kind));
        id && ip && host && kind && self.state.is_none_or(|state| record.states().has(state))
    }

    fn fits_texts(&self, record: &Record) -> bool {
        let one = |pattern: &Option<Pattern>, text: Option<&str>| match pattern {
            None => true,
            Some(pattern) if pattern.fits_all() => true,
            Some(pattern) => text.is_some_and(|text| pattern.fits(text)),
        };
        let recipient = match &self.recipient {
            Some(pattern) if !pattern.fits_all() => record.addressees().any(|address| pattern.fits(address)),
            Some(_) | None => true,
        };
        let subject = one(&self.subject, record.subject.as_deref());
        one(&self.sender, record.sender.as_deref()) && subject && recipient
    }
}

/// A Message-ID as it is compared: without angle brackets and without case.
pub fn message_id(id: &str) -> String {
    folded(id.trim().trim_start_matches('<').trim_end_matches('>'))
}

/// A host name as it is compared: without case and without the last dot.
pub fn host(name: &str) -> String {
    folded(name.trim().trim_end_matches('.'))
}
