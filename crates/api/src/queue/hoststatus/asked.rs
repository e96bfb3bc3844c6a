//! From words to what is asked about a destination.

use super::HostStatus;
use crate::command::Command as _;
use crate::destination::destination;
use crate::wire::Problem;

/// Steps of a page when nothing is said.
const ROWS: usize = 50;
/// Steps of a page, at most.
const ROWS_MAX: usize = 1_000;
/// Octets of a value.
const VALUE_MAX: usize = 100;

pub(super) fn parse(words: &[String]) -> Result<HostStatus, Problem> {
    let named = words.first().is_some_and(|word| name_of(word) == Some("host")) && words.len() > 1;
    let mut words = words.iter().skip(usize::from(named));
    let host = words.next().ok_or_else(|| {
        Problem::new("hoststatus needs a recipient host", "for example: hoststatus example.com")
    })?;
    let mut asked = HostStatus { host: destination(host)?, ..HostStatus::default() };
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        let Some(name) = name_of(word) else { return Err(unknown(word)) };
        let mut value = Vec::new();
        // A date and a time of day may stand there as two words.
        while let Some(word) = words.next_if(|word| name_of(word).is_none() && value.len() < 2) {
            value.push(word.as_str());
        }
        asked.take(name, &value.join(" "))?;
    }
    match (&asked.at, &asked.since, &asked.page, asked.rows) {
        (Some(_), Some(_), ..) => Err(problem("`at` and `since` cannot be together")),
        (_, None, Some(_), _) | (_, None, _, Some(_)) => {
            Err(problem("`page` and `rows` are of what `since` tells"))
        }
        _ => Ok(asked),
    }
}

/// The argument that a word names.
fn name_of(word: &str) -> Option<&'static str> {
    let bare = word.strip_prefix("--").unwrap_or(word).to_ascii_lowercase();
    HostStatus::SPEC.arguments.iter().map(|argument| argument.name).find(|name| *name == bare)
}

fn unknown(word: &str) -> Problem {
    problem(&format!("`hoststatus` does not know what to do with `{word}`"))
}

fn problem(message: &str) -> Problem {
    Problem::new(
        message,
        "for example: hoststatus example.com, hoststatus example.com at yesterday 14:30, \
         hoststatus example.com since 24h",
    )
}

impl HostStatus {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        if value.is_empty() {
            return Err(problem(&format!("`{name}` needs a value")));
        }
        if value.len() > VALUE_MAX {
            return Err(problem(&format!("the value of `{name}` is longer than {VALUE_MAX} octets")));
        }
        let twice = match name {
            "at" => self.at.replace(value.to_owned()).is_some(),
            "since" => self.since.replace(value.to_owned()).is_some(),
            "page" => self.page.replace(value.to_owned()).is_some(),
            "rows" => {
                let rows = value.parse().ok().filter(|rows| (1..=ROWS_MAX).contains(rows));
                let rows =
                    rows.ok_or_else(|| problem(&format!("`rows` is a number from 1 to {ROWS_MAX}")))?;
                self.rows.replace(rows).is_some()
            }
            _ => true,
        };
        if twice { Err(problem(&format!("`{name}` is there twice"))) } else { Ok(()) }
    }

    /// Steps of the page.
    pub fn page_rows(&self) -> usize {
        self.rows.unwrap_or(ROWS).clamp(1, ROWS_MAX)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn asked(text: &str) -> Result<HostStatus, String> {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        parse(&words).map_err(|problem| problem.message)
    }

    #[test]
    fn a_time_is_one_word_or_two() {
        let host = || HostStatus { host: "a.example".to_owned(), ..HostStatus::default() };
        let text = |text: &str| Some(text.to_owned());
        let table = [
            ("A.Example.", host()),
            ("a.example --at 2026-11-20 14:30", HostStatus { at: text("2026-11-20 14:30"), ..host() }),
            ("a.example at yesterday 14:30", HostStatus { at: text("yesterday 14:30"), ..host() }),
            ("a.example AT -2h", HostStatus { at: text("-2h"), ..host() }),
            ("host a.example at 14:30", HostStatus { at: text("14:30"), ..host() }),
            (
                "a.example --since 2026-11-20 14:30 --rows 5 page 7-1",
                HostStatus { since: text("2026-11-20 14:30"), rows: Some(5), page: text("7-1"), ..host() },
            ),
        ];
        for (words, expected) in table {
            assert_eq!(asked(words), Ok(expected), "{words}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let long = format!("a.example at {}", "9".repeat(VALUE_MAX + 1));
        for words in [
            "a.example b.example",
            "a.example at",
            "a.example at 1h since 2h",
            "a.example at 1h at 2h",
            "a.example at 1 2 3",
            "a.example rows 5",
            "a.example page 7-1",
            "a.example since 1h rows 0",
            "a.example since 1h rows x",
            &long,
        ] {
            assert!(asked(words).is_err(), "{words}");
        }
        assert!(parse(&[]).is_err());
    }
}
