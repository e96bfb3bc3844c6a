//! What a session waits for, each state with the data that only it needs.
//!
//! ```text
//! Greeting ──▶ Command ◀───────────────────────────────────────────────┐
//!    │           │ MAIL ──▶ SenderVerdict ────────────────────────────▶│
//!    ▼           │ RCPT ──▶ RecipientVerdict ─────────────────────────▶│
//!   Quit         │ DATA ──▶ DataVerdict ──▶ Content ──▶ MessageVerdict ▶│
//!                │ BDAT ──▶ DataVerdict ──▶ Chunk ────▶ MessageVerdict ▶│
//!                │            Chunk ──▶ Command (more chunks to come)   │
//!                │            Content, Chunk ◀──▶ Spill                 │
//!                │ BDAT refused ──▶ Discard ──────────────────────────▶│
//!                └ STARTTLS ──▶ Handshake ────────────────────────────▶┘
//! any ──▶ Ended
//! ```
//! Forbidden, because a peer could otherwise have its mail read as commands or its commands as mail: from
//! a `BDAT` line to `Command` before all octets of the chunk are read; from `Handshake` to anything that
//! remembers what was said in clear text; out of a verdict by the peer's input.

use super::incoming::Incoming;
use super::measure::Fault;
use super::question::{Ended, Stage};
use crate::reply::Reply;

#[derive(Debug)]
pub(super) enum State {
    /// The caller's decision whether to greet.
    Greeting,
    /// QUIT, after a greeting that refused.
    Quit,
    /// A command.
    Command(Option<Transaction>),
    /// The caller's verdict on MAIL.
    SenderVerdict(Transaction),
    /// The caller's verdict on RCPT.
    RecipientVerdict(Transaction),
    /// The caller's verdict on DATA, or on the first BDAT and its chunk.
    DataVerdict(Transaction, Option<Pending>),
    /// The content of DATA.
    Content(Box<Incoming>),
    /// The octets of a BDAT chunk.
    Chunk(Chunking),
    /// The caller to have stored a part of the content.
    Spill(Receiving),
    /// The octets of a chunk that is refused.
    Discard(Discard),
    /// The caller's verdict on the message.
    MessageVerdict,
    /// The TLS handshake, which is the caller's.
    Handshake,
    /// Nothing.
    Ended(Ended),
}

/// What MAIL began.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    pub(super) smtputf8: bool,
    /// Octets announced by `SIZE=`.
    pub(super) declared: Option<u64>,
    /// Accepted ones.
    pub(super) recipients: usize,
    /// Some recipient was refused.
    pub(super) refused: bool,
    /// Content of the chunks so far, when BDAT has begun.
    pub(super) chunks: Option<Box<Incoming>>,
}

/// Octets of a chunk that are still to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    /// As BDAT said.
    pub(super) octets: u32,
    pub(super) left: u32,
    /// It is the message's last chunk.
    pub(super) last: bool,
}

/// A chunk on its way in.
#[derive(Debug)]
pub(super) struct Chunking {
    pub(super) transaction: Transaction,
    pub(super) incoming: Box<Incoming>,
    pub(super) pending: Pending,
}

/// Content on its way in by either command.
#[derive(Debug)]
pub(super) enum Receiving {
    Content(Box<Incoming>),
    Chunk(Chunking),
}

/// A chunk that is thrown away, so that nothing in it is taken for a command.
#[derive(Debug)]
pub(super) struct Discard {
    pub(super) left: u32,
    pub(super) reply: Refusal,
    pub(super) transaction: Option<Transaction>,
}

/// What is said at the end of a chunk that was thrown away.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The peer's mistake, counted as one.
    Error(&'static str),
    /// No mistake of its own.
    Said(&'static str),
    /// The caller's word.
    Verdict(Reply),
}

impl State {
    /// Takes the verdict's transaction, or gives the state back. The same for the next ones.
    pub(super) fn sender_verdict(self) -> Result<Transaction, Self> {
        if let Self::SenderVerdict(transaction) = self { Ok(transaction) } else { Err(self) }
    }

    pub(super) fn recipient_verdict(self) -> Result<Transaction, Self> {
        if let Self::RecipientVerdict(transaction) = self { Ok(transaction) } else { Err(self) }
    }

    pub(super) fn data_verdict(self) -> Result<(Transaction, Option<Pending>), Self> {
        if let Self::DataVerdict(transaction, chunk) = self { Ok((transaction, chunk)) } else { Err(self) }
    }

    pub(super) fn spill(self) -> Result<Receiving, Self> {
        if let Self::Spill(receiving) = self { Ok(receiving) } else { Err(self) }
    }

    pub(super) fn message_verdict(self) -> Result<(), Self> {
        if matches!(self, Self::MessageVerdict) { Ok(()) } else { Err(self) }
    }

    pub(super) fn handshake(self) -> Result<(), Self> {
        if matches!(self, Self::Handshake) { Ok(()) } else { Err(self) }
    }

    pub(super) fn greeting(self) -> Result<(), Self> {
        if matches!(self, Self::Greeting) { Ok(()) } else { Err(self) }
    }

    /// Tells whether an accepted MAIL has neither led to a message nor been dropped.
    pub(super) const fn in_transaction(&self) -> bool {
        match self {
            Self::Command(transaction) | Self::Discard(Discard { transaction, .. }) => transaction.is_some(),
            Self::RecipientVerdict(_)
            | Self::DataVerdict(..)
            | Self::Content(_)
            | Self::Chunk(_)
            | Self::Spill(_) => true,
            Self::Greeting
            | Self::Quit
            | Self::SenderVerdict(_)
            | Self::MessageVerdict
            | Self::Handshake
            | Self::Ended(_) => false,
        }
    }

    /// Returns the stage; `greeted` tells whether HELO or EHLO was said.
    pub(super) const fn stage(&self, greeted: bool) -> Stage {
        match self {
            Self::Greeting => Stage::Greeting,
            Self::Quit => Stage::Idle,
            Self::Command(Some(Transaction { chunks: Some(_), .. })) => Stage::Data,
            Self::Command(Some(_)) => Stage::Envelope,
            Self::Command(None) if greeted => Stage::Idle,
            Self::Command(None) => Stage::Hello,
            Self::Content(_) | Self::Chunk(_) | Self::Discard(_) => Stage::Data,
            Self::SenderVerdict(_)
            | Self::RecipientVerdict(_)
            | Self::DataVerdict(..)
            | Self::Spill(_)
            | Self::MessageVerdict => Stage::Decision,
            Self::Handshake => Stage::Handshake,
            Self::Ended(_) => Stage::Ended,
        }
    }

    /// Returns the content that has come in of an unfinished message.
    pub(super) fn incoming(&self) -> Option<&Incoming> {
        match self {
            Self::Content(incoming) | Self::Spill(Receiving::Content(incoming)) => Some(incoming),
            Self::Chunk(chunking) | Self::Spill(Receiving::Chunk(chunking)) => Some(&chunking.incoming),
            Self::Command(transaction) | Self::Discard(Discard { transaction, .. }) => {
                transaction.as_ref().and_then(|open| open.chunks.as_deref())
            }
            Self::Greeting
            | Self::Quit
            | Self::SenderVerdict(_)
            | Self::RecipientVerdict(_)
            | Self::DataVerdict(..)
            | Self::MessageVerdict
            | Self::Handshake
            | Self::Ended(_) => None,
        }
    }

    /// Returns the rule that content on its way in has broken.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.incoming().and_then(Incoming::fault)
    }
}
