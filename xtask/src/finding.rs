//! What a rule has to say: where, what is wrong, and what to do about it.

use std::fmt;

/// One breach of one rule. Ordered by place, so that a report reads like the tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Path from the workspace root, with `/`.
    pub(crate) path: String,
    /// Line, from 1. A finding about a whole file stands at line 1.
    pub(crate) line: usize,
    /// What is wrong, one sentence without a full stop.
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) hint: &'static str,
}

impl Finding {
    pub(crate) fn new(path: &str, line: usize, what: impl Into<String>, hint: &'static str) -> Self {
        Self { path: path.to_owned(), line, what: what.into(), hint }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}\n    hint: {}", self.path, self.line, self.what, self.hint)
    }
}
