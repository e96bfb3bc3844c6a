//! Opening a connection for the shard.

use std::sync::Arc;

use mailreeve_core::delivery::io::Effect;
use tokio::sync::{Notify, mpsc};

use super::{Line, Shell};
use crate::deliver::connection::story::Story;
use crate::deliver::connection::{self, Plan};
use crate::host_watch;

impl Shell {
    /// Carries [`Effect::Connect`] out; any other effect is not this one's.
    pub(super) fn connect(&mut self, effect: Effect) {
        let Effect::Connect { dcid, bearer, slot: _, host, targets, tls, credentials, implicit_tls } = effect
        else {
            return;
        };
        let (orders, receiver) = mpsc::channel(2);
        let cut = Arc::new(Notify::new());
        self.lines.insert(dcid, Line { orders, cut: Arc::clone(&cut) });
        // The shard counts by itself from the first number of the block: taking one here keeps the
        // durable block ahead of it.
        let reserved = self.context.ids.dcid();
        debug_assert!(reserved.is_none_or(|reserved| reserved == dcid), "the shard counts alone");
        let running = self.context.running.load_full();
        let credentials = credentials.and_then(|name| running.credentials.get(name.as_ref()).cloned());
        let looked_up = self.looked_up.remove(&host);
        host_watch::opening(&self.context, &host);
        let recorder = self.context.recorder.clone();
        let story = Story::new(self.context.clock, recorder, host.clone(), dcid, bearer, looked_up);
        let plan = Plan {
            context: Arc::clone(&self.context),
            running,
            dcid,
            host,
            targets,
            tls,
            credentials,
            implicit_tls,
            inputs: self.inputs.clone(),
            orders: receiver,
            cut,
            room: self.room.clone(),
        };
        tokio::spawn(connection::run(plan, Box::new(story)));
    }
}
