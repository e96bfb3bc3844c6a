//! Messages at hand: just committed, still in memory, so that delivery need not read them back.
//!
//! Bounded in bytes; the oldest leave first and are read from the spool when their turn comes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use mailreeve_core::envelope::Envelope;
use mailreeve_core::ids::Mid;

use super::content::Body;

/// Places of finished messages that may stand in the order before it is tidied.
const SLACK: usize = 4096;

/// A message ready to be sent.
#[derive(Clone)]
pub(super) struct Loaded {
    pub(super) envelope: Arc<Envelope>,
    pub(super) content: Body,
}

/// The messages at hand.
pub(super) struct Bodies {
    held: HashMap<Mid, Loaded>,
    order: VecDeque<Mid>,
    bytes: usize,
    limit: usize,
}

impl Bodies {
    pub(super) fn new(limit: usize) -> Self {
        Self { held: HashMap::new(), order: VecDeque::new(), bytes: 0, limit }
    }

    pub(super) fn keep(&mut self, mid: Mid, loaded: Loaded) {
        self.bytes += loaded.content.held();
        if let Some(old) = self.held.insert(mid, loaded) {
            self.bytes -= old.content.held();
        } else {
            self.order.push_back(mid);
        }
        while self.bytes > self.limit {
            let Some(oldest) = self.order.pop_front() else { break };
            if let Some(dropped) = self.held.remove(&oldest) {
                self.bytes -= dropped.content.held();
            }
        }
    }

    pub(super) fn at_hand(&self, mid: Mid) -> Option<Loaded> {
        self.held.get(&mid).cloned()
    }

    /// Lets a finished message go. Its place in the order is skipped later.
    pub(super) fn drop_message(&mut self, mid: Mid) {
        if let Some(dropped) = self.held.remove(&mid) {
            self.bytes -= dropped.content.held();
        }
        while let Some(first) = self.order.front() {
            if self.held.contains_key(first) {
                break;
            }
            self.order.pop_front();
        }
        // A message that stays (deferred) must not let the places of finished ones pile up behind it.
        if self.order.len() > 2 * self.held.len() + SLACK {
            self.order.retain(|mid| self.held.contains_key(mid));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use mailreeve_core::ids::Icid;
    use mailreeve_smtp::address::ReversePath;
    use mailreeve_smtp::params::MailParams;

    use super::*;

    fn loaded(mid: u64, bytes: usize) -> Loaded {
        let envelope = Envelope {
            mid: Mid(mid),
            icid: Icid(1),
            accepted_at: 0,
            sender: ReversePath::Null,
            params: MailParams::default(),
            size: bytes as u64,
            content: Default::default(),
            recipients: Vec::new(),
        };
        Loaded { envelope: Arc::new(envelope), content: Body::Memory(vec![0; bytes].into()) }
    }

    #[test]
    fn the_oldest_leave_first_and_bytes_are_accounted() {
        let mut bodies = Bodies::new(25);
        for mid in 1..=3 {
            bodies.keep(Mid(mid), loaded(mid, 10));
        }
        assert!(bodies.at_hand(Mid(1)).is_none());
        assert!(bodies.at_hand(Mid(2)).is_some() && bodies.at_hand(Mid(3)).is_some());
        assert_eq!(bodies.bytes, 20);
        bodies.drop_message(Mid(2));
        bodies.drop_message(Mid(3));
        assert_eq!((bodies.bytes, bodies.order.len()), (0, 0));
    }

    #[test]
    fn a_message_larger_than_the_limit_is_not_held() {
        let mut bodies = Bodies::new(25);
        bodies.keep(Mid(1), loaded(1, 30));
        assert!(bodies.at_hand(Mid(1)).is_none());
        assert_eq!(bodies.bytes, 0);
    }
}
