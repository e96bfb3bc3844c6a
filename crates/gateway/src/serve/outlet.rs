//! What follows a commit: its events are told, its mail goes to delivery, who waits for it is answered.

use std::sync::Arc;

use bytes::Bytes;
use mailreeve_core::event::{Event, Severity, Stamped};
use mailreeve_store::committer::Committed;
use mailreeve_store::spool::{Batch, Content, Staging};

use crate::deliver::shard::{Message, ShardHandle};
use crate::events::EventSink;
use crate::receipts::{NotStored, ReceiptRouter};
use crate::work_queue::WorkQueue;

/// Where the commit thread's answers go: events first, then delivery, then the waiting sessions.
pub(super) struct Outlet {
    pub(super) events: EventSink,
    pub(super) shard: ShardHandle,
    pub(super) receipts: ReceiptRouter,
    pub(super) staging: Staging,
    pub(super) work_queue: Arc<WorkQueue>,
}

impl Outlet {
    /// Passes a commit on.
    pub(super) fn pass(&self, mut committed: Committed) {
        let ended = committed.done.iter().chain(committed.refused.iter().map(|(change, _)| change));
        let delivered: usize = ended.map(|change| delivered(&change.batch)).sum();
        if let Some(seq) = committed.seq {
            let events =
                committed.done.iter_mut().flat_map(|change| std::mem::take(&mut change.batch.events));
            self.events.committed(seq, events);
        }
        if delivered > 0 {
            let _ = self.shard.send(Message::EndsSettled(delivered));
        }
        let mut messages = Vec::new();
        for change in &mut committed.done {
            for put in change.batch.puts.drain(..).filter(|put| !self.work_queue.arrived(&put.envelope)) {
                let content: Option<Bytes> = match put.content {
                    Content::Memory(bytes) => Some(bytes),
                    Content::Staged { .. } => None,
                };
                messages.push((put.envelope, content));
            }
        }
        if !messages.is_empty() {
            // A shard that is gone reads them from the spool at the next start.
            let _ = self.shard.send(Message::Committed(messages));
        }
        for (change, error) in &committed.refused {
            for put in &change.batch.puts {
                self.staging.discard(&put.content);
            }
            // Nobody waits for these: an end that is not recorded must be heard of all the same.
            if change.token.is_none() {
                self.events.alert(
                    Severity::Critical,
                    "end-not-recorded",
                    format!("a change of the queue was not committed: {error}"),
                    "what it concerned is tried again after a restart; look at the disk of data_dir",
                );
            }
        }
        let done = committed.done.iter().filter_map(|change| Some((change.token?, Ok(()))));
        let refused = committed
            .refused
            .iter()
            .filter_map(|(change, error)| Some((change.token?, Err(NotStored(error.to_string())))));
        self.receipts.tell(done.chain(refused));
    }
}

/// Counts the recipients whose delivery a change records.
fn delivered(batch: &Batch) -> usize {
    if batch.is_new_mail() {
        return 0;
    }
    let of_event = |stamped: &Stamped| match &stamped.event {
        Event::Delivered { rids, .. } => rids.len(),
        _ => 0,
    };
    batch.events.iter().map(of_event).sum()
}
