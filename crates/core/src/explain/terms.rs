//! The terms in which sentences of an explanation speak: who and what it is about, filled in as far as it is known.

use super::explanation::{Evidence, EvidenceKind, Link};
use super::finding::Finding;
use super::sentence::Sentence;
use crate::delivery::views::DestinationView;
use crate::event::{Failure, Stage};

/// As many characters of a reply stand in a sentence: more than any reply of one line has (RFC 5321 section 4.5.3.1.5).
const REPLY_SHOWN: usize = 600;

/// Names for the arguments of sentences; an empty one is not known, and the catalogue has a word for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Terms {
    pub(super) host: String,
    pub(super) recipient: String,
    pub(super) sender: String,
    pub(super) address: String,
    pub(super) name: String,
    pub(super) reply: String,
    pub(super) list: String,
    pub(super) by: String,
    /// Whose limit or order it is; empty for this gateway.
    pub(super) whose: String,
}

impl Terms {
    /// Speaks of a destination.
    pub(super) fn of(host: &str) -> Self {
        Self { host: host.to_owned(), whose: host.to_owned(), ..Self::default() }
    }

    /// Speaks of a failure too: its address, its exchanger's name, its words.
    pub(super) fn failed(mut self, failure: &Failure, view: Option<&DestinationView>) -> Self {
        self.reply = said(failure);
        if let Some(address) = failure.address {
            self.address = address.ip().to_string();
            let mut targets = view.into_iter().flat_map(|view| &view.targets);
            let named = targets.find(|target| target.target.address.ip() == address.ip());
            self.name = named.map_or_else(|| self.address.clone(), |target| target.target.name.clone());
        }
        self
    }

    /// Makes a sentence about these terms.
    pub(super) fn sentence(&self, key: impl Into<String>) -> Sentence {
        let known = [
            ("host", &self.host, "term.host"),
            ("recipient", &self.recipient, "term.recipient"),
            ("sender", &self.sender, "term.sender"),
            ("address", &self.address, "term.address"),
            ("name", &self.name, "term.name"),
            ("reply", &self.reply, "term.reply"),
            ("list", &self.list, "term.list"),
            ("by", &self.by, "term.by"),
            ("whose", &self.whose, "term.whose"),
        ];
        known.into_iter().fold(Sentence::new(key), |sentence, (name, value, unknown)| {
            match value.is_empty() {
                true => sentence.word(name, unknown),
                false => sentence.text(name, value),
            }
        })
    }

    /// Makes the sentence that sums a finding up.
    pub(super) fn summary(&self, finding: Finding) -> Sentence {
        self.sentence(format!("summary.{}", finding.code()))
    }
}

/// What the peer said, or our own words, in one line.
pub(super) fn said(failure: &Failure) -> String {
    let text = failure.text.join(" ");
    let text = if failure.code > 0 { format!("{} {text}", failure.code) } else { text };
    cut(&text)
}

/// A text in one line, one space between its words; of what is far too long the beginning.
pub(super) fn cut(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(REPLY_SHOWN) {
        Some((end, _)) => format!("{}...", text[..end].trim_end()),
        None => text,
    }
}

/// The step of a failed try.
pub(super) fn failed_link(key: &str, failure: &Failure) -> Link {
    let what = Sentence::new(key).word("stage", stage_key(failure.stage));
    Link { at: Some(failure.at), what, evidence: evidence_of(failure) }
}

/// The step of a failed try of a destination.
pub(super) fn failed_there(key: &str, failure: &Failure, host: &str) -> Link {
    let link = failed_link(key, failure);
    Link { what: link.what.text("host", host), ..link }
}

/// What shows a failure.
pub(super) fn evidence_of(failure: &Failure) -> Evidence {
    let kind = match failure.stage {
        _ if failure.code > 0 => EvidenceKind::Reply,
        Stage::Dns => EvidenceKind::Dns,
        Stage::Local => EvidenceKind::Config,
        Stage::Connect
        | Stage::Greeting
        | Stage::Ehlo
        | Stage::StartTls
        | Stage::Auth
        | Stage::Mail
        | Stage::Rcpt
        | Stage::Data
        | Stage::Content
        | Stage::Final => EvidenceKind::Socket,
    };
    let text = match failure.address {
        Some(address) => format!("{}: {}", address.ip(), said(failure)),
        None => said(failure),
    };
    Evidence::words(kind, &text)
}

/// The key of a stage's name.
pub(super) const fn stage_key(stage: Stage) -> &'static str {
    match stage {
        Stage::Dns => "stage.dns",
        Stage::Connect => "stage.connect",
        Stage::Greeting => "stage.greeting",
        Stage::Ehlo => "stage.ehlo",
        Stage::StartTls => "stage.starttls",
        Stage::Auth => "stage.auth",
        Stage::Mail => "stage.mail",
        Stage::Rcpt => "stage.rcpt",
        Stage::Data => "stage.data",
        Stage::Content => "stage.content",
        Stage::Final => "stage.final",
        Stage::Local => "stage.local",
    }
}

/// A step that an event tells; `name` is the event's.
pub(super) fn event_link(at: Option<u64>, what: Sentence, name: &str) -> Link {
    Link { at, what, evidence: Evidence::words(EvidenceKind::Event, name) }
}

/// Something that is so now, with the words that show it.
pub(super) fn now_link(what: Sentence, kind: EvidenceKind, words: &str) -> Link {
    Link { at: None, what, evidence: Evidence::words(kind, words) }
}

/// An order of an operator that is in force.
pub(super) fn order_link(key: &str, by: &str, whose: &str, since: u64) -> Link {
    let what = Sentence::new(key).text("by", by).text("whose", whose);
    let said = Sentence::new("shown.suspended").text("by", by);
    Link { at: Some(since), what, evidence: Evidence::said(EvidenceKind::Order, said) }
}
