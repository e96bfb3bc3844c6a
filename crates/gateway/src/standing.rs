//! The standing orders in force, for everybody who acts on them, and the one way to change them.
//!
//! An order is durable before anything of it happens: whoever gives one takes a turn, changes the record, and
//! acts then. Turns keep orders in the sequence of the record.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use mailreeve_store::disk::HostDisk;
use mailreeve_store::standing::{Orders, Standing, StandingError};
use parking_lot::Mutex;

/// The orders, and their record.
pub struct StandingOrders {
    record: Mutex<Standing>,
    in_force: ArcSwap<Orders>,
    turns: tokio::sync::Mutex<()>,
}

/// The right to give orders, until dropped.
pub struct Turn<'a> {
    orders: &'a Arc<StandingOrders>,
    _turn: tokio::sync::MutexGuard<'a, ()>,
}

impl StandingOrders {
    /// Reads the record of a data folder, which must be ours already.
    pub fn open(data_dir: &Path) -> Result<Self, StandingError> {
        let record = Standing::open(Arc::new(HostDisk), data_dir)?;
        let in_force = ArcSwap::from_pointee(record.orders().clone());
        Ok(Self { record: Mutex::new(record), in_force, turns: tokio::sync::Mutex::default() })
    }

    /// Returns the orders in force. Never waits.
    pub fn in_force(&self) -> Arc<Orders> {
        self.in_force.load_full()
    }

    /// Waits until no other order is being given.
    pub async fn turn(self: &Arc<Self>) -> Turn<'_> {
        Turn { orders: self, _turn: self.turns.lock().await }
    }

    /// Changes the record, on this thread: it writes and syncs.
    fn change<T>(&self, change: impl FnOnce(&mut Orders) -> T) -> Result<T, StandingError> {
        let mut record = self.record.lock();
        let result = record.change(change)?;
        self.in_force.store(Arc::new(record.orders().clone()));
        Ok(result)
    }
}

impl Turn<'_> {
    /// Makes a change durable and puts it in force; what `change` returns is handed back. On an error the
    /// orders are as before.
    pub async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Orders) -> T + Send + 'static,
    ) -> Result<T, StandingError> {
        let orders = Arc::clone(self.orders);
        match tokio::task::spawn_blocking(move || orders.change(change)).await {
            Ok(changed) => changed,
            Err(gone) => Err(StandingError::Unsure(gone.to_string().into())),
        }
    }
}
