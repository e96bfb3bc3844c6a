//! Mail that is not here: refused before it was accepted, held before delivery, or not known at all.

use super::explanation::{Evidence, EvidenceKind, Explanation, Link, Next, State, Subject, Verdict};
use super::finding::Finding;
use super::remedy;
use super::sentence::Sentence;
use super::story::Story;
use super::terms::{Terms, cut, event_link, now_link, order_link};
use super::waiting::accepted_link;
use crate::event::{AbortReason, SpoolSpace};

/// A condition under which nothing is taken at present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The disk.
    Space(SpoolSpace),
    /// The queue is full.
    QueueFull,
    /// An operator suspended receiving: on a listener, or on all; who and since when.
    Suspended {
        /// The listener, or `ALL`.
        listener: String,
        /// Who.
        by: String,
        /// Since when, microseconds since the epoch.
        since: u64,
    },
}

/// A refusal of a sender or recipient, on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// When.
    pub at: u64,
    /// The envelope sender.
    pub sender: Option<String>,
    /// The recipient, when it was that which was refused.
    pub recipient: Option<String>,
    /// What the peer was told.
    pub reply: String,
}

/// What was asked for, as it was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// A message's number.
    pub mid: Option<u64>,
    /// A Message-ID.
    pub message_id: Option<String>,
    /// An envelope sender, or a domain of senders.
    pub sender: Option<String>,
    /// A recipient.
    pub recipient: Option<String>,
    /// A destination.
    pub host: Option<String>,
    /// A connection.
    pub dcid: Option<u64>,
}

impl Asked {
    fn subject(&self) -> Subject {
        Subject {
            mid: self.mid,
            rid: None,
            message_id: self.message_id.clone(),
            sender: self.sender.clone(),
            recipient: self.recipient.clone(),
            host: self.host.clone(),
            dcid: self.dcid,
            recipients: 0,
            destinations: 0,
        }
    }

    fn terms(&self) -> Terms {
        let mut terms = Terms::of(self.host.as_deref().unwrap_or_default());
        terms.sender = self.sender.clone().unwrap_or(terms.sender);
        terms.recipient = self.recipient.clone().unwrap_or(terms.recipient);
        terms
    }
}

/// Explains why nothing of what was asked for was accepted: it was refused, and is refused still or was at the time.
pub fn refused(asked: &Asked, closed: Option<&Closed>, refusals: &[Refusal]) -> Option<Explanation> {
    let last = refusals.last();
    let (cause, key) = match (closed, last) {
        (Some(Closed::Space(SpoolSpace::Failed)), _) => (Finding::RefusedSpoolFailed, "next.intake"),
        (Some(Closed::Space(_)), _) => (Finding::RefusedSpoolSpace, "next.intake"),
        (Some(Closed::QueueFull), _) => (Finding::RefusedQueueFull, "next.intake"),
        (Some(Closed::Suspended { .. }), _) => (Finding::ReceivingSuspended, "next.intake_order"),
        (None, Some(refusal)) => (by_reply(refusal), "next.sender"),
        (None, None) => return None,
    };
    let mut terms = asked.terms();
    let mut chain: Vec<Link> = refusals.iter().rev().take(3).rev().map(refusal_link).collect();
    let mut since = last.map(|refusal| refusal.at);
    if let Some(refusal) = last {
        terms.reply = cut(&refusal.reply);
        terms.recipient = refusal.recipient.clone().unwrap_or(terms.recipient);
    }
    match closed {
        Some(Closed::Suspended { listener, by, since: ordered }) => {
            (terms.by, terms.whose) = (by.clone(), listener.clone());
            since = Some(*ordered);
            chain.push(order_link("chain.receiving_suspended", by, listener, *ordered));
        }
        Some(Closed::Space(_)) => {
            chain.push(now_link(Sentence::new("chain.disk"), EvidenceKind::Disk, "queue.low"));
        }
        Some(Closed::QueueFull) => {
            chain.push(now_link(
                Sentence::new("chain.queue_full"),
                EvidenceKind::Queue,
                "queue.max_recipients",
            ));
        }
        None => {}
    }
    Some(Explanation {
        subject: asked.subject(),
        state: State::Refused,
        verdict: Verdict::seen(cause, since),
        summary: terms.summary(cause),
        chain,
        next: Next { at: None, what: Sentence::new(key) },
        remedy: remedy::of(cause, &terms, remedy::Queue::Empty),
    })
}

/// What was refused at the time, by what the peer was told: the replies are our own.
fn by_reply(refusal: &Refusal) -> Finding {
    let told = |words: &str| refusal.reply.contains(words);
    match () {
        () if told("4.3.1") && told("storage") => Finding::RefusedSpoolSpace,
        () if told("4.3.1") => Finding::RefusedQueueFull,
        () if told("4.3.0") => Finding::RefusedSpoolFailed,
        () if refusal.recipient.is_some() => Finding::RecipientRejected,
        () => Finding::RefusedHere,
    }
}

fn refusal_link(refusal: &Refusal) -> Link {
    let what = match (&refusal.recipient, &refusal.sender) {
        (Some(recipient), _) => Sentence::new("chain.recipient_refused").text("recipient", recipient),
        (None, sender) => {
            let sender = sender.as_deref().filter(|sender| !sender.is_empty()).unwrap_or("<>");
            Sentence::new("chain.sender_refused").text("sender", sender)
        }
    };
    Link { at: Some(refusal.at), what, evidence: Evidence::words(EvidenceKind::Reply, &cut(&refusal.reply)) }
}

