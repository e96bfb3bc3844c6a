//! `track`: messages, and connections that became none, found by what is known of them, with the way of each.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::command::{Argument, Command, Effect, Role, Spec};
use crate::mid;
use crate::wire::Problem;

mod rebuild;
mod reply;
mod text;

pub use rebuild::{TrackRebuild, TrackRebuildReply};
pub use reply::{Kept, TrackDetails, TrackRecipient, TrackReply, TrackRow, TrackStep};

/// Rows of a page when nothing is said.
const ROWS: usize = 20;
/// Rows of a page, at most.
const ROWS_MAX: usize = 1_000;
/// Octets of a value.
const VALUE_MAX: usize = 1_000;

const EVENTS: &[&str] = &[
    "received",
    "generated",
    "refused",
    "aborted",
    "lost",
    "tls-failed",
    "queued",
    "delivered",
    "deferred",
    "bounced",
    "deleted",
    "archived",
    "redirected",
    "set-apart",
];
const STATES: &[&str] = &[
    "receiving",
    "aborted",
    "held",
    "queued",
    "delivered",
    "bounced",
    "deleted",
    "archived",
    "set-apart",
    "connected",
    "no-message",
];

/// Searches. Whatever is given must fit; nothing at all finds everything, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Track {
    /// A part of the envelope sender; `=` in front: the whole; `^`: its beginning; `<>`: the empty one.
    pub sender: Option<String>,
    /// The same of a recipient.
    pub recipient: Option<String>,
    /// The same of the subject.
    pub subject: Option<String>,
    /// The whole Message-ID.
    pub message_id: Option<String>,
    /// The message; its way is told, too.
    pub mid: Option<u64>,
    /// The inbound connection.
    pub icid: Option<u64>,
    /// A peer.
    pub ip: Option<IpAddr>,
    /// A destination or a peer's name, whole.
    pub host: Option<String>,
    /// Begun at or after this time.
    pub from: Option<String>,
    /// Begun before this time.
    pub to: Option<String>,
    /// Something of this kind happened.
    pub event: Option<String>,
    /// Is in this state, or a recipient of it is.
    pub state: Option<String>,
    /// What follows this place: `next` of the page before.
    pub page: Option<String>,
    /// Rows of a page.
    pub rows: Option<usize>,
}

const fn argument(name: &'static str, help: &'static str) -> Argument {
    Argument { name, help, required: false, choices: &[] }
}

impl Command for Track {
    type Reply = TrackReply;
    const SPEC: Spec = Spec {
        words: "track",
        summary: "finds messages, and connections that became none",
        about: "Finds every message, and every connection that became no message, by what is known of it; accepted, refused, queued and ended ones alike. Each thing that must fit is a name with its value, in any order; several must all fit. Sender, recipient and subject are found by any part of them, upper and lower case alike; `=` before the value asks for the whole of it, `^` for its beginning, `<>` is the empty sender. A number alone is a MID; with a MID the whole way of the message is told. Times are 2026-11-20, 2026-11-20T15:04, with or without seconds and offset, or an age: 30m, 2h, 7d. Every answer says how far the records reach.",
        arguments: &[
            argument("sender", "a part of the envelope sender"),
            argument("recipient", "a part of a recipient, accepted or refused"),
            argument("subject", "a part of the subject"),
            argument("message_id", "the whole Message-ID"),
            argument("mid", "the number of the message"),
            argument("icid", "the number of the inbound connection"),
            argument("ip", "the address of a peer that sent it or that it was sent to"),
            argument("host", "the whole name of a destination, a next hop or the sending peer"),
            argument("from", "a time, or an age such as 2h: what began then or later"),
            argument("to", "a time, or an age: what began before"),
            Argument {
                name: "event",
                help: "something that happened to it",
                required: false,
                choices: EVENTS,
            },
            Argument {
                name: "state",
                help: "the state in which it or a recipient of it is",
                required: false,
                choices: STATES,
            },
            argument("page", "where to go on: the place that the page before has told"),
            argument("rows", "rows of a page, 1 to 1000"),
        ],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/track",
        example: "track sender ann@example.com from 2h",
    };
    const NAMED: bool = true;

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let mut track = Self::default();
        if let [word] = words
            && let Some(mid) = mid::read(word)
        {
            return Ok(Self { mid: Some(mid?), ..track });
        }
        let mut words = words.iter();
        while let Some(name) = words.next() {
            let name = name.to_ascii_lowercase().replace('-', "_");
            if !Self::SPEC.arguments.iter().any(|argument| argument.name == name) {
                return Err(unknown(&name));
            }
            let Some(value) = words.next() else { return Err(problem(format!("`{name}` needs a value"))) };
            if value.len() > VALUE_MAX {
                return Err(problem(format!("the value of `{name}` is longer than {VALUE_MAX} octets")));
            }
            track.take(&name, value)?;
        }
        Ok(track)
    }
}

