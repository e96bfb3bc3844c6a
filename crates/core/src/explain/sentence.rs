//! Sentences as data: a key of the catalogue and typed arguments.

/// A sentence that the catalogue says in a language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Its key.
    pub key: String,
    /// Its arguments by name.
    pub args: Vec<(&'static str, Arg)>,
}

/// An argument of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// A name, an address, a reply: shown as it is.
    Text(String),
    /// A piece of the catalogue, by its key.
    Word(&'static str),
    /// A number, shown with separators.
    Number(u64),
    /// An instant, microseconds since the epoch.
    At(u64),
    /// A span of time in seconds.
    Span(u64),
}

impl Sentence {
    /// Makes a sentence without arguments.
    pub fn new(key: impl Into<String>) -> Self {
        Self { key: key.into(), args: Vec::new() }
    }

    /// With a text.
    #[must_use]
    pub fn text(self, name: &'static str, value: impl ToString) -> Self {
        self.with(name, Arg::Text(value.to_string()))
    }

    /// With a piece of the catalogue.
    #[must_use]
    pub fn word(self, name: &'static str, key: &'static str) -> Self {
        self.with(name, Arg::Word(key))
    }

    /// With a number.
    #[must_use]
    pub fn number(self, name: &'static str, value: u64) -> Self {
        self.with(name, Arg::Number(value))
    }

    /// With an instant.
    #[must_use]
    pub fn at(self, name: &'static str, at: u64) -> Self {
        self.with(name, Arg::At(at))
    }

    /// With a span in seconds.
    #[must_use]
    pub fn span(self, name: &'static str, seconds: u64) -> Self {
        self.with(name, Arg::Span(seconds))
    }

    fn with(mut self, name: &'static str, arg: Arg) -> Self {
        self.args.push((name, arg));
        self
    }
}
