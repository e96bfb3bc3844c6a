//! The steps of a transaction by name, and what is said of a reply that fits none.

use super::output::Stage;
use crate::reply::Reply;

/// A position in the order of commands, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Rset,
    Mail,
    Recipient(usize),
    Data,
    Content,
}

/// What there is to do when no reply is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Write commands.
    Commands,
    /// Write the content.
    Content,
    /// Write an empty content, DATA was accepted though no recipient was (RFC 2920 3.1).
    EmptyContent,
    /// Nothing more.
    Over,
}

impl Step {
    pub(super) const fn stage(self) -> Stage {
        match self {
            Self::Rset => Stage::Rset,
            Self::Mail => Stage::Mail,
            Self::Recipient(_) => Stage::Rcpt,
            Self::Data => Stage::Data,
            Self::Content => Stage::Final,
        }
    }
}

/// Says that a reply came that no command asked for.
pub(super) fn unasked(reply: &Reply) -> String {
    format!("a reply came that no command asked for: {reply}")
}

/// Says that a reply cannot be one to `command`.
pub(super) fn unfit(command: &str, reply: &Reply) -> String {
    format!("the reply to {command} does not fit: {reply}")
}
