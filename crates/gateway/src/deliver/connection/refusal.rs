//! Why a connection is of no use, or not any more.

use std::net::SocketAddr;

use mailreeve_core::Instant;
use mailreeve_core::event::{Cause, Failure, Stage};

use super::Plan;

/// Why a connection is of no use.
pub(super) enum Refusal {
    /// TLS cannot be had over it; `cause` tells a certificate that is turned down from a handshake that fails.
    TlsBroken {
        why: String,
        cause: Cause,
    },
    Failed(Failure),
}

impl Refusal {
    /// Returns it in words.
    pub(super) fn text(&self) -> String {
        match self {
            Self::TlsBroken { why, .. } => format!("TLS failed: {why}"),
            Self::Failed(failure) => failure.text.join(" "),
        }
    }
}

/// A failure in our own words.
pub(super) fn local(
    stage: Stage,
    cause: Cause,
    status: (u8, u16, u16),
    text: String,
    peer: SocketAddr,
    plan: &Plan,
) -> Failure {
    let at = plan.context.clock.wall().0;
    Failure { stage, cause, status, code: 0, text: vec![text], address: Some(peer), at }
}

/// An operator suspended delivery and the time for transactions under way was over. What was sent may have been
/// taken all the same: the recipients are tried again, and who took the message gets it twice.
pub(super) fn cut_off(peer: SocketAddr, now: Instant) -> Failure {
    Failure {
        stage: Stage::Local,
        cause: Cause::ConnectionLost,
        status: (4, 3, 2),
        code: 0,
        text: vec!["cut off: delivery was suspended by an operator".to_owned()],
        address: Some(peer),
        at: now.0,
    }
}
