//! An explanation: what `explain` answers, as data.

use super::blame::{Blame, Certainty};
use super::finding::Finding;
use super::owner::Owner;
use super::sentence::Sentence;

/// The answer to "why is it so".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What it is about.
    pub subject: Subject,
    /// How it stands.
    pub state: State,
    /// The cause, and whose it is.
    pub verdict: Verdict,
    /// One sentence for anybody.
    pub summary: Sentence,
    /// What led to it, oldest first.
    pub chain: Vec<Link>,
    /// What happens next by itself.
    pub next: Next,
    /// What can be done, the best first.
    pub remedy: Vec<Remedy>,
}

/// What an explanation is about, as far as each of these is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The message.
    pub mid: Option<u64>,
    /// The recipient's number.
    pub rid: Option<u32>,
    /// The Message-ID field, without its angle brackets.
    pub message_id: Option<String>,
    /// The envelope sender.
    pub sender: Option<String>,
    /// The recipient's mailbox.
    pub recipient: Option<String>,
    /// The destination.
    pub host: Option<String>,
    /// The connection.
    pub dcid: Option<u64>,
    /// Recipients in the same case.
    pub recipients: u64,
    /// Destinations in the same case.
    pub destinations: u64,
}

/// How a message or destination stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for delivery.
    Queued,
    /// It waits in the work queue.
    Held,
    /// The next hop has it.
    Delivered,
    /// It ended without delivery; its sender was told or could not be.
    Bounced,
    /// It ended without delivery: too old, or tried too often.
    Expired,
    /// It was taken out.
    Deleted,
    /// It never became ours.
    Refused,
    /// Nothing waits for the destination.
    Idle,
    /// The records know nothing.
    Unknown,
}

impl State {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
            Self::Refused => "refused",
            Self::Idle => "idle",
            Self::Unknown => "unknown",
        }
    }
}

/// The cause, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The cause.
    pub cause: Finding,
    /// Who can do something about it.
    pub owner: Owner,
    /// Since when it holds, or when it happened; microseconds since the epoch.
    pub since: Option<u64>,
    /// Seen, or concluded.
    pub certainty: Certainty,
}

impl Verdict {
    /// Makes the verdict of what stands behind a failure.
    pub const fn of(blame: &Blame, since: Option<u64>) -> Self {
        Self { cause: blame.finding, owner: blame.finding.owner(), since, certainty: blame.certainty }
    }

    /// Makes a verdict about what was seen.
    pub const fn seen(cause: Finding, since: Option<u64>) -> Self {
        Self { cause, owner: cause.owner(), since, certainty: Certainty::Observed }
    }
}

/// A step on the way to the present state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// When; microseconds since the epoch.
    pub at: Option<u64>,
    /// What.
    pub what: Sentence,
    /// What shows it.
    pub evidence: Evidence,
}

/// What shows a step: the kind of source, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Where it comes from.
    pub kind: EvidenceKind,
    /// What it says: words of the source's own as they are, anything else as a sentence.
    pub said: Sentence,
}

impl Evidence {
    /// Words of the source's own: a reply, an answer, a setting's name, a command. A space is one space in them.
    pub(super) fn words(kind: EvidenceKind, words: &str) -> Self {
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        Self { kind, said: Sentence::new("shown.words").text("words", words) }
    }

    /// A sentence of ours.
    pub(super) const fn said(kind: EvidenceKind, said: Sentence) -> Self {
        Self { kind, said }
    }
}

/// Where evidence comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceKind {
    /// The ledger.
    Event,
    /// What a peer said.
    Reply,
    /// What was said in a conversation; the words are the command that shows it.
    Transcript,
    /// What happened at a socket.
    Socket,
    /// What a probe found, which went the way of delivery and handed nothing over.
    Probe,
    /// An answer of the name service, or none.
    Dns,
    /// The configuration in force.
    Config,
    /// An operator's order.
    Order,
    /// The state of the queue now.
    Queue,
    /// The disk.
    Disk,
}

impl EvidenceKind {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Reply => "reply",
            Self::Transcript => "transcript",
            Self::Socket => "socket",
            Self::Probe => "probe",
            Self::Dns => "dns",
            Self::Config => "config",
            Self::Order => "order",
            Self::Queue => "queue",
            Self::Disk => "disk",
        }
    }
}

/// What happens by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// When; microseconds since the epoch.
    pub at: Option<u64>,
    /// What.
    pub what: Sentence,
}

/// Something that can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// The command to give, when it is one of ours.
    pub command: Option<String>,
    /// What to do.
    pub what: Sentence,
    /// Who can do it.
    pub who: Owner,
    /// Why it helps.
    pub why: Sentence,
}