/// Explains a message that ended before it was accepted; `None` when its story does not tell so.
pub fn never_accepted(story: &Story) -> Option<Explanation> {
    if story.accepted.is_some() {
        return None;
    }
    let asked = Asked { mid: Some(story.mid.0), sender: story.sender.clone(), ..Asked::default() };
    if let (Some((at, address, reply)), true) = (story.refused.last(), story.recipients.is_empty()) {
        let refusal = Refusal {
            at: *at,
            sender: story.sender.clone(),
            recipient: Some(address.clone()),
            reply: reply.clone(),
        };
        return refused(&asked, None, &[refusal]);
    }
    let (at, why) = story.aborted.as_ref()?;
    let (cause, detail) = match why {
        AbortReason::BySender => (Finding::AbandonedBySender, "BySender".to_owned()),
        AbortReason::Lost { data_bytes: 0 } => (Finding::AbandonedBySender, "Lost".to_owned()),
        AbortReason::Lost { data_bytes } => {
            (Finding::LostDuringData, format!("Lost, data_bytes {data_bytes}"))
        }
        AbortReason::TooBig => (Finding::MessageTooBig, "limits.message_bytes".to_owned()),
        AbortReason::Loop => (Finding::RefusedHere, "limits.hops".to_owned()),
        AbortReason::LineEnds => (Finding::RefusedHere, "limits.line_ends".to_owned()),
        AbortReason::Spool(detail) => (Finding::RefusedSpoolFailed, detail.clone()),
        AbortReason::Refused(reply) => (Finding::RefusedHere, reply.clone()),
    };
    let mut terms = asked.terms();
    terms.reply = cut(&detail);
    Some(Explanation {
        subject: asked.subject(),
        state: State::Refused,
        verdict: Verdict::seen(cause, Some(*at)),
        summary: terms.summary(cause),
        chain: vec![event_link(Some(*at), Sentence::new("chain.aborted"), &terms.reply)],
        next: Next { at: None, what: Sentence::new("next.sender") },
        remedy: remedy::of(cause, &terms, remedy::Queue::Empty),
    })
}

/// Explains a message that has left the pause of the work queue and not yet entered delivery.
pub fn released(mid: u64, story: &Story) -> Explanation {
    let asked = of_message(mid, story);
    let terms = asked.terms();
    Explanation {
        subject: asked.subject(),
        state: State::Held,
        verdict: Verdict::seen(Finding::Due, None),
        summary: terms.summary(Finding::Due),
        chain: story.accepted.iter().map(|(at, entrance)| accepted_link(story, *at, entrance)).collect(),
        next: Next { at: None, what: Sentence::new("next.released") },
        remedy: remedy::of(Finding::Due, &terms, remedy::Queue::Empty),
    }
}

fn of_message(mid: u64, story: &Story) -> Asked {
    let sender = story.accepted.as_ref().map(|(_, entrance)| entrance.sender.clone());
    Asked { mid: Some(mid), sender, ..Asked::default() }
}

/// Explains a message that waits in the work queue: who paused it, since when and why.
pub fn held(mid: u64, story: &Story, by: &str, since: u64, reason: &str) -> Explanation {
    let asked = of_message(mid, story);
    let mut terms = asked.terms();
    terms.by = by.to_owned();
    terms.reply = cut(reason);
    let mut chain: Vec<Link> =
        story.accepted.iter().map(|(at, entrance)| accepted_link(story, *at, entrance)).collect();
    let evidence = Evidence::words(EvidenceKind::Order, &format!("{by}: {}", terms.reply));
    chain.push(Link { at: Some(since), what: Sentence::new("chain.paused").text("by", by), evidence });
    Explanation {
        subject: asked.subject(),
        state: State::Held,
        verdict: Verdict::seen(Finding::WorkQueuePaused, Some(since)),
        summary: terms.summary(Finding::WorkQueuePaused),
        chain,
        next: Next { at: None, what: Sentence::new("next.work_queue") },
        remedy: remedy::of(Finding::WorkQueuePaused, &terms, remedy::Queue::Empty),
    }
}

/// How far the records reach that were searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Back to this instant; `None` when there are no records.
    pub since: Option<u64>,
    /// Of the queue read back after a start: messages done, of all.
    pub recovering: Option<(u64, u64)>,
}

/// Explains that nothing is known, and how far that was looked for.
pub fn unknown(asked: &Asked, reach: Reach, now: u64) -> Explanation {
    let (cause, key) = match reach.recovering {
        Some(_) => (Finding::Recovering, "next.read_back"),
        None => (Finding::NotInRecords, "next.nothing"),
    };
    let since = reach.since.unwrap_or(now);
    let terms = asked.terms();
    let looked = Sentence::new("chain.records").at("since", since);
    let mut chain = vec![now_link(looked, EvidenceKind::Queue, "")];
    if let Some((done, total)) = reach.recovering {
        let what = Sentence::new("chain.recovering").number("done", done).number("n", total);
        chain.push(now_link(what, EvidenceKind::Queue, &format!("{done}/{total}")));
    }
    Explanation {
        subject: asked.subject(),
        state: State::Unknown,
        verdict: Verdict::seen(cause, reach.since),
        summary: terms.summary(cause).at("since", since),
        chain,
        next: Next { at: None, what: Sentence::new(key) },
        remedy: remedy::of(cause, &terms, remedy::Queue::Empty),
    }
}
