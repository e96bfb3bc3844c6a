//! One value of the document, read as the type that is wanted of it.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::mistake::{Note, Notes};
use super::near;
use super::units;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Value<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a DeValue<'a>,
    pub(super) span: Range<usize>,
    pub(super) notes: &'a Notes,
}

/// What was read, and where it stood, for what can only be judged later.
#[derive(Clone, Debug)]
pub(super) struct Said<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

/// Why a text is not what it should be, and what would be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) message: String,
    pub(super) hint: String,
}

impl Complaint {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

impl<'a> Value<'a> {
    /// Reads text.
    pub(super) fn text(&self) -> Option<&'a str> {
        match self.value.as_str() {
            Some(text) => Some(text),
            None => self.wrong_type("text in quotes"),
        }
    }

    /// Reads `true` or `false`.
    pub(super) fn boolean(&self) -> Option<bool> {
        match self.value.as_bool() {
            Some(value) => Some(value),
            None => self.wrong_type("true or false, without quotes"),
        }
    }

    /// Reads a whole number.
    pub(super) fn integer<T: TryFrom<u64>>(&self, range: RangeInclusive<u64>) -> Option<T> {
        let Some(number) = self.value.as_integer() else { return self.wrong_type("a whole number") };
        u64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .filter(|number| range.contains(number))
            .and_then(|number| T::try_from(number).ok())
            .or_else(|| self.out_of_range(number.as_str(), range.start(), range.end()))
    }

    /// Reads a number of octets: a whole number, or text such as `64 MiB`.
    pub(super) fn size(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let octets = match self.value {
            DeValue::Integer(_) => self.integer(0..=u64::MAX)?,
            DeValue::String(text) => self.accept(units::size(text))?,
            DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => return self.wrong_type("a size such as \"64 MiB\""),
        };
        if range.contains(&octets) {
            return Some(octets);
        }
        self.out_of_range(
            &units::show_size(octets),
            &units::show_size(*range.start()),
            &units::show_size(*range.end()),
        )
    }

    /// Reads a span of time: whole seconds, or text such as `1h30m`.
    pub(super) fn duration(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        let time = match self.value {
            DeValue::Integer(_) => Duration::from_secs(self.integer(0..=u64::MAX)?),
            DeValue::String(text) => self.accept(units::duration(text))?,
            DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => return self.wrong_type("a time such as \"5m\""),
        };
        if range.contains(&time) {
            return Some(time);
        }
        self.out_of_range(
            &units::show_duration(time),
            &units::show_duration(*range.start()),
            &units::show_duration(*range.end()),
        )
    }

    /// Reads one of a few words.
    pub(super) fn choice<T: Copy>(&self, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.text()?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let hint = match near::nearest(text, known.iter().copied()) {
            Some(word) => format!("did you mean \"{word}\"?"),
            None => format!("write one of \"{}\"", known.join("\", \"")),
        };
        self.wrong(format!("`{}` cannot be \"{}\"", self.key, text.escape_debug()), hint)
    }

    /// Reads text with `parse`.
    pub(super) fn parsed<T>(&self, parse: impl FnOnce(&str) -> Result<T, Complaint>) -> Option<T> {
        let parsed = parse(self.text()?);
        self.accept(parsed)
    }

    /// Reads a list; what is wrong in it is noted and left out.
    pub(super) fn list<T>(&self, read: impl Fn(&Self) -> Option<T>) -> Option<Vec<Said<T>>> {
        let Some(items) = self.value.as_array() else { return self.wrong_type("a list in [ ]") };
        let item = |item: &'a Spanned<DeValue<'a>>| {
            let item = Self { key: self.key, value: item.get_ref(), span: item.span(), notes: self.notes };
            read(&item).map(|value| Said { value, span: item.span })
        };
        Some(items.iter().filter_map(item).collect())
    }

    /// Tells whether it is a list with nothing in it.
    pub(super) fn is_empty_list(&self) -> bool {
        self.value.as_array().is_some_and(|items| items.is_empty())
    }

    /// Leaves a note and returns nothing.
    pub(super) fn wrong<T>(&self, message: impl Into<String>, hint: impl Into<String>) -> Option<T> {
        self.notes.add(Note::new(self.span.clone(), message, hint));
        None
    }

    fn accept<T>(&self, read: Result<T, Complaint>) -> Option<T> {
        read.map_err(|complaint| self.wrong::<()>(complaint.message, complaint.hint)).ok()
    }

    fn wrong_type<T>(&self, expected: &str) -> Option<T> {
        let found = article(self.value.type_str());
        self.wrong(format!("`{}` is {found}", self.key), format!("write {expected}"))
    }

    fn out_of_range<T>(
        &self,
        found: &str,
        least: &impl std::fmt::Display,
        most: &impl std::fmt::Display,
    ) -> Option<T> {
        let key = self.key;
        self.wrong(format!("`{key}` cannot be {found}"), format!("write something from {least} to {most}"))
    }
}

/// Returns the kind of a value with its article.
pub(super) fn article(kind: &str) -> String {
    let an = kind.starts_with(['a', 'i', 'o']);
    format!("{} {kind}", if an { "an" } else { "a" })
}
