//! What is said in an inbound session, on its way to the recorder.

use mailreeve_core::conversation::{Parties, Which};
use mailreeve_core::event::{CloseReason, TlsResult};
use mailreeve_core::ids::Mid;
use mailreeve_smtp::server::Session;
use mailreeve_smtp::transcript::Transcript;

use super::{Arrival, Inbound};
use crate::recorder::{About, Conversation, STRETCH_BYTES};

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
        self.give(About { ended: Some(ended), ..About::default() });
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
