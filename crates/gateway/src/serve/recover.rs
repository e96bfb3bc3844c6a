//! The queue found at the start, streamed into the shard while listeners and delivery already run.
//!
//! At most [`PORTION`] recipients are on their way at a time: the next portion leaves when the shard has taken
//! the one before, so neither memory nor the shard is flooded however deep the queue is.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;
use mailreeve_core::delivery::io::Waiting;
use mailreeve_core::event::{Event, Severity, Stamped};
use mailreeve_core::ids::Mid;
use mailreeve_store::committer::Change;
use mailreeve_store::spool::{Apart, Batch, Damaged, Page, Recovery};
use tokio::sync::oneshot;

use crate::context::Context;
use crate::deliver::recovered;
use crate::deliver::shard::{Message, ShardHandle};

/// Recipients handed to the shard at a time.
const PORTION: usize = 1_000;
/// Changes that may wait for a commit when the next is handed over: damage is no reason to fill memory.
const WAITING_CHANGES: usize = 64;
/// How soon the commit thread is looked at again: it tells nobody when it has caught up.
const LOOK: Duration = Duration::from_millis(2);

/// The shard is gone: the daemon is stopping.
struct Stopping;

/// Starts the thread that reads the queue back.
pub(super) fn start(context: Arc<Context>, mut recovery: Recovery) -> Result<JoinHandle<()>> {
    context.recovery.set(0, recovery.total());
    let thread = std::thread::Builder::new().name("recovery".to_owned()).spawn(move || {
        loop {
            match recovery.next_page() {
                Ok(Some(page)) => {
                    if hand_over(&context, page).is_err() {
                        return;
                    }
                    context.recovery.set(recovery.done(), recovery.total());
                }
                Ok(None) => {
                    context.recovery.set(recovery.total(), recovery.total());
                    return context.work_queue.wake();
                }
                Err(error) => {
                    return context.events.alert(
                        Severity::Critical,
                        "recovery-stopped",
                        format!("the queue could not be read to its end: {error}"),
                        "look at the disk of data_dir and restart; nothing was removed",
                    );
                }
            }
        }
    })?;
    Ok(thread)
}

fn hand_over(context: &Context, page: Page) -> Result<(), Stopping> {
    let mut portion = Vec::with_capacity(PORTION);
    for message in page.messages {
        if message.waiting.is_empty() {
            wait_for_commits(context);
            finish(context, message.envelope.mid);
        }
        if context.work_queue.recovered(&message.envelope, &message.waiting) {
            continue;
        }
        // A message is not cut: its last end must be known when it comes.
        portion.extend(recovered(&message.envelope, message.waiting));
        if portion.len() >= PORTION {
            pass(&context.shard, std::mem::take(&mut portion))?;
        }
    }
    for damaged in page.damaged {
        wait_for_commits(context);
        set_apart(context, &damaged);
    }
    pass(&context.shard, portion)
}

/// Hands a portion to the shard and waits until it is taken.
fn pass(shard: &ShardHandle, waiting: Vec<Waiting>) -> Result<(), Stopping> {
    if waiting.is_empty() {
        return Ok(());
    }
    let (taken, told) = oneshot::channel();
    shard.send(Message::Recovered(waiting, taken)).map_err(|_| Stopping)?;
    told.blocking_recv().map_err(|_| Stopping)
}

/// Waits until the commit thread has nearly caught up.
fn wait_for_commits(context: &Context) {
    while context.commits.depth().urgent >= WAITING_CHANGES {
        std::thread::sleep(LOOK);
    }
}

/// Every recipient of it has ended, and only its removal was not committed before the end of the last run.
fn finish(context: &Context, mid: Mid) {
    let event = Stamped { at: context.clock.wall().0, event: Event::Finished { mid } };
    let batch = Batch { dels: vec![mid], events: vec![event], ..Batch::default() };
    // A spool that is closed finds it again at the next start.
    let _ = context.commits.submit(Change { batch, token: None });
}

/// Takes a damaged record out of the queue, keeps it for inspection, and says so.
pub(super) fn set_apart(context: &Context, damaged: &Damaged) {
    let Damaged { mid, detail } = damaged;
    let at = context.clock.wall().0;
    // What of the record can be read still tells how many recipients leave the queue with it: who ended before did
    // not wait for this.
    let left = context.reader.left(*mid);
    let detail = &match &left {
        Ok(_) => detail.clone(),
        Err(_) => format!("{detail}; how many recipients waited cannot be read"),
    };
    let recipients = u32::try_from(left.unwrap_or(0)).unwrap_or(u32::MAX);
    let told =
        [Event::Corrupt { mid: *mid, recipients, detail: detail.clone() }, Event::Finished { mid: *mid }];
    let batch = Batch {
        aparts: vec![Apart { mid: *mid, detail: detail.clone() }],
        events: told.into_iter().map(|event| Stamped { at, event }).collect(),
        ..Batch::default()
    };
    let _ = context.commits.submit(Change { batch, token: None });
    context.alert_corrupt(*mid, detail);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]

    use super::*;

    #[test]
    fn a_portion_waits_until_the_shard_has_taken_the_one_before() {
        let (shard, mut messages) = ShardHandle::channel();
        let waiting = || Waiting {
            mid: Mid(1),
            rid: mailreeve_core::ids::Rid(0),
            host: mailreeve_core::ids::Host::new("example.com"),
            accepted_at: 0,
            size: 1,
            content: Default::default(),
            state: None,
            null_sender: false,
            notify_failure: true,
            notify_delay: true,
        };
        let reading =
            std::thread::spawn(move || (0..3).take_while(|_| pass(&shard, vec![waiting()]).is_ok()).count());
        let mut next = || match messages.blocking_recv() {
            Some(Message::Recovered(waiting, taken)) => (waiting.len(), taken),
            _ => panic!("no portion came"),
        };
        let (count, taken) = next();
        assert_eq!(count, 1);
        assert!(taken.send(()).is_ok());
        drop(next());
        // The second is not acknowledged: the shard is gone, and nothing more was on its way.
        assert!(reading.join().is_ok_and(|passed| passed == 1));
        assert!(messages.try_recv().is_err());
    }
}
