//! Suspending a listener: its door, and those inside.
//!
//! ```text
//!   Open ──suspend──► Closing (new: 421; inside: 421 at the next command) ──cut──► Cut (inside: closed at once)
//!     ▲                  │                                                          │
//!     └─────resume───────┴──────────────────────────────────────────────────────────┘
//! ```
//! The socket stays open: a sender gets a 421 and keeps its mail, and no other program can take the port.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mailreeve_smtp::reply::{Enhanced, Reply};
use tokio::sync::watch;
use tokio::time::Instant;

/// How often those inside are counted while they are waited for.
const LOOK: Duration = Duration::from_millis(10);
/// Time for those that are cut off to be gone.
const LAST: Duration = Duration::from_secs(2);

/// What holds for connections of a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Door {
    #[default]
    Open,
    Closing,
    Cut,
}

/// The door of one listener.
#[derive(Debug)]
pub struct Gate {
    door: watch::Sender<Door>,
    inside: Arc<AtomicUsize>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { door: watch::Sender::new(Door::Open), inside: Arc::default() }
    }
}

/// A connection that was let in, until dropped.
pub(super) struct Guest(Arc<AtomicUsize>);

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Gate {
    /// Lets nobody in any more and asks those inside to leave.
    pub fn suspend(&self) {
        self.door.send_replace(Door::Closing);
    }

    /// Lets everybody in again.
    pub fn resume(&self) {
        self.door.send_replace(Door::Open);
    }

    /// Tells whether it is suspended.
    pub fn suspended(&self) -> bool {
        *self.door.borrow() != Door::Open
    }

    /// Waits until those inside have left, until `end` at most; closes what is left then, and returns how many.
    pub async fn emptied(&self, end: Instant) -> usize {
        if self.empty_by(end).await {
            return 0;
        }
        let left = self.inside.load(Ordering::Acquire);
        // An operator may have resumed meanwhile: then nobody is closed.
        let cut = self.door.send_if_modified(|door| {
            let closing = *door == Door::Closing;
            if closing {
                *door = Door::Cut;
            }
            closing
        });
        if !cut {
            return 0;
        }
        self.empty_by(Instant::now() + LAST).await;
        left
    }

    async fn empty_by(&self, end: Instant) -> bool {
        while self.inside.load(Ordering::Acquire) > 0 {
            if Instant::now() >= end || !self.suspended() {
                return false;
            }
            tokio::time::sleep(LOOK).await;
        }
        true
    }

    /// What a connection is told instead of the banner.
    pub(super) fn refusal(&self) -> Option<Reply> {
        let text = "Receiving is suspended here at present, please try again later";
        self.suspended().then(|| Reply::new(421, Enhanced(4, 3, 2), text))
    }

    pub(super) fn guest(&self) -> Guest {
        self.inside.fetch_add(1, Ordering::AcqRel);
        Guest(Arc::clone(&self.inside))
    }

    pub(super) fn watch(&self) -> watch::Receiver<Door> {
        self.door.subscribe()
    }
}

/// Waits until the door is closed further than it was `seen`, and says how far.
pub(super) async fn beyond(door: &mut watch::Receiver<Door>, seen: Door) -> Door {
    let closed = door.wait_for(|door| *door > seen).await.map(|door| *door);
    match closed {
        Ok(door) => door,
        // A listener that is gone suspends nobody.
        Err(_) => std::future::pending().await,
    }
}

/// Waits until those inside are closed.
pub(super) async fn cut(door: &mut watch::Receiver<Door>) {
    beyond(door, Door::Closing).await;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn run(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(test);
    }

    #[test]
    fn who_leaves_in_time_is_not_cut_and_who_stays_is() {
        run(async {
            let gate = Gate::default();
            assert!(gate.refusal().is_none());
            let (guest, slow) = (gate.guest(), gate.guest());
            let mut watching = gate.watch();
            gate.suspend();
            assert_eq!(gate.refusal().unwrap().code, 421);
            assert_eq!(beyond(&mut watching, Door::Open).await, Door::Closing);
            drop(guest);
            let leave = tokio::spawn(async move {
                cut(&mut watching).await;
                drop(slow);
            });
            let began = Instant::now();
            assert_eq!(gate.emptied(began + Duration::from_millis(50)).await, 1);
            assert!(began.elapsed() >= Duration::from_millis(50));
            leave.await.unwrap();
            assert_eq!(gate.emptied(Instant::now()).await, 0);
            assert!(gate.suspended());
        });
    }

    #[test]
    fn a_resume_in_the_meantime_saves_those_inside() {
        run(async {
            let gate = Arc::new(Gate::default());
            let guest = gate.guest();
            gate.suspend();
            let other = Arc::clone(&gate);
            let waiting =
                tokio::spawn(async move { other.emptied(Instant::now() + Duration::from_secs(30)).await });
            tokio::task::yield_now().await;
            gate.resume();
            assert_eq!(waiting.await.unwrap(), 0);
            assert!(!gate.suspended() && gate.refusal().is_none());
            drop(guest);
        });
    }
}