impl Track {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        let twice = match name {
            "mid" => self.mid.replace(number(name, value)?).is_some(),
            "icid" => self.icid.replace(number(name, value)?).is_some(),
            "ip" => {
                let ip = value.trim_matches(['[', ']']).parse();
                let ip = ip.map_err(|_| problem(format!("`{value}` is not an IP address")))?;
                self.ip.replace(ip).is_some()
            }
            "event" => std::mem::replace(&mut self.event, one_of(EVENTS, name, value)?).is_some(),
            "state" => std::mem::replace(&mut self.state, one_of(STATES, name, value)?).is_some(),
            "rows" => {
                let rows = number(name, value)?;
                let rows = usize::try_from(rows).ok().filter(|rows| (1..=ROWS_MAX).contains(rows));
                let rows = rows.ok_or_else(|| problem(format!("`rows` is a number from 1 to {ROWS_MAX}")))?;
                self.rows.replace(rows).is_some()
            }
            _ => self.text_of(name)?.replace(value.to_owned()).is_some(),
        };
        match twice {
            true => Err(problem(format!("`{name}` is there twice"))),
            false => Ok(()),
        }
    }

    fn text_of(&mut self, name: &str) -> Result<&mut Option<String>, Problem> {
        match name {
            "sender" => Ok(&mut self.sender),
            "recipient" => Ok(&mut self.recipient),
            "subject" => Ok(&mut self.subject),
            "message_id" => Ok(&mut self.message_id),
            "host" => Ok(&mut self.host),
            "from" => Ok(&mut self.from),
            "to" => Ok(&mut self.to),
            "page" => Ok(&mut self.page),
            _ => Err(unknown(name)),
        }
    }

    /// Rows of the page.
    pub fn page_rows(&self) -> usize {
        self.rows.unwrap_or(ROWS).clamp(1, ROWS_MAX)
    }
}

fn unknown(name: &str) -> Problem {
    problem(format!("`track` does not know `{name}`"))
}

fn number(name: &str, value: &str) -> Result<u64, Problem> {
    value.parse().map_err(|_| problem(format!("`{name}` is a number, not `{value}`")))
}

fn one_of(known: &[&str], name: &str, value: &str) -> Result<Option<String>, Problem> {
    match known.iter().find(|word| word.eq_ignore_ascii_case(value)) {
        Some(word) => Ok(Some((*word).to_owned())),
        None => Err(Problem::new(
            format!("`{value}` is no {name} that can be searched"),
            format!("one of {}", known.join(", ")),
        )),
    }
}

fn problem(message: String) -> Problem {
    let names: Vec<&str> = Track::SPEC.arguments.iter().map(|argument| argument.name).collect();
    Problem::new(
        message,
        format!("names with values: {}; for example: {}", names.join(", "), Track::SPEC.example),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(words: &[&str]) -> Result<Track, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Track::parse(&words).map_err(|problem| problem.message)
    }

    #[test]
    fn names_with_values_are_read_in_any_order() {
        let expected = Track {
            sender: Some("ann@example.com".into()),
            subject: Some("two words".into()),
            message_id: Some("a@b".into()),
            event: Some("bounced".into()),
            rows: Some(5),
            ..Track::default()
        };
        let words = [
            "rows",
            "5",
            "Message-ID",
            "a@b",
            "event",
            "BOUNCED",
            "subject",
            "two words",
            "sender",
            "ann@example.com",
        ];
        assert_eq!(track(&words), Ok(expected));
        assert_eq!(track(&["153"]), Ok(Track { mid: Some(153), ..Track::default() }));
        assert_eq!(track(&["ip", "[2001:db8::1]"]).map(|track| track.ip.is_some()), Ok(true));
        assert_eq!(track(&[]), Ok(Track::default()));
    }

    #[test]
    fn what_cannot_be_searched_is_told() {
        for (words, told) in [
            (&["ann@example.com"][..], "`track` does not know `ann@example.com`"),
            (&["sender"], "`sender` needs a value"),
            (&["mid", "x"], "`mid` is a number, not `x`"),
            (&["mid", "1", "mid", "2"], "`mid` is there twice"),
            (&["ip", "example.com"], "`example.com` is not an IP address"),
            (&["event", "eaten"], "`eaten` is no event that can be searched"),
            (&["rows", "0"], "`rows` is a number from 1 to 1000"),
        ] {
            assert_eq!(track(words), Err(told.to_owned()));
        }
        assert!(track(&["subject", &"x".repeat(2_000)]).is_err());
    }
}
