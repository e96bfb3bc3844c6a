//! The hand-over of a conversation to the recorder, stretch by stretch.

use mailreeve_core::attempt::Attempt;
use mailreeve_core::conversation::{Parties, Stretch};
use mailreeve_core::ids::Mid;
use mailreeve_smtp::transcript::Transcript;

use super::Recorder;

/// Octets of a stretch: a long envelope fits, and no session may take more.
pub const STRETCH_BYTES: usize = 16 << 10;

/// One conversation, for as long as it goes on.
pub struct Conversation {
    recorder: Recorder,
    parties: Parties,
    number: u32,
}

/// What a stretch was about.
#[derive(Debug, Default)]
pub struct About {
    /// The message.
    pub mid: Option<Mid>,
    /// Attempts that were made in it and are kept nowhere else.
    pub attempts: Vec<Attempt>,
    /// The conversation is over, and how.
    pub ended: Option<String>,
}

impl Conversation {
    /// Begins.
    pub const fn new(recorder: Recorder, parties: Parties) -> Self {
        Self { recorder, parties, number: 0 }
    }

    /// Goes on with another address at the other end.
    pub fn go_on(self, parties: Parties) -> Self {
        Self { parties, ..self }
    }

    /// Hands over what was noted since the last time; nothing where there is nothing.
    pub fn hand_over(&mut self, transcript: &mut Transcript, about: About) {
        if transcript.is_empty() && about.attempts.is_empty() {
            return;
        }
        let mut stretch = Stretch::new(self.parties.clone(), self.number, transcript.take());
        let About { mid, attempts, ended } = about;
        (stretch.mid, stretch.attempts, stretch.ended) = (mid, attempts, ended);
        self.number = self.number.saturating_add(1);
        self.recorder.stretch(stretch);
    }
}
