//! The hand-over of a conversation to the recorder, stretch by stretch.

use std::time::Duration;

use mailreeve_core::Instant;
use mailreeve_core::attempt::Attempt;
use mailreeve_core::conversation::{Parties, Stretch};
use mailreeve_core::ids::Mid;
use mailreeve_core::tcp::TcpEnd;
use mailreeve_smtp::transcript::Transcript;

use super::Recorder;

/// Octets of a stretch: a long envelope fits, and no session may take more.
pub const STRETCH_BYTES: usize = 16 << 10;
/// What was said is shown so soon, though its stretch goes on.
pub const SHOWN_AFTER: Duration = Duration::from_secs(1);

/// One conversation, for as long as it goes on.
pub struct Conversation {
    recorder: Recorder,
    parties: Parties,
    number: u32,
    /// What of the stretch under way was shown.
    shown: u64,
    /// Since when there is more than that.
    unshown: Option<Instant>,
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
    /// The end of its connection.
    pub tcp: Option<TcpEnd>,
}

impl Conversation {
    /// Begins.
    pub const fn new(recorder: Recorder, parties: Parties) -> Self {
        Self { recorder, parties, number: 0, shown: 0, unshown: None }
    }

    /// Goes on with another address at the other end.
    pub fn go_on(self, parties: Parties) -> Self {
        Self { parties, ..self }
    }

    /// Hands over what was noted since the last time; nothing where there is nothing.
    pub fn hand_over(&mut self, transcript: &mut Transcript, about: About) {
        if transcript.is_empty() && about.attempts.is_empty() && about.ended.is_none() {
            return;
        }
        let mut stretch = Stretch::new(self.parties.clone(), self.number, transcript.take());
        let About { mid, attempts, ended, tcp } = about;
        (stretch.mid, stretch.attempts, stretch.ended, stretch.tcp) = (mid, attempts, ended, tcp);
        self.number = self.number.saturating_add(1);
        (self.shown, self.unshown) = (0, None);
        self.recorder.stretch(stretch);
    }

    /// Returns when what was said has to be shown, where something was that is not.
    pub fn show_due(&mut self, transcript: &Transcript, now: Instant) -> Option<Instant> {
        if transcript.is_empty() || transcript.noted() == self.shown {
            self.unshown = None;
            return None;
        }
        Some(*self.unshown.get_or_insert(now) + SHOWN_AFTER)
    }

    /// Shows what was said so far; its stretch goes on.
    pub fn show(&mut self, transcript: &Transcript, mid: Option<Mid>) {
        let mut stretch = Stretch::new(self.parties.clone(), self.number, transcript.so_far());
        stretch.mid = mid;
        (self.shown, self.unshown) = (transcript.noted(), None);
        self.recorder.under_way(stretch);
    }
}
