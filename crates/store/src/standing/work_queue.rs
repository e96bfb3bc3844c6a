//! Which messages wait in the work queue: spans of message numbers.

use mailreeve_core::ids::Mid;
use serde::{Deserialize, Serialize};

use super::orders::Given;

/// The work queue's part of the orders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkQueue {
    /// Set while it is paused.
    pub paused: Option<Pause>,
    /// Which messages do not enter delivery, in ascending order. The last one is open while it is paused;
    /// closed ones are what a resumed work queue has not yet handed over.
    pub spans: Vec<Span>,
}

/// The order to pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Who and when.
    #[serde(flatten)]
    pub given: Given,
    /// Why, as the operator said it; may be empty.
    pub reason: String,
}

/// Messages by number: from one on, up to and without another; without an end when that is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first message.
    pub from: Mid,
    /// The first message behind it.
    pub upto: Option<Mid>,
}

impl WorkQueue {
    /// Tells whether a message from outside that began with this number waits.
    pub fn holds(&self, mid: Mid) -> bool {
        self.spans.iter().any(|span| span.from <= mid && span.upto.is_none_or(|upto| mid < upto))
    }

    /// Messages below this one do not wait; none waits when there is no such number.
    pub fn floor(&self) -> Option<Mid> {
        self.spans.first().map(|span| span.from)
    }

    /// Lets messages from `from` on wait. The first order to pause stands.
    pub fn pause(&mut self, order: Pause, from: Mid) {
        if self.paused.is_none() {
            self.paused = Some(order);
            self.spans.push(Span { from, upto: None });
        }
    }

    /// Lets messages from `upto` on pass; those before still have to be handed over.
    pub fn resume(&mut self, upto: Mid) {
        self.paused = None;
        if let Some(span) = self.spans.last_mut().filter(|span| span.upto.is_none()) {
            span.upto = Some(upto);
        }
    }

    /// Forgets what was handed over: all that is below `first`, the first message that still waits; all that a
    /// resumed work queue held when none does.
    pub fn handed_over(&mut self, first: Option<Mid>) {
        self.spans.retain(|span| match (span.upto, first) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(upto), Some(first)) => first < upto,
        });
        for span in self.spans.iter_mut().filter(|span| span.upto.is_some()) {
            span.from = span.from.max(first.unwrap_or(span.from));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(by: &str) -> Pause {
        Pause { given: Given { by: by.to_owned(), at: 1 }, reason: String::new() }
    }

    #[test]
    fn what_began_before_the_pause_passes_and_what_began_in_it_waits_until_handed_over() {
        let mut queue = WorkQueue::default();
        assert!(!queue.holds(Mid(0)) && queue.floor().is_none());
        queue.pause(order("ann"), Mid(10));
        queue.pause(order("ben"), Mid(20));
        assert_eq!(queue.paused.as_ref().map(|pause| pause.given.by.as_str()), Some("ann"));
        assert!(!queue.holds(Mid(9)) && queue.holds(Mid(10)) && queue.holds(Mid(u64::MAX)));
        queue.handed_over(None);
        assert!(queue.holds(Mid(10)), "while it is paused nothing is forgotten");
        queue.resume(Mid(30));
        assert!(queue.holds(Mid(10)) && queue.holds(Mid(29)) && !queue.holds(Mid(30)));
        queue.handed_over(Some(Mid(15)));
        assert!(!queue.holds(Mid(14)) && queue.holds(Mid(15)) && queue.floor() == Some(Mid(15)));
        queue.pause(order("cid"), Mid(40));
        assert!(queue.holds(Mid(29)) && !queue.holds(Mid(35)) && queue.holds(Mid(40)));
        queue.handed_over(Some(Mid(45)));
        assert!(!queue.holds(Mid(29)) && queue.holds(Mid(40)), "the open span is whole");
        queue.resume(Mid(50));
        queue.handed_over(None);
        assert_eq!(queue, WorkQueue::default());
    }
}
