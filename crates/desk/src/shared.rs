//! Looks that several open pages take at once: the daemon is asked once for all of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mailreeve_api::wire::{Call, Caller, Problem};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::time::Instant;

use crate::channel::Channel;

/// How long a reply is good for others: pages that stay open are read again every two seconds at most.
const FRESH: Duration = Duration::from_secs(1);
/// Different looks that are kept.
const KEPT: usize = 64;

/// A reply and when it came; locked while it is asked for.
type Look = Arc<tokio::sync::Mutex<Option<(Instant, Arc<Value>)>>>;

/// Replies to looks that every role may take, by call.
#[derive(Default)]
pub(crate) struct Shared {
    looks: Mutex<HashMap<String, Look>>,
}

impl Shared {
    /// Gives the reply to a look that every role may take, of this second.
    ///
    /// # Errors
    /// The gateway's problem with it; the next who asks tries again.
    pub(crate) async fn ask(
        &self,
        channel: &Channel,
        call: &Call,
        caller: &Caller,
    ) -> Result<Arc<Value>, Problem> {
        let look = self.look(format!("{} {}", call.command, call.args));
        let mut kept = look.lock().await;
        if let Some((came, reply)) = &*kept
            && came.elapsed() < FRESH
        {
            return Ok(Arc::clone(reply));
        }
        let reply = Arc::new(channel.ask(call, caller).await?);
        *kept = Some((Instant::now(), Arc::clone(&reply)));
        Ok(reply)
    }

    fn look(&self, call: String) -> Look {
        let mut looks = self.looks.lock();
        if looks.len() >= KEPT && !looks.contains_key(&call) {
            // Those that somebody waits for have a second owner.
            looks.retain(|_, look| Arc::strong_count(look) > 1);
        }
        Arc::clone(looks.entry(call).or_default())
    }
}
