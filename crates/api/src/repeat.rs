//! Commands that are given again and again: `rate`, `hostrate`.
//!
//! The gateway answers each call with one sample and keeps nothing; whoever repeats the call shows what changed
//! between two samples. So a client that goes away leaves nothing behind.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::command::{Argument, Command, Spec};
use crate::wire::Problem;

/// Seconds between two samples when nothing is said.
pub const SECONDS: u32 = 10;
/// The most seconds between two samples: an hour.
pub const LONGEST: u32 = 3_600;

/// How often a command is repeated. One call is one sample, whatever it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Seconds between two samples.
    pub seconds: u32,
    /// How many samples; without end when absent.
    pub count: Option<u32>,
}

/// The default of a request's seconds.
pub const fn seconds() -> u32 {
    SECONDS
}

impl Default for Pace {
    fn default() -> Self {
        Self { seconds: SECONDS, count: None }
    }
}

impl Pace {
    /// The argument that says how often.
    pub const SECONDS: Argument = Argument {
        name: "seconds",
        help: "between two lines, 1 to 3600 (10)",
        required: false,
        choices: &[],
    };
    /// The argument that says how many.
    pub const COUNT: Argument = Argument {
        name: "count",
        help: "how many lines, also as --count N (without end)",
        required: false,
        choices: &[],
    };

    /// Reads `[seconds] [count]`, the count also as `--count N`.
    pub fn parse(words: &[String], spec: &Spec) -> Result<Self, Problem> {
        let hint = || format!("for example: {}", spec.example);
        let mut pace = Self::default();
        let mut plain = Vec::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--count" => {
                    let count = words.next().ok_or_else(|| Problem::new("--count needs a number", hint()))?;
                    pace.count = Some(number(count, "a number of samples", u32::MAX, hint)?);
                }
                _ => plain.push(word),
            }
        }
        if let Some(word) = plain.first() {
            pace.seconds = number(word, "a number of seconds", LONGEST, hint)?;
        }
        if let Some(word) = plain.get(1) {
            pace.count = Some(number(word, "a number of samples", u32::MAX, hint)?);
        }
        match plain.get(2) {
            None => Ok(pace),
            Some(extra) => {
                Err(Problem::new(format!("`{}` does not know what to do with `{extra}`", spec.words), hint()))
            }
        }
    }
}

fn number(word: &str, what: &str, most: u32, hint: impl Fn() -> String) -> Result<u32, Problem> {
    match word.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        Ok(_) if most < u32::MAX => {
            Err(Problem::new(format!("`{word}` is not between 1 and {most} seconds"), hint()))
        }
        _ => Err(Problem::new(format!("`{word}` is not {what}"), hint())),
    }
}

/// How the samples of a command are shown, its types forgotten.
#[derive(Clone, Copy)]
pub struct Repeat {
    /// How often a request wants to be repeated.
    pub pace: fn(&Value) -> Result<Pace, Problem>,
    /// The lines above a page of samples, line ends included.
    pub header: &'static str,
    /// The line of a sample; the one before it gives the changes.
    pub line: fn(Option<&Value>, &Value) -> Result<String, Problem>,
}

/// A reply that is a sample.
pub trait Sample: Command {
    /// The lines above a page of samples, line ends included.
    const HEADER: &'static str;

    /// How often the request wants to be repeated.
    fn pace(&self) -> Pace;

    /// The line of a sample, line end included. Without one before it nothing has changed.
    fn line(before: Option<&Self::Reply>, sample: &Self::Reply) -> String;
}

impl Repeat {
    /// Makes the repetition of a command.
    pub const fn of<C: Sample>() -> Self {
        Self { pace: pace::<C>, header: C::HEADER, line: line::<C> }
    }
}

fn pace<C: Sample>(args: &Value) -> Result<Pace, Problem> {
    read::<C>(args).map(|request| request.pace())
}

fn line<C: Sample>(before: Option<&Value>, sample: &Value) -> Result<String, Problem> {
    let before: Option<C::Reply> = before.map(read).transpose()?;
    Ok(C::line(before.as_ref(), &read(sample)?))
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Problem> {
    T::deserialize(value).map_err(|error| {
        Problem::new(
            format!("the gateway's reply was not understood: {error}"),
            "use the command line of the same release as the gateway",
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::monitor::Rate;

    fn pace(words: &str) -> Result<Pace, String> {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        Pace::parse(&words, &Rate::SPEC).map_err(|problem| problem.message)
    }

    #[test]
    fn the_pace_is_seconds_and_a_count() {
        let of = |seconds, count| Ok(Pace { seconds, count });
        assert_eq!(pace(""), of(10, None));
        assert_eq!(pace("1"), of(1, None));
        assert_eq!(pace("3600 2"), of(3_600, Some(2)));
        assert_eq!(pace("--count 3"), of(10, Some(3)));
        assert_eq!(pace("5 --count 3"), of(5, Some(3)));
        for (words, message) in [
            ("0", "`0` is not between 1 and 3600 seconds"),
            ("3601", "`3601` is not between 1 and 3600 seconds"),
            ("soon", "`soon` is not a number of seconds"),
            ("1 0", "`0` is not a number of samples"),
            ("1 --count", "--count needs a number"),
            ("1 2 3", "`rate` does not know what to do with `3`"),
        ] {
            assert_eq!(pace(words).unwrap_err(), message);
        }
    }
}
