//! Room for bodies: what keeps delivery's memory bounded however many connections there are.
//!
//! Every body in memory for delivery, at hand or read back, holds a [`Share`] of one budget, `queue.body_memory`,
//! until nobody needs it any more. Whoever reads a body back waits for its share; mail that was just committed
//! does not wait, it is read back later. A wait asks that bodies at hand give way: they can be read again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Whoever waits for a share waits so long at most: connections that hold theirs may be silent for longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The room. Cheap to clone.
#[derive(Clone)]
pub(super) struct Room {
    octets: Arc<Semaphore>,
    limit: usize,
    wanted: mpsc::UnboundedSender<usize>,
}

/// A part of the room, given back when the last clone is dropped.
#[derive(Clone)]
pub(super) struct Share(Arc<OwnedSemaphorePermit>);

impl Share {
    /// Tells whether nobody else holds a clone: dropping this one gives the octets back at once.
    pub(super) fn is_last(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

impl Room {
    /// Makes room for `limit` octets; the receiver is told how many octets somebody waits for.
    pub(super) fn new(limit: usize) -> (Self, mpsc::UnboundedReceiver<usize>) {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        let (wanted, receiver) = mpsc::unbounded_channel();
        (Self { octets: Arc::new(Semaphore::new(limit)), limit, wanted }, receiver)
    }

    /// Octets that nobody holds.
    pub(super) fn left(&self) -> usize {
        self.octets.available_permits()
    }

    /// Takes a share if there is room now.
    pub(super) fn try_take(&self, octets: usize) -> Option<Share> {
        let permits = u32::try_from(octets).ok()?;
        let permit = Arc::clone(&self.octets).try_acquire_many_owned(permits).ok()?;
        Some(Share(Arc::new(permit)))
    }

    /// Takes a share, and waits for room a minute at most; `None` when none came free. What is larger than all of
    /// the room takes all of it. Whoever waits must hold no share: two of such could wait for each other.
    pub(super) async fn take(&self, octets: usize) -> Option<Share> {
        self.take_within(PATIENCE, octets).await
    }

    async fn take_within(&self, patience: Duration, octets: usize) -> Option<Share> {
        let octets = octets.min(self.limit);
        if let Some(share) = self.try_take(octets) {
            return Some(share);
        }
        let permits = u32::try_from(octets).unwrap_or(u32::MAX);
        let waiting = Arc::clone(&self.octets).acquire_many_owned(permits);
        tokio::pin!(waiting);
        // It stands in the line before others are asked to give way, so that nobody takes what they give.
        let permit = tokio::select! {
            biased;
            permit = &mut waiting => permit,
            () = std::future::ready(()) => {
                let _ = self.wanted.send(octets);
                tokio::time::timeout(patience, waiting).await.ok()?
            }
        };
        permit.ok().map(|permit| Share(Arc::new(permit)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn a_share_waits_for_room_and_asks_for_it() {
        let (room, mut wanted) = Room::new(100);
        let first = room.take(60).await.unwrap();
        assert!(room.try_take(41).is_none());
        let waiting = tokio::spawn({
            let room = room.clone();
            async move { room.take(70).await.is_some() }
        });
        assert_eq!(wanted.recv().await, Some(70));
        assert!(!waiting.is_finished());
        assert!(room.try_take(1).is_none(), "whoever comes later does not overtake");
        drop(first.clone());
        assert!(!waiting.is_finished(), "a clone is still held");
        drop(first);
        assert!(waiting.await.unwrap());
        assert_eq!(room.left(), 100);
    }

    #[tokio::test]
    async fn a_wait_ends_and_leaves_the_line_to_others() {
        let (room, _wanted) = Room::new(100);
        let first = room.take(60).await.unwrap();
        assert!(room.take_within(Duration::from_millis(5), 70).await.is_none());
        assert_eq!(room.left(), 40, "who gave up keeps nothing");
        drop(first);
        assert!(room.take_within(Duration::ZERO, 70).await.is_some());
    }

    #[tokio::test]
    async fn what_is_larger_than_the_room_takes_all_of_it() {
        let (room, _wanted) = Room::new(100);
        let share = room.take(1_000).await.unwrap();
        assert_eq!(room.left(), 0);
        drop(share);
        assert_eq!(room.left(), 100);
    }
}
