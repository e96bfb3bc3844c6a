//! What is said in an inbound session, on its way to the recorder.

use std::os::fd::AsFd;

use mailreeve_core::Instant;
use mailreeve_core::conversation::{Parties, Which};
use mailreeve_core::event::{CloseReason, TlsResult};
use mailreeve_core::ids::Mid;
use mailreeve_smtp::server::Session;
use mailreeve_smtp::transcript::Transcript;

use super::{Arrival, Inbound};
use crate::recorder::{About, Conversation, STRETCH_BYTES};
use crate::tcp;

/// Has the session noted, when there is a recorder.
pub(super) fn begin(at: &Arrival, session: &mut Session) -> Option<Conversation> {
    let recorder = &at.context.recorder;
    if !recorder.is_on() {
        return None;
    }
    session.record(Transcript::new(STRETCH_BYTES, at.context.clock.steady()));
    let parties = Parties {
        which: Which::Inbound(at.icid),
        began_at: at.context.clock.wall().0,
        local: Some(at.local),
        peer: at.peer,
        name: at.listener.to_string(),
        host: None,
    };
    Some(Conversation::new(recorder.clone(), parties))
}

impl Inbound {
    /// A transaction is over: what was said in it is handed over, the reply included that is on its way out.
    pub(super) fn hand_over(&mut self, mid: Mid) {
        self.session.note_output(self.at.context.clock.steady());
        self.give(About { mid: Some(mid), ..About::default() });
    }

    /// Hands over what became long before it came to an end.
    pub(super) fn hand_over_if_full(&mut self) {
        if self.session.transcript().is_some_and(|transcript| transcript.is_full()) {
            let mid = self.draft.as_ref().map(|draft| draft.mid);
            self.give(About { mid, ..About::default() });
        }
    }

    /// When something has to be done though nothing comes: the session's deadline, or showing what was said.
    pub(super) fn due(&mut self) -> Instant {
        let deadline = self.session.deadline();
        let (Some(conversation), Some(transcript)) = (&mut self.conversation, self.session.transcript())
        else {
            return deadline;
        };
        let show = conversation.show_due(transcript, self.at.context.clock.steady());
        show.map_or(deadline, |show| show.min(deadline))
    }

    /// Shows what was said so far, if it is time for that.
    pub(super) fn show_if_due(&mut self, now: Instant) {
        if let (Some(conversation), Some(transcript)) = (&mut self.conversation, self.session.transcript())
            && conversation.show_due(transcript, now).is_some_and(|due| now >= due)
        {
            self.show();
        }
    }

    /// Shows what was said so far, to those who look before its stretch is over.
    pub(super) fn show(&mut self) {
        let mid = self.draft.as_ref().map(|draft| draft.mid);
        if let (Some(conversation), Some(transcript)) = (&mut self.conversation, self.session.transcript()) {
            conversation.show(transcript, mid);
        }
    }

    /// Asks the kernel about the connection, which ends now; once.
    pub(super) fn note_tcp_end(&mut self, socket: impl AsFd) {
        if self.tcp.is_none() && self.conversation.is_some() {
            self.tcp = tcp::end(socket, self.ended_by);
        }
    }

    /// The conversation is over. One that ended otherwise than by QUIT has failed.
    pub(super) fn hand_over_last(&mut self, why: &CloseReason) {
        let now = self.at.context.clock.steady();
        let ended = match why {
            CloseReason::Quit => "QUIT".to_owned(),
            CloseReason::Lost { detail, .. } => format!("lost: {detail}"),
            CloseReason::Timeout { stage } => format!("nothing came in time ({stage})"),
            CloseReason::ByUs(why) => format!("closed by us: {why}"),
        };
        self.session.note_output(now);
        if let Some(transcript) = self.session.transcript() {
            if !matches!(why, CloseReason::Quit) {
                transcript.fail();
            }
            transcript.note(&ended, now);
        }
        self.give(About { ended: Some(ended), tcp: self.tcp, ..About::default() });
    }

    /// Notes how a handshake ended.
    pub(super) fn note_tls(&mut self, result: &TlsResult) {
        let now = self.at.context.clock.steady();
        if let Some(transcript) = self.session.transcript() {
            match result {
                TlsResult::Success { protocol, cipher, .. } => {
                    transcript.note(&format!("TLS: {protocol}, {cipher}"), now);
                }
                TlsResult::Failed { why, .. } => {
                    transcript.note(&format!("TLS failed: {why}"), now);
                    transcript.fail();
                }
            }
        }
    }

    fn give(&mut self, about: About) {
        if let (Some(conversation), Some(transcript)) = (&mut self.conversation, self.session.transcript()) {
            conversation.hand_over(transcript, about);
        }
    }
}
