//! The catalogue: every sentence of an explanation, by key, in one language.
//!
//! A language is a file of lines `key = sentence`; `{name}` in a sentence is the argument of that name. A number with
//! its noun is written `{n:recipient}`: the noun's forms are the lines `recipient[one]` and `recipient[other]`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::sentence::{Arg, Sentence};

/// The sentences of one language, and how instants are shown.
#[derive(Clone, Debug)]
pub struct Catalogue {
    sentences: BTreeMap<&'static str, &'static str>,
    zone: TimeZone,
}

const ENGLISH: &str = include_str!("words/en.txt");

impl Catalogue {
    /// Makes the English one; instants are shown in `zone`.
    pub fn english(zone: TimeZone) -> Self {
        Self { sentences: lines(ENGLISH).collect(), zone }
    }

    /// Makes one in a language that nobody speaks: every letter of a sentence is another one.
    #[cfg(test)]
    pub(super) fn pseudo() -> Self {
        let letters = |text: &str| {
            let mut inside = false;
            let turned = text.chars().map(|letter| {
                inside = (inside || letter == '{') && letter != '}';
                if inside || !letter.is_ascii_alphabetic() { letter } else { '\u{19f}' }
            });
            turned.collect::<String>()
        };
        let english = Self::english(TimeZone::UTC);
        let turned = english.sentences.into_iter().map(|(key, text)| (key, &*letters(text).leak()));
        Self { sentences: turned.collect(), zone: TimeZone::UTC }
    }

    /// Tells whether a sentence is there.
    pub fn has(&self, key: &str) -> bool {
        self.sentences.contains_key(key)
    }

    /// Says a sentence. A key that is not there is shown itself, so that the mistake is seen.
    pub fn say(&self, sentence: &Sentence) -> String {
        let Some(template) = self.sentences.get(sentence.key.as_str()).copied() else {
            return sentence.key.clone();
        };
        let mut rest = template;
        let mut out = String::with_capacity(rest.len() + 64);
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let Some((name, after)) = after.split_once('}') else { break };
            let (name, noun) = name.split_once(':').map_or((name, None), |(name, noun)| (name, Some(noun)));
            match sentence.args.iter().find(|(known, _)| *known == name) {
                Some((_, arg)) => self.show(arg, noun, &mut out),
                None => out.push_str(name),
            }
            rest = after;
        }
        out.push_str(rest);
        capitalised(out, template.starts_with('{') && is_word_first(template, sentence))
    }

    /// Returns the arguments that a sentence speaks of, as it is said in this language.
    pub fn arguments<'s>(&self, sentence: &'s Sentence) -> impl Iterator<Item = &'s (&'static str, Arg)> {
        let text = self.sentences.get(sentence.key.as_str()).copied().unwrap_or_default();
        let spoken =
            move |name: &str| text.contains(&format!("{{{name}}}")) || text.contains(&format!("{{{name}:"));
        sentence.args.iter().filter(move |(name, _)| spoken(name))
    }

    fn show(&self, arg: &Arg, noun: Option<&str>, out: &mut String) {
        match arg {
            Arg::Text(text) => out.push_str(text),
            Arg::Word(key) => out.push_str(self.sentences.get(key).copied().unwrap_or(key)),
            Arg::Number(number) => self.count(*number, noun, out),
            Arg::At(at) => self.instant(*at, out),
            Arg::Span(seconds) => self.span(*seconds, out),
        }
    }

    fn count(&self, number: u64, noun: Option<&str>, out: &mut String) {
        let digits = number.to_string();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        if let Some(noun) = noun {
            let form = if number == 1 { "one" } else { "other" };
            let noun = self.sentences.get(format!("{noun}[{form}]").as_str()).copied().unwrap_or(noun);
            let _ = write!(out, " {noun}");
        }
    }

    /// `Nov 21 16:55:00`.
    fn instant(&self, at: u64, out: &mut String) {
        let at = i64::try_from(at).ok().and_then(|us| Timestamp::from_microsecond(us).ok());
        let at = at.unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(self.zone.clone());
        let _ = write!(out, "{}", at.strftime("%b %d %H:%M:%S"));
    }

    /// A span in its largest unit that leaves it at least two of them.
    fn span(&self, seconds: u64, out: &mut String) {
        let (number, noun) = match seconds {
            0..120 => (seconds, "second"),
            120..7_200 => (seconds / 60, "minute"),
            7_200..172_800 => (seconds / 3_600, "hour"),
            _ => (seconds / 86_400, "day"),
        };
        self.count(number, Some(noun), out);
    }
}

/// Whether a sentence begins with a piece of the catalogue.
fn is_word_first(template: &str, sentence: &Sentence) -> bool {
    let first = template.trim_start_matches('{').split(['}', ':']).next();
    sentence.args.iter().any(|(name, arg)| Some(*name) == first && matches!(arg, Arg::Word(_)))
}

fn capitalised(text: String, wanted: bool) -> String {
    let mut letters = text.chars();
    match letters.next().filter(|_| wanted) {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => text,
    }
}

fn lines(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    file.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "))
}

#[cfg(test)]
mod tests {
    use super::super::finding::Finding;
    use super::*;

    fn english() -> Catalogue {
        Catalogue::english(TimeZone::UTC)
    }

    #[test]
    fn arguments_are_shown_by_their_types() {
        let mut words = english();
        words.sentences.insert("test", "{n:recipient} to {who}, {age} since {at}; {missing}");
        let sentence =
            Sentence::new("test").number("n", 1_234).text("who", "a{b}").span("age", 130).at("at", 0);
        assert_eq!(
            words.say(&sentence),
            "1,234 recipients to a{b}, 2 minutes since Jan 01 00:00:00; missing"
        );
        let one = Sentence::new("test").number("n", 1).span("age", 1);
        assert!(words.say(&one).starts_with("1 recipient to who, 1 second"));
        assert_eq!(words.say(&Sentence::new("no.such.key")), "no.such.key");
    }

    #[test]
    fn every_finding_has_its_sentences() {
        let words = english();
        for finding in Finding::ALL {
            let key = format!("summary.{}", finding.code());
            assert!(words.has(&key), "{key}");
        }
    }

    /// A language made by a machine: whatever sentence is shown passes through the catalogue, and every argument that
    /// English has is in it too.
    #[test]
    fn every_line_is_whole() {
        let mut keys = std::collections::BTreeSet::new();
        for line in ENGLISH.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let Some((key, text)) = line.split_once(" = ") else { unreachable!("no sentence: {line}") };
            assert!(keys.insert(key), "{key} is there twice");
            assert_eq!(text.matches('{').count(), text.matches('}').count(), "{line}");
            assert_eq!(text.trim(), text);
        }
    }
}
