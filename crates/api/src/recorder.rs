//! What was tried and what was said: `attempts`, `transcript`.

mod attempts;
mod certificate;
mod tcp;
mod transcript;

pub use attempts::{AttemptLine, Attempts, AttemptsReply, FailureLine, PassedOver, StageLine};
pub use certificate::CertificateLine;
pub use tcp::TcpLine;
pub use transcript::{ConversationLine, Direction, SaidLine, Transcript, TranscriptOf, TranscriptReply};

use serde::{Deserialize, Serialize};

/// What is recorded of attempts and conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecorderState {
    /// Whether anything is.
    pub on: bool,
    /// Octets of conversations on disk.
    pub conversations_bytes: u64,
    /// How far back they reach, microseconds since the epoch.
    pub oldest_us: Option<u64>,
    /// Attempts and pieces of conversations recorded since the start.
    pub recorded: u64,
    /// Dropped since the start: the recorder was behind, or the disk full.
    pub dropped: u64,
}

/// Writes microseconds as a person reads them: `3 ms`, `1.204 s`.
fn span(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} us"),
        1_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{}.{:03} s", us / 1_000_000, us / 1_000 % 1_000),
    }
}
