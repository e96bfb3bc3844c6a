//! What is told of a session that ends, and of a transaction that came to nothing.

use mailreeve_core::Instant;
use mailreeve_core::event::{AbortReason, CloseReason, Event};
use mailreeve_smtp::server::{Abort, EndReason, Notice, Shutdown, Stage};

use super::Inbound;

impl Inbound {
    pub(super) fn notices(&mut self) {
        while let Some(notice) = self.session.notices() {
            match notice {
                Notice::Helo { name, esmtp } => {
                    self.helo = name;
                    self.esmtp = esmtp;
                }
                Notice::TransactionAborted(abort) => {
                    self.spilled = None;
                    self.lease = None;
                    if let Some(draft) = self.draft.take() {
                        let why = match self.cut {
                            Some(why) => AbortReason::Refused(why.to_owned()),
                            None => abort_reason(abort, self.session.ended().map(|ended| ended.reason)),
                        };
                        let mid = draft.mid;
                        self.at.context.events.tell(draft.aborted(why));
                        self.hand_over(mid);
                    }
                }
            }
        }
    }

    pub(super) fn closed(&mut self, started: Instant) {
        self.judgement.close();
        let why = match self.session.ended().map(|ended| ended.reason) {
            _ if self.cut.is_some() => CloseReason::ByUs(self.cut.unwrap_or_default().to_owned()),
            Some(EndReason::Quit) => CloseReason::Quit,
            Some(EndReason::PeerClosed { stage, .. }) => {
                let before_commands =
                    matches!(stage, Stage::Greeting) || self.session.last_command().is_none();
                let detail = self.lost.take().unwrap_or_else(|| "closed by the peer".to_owned());
                CloseReason::Lost { before_commands, detail }
            }
            Some(EndReason::Timeout(stage) | EndReason::SessionTime(stage)) => {
                CloseReason::Timeout { stage: format!("{stage:?}").to_ascii_lowercase() }
            }
            Some(other) => CloseReason::ByUs(closed_by_us(other).to_owned()),
            None => CloseReason::ByUs("ended".to_owned()),
        };
        self.hand_over_last(&why);
        let lasted = self.at.context.clock.steady().since(started);
        self.at.context.events.tell(Event::ConnectionClosed {
            icid: self.at.icid,
            peer: self.at.peer.ip(),
            why,
            lasted_us: u64::try_from(lasted.as_micros()).unwrap_or(u64::MAX),
            messages: u32::try_from(self.session.messages()).unwrap_or(u32::MAX),
        });
    }
}

fn abort_reason(abort: Abort, ended: Option<EndReason>) -> AbortReason {
    match (abort, ended) {
        (_, Some(EndReason::PeerClosed { data_bytes, .. })) => AbortReason::Lost { data_bytes },
        (_, Some(EndReason::LineEnds)) => AbortReason::LineEnds,
        (_, Some(other)) => AbortReason::Refused(closed_by_us(other).to_owned()),
        (Abort::Reset | Abort::Hello | Abort::StartTls | Abort::Ended, None) => AbortReason::BySender,
        (Abort::ContentRefused, None) => AbortReason::Refused("its content broke a limit".to_owned()),
        (Abort::DataRefused, None) => AbortReason::Refused("mail is not taken at present".to_owned()),
    }
}

/// The end of a session in words for the operator.
const fn closed_by_us(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Quit => "quit",
        EndReason::Timeout(_) => "no command within the time allowed",
        EndReason::SessionTime(_) => "exceeded allowable connection time",
        EndReason::TooSlow { .. } => "content came in too slowly",
        EndReason::TooManyErrors => "too many errors",
        EndReason::TooManyCommands => "too many commands without a message",
        EndReason::TooManyMessages => "too many messages",
        EndReason::LineEnds => "bare CR, bare LF or NUL in content",
        EndReason::WrongProtocol => "the peer speaks HTTP",
        EndReason::PeerClosed { .. } => "closed by the peer",
        EndReason::Shutdown(Shutdown::Stopping) => "the gateway is stopping",
        EndReason::Shutdown(Shutdown::Overloaded) => "the gateway is overloaded",
        EndReason::Shutdown(Shutdown::Suspended) => "receiving is suspended",
        EndReason::Refused => "refused",
        EndReason::TlsFailed => "the TLS handshake failed",
    }
}
