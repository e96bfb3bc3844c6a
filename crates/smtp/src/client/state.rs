//! What a session waits for, and for how long.

use std::time::Duration;

use super::exchange::Exchange;
use super::output::Stage;
use super::settings::Deadlines;
use super::step::Step;
use super::{Instant, Session};

/// A session's state, named by what it waits for.
///
/// ```text
///   Handshake ─► Greeting ─► EhloReply ─► StartTlsReply ─► Handshake      first Handshake: implicit TLS
///                               │  ▲           │               │
///                  5xx          │  └───────────┼───────────────┘
///                 HeloReply ◄───┤              │ refused: go on in clear
///                     └────────►├◄─────────────┘
///                               ├─► AuthReply ─┐
///                               ▼              ▼
///        ┌──────────────────► Idle ◄───────────┘
///        │                     │ transaction                     ┌── one more reply, or flight ──┐
///        │                     └────► EnvelopeReplies ◄──────────┼───────────────────────────────┘
///        │   no content to send: over ┘     │ DATA accepted, or BDAT written
///        │                                  ▼
///        │                            ContentWriting     (the driver writes; with a BDAT in the first
///        │                                  │             flight, replies to MAIL and RCPT come here)
///        │                                  ▼
///        └───────────────────────────── FinalReply ──► EnvelopeReplies, of the transaction chained behind
///
///   Idle ─► QuitReply ─► Closed        every state ─► Closed: 421, peer closed, deadline, nonsense
/// ```
///
/// Forbidden: StartTlsReply or AuthReply after Idle (no mail has gone by then, so nothing is repeated);
/// Greeting after EhloReply; anything after Closed; ContentWriting while no recipient can be accepted any more,
/// except for a BDAT that has left.
#[derive(Debug)]
pub(super) enum State {
    Greeting,
    EhloReply,
    HeloReply,
    StartTlsReply,
    /// The driver does the handshake; `greeted` tells whether the greeting came before it.
    Handshake {
        greeted: bool,
    },
    AuthReply(AuthStep),
    Idle,
    EnvelopeReplies(Box<Exchange>),
    ContentWriting {
        exchange: Box<Exchange>,
        chained: Option<Box<Exchange>>,
    },
    FinalReply {
        exchange: Box<Exchange>,
        chained: Option<Box<Exchange>>,
    },
    QuitReply,
    Closed,
}

/// Which reply of an AUTH exchange is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AuthStep {
    /// To `AUTH PLAIN` with the response: the verdict, or 334 from peers that want the response after it.
    Plain,
    /// To `AUTH LOGIN`: 334, the user is asked for.
    User,
    /// 334, the password is asked for.
    Password,
    /// The verdict.
    Verdict,
}

impl State {
    /// Returns the stage that a loss in this state is reported with.
    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::Greeting => Stage::Greeting,
            Self::EhloReply | Self::HeloReply => Stage::Ehlo,
            Self::StartTlsReply | Self::Handshake { .. } => Stage::StartTls,
            Self::AuthReply(_) => Stage::Auth,
            Self::Idle => Stage::Mail,
            Self::ContentWriting { .. } => Stage::Content,
            Self::EnvelopeReplies(exchange) | Self::FinalReply { exchange, .. } => {
                exchange.owed().map_or(Stage::Mail, Step::stage)
            }
            Self::QuitReply | Self::Closed => Stage::Quit,
        }
    }

    /// Returns how long the peer, or the driver, may take in this state.
    fn patience(&self, deadlines: &Deadlines) -> Option<Duration> {
        if matches!(self, Self::Idle | Self::Closed) {
            return None;
        }
        Some(match self.stage() {
            Stage::Connect | Stage::Greeting => deadlines.greeting,
            Stage::Ehlo => deadlines.helo,
            Stage::StartTls => deadlines.starttls,
            Stage::Auth => deadlines.auth,
            Stage::Mail | Stage::Rset => deadlines.mail,
            Stage::Rcpt => deadlines.rcpt,
            Stage::Data => deadlines.data_init,
            Stage::Content => deadlines.data_block,
            Stage::Final => deadlines.data_end,
            Stage::Quit => deadlines.quit,
        })
    }
}

impl Session {
    /// Sets the deadline for the state that was reached now.
    pub(super) fn arm(&mut self, now: Instant) {
        self.deadline = self.state.patience(&self.settings.deadlines).map(|patience| now + patience);
    }
}
