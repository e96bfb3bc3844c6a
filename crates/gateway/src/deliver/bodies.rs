//! Messages at hand: just committed, still in memory, so that delivery need not read them back.
//!
//! They hold shares of the one room for bodies; when it is full the oldest leave first and are read from the spool
//! when their turn comes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use mailreeve_core::envelope::Envelope;
use mailreeve_core::ids::Mid;

use super::content::Body;
use super::room::{Room, Share};

/// Places of finished messages that may stand in the order before it is tidied.
const SLACK: usize = 4096;
/// Octets that an envelope is reckoned to take, and each of its recipients.
const ENVELOPE: usize = 512;
const RECIPIENT: usize = 192;

/// A message ready to be sent.
#[derive(Clone)]
pub(super) struct Loaded {
    pub(super) envelope: Arc<Envelope>,
    pub(super) content: Body,
    /// Its part of the room; none for what a report needs, which is gone at once.
    pub(super) share: Option<Share>,
}

impl Loaded {
    /// Tells whether no connection is sending it.
    fn is_idle(&self) -> bool {
        self.share.as_ref().is_none_or(Share::is_last)
    }
}

/// Octets that an envelope with so much content takes in memory.
pub(super) fn weight(envelope: &Envelope, content: usize) -> usize {
    ENVELOPE + RECIPIENT * envelope.recipients.len() + content
}

/// The messages at hand.
pub(super) struct Bodies {
    held: HashMap<Mid, Loaded>,
    order: VecDeque<Mid>,
    room: Room,
}

impl Bodies {
    pub(super) fn new(room: Room) -> Self {
        Self { held: HashMap::new(), order: VecDeque::new(), room }
    }

    /// Keeps a message that was just committed, if there is room for it once older ones gave way.
    pub(super) fn keep(&mut self, envelope: Arc<Envelope>, content: Option<Bytes>) {
        let weight = weight(&envelope, content.as_ref().map_or(0, Bytes::len));
        let left = self.room.left();
        if left < weight {
            self.let_go(weight - left, Loaded::is_idle);
        }
        let Some(share) = self.room.try_take(weight) else { return };
        let mid = envelope.mid;
        let content = content.map_or(Body::Stored, Body::Memory);
        if self.held.insert(mid, Loaded { envelope, content, share: Some(share) }).is_none() {
            self.order.push_back(mid);
        }
    }

    /// Lets the oldest go for somebody who waits until they made so much room. Where those that nobody is sending
    /// do not suffice, what is being sent goes too: it makes its room at its end.
    pub(super) fn give_way(&mut self, octets: usize) {
        let given = self.let_go(octets, Loaded::is_idle);
        self.let_go(octets.saturating_sub(given), |_| true);
    }

    /// Lets the oldest of some go until they are worth so many octets; returns what they are worth. The others keep
    /// their places.
    fn let_go(&mut self, octets: usize, may_go: impl Fn(&Loaded) -> bool) -> usize {
        let mut given = 0;
        let mut passed_over = Vec::new();
        while given < octets {
            let Some(oldest) = self.order.pop_front() else { break };
            match self.held.get(&oldest) {
                Some(loaded) if may_go(loaded) => {
                    given += weight(&loaded.envelope, loaded.content.held());
                    self.held.remove(&oldest);
                }
                Some(_) => passed_over.push(oldest),
                None => {}
            }
        }
        for mid in passed_over.into_iter().rev() {
            self.order.push_front(mid);
        }
        given
    }

    pub(super) fn at_hand(&self, mid: Mid) -> Option<Loaded> {
        self.held.get(&mid).cloned()
    }

    /// Lets a finished message go. Its place in the order is skipped later.
    pub(super) fn drop_message(&mut self, mid: Mid) {
        self.held.remove(&mid);
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

    fn envelope(mid: u64, bytes: usize) -> Arc<Envelope> {
        Arc::new(Envelope {
            mid: Mid(mid),
            icid: Icid(1),
            accepted_at: 0,
            sender: ReversePath::Null,
            params: MailParams::default(),
            size: bytes as u64,
            content: Default::default(),
            recipients: Vec::new(),
        })
    }

    fn keep(bodies: &mut Bodies, mid: u64, bytes: usize) {
        bodies.keep(envelope(mid, bytes), Some(vec![0; bytes].into()));
    }

    fn at_hand(bodies: &Bodies) -> Vec<u64> {
        (0..10).filter(|mid| bodies.at_hand(Mid(*mid)).is_some()).collect()
    }

    #[test]
    fn the_oldest_leave_first_and_bytes_are_accounted() {
        let one = ENVELOPE + 1_000;
        let (room, _wanted) = Room::new(2 * one + 500);
        let mut bodies = Bodies::new(room.clone());
        for mid in 1..=3 {
            keep(&mut bodies, mid, 1_000);
        }
        assert_eq!(at_hand(&bodies), [2, 3]);
        assert_eq!(room.left(), 500);
        bodies.drop_message(Mid(2));
        bodies.drop_message(Mid(3));
        assert_eq!((room.left(), bodies.order.len()), (2 * one + 500, 0));
    }

    #[test]
    fn a_message_larger_than_the_room_is_not_held() {
        let (room, _wanted) = Room::new(10_000);
        let mut bodies = Bodies::new(room.clone());
        keep(&mut bodies, 1, 10_000);
        assert_eq!(at_hand(&bodies), Vec::<u64>::new());
        assert_eq!(room.left(), 10_000);
    }

    #[test]
    fn what_is_being_sent_counts_until_it_is_sent() {
        let (room, _wanted) = Room::new(2_000);
        let mut bodies = Bodies::new(room.clone());
        keep(&mut bodies, 1, 1_000);
        let sending = bodies.at_hand(Mid(1)).unwrap();
        keep(&mut bodies, 2, 1_000);
        assert_eq!(at_hand(&bodies), [1], "its room would not be free: it stays, and the second finds none");
        drop(sending);
        keep(&mut bodies, 3, 1_000);
        assert_eq!(at_hand(&bodies), [3]);
    }

    #[test]
    fn what_is_being_sent_is_passed_over_and_keeps_its_place() {
        let one = ENVELOPE + 1_000;
        let (room, _wanted) = Room::new(3 * one);
        let mut bodies = Bodies::new(room.clone());
        for mid in 1..=3 {
            keep(&mut bodies, mid, 1_000);
        }
        let sending = bodies.at_hand(Mid(1)).unwrap();
        bodies.give_way(one);
        assert_eq!((at_hand(&bodies), room.left()), (vec![1, 3], one));
        bodies.give_way(2 * one);
        assert_eq!((at_hand(&bodies), room.left()), (vec![], 2 * one), "somebody waits for its end");
        drop(sending);
        assert_eq!(room.left(), 3 * one);
    }

    #[tokio::test]
    async fn whoever_waits_for_room_gets_that_of_the_oldest() {
        let (room, mut wanted) = Room::new(5_000);
        let mut bodies = Bodies::new(room.clone());
        for mid in 1..=3 {
            keep(&mut bodies, mid, 1_000);
        }
        let reading = tokio::spawn(async move { room.take(2_000).await.is_some() });
        let octets = wanted.recv().await.unwrap();
        bodies.give_way(octets);
        assert!(reading.await.unwrap());
        assert_eq!(at_hand(&bodies), [3]);
    }
}
