//! What waited in the work queue enters delivery: in the order of its numbers, in slices, read back from the
//! spool as the queue is after a start.

use std::sync::Arc;
use std::time::Duration;

use mailreeve_core::delivery::io::Waiting;
use mailreeve_core::event::{Event, Severity, Stamped};
use mailreeve_core::ids::Mid;
use mailreeve_store::committer::Change;
use mailreeve_store::spool::{Batch, Damaged, ReadError};
use tokio::sync::oneshot;

use super::recover::set_apart;
use crate::context::Context;
use crate::deliver::recovered;
use crate::deliver::shard::Message;
use crate::listen::by_destination;

/// Recipients in a slice, and one message more at most.
const SLICE: u32 = 1_000;
/// Rest after a failure of the disk.
const REST: Duration = Duration::from_secs(5);

/// A slice read back.
#[derive(Default)]
struct Slice {
    mids: Vec<Mid>,
    waiting: Vec<Waiting>,
    events: Vec<Stamped>,
}

/// Releases until the runtime ends.
pub(super) async fn run(context: Arc<Context>) {
    loop {
        let mids = context.work_queue.leaving(SLICE);
        if mids.is_empty() {
            settle(&context).await;
            context.work_queue.changed().await;
            continue;
        }
        let reading = Arc::clone(&context);
        match tokio::task::spawn_blocking(move || read(&reading, mids)).await {
            Ok(Ok(slice)) => {
                if hand_over(&context, slice).await.is_none() {
                    return;
                }
                settle(&context).await;
            }
            Ok(Err(error)) => {
                context.events.alert(
                    Severity::Critical,
                    "release-stopped",
                    format!("messages of the work queue cannot be read: {error}; it is tried again"),
                    "look at the disk of data_dir; nothing was removed",
                );
                tokio::time::sleep(REST).await;
            }
            Err(_) => return,
        }
    }
}

fn read(context: &Context, mids: Vec<Mid>) -> Result<Slice, ReadError> {
    let at = context.clock.wall().0;
    let mut slice = Slice::default();
    for mid in mids {
        slice.mids.push(mid);
        match context.reader.waiting(mid) {
            Ok((envelope, waiting)) => {
                let destinations = by_destination(&envelope.recipients);
                slice.events.push(Stamped { at, event: Event::Queued { mid, destinations } });
                let waiting = waiting.into_iter();
                slice.waiting.extend(waiting.filter_map(|(rid, state)| recovered(&envelope, rid, state)));
            }
            // It ended meanwhile.
            Err(ReadError::NotFound(_)) => {}
            Err(ReadError::Damaged { mid, what, detail }) => {
                set_apart(context, &Damaged { mid, detail: format!("{what}: {detail}") });
            }
            Err(error @ ReadError::Io(_)) => return Err(error),
        }
    }
    Ok(slice)
}

/// Tells that they left, then hands them to the shard and waits until they are taken. The changes of one submitter
/// are committed in their order, so no end of theirs is told before. `None`: the daemon is stopping.
async fn hand_over(context: &Context, slice: Slice) -> Option<()> {
    if !slice.events.is_empty() {
        let batch = Batch { events: slice.events, ..Batch::default() };
        context.commits.submit(Change { batch, token: None }).ok()?;
    }
    if !slice.waiting.is_empty() {
        let (taken, told) = oneshot::channel();
        context.shard.send(Message::Recovered(slice.waiting, taken)).ok()?;
        told.await.ok()?;
    }
    context.work_queue.gone(&slice.mids);
    Some(())
}

async fn settle(context: &Context) {
    if context.recovery.going_on().is_some() {
        return;
    }
    // Orders that are not forgotten cost a second `Queued` after a restart, nothing else.
    let _ = context.work_queue.settle().await;
}
