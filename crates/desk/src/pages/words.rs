//! The catalogue: every sentence of the pages by key, with typed arguments.
//!
//! A language is one file of lines `key = sentence`. `{name}` in a sentence is the argument of that name; a noun that
//! is counted has a line for each plural form, `recipients[one]` and `recipients[other]`. Sentences are text:
//! what looks like markup in them is escaped.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::html::{Html, Show};

/// A value in a sentence.
#[derive(Clone, Debug)]
pub(crate) enum Arg<'a> {
    /// Text that comes from elsewhere: a reply, a name.
    Text(&'a str),
    /// A number with the reader's separators.
    Number(u64),
    /// A number with its noun: the key of the noun, and how many.
    Count(&'static str, u64),
    /// A piece of a page: an instant, a link.
    Piece(Html),
}

/// The sentences of one language.
#[derive(Debug)]
pub(crate) struct Words {
    sentences: BTreeMap<String, String>,
}

static ENGLISH: LazyLock<Words> = LazyLock::new(|| Words::read(include_str!("words/en.txt")));

impl Words {
    /// Returns the English sentences.
    pub(crate) fn english() -> &'static Self {
        &ENGLISH
    }

    fn read(file: &str) -> Self {
        let lines = file.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.split_once(" = "));
        Self { sentences: pairs.map(|(key, text)| (key.trim().to_owned(), text.trim().to_owned())).collect() }
    }

    /// Says a sentence without arguments.
    pub(crate) fn say(&self, key: &str) -> Html {
        self.tell(key, &[])
    }

    /// Says a sentence with arguments. A key that is not there is shown itself, so that the mistake is seen.
    pub(crate) fn tell(&self, key: &str, args: &[(&str, Arg<'_>)]) -> Html {
        let mut html = Html::new();
        let Some(sentence) = self.sentences.get(key) else {
            html.text(key);
            return html;
        };
        let mut rest = sentence.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            html.text(before);
            let Some((name, after)) = after.split_once('}') else { break };
            match args.iter().find(|(known, _)| *known == name) {
                Some((_, arg)) => html.add(&self.show(arg)),
                None => html.text(name),
            }
            rest = after;
        }
        html.text(rest);
        html
    }

    fn show(&self, arg: &Arg<'_>) -> Html {
        match arg {
            Arg::Text(text) => Html::of("{}", &[text]),
            Arg::Number(number) => self.number(*number),
            Arg::Count(noun, number) => {
                let form = if *number == 1 { "one" } else { "other" };
                self.tell(&format!("{noun}[{form}]"), &[("n", Arg::Number(*number))])
            }
            Arg::Piece(piece) => piece.clone(),
        }
    }

    /// Writes a number with the reader's separators.
    pub(crate) fn number(&self, number: u64) -> Html {
        let separator = self.sentences.get("number.separator").map_or(",", String::as_str);
        let digits = number.to_string();
        let mut out = String::with_capacity(digits.len() + digits.len() / 3);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                out.push_str(separator);
            }
            out.push(digit);
        }
        let mut html = Html::new();
        html.text(&out);
        html
    }

    /// Writes a span in its largest unit: `37 min`.
    pub(crate) fn span(&self, seconds: u64) -> Html {
        let (key, number) = match seconds {
            0..60 => ("span.seconds", seconds),
            60..5_400 => ("span.minutes", seconds.div_ceil(60)),
            5_400..172_800 => ("span.hours", (seconds + 1_800) / 3_600),
            _ => ("span.days", (seconds + 43_200) / 86_400),
        };
        self.tell(key, &[("n", Arg::Number(number))])
    }

    /// Writes how long something took: `12 ms`, `1.2 s`.
    pub(crate) fn duration(&self, took_us: u64) -> Html {
        match took_us {
            0..1_000_000 => self.tell("span.millis", &[("n", Arg::Number(took_us / 1_000))]),
            _ => {
                let tenths = took_us / 100_000;
                let seconds = format!("{}.{}", tenths / 10, tenths % 10);
                self.tell("span.seconds", &[("n", Arg::Text(&seconds))])
            }
        }
    }

    /// Tells whether a sentence is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.sentences.contains_key(key)
    }
}

/// A value of a sentence shown in markup of its own.
pub(crate) fn piece(markup: &'static str, values: &[&dyn Show]) -> Arg<'static> {
    Arg::Piece(Html::of(markup, values))
}

#[cfg(test)]
impl Words {
    /// A language that shows what did not come from the catalogue: every sentence stands in brackets.
    pub(crate) fn pseudo() -> Self {
        let english = Self::read(include_str!("words/en.txt"));
        let wrap = |(key, text): (String, String)| {
            let text = if key == "number.separator" { "\u{2019}".to_owned() } else { accented(&text) };
            (key, text)
        };
        Self { sentences: english.sentences.into_iter().map(wrap).collect() }
    }

    /// Yields keys and sentences.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sentences.iter().map(|(key, text)| (key.as_str(), text.as_str()))
    }
}

/// Brackets around a sentence, and letters that are not ASCII in it; its arguments stay.
#[cfg(test)]
fn accented(text: &str) -> String {
    let mut inside = false;
    let letters = text.chars().map(|letter| {
        inside = (inside || letter == '{') && letter != '}';
        match letter {
            'a' if !inside => 'á',
            'e' if !inside => 'é',
            'i' if !inside => 'í',
            'o' if !inside => 'ö',
            'u' if !inside => 'ü',
            other => other,
        }
    });
    format!("⟦{}⟧", letters.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_stand_in_their_places_and_are_escaped() {
        let words = Words::read("a = {x} of <{y}>\nn[one] = {n} box\nn[other] = {n} boxes\nb = {n} and {m}");
        let args = [("x", Arg::Text("<i>")), ("y", Arg::Number(1_234))];
        assert_eq!(words.tell("a", &args).into_string(), "&lt;i&gt; of &lt;1,234&gt;");
        let counted = words.tell("b", &[("n", Arg::Count("n", 1)), ("m", Arg::Count("n", 2_000))]);
        assert_eq!(counted.into_string(), "1 box and 2,000 boxes");
        assert_eq!(words.say("missing").into_string(), "missing");
    }

    #[test]
    fn spans_are_told_in_one_unit() {
        let words = Words::english();
        let said: Vec<_> =
            [0, 59, 61, 2_220, 7_200, 172_800].map(|s| words.span(s).into_string()).into_iter().collect();
        assert_eq!(said, ["0 s", "59 s", "2 min", "37 min", "2 h", "2 d"]);
        let said: Vec<_> =
            [0, 999, 12_345, 1_299_999].map(|us| words.duration(us).into_string()).into_iter().collect();
        assert_eq!(said, ["0 ms", "0 ms", "12 ms", "1.2 s"]);
    }
}
