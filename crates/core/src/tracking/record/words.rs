//! Kinds of events and states, with the words by which they are asked for.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $(#[$set_doc:meta])* $set:ident, { $($(#[$item:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$item])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
            /// All words.
            pub const WORDS: &[&str] = &[$($word,)*];

            /// Its word.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// Finds the one of a word.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.word().eq_ignore_ascii_case(word))
            }
        }

        $(#[$set_doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $set(u32);

        impl $set {
            /// None of them.
            pub const NONE: Self = Self(0);

            /// Adds one.
            pub const fn add(&mut self, one: $name) {
                self.0 |= 1 << one as u32;
            }

            /// Tells whether one is among them.
            pub const fn has(self, one: $name) -> bool {
                self.0 & 1 << one as u32 != 0
            }

            /// Those that are there, in order.
            pub fn iter(self) -> impl Iterator<Item = $name> {
                $name::ALL.iter().copied().filter(move |one| self.has(*one))
            }
        }

        impl From<$name> for $set {
            fn from(one: $name) -> Self {
                [one].into_iter().collect()
            }
        }

        impl FromIterator<$name> for $set {
            fn from_iter<I: IntoIterator<Item = $name>>(all: I) -> Self {
                all.into_iter().fold(Self::NONE, |mut set, one| {
                    set.add(one);
                    set
                })
            }
        }
    };
}

words! {
    /// What can have happened to what is tracked.
    Kind,
    /// What happened.
    Kinds,
    {
        /// Accepted from outside.
        Received = "received",
        /// Made by the gateway.
        Generated = "generated",
        /// A sender or a recipient was refused.
        Refused = "refused",
        /// It came to nothing before it was accepted.
        Aborted = "aborted",
        /// The connection was lost or timed out, or the daemon ended in the middle.
        Lost = "lost",
        /// TLS did not come about.
        TlsFailed = "tls-failed",
        /// Queued for delivery.
        Queued = "queued",
        /// A recipient was delivered.
        Delivered = "delivered",
        /// A try failed for now.
        Deferred = "deferred",
        /// A recipient failed for good.
        Bounced = "bounced",
        /// A recipient was removed.
        Deleted = "deleted",
        /// A recipient ended in the archive.
        Archived = "archived",
        /// A recipient got another destination.
        Redirected = "redirected",
        /// Its record was damaged and set apart.
        SetApart = "set-apart",
    }
}

words! {
    /// In which state a message, one of its recipients, or a connection is.
    State,
    /// States of a message.
    States,
    {
        /// It comes in.
        Receiving = "receiving",
        /// It came to nothing before it was accepted.
        Aborted = "aborted",
        /// It is ours and waits in the work queue.
        Held = "held",
        /// It waits for delivery.
        Queued = "queued",
        /// The next hop took it.
        Delivered = "delivered",
        /// It failed for good.
        Bounced = "bounced",
        /// It was removed.
        Deleted = "deleted",
        /// It was taken out into the archive.
        Archived = "archived",
        /// Its record was damaged and set apart.
        SetApart = "set-apart",
        /// A connection, open, without a message yet.
        Connected = "connected",
        /// A connection, ended, that became no message.
        NoMessage = "no-message",
    }
}
