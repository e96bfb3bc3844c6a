//! The walk over a TOML document: typed values out of sections, a note for everything that is not right.
//!
//! A reader never stops at a mistake: it leaves a note, goes on with the default, and whoever asked gets a
//! value that is thrown away with the rest in the end. So one run finds every mistake of a file.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{Note, Notes};
use super::near;
use super::value::{Said, Value, article};

/// What a section is called and which keys it has.
#[derive(Debug)]
pub(super) struct Spec {
    /// As it is written, `[queue]` or `[[route]]`; empty for the top level.
    pub(super) header: &'static str,
    /// Its keys.
    pub(super) keys: &'static [&'static str],
}

/// A section of the document, or the lack of one: then every key has its default.
#[derive(Debug)]
pub(super) struct Section<'a> {
    spec: &'static Spec,
    table: Option<&'a DeTable<'a>>,
    span: Range<usize>,
    notes: &'a Notes,
}

impl<'a> Section<'a> {
    /// Opens the top level of a document.
    pub(super) fn root(spec: &'static Spec, table: &'a DeTable<'a>, notes: &'a Notes) -> Self {
        Self::open(spec, Some(table), 0..0, notes)
    }

    fn open(
        spec: &'static Spec,
        table: Option<&'a DeTable<'a>>,
        span: Range<usize>,
        notes: &'a Notes,
    ) -> Self {
        for key in table.into_iter().flat_map(DeTable::keys) {
            if !spec.keys.contains(&key.get_ref().as_ref()) {
                notes.add(near::unknown(key.get_ref(), key.span(), spec));
            }
        }
        Self { spec, table, span, notes }
    }

    /// Opens the section `key` of this one.
    pub(super) fn section(&self, key: &'static str, spec: &'static Spec) -> Self {
        let (table, span) = match self.value(key) {
            None => (None, self.span.clone()),
            Some(Value { value: DeValue::Table(table), span, .. }) => (Some(table), span),
            Some(value) => {
                let found = value.value.type_str();
                value.wrong::<()>(
                    format!("`{key}` is one section, not {}", article(found)),
                    format!("write {}", spec.header),
                );
                (None, value.span)
            }
        };
        Self::open(spec, table, span, self.notes)
    }

    /// Opens every `[[key]]` of this section, in their order.
    pub(super) fn sections(&self, key: &'static str, spec: &'static Spec) -> Vec<Self> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(rows) = value.value else {
            let found = value.value.type_str();
            let hint = format!("write {} above each of them", spec.header);
            value.wrong::<()>(format!("`{key}` can be there many times, but is {}", article(found)), hint);
            return Vec::new();
        };
        let row = |row: &'a Spanned<DeValue<'a>>| match row.get_ref() {
            DeValue::Table(table) => Some(Self::open(spec, Some(table), row.span(), self.notes)),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => {
                let hint = format!("write {} above each of them", spec.header);
                self.notes.add(Note::new(row.span(), format!("`{key}` is a list of sections"), hint));
                None
            }
        };
        rows.iter().filter_map(row).collect()
    }

    /// Reads `key` with `read`; `None` when it is not there or wrong.
    pub(super) fn optional<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&Value<'a>) -> Option<T>,
    ) -> Option<T> {
        self.value(key).and_then(|value| read(&value))
    }

    /// Reads `key` with `read`, or returns `default`.
    pub(super) fn or<T>(
        &self,
        key: &'static str,
        default: T,
        read: impl FnOnce(&Value<'a>) -> Option<T>,
    ) -> T {
        self.optional(key, read).unwrap_or(default)
    }

    /// Reads `key`, which must be there.
    pub(super) fn required<T>(
        &self,
        key: &'static str,
        example: &str,
        read: impl FnOnce(&Value<'a>) -> Option<T>,
    ) -> Option<Said<T>> {
        let Some(value) = self.value(key) else {
            let message = format!("{} lacks `{key}`", self.spec.header);
            let note = Note::new(self.span.clone(), message, format!("add {key} = {example}"));
            self.notes.add(note.doubtful());
            return None;
        };
        read(&value).map(|read| Said { value: read, span: value.span })
    }

    /// Reads a whole number.
    pub(super) fn integer<T: TryFrom<u64>>(
        &self,
        key: &'static str,
        range: RangeInclusive<u64>,
        default: T,
    ) -> T {
        self.or(key, default, |value| value.integer(range))
    }

    /// Reads a number of octets.
    pub(super) fn size(&self, key: &'static str, range: RangeInclusive<u64>, default: u64) -> u64 {
        self.or(key, default, |value| value.size(range))
    }

    /// Reads a span of time.
    pub(super) fn duration(
        &self,
        key: &'static str,
        range: RangeInclusive<Duration>,
        default: Duration,
    ) -> Duration {
        self.or(key, default, |value| value.duration(range))
    }

    /// Leaves a note at `key`, or at the section when the key is not there.
    pub(super) fn wrong(&self, key: &'static str, message: impl Into<String>, hint: impl Into<String>) {
        let span = self.value(key).map_or(self.span.clone(), |value| value.span);
        self.notes.add(Note::new(span, message, hint));
    }

    /// Leaves a note at a place that was read from this section.
    pub(super) fn wrong_at(&self, span: &Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        self.notes.add(Note::new(span.clone(), message, hint));
    }

    /// Leaves a note at a name that nothing in the document bears.
    pub(super) fn undefined(&self, key: &'static str, message: impl Into<String>, hint: impl Into<String>) {
        let span = self.value(key).map_or(self.span.clone(), |value| value.span);
        self.notes.add(Note::new(span, message, hint).doubtful());
    }

    /// Tells whether `key` is there, right or wrong.
    pub(super) fn has(&self, key: &'static str) -> bool {
        self.value(key).is_some()
    }

    fn value(&self, key: &'static str) -> Option<Value<'a>> {
        debug_assert!(self.spec.keys.contains(&key), "{} does not declare {key}", self.spec.header);
        let value = self.table?.get(key)?;
        Some(Value { key, value: value.get_ref(), span: value.span(), notes: self.notes })
    }
}
