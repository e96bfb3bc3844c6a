//! Orders at the shard, and who waits for them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use mailreeve_core::delivery::io::{OrderId, Progress};
use parking_lot::Mutex;
use tokio::sync::watch;

/// How far an order is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Step {
    /// As the shard told it.
    pub progress: Progress,
    /// Nobody is left whom it concerns, and what it did is on its way to the disk.
    pub over: bool,
}

/// Hears how far an order is. It ends without the order being over when the daemon stops.
pub type Steps = watch::Receiver<Step>;

/// The orders that are not over.
#[derive(Default)]
pub struct OpenOrders {
    last: AtomicU64,
    open: Mutex<HashMap<OrderId, watch::Sender<Step>>>,
}

impl OpenOrders {
    /// Opens one, with a number that was never used in this run.
    pub fn open(&self) -> (OrderId, Steps) {
        let id = OrderId(self.last.fetch_add(1, Ordering::Relaxed) + 1);
        let (sender, steps) = watch::channel(Step::default());
        self.open.lock().insert(id, sender);
        (id, steps)
    }

    /// Tells who waits for it.
    pub fn tell(&self, id: OrderId, step: Step) {
        let mut open = self.open.lock();
        if let Some(sender) = open.get(&id) {
            sender.send_replace(step);
        }
        if step.over {
            open.remove(&id);
        }
    }
}
