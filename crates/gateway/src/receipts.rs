//! Who waits for which commit: the commit thread wakes a whole runtime once a batch, not a session at a time.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

/// How a commit ended for one waiting session.
pub type Receipt = Result<(), NotStored>;

/// The message is not ours: the sender must keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotStored(pub String);

type Bundle = Vec<(u32, Receipt)>;

/// The waiting sessions of one receiving runtime.
pub struct Receipts {
    runtime: u32,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    senders: Vec<Option<oneshot::Sender<Receipt>>>,
    free: Vec<u32>,
}

/// The commit thread's end: one channel for each receiving runtime.
#[derive(Clone, Default)]
pub struct ReceiptRouter {
    runtimes: Vec<mpsc::UnboundedSender<Bundle>>,
}

impl ReceiptRouter {
    /// Adds a runtime; the returned task-to-be must run in it.
    pub fn add_runtime(&mut self) -> (Arc<Receipts>, Dispatcher) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let runtime = u32::try_from(self.runtimes.len()).unwrap_or(u32::MAX);
        self.runtimes.push(sender);
        let receipts = Arc::new(Receipts { runtime, waiting: Mutex::default() });
        (Arc::clone(&receipts), Dispatcher { receipts, bundles: receiver })
    }

    /// Tells everybody whose commit ended; each runtime is woken once.
    pub fn tell(&self, ended: impl Iterator<Item = (u64, Receipt)>) {
        let mut bundles: Vec<Bundle> = vec![Vec::new(); self.runtimes.len()];
        for (token, receipt) in ended {
            let runtime = usize::try_from(token >> 32).unwrap_or(usize::MAX);
            if let Some(bundle) = bundles.get_mut(runtime) {
                bundle.push((token as u32, receipt));
            }
        }
        for (sender, bundle) in self.runtimes.iter().zip(bundles) {
            if !bundle.is_empty() {
                // A runtime that is gone has nobody waiting any more.
                let _ = sender.send(bundle);
            }
        }
    }
}

impl Receipts {
    /// Registers a waiter: the token travels with the commit, the receiver gets its end.
    pub fn wait(&self) -> (u64, oneshot::Receiver<Receipt>) {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.waiting.lock();
        let index = match waiting.free.pop() {
            Some(index) => {
                waiting.senders[index as usize] = Some(sender);
                index
            }
            None => {
                waiting.senders.push(Some(sender));
                u32::try_from(waiting.senders.len() - 1).unwrap_or(u32::MAX)
            }
        };
        ((u64::from(self.runtime) << 32) | u64::from(index), receiver)
    }

    /// Takes a registration back, when the commit was refused at once.
    pub fn forget(&self, token: u64) {
        self.take(token as u32);
    }

    fn take(&self, index: u32) -> Option<oneshot::Sender<Receipt>> {
        let mut waiting = self.waiting.lock();
        let sender = waiting.senders.get_mut(index as usize)?.take()?;
        waiting.free.push(index);
        Some(sender)
    }
}

/// Hands receipts to the sessions of its runtime.
pub struct Dispatcher {
    receipts: Arc<Receipts>,
    bundles: mpsc::UnboundedReceiver<Bundle>,
}

impl Dispatcher {
    /// Runs until the commit thread is gone.
    pub async fn run(mut self) {
        while let Some(bundle) = self.bundles.recv().await {
            for (index, receipt) in bundle {
                if let Some(sender) = self.receipts.take(index) {
                    // The session may have been cut meanwhile; the message is stored all the same.
                    let _ = sender.send(receipt);
                }
            }
        }
    }
}
