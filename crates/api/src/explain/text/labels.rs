//! The words around an explanation, by key, in one language: those in it come said with the reply.

use std::collections::BTreeMap;

use crate::format::thousands;

const ENGLISH: &str = include_str!("words/en.txt");

/// The words of one language.
pub(super) struct Labels(BTreeMap<&'static str, String>);

impl Labels {
    pub(super) fn english() -> Self {
        let lines = ENGLISH.lines().filter(|line| !line.starts_with('#'));
        Self(
            lines
                .filter_map(|line| line.split_once(" = "))
                .map(|(key, text)| (key, text.to_owned()))
                .collect(),
        )
    }

    /// Makes one in a language that nobody speaks: what is ASCII in its sentences is an argument.
    #[cfg(test)]
    pub(super) fn pseudo() -> Self {
        let letters = |text: String| {
            let mut inside = false;
            let turned = text.chars().map(|letter| {
                inside = (inside || letter == '{') && letter != '}';
                if inside || !letter.is_ascii_alphabetic() { letter } else { '\u{19f}' }
            });
            turned.collect()
        };
        Self(Self::english().0.into_iter().map(|(key, text)| (key, letters(text))).collect())
    }

    /// Says a sentence. A key that is not there is shown itself, so that the mistake is seen.
    pub(super) fn say(&self, key: &str, args: &[(&str, &str)]) -> String {
        let Some(template) = self.0.get(key) else { return key.to_owned() };
        let mut rest = template.as_str();
        let mut out = String::with_capacity(rest.len() + 64);
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let Some((name, after)) = after.split_once('}') else { break };
            let value = args.iter().find(|(known, _)| *known == name).map_or(name, |(_, value)| value);
            out.push_str(value);
            rest = after;
        }
        out + rest
    }

    /// Says a number with its noun.
    pub(super) fn count(&self, noun: &str, number: u64) -> String {
        let form = if number == 1 { "one" } else { "other" };
        self.say(&format!("{noun}[{form}]"), &[("n", &thousands(number))])
    }
}
