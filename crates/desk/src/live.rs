//! What goes on, for pages that stay open: asked once a second for all listeners together, and only while there
//! are any.

use std::sync::Arc;
use std::time::Duration;

use mailreeve_api::command::Role;
use mailreeve_api::wire::{Call, Caller, Problem};
use serde_json::{Value, json};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use crate::channel::Channel;

/// Listeners at a time.
const LISTENERS: usize = 64;
/// How often the daemon is asked.
const EVERY: Duration = Duration::from_secs(1);

/// The newest state: JSON, `{"v":1,"status":{...},"tophosts":{...}}` with the replies of these commands, or
/// `{"v":1,"error":{...}}`.
pub type State = Option<Arc<str>>;

/// Where to listen.
pub struct Live {
    newest: watch::Sender<State>,
    came: Arc<Notify>,
    seats: Arc<Semaphore>,
}

/// One who listens.
pub struct Listener {
    newest: watch::Receiver<State>,
    _seat: OwnedSemaphorePermit,
}

/// Starts asking. Ends with the runtime.
pub(crate) fn start(channel: Channel) -> Live {
    let (newest, _) = watch::channel(None);
    let live = Live { newest, came: Arc::default(), seats: Arc::new(Semaphore::new(LISTENERS)) };
    tokio::spawn(ask(channel, live.newest.clone(), Arc::clone(&live.came)));
    live
}

impl Live {
    /// Listens; `None` when too many do.
    pub fn listen(&self) -> Option<Listener> {
        let seat = Arc::clone(&self.seats).try_acquire_owned().ok()?;
        let newest = self.newest.subscribe();
        self.came.notify_one();
        Some(Listener { newest, _seat: seat })
    }
}

impl Listener {
    /// Waits for the next state.
    pub async fn next(&mut self) -> Option<Arc<str>> {
        self.newest.changed().await.ok()?;
        self.newest.borrow_and_update().clone()
    }
}

async fn ask(channel: Channel, newest: watch::Sender<State>, came: Arc<Notify>) {
    // Everybody who may sign in may see these two.
    let caller = Caller { user: "desk".to_owned(), role: Role::ReadOnlyOperator, from: "desk".to_owned() };
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        while newest.receiver_count() == 0 {
            came.notified().await;
        }
        ticks.tick().await;
        let state = match both(&channel, &caller).await {
            Ok(state) => state,
            Err(problem) => json!({ "v": 1, "error": problem }),
        };
        newest.send_replace(Some(state.to_string().into()));
    }
}

async fn both(channel: &Channel, caller: &Caller) -> Result<Value, Problem> {
    let status = channel.ask(&Call::new("status", json!({})), caller).await?;
    let hosts = Call::new("tophosts", json!({ "key": "active_rcpts" }));
    let hosts = channel.ask(&hosts, caller).await?;
    Ok(json!({ "v": 1, "status": status, "tophosts": hosts }))
}
