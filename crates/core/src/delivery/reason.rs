//! Failures kept in memory: once each, however many recipients wait for the same one.
//!
//! A thousand recipients greylisted by one host wait with one [`Reason`] and a thousand instants. The text is
//! cut at [`TEXT_KEPT`] octets; whole replies stand in the ledger and with the spool's record.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::event::{Cause, Failure, FailureKind, Stage};

/// Octets of reply text kept in memory for a reason.
const TEXT_KEPT: usize = 512;

/// Reasons of a destination that are looked through for an equal one.
const RECENT: usize = 8;

/// A [`Failure`] without its instant.
#[derive(Debug, PartialEq, Eq)]
struct Reason {
    stage: Stage,
    cause: Cause,
    status: (u8, u16, u16),
    code: u16,
    text: Box<[Box<str>]>,
    address: Option<SocketAddr>,
}

impl Reason {
    fn new(failure: &Failure) -> Self {
        let text = kept_lines(failure).map(Box::from).collect();
        let Failure { stage, cause, status, code, address, .. } = *failure;
        Self { stage, cause, status, code, text, address }
    }

    fn kind(&self) -> FailureKind {
        FailureKind { stage: self.stage, cause: self.cause, status: self.status, code: self.code }
    }

    fn is_that_of(&self, failure: &Failure) -> bool {
        self.cause == failure.cause
            && self.stage == failure.stage
            && self.status == failure.status
            && self.code == failure.code
            && self.address == failure.address
            && self.text.iter().map(AsRef::as_ref).eq(kept_lines(failure))
    }
}

/// Yields the lines of a failure that are kept, cut between characters.
fn kept_lines(failure: &Failure) -> impl Iterator<Item = &str> {
    let mut room = TEXT_KEPT;
    failure.text.iter().map_while(move |line| {
        if room == 0 {
            return None;
        }
        let cut = line.floor_char_boundary(room);
        room = if cut < line.len() { 0 } else { room - cut };
        Some(&line[..cut])
    })
}

/// A failure as a waiting recipient keeps it: 16 octets.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    reason: Arc<Reason>,
    at: u64,
}

impl Kept {
    /// Returns the failure in full.
    pub(super) fn failure(&self) -> Failure {
        let Reason { stage, cause, status, code, ref text, address, .. } = *self.reason;
        let text = text.iter().map(|line| String::from(&**line)).collect();
        Failure { stage, cause, status, code, text, address, at: self.at }
    }

    /// Returns when it happened, wall time.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Returns what is equal for failures that differ in words and addresses only.
    pub(super) fn kind(&self) -> FailureKind {
        self.reason.kind()
    }
}

/// The reasons that a destination gave lately, newest first.
#[derive(Debug, Default)]
pub(super) struct Reasons(Vec<Kept>);

impl Reasons {
    /// Keeps a failure, shared with those that failed the same way.
    pub(super) fn keep(&mut self, failure: &Failure) -> Kept {
        match self.0.iter().position(|kept| kept.reason.is_that_of(failure)) {
            Some(known) => self.0[..=known].rotate_right(1),
            None => {
                self.0.truncate(RECENT - 1);
                self.0.insert(0, Kept { reason: Arc::new(Reason::new(failure)), at: failure.at });
            }
        }
        self.0[0].at = self.0[0].at.max(failure.at);
        Kept { reason: Arc::clone(&self.0[0].reason), at: failure.at }
    }

    /// Yields different failures, each as it was last seen, newest first.
    pub(super) fn recent(&self) -> impl Iterator<Item = Failure> {
        self.0.iter().map(Kept::failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(text: &[&str], at: u64) -> Failure {
        Failure {
            stage: Stage::Rcpt,
            cause: Cause::Reply4xx,
            status: (4, 7, 1),
            code: 451,
            text: text.iter().map(|line| (*line).to_owned()).collect(),
            address: None,
            at,
        }
    }

    #[test]
    fn the_same_failure_is_kept_once_and_comes_back_whole() {
        let mut reasons = Reasons::default();
        let first = reasons.keep(&failure(&["greylisted", "come back"], 10));
        let other = reasons.keep(&failure(&["mailbox full"], 11));
        let again = reasons.keep(&failure(&["greylisted", "come back"], 12));
        assert!(Arc::ptr_eq(&first.reason, &again.reason));
        assert!(!Arc::ptr_eq(&first.reason, &other.reason));
        assert_eq!(again.failure(), failure(&["greylisted", "come back"], 12));
    }

    #[test]
    fn memory_of_a_destination_is_bounded() {
        let mut reasons = Reasons::default();
        for number in 0..100 {
            reasons.keep(&failure(&[&format!("queue id {number}")], number));
        }
        assert_eq!(reasons.0.len(), RECENT);
    }

    #[test]
    fn long_text_is_cut_between_characters_and_still_shared() {
        let mut reasons = Reasons::default();
        let long = "é".repeat(400);
        let first = reasons.keep(&failure(&["x", &long, "never kept"], 1));
        let text = first.failure().text;
        assert_eq!(text.len(), 2);
        assert_eq!(text.iter().map(String::len).sum::<usize>(), TEXT_KEPT - 1);
        let again = reasons.keep(&failure(&["x", &long, "different, beyond the cut"], 2));
        assert!(Arc::ptr_eq(&first.reason, &again.reason));
    }
}
