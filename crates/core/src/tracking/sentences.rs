//! What an event says to a person: a key, typed arguments, and the English sentence made of both.
//!
//! The table is the catalogue: a further language is a further column. Text from elsewhere enters as an argument and
//! never as part of a sentence.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

mod english;
mod of_event;

pub use of_event::sentences;

/// One step on the way of a message, for a person and for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// What it says, the same in every language: `track.delivered`.
    pub key: &'static str,
    /// The arguments by name.
    pub arguments: Vec<(&'static str, Argument)>,
}

/// A value in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Argument {
    /// A number: of a message, a recipient, octets.
    Number(u64),
    /// Text from elsewhere, or a name: an address, a reply.
    Text(String),
    /// An instant.
    Instant {
        /// Microseconds since the epoch.
        at_us: u64,
    },
    /// A span of time.
    Span {
        /// Microseconds.
        span_us: u64,
    },
}

impl Sentence {
    const fn new(key: &'static str, arguments: Vec<(&'static str, Argument)>) -> Self {
        Self { key, arguments }
    }

    /// Writes the sentence in English; instants are shown in `zone`.
    pub fn english(&self, zone: &TimeZone) -> String {
        let words =
            english::WORDS.iter().find(|(key, _)| *key == self.key).map_or(self.key, |(_, words)| words);
        let mut out = String::with_capacity(words.len() + 64);
        let mut rest = words;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let Some((name, after)) = after.split_once('}') else { break };
            match self.arguments.iter().find(|(known, _)| *known == name) {
                Some((_, argument)) => out.push_str(&argument.shown(zone)),
                None => out.push_str(name),
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

impl Argument {
    fn shown(&self, zone: &TimeZone) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::Span { span_us } => format!("{}.{:02} s", span_us / 1_000_000, span_us / 10_000 % 100),
            Self::Instant { at_us } => {
                let at = i64::try_from(*at_us).ok().and_then(|at| Timestamp::from_microsecond(at).ok());
                let at = at.unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone());
                at.strftime("%a %b %d %H:%M:%S %Y %Z").to_string()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn keys_are_unique_and_braces_closed() {
        let keys: BTreeSet<_> = english::WORDS.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys.len(), english::WORDS.len());
        for (key, words) in english::WORDS {
            assert!(key.starts_with("track."), "{key}");
            assert_eq!(words.matches('{').count(), words.matches('}').count(), "{key}");
            assert!(words.ends_with('.'), "{key}");
        }
    }

    #[test]
    fn values_are_shown_in_their_places() {
        let text = Argument::Text("{odd}".to_owned());
        let arguments =
            vec![("icid", Argument::Number(7)), ("waited", Argument::Span { span_us: 1_250_000 })];
        let sentence = Sentence::new("track.greeted", arguments);
        assert_eq!(sentence.english(&TimeZone::UTC), "The banner was sent after 1.25 s.");
        let bad = Sentence::new("track.bad-command", vec![("text", text)]);
        assert_eq!(bad.english(&TimeZone::UTC), "The peer said something that is no command: {odd}.");
        let instant = Argument::Instant { at_us: 1_597_343_382_000_000 };
        assert_eq!(instant.shown(&TimeZone::UTC), "Thu Aug 13 18:29:42 2020 UTC");
    }
}
