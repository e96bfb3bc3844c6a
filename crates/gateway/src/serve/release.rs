//! What waited in the work queue enters delivery: in the order of its numbers, in slices, read back from the
//! spool as the queue is after a start.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mailreeve_core::delivery::io::Waiting;
use mailreeve_core::event::{Event, Severity, Stamped};
use mailreeve_core::ids::Mid;
use mailreeve_store::committer::Change;
use mailreeve_store::spool::{Batch, Damaged, ReadError};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::recover::set_apart;
use crate::context::Context;
use crate::deliver::recovered;
use crate::deliver::shard::Message;
use crate::listen::grouped;

/// Recipients in a slice, and one message more at most.
const SLICE: usize = 1_000;
/// Rest of a message that could not be read; the others leave meanwhile.
const REST: Duration = Duration::from_secs(30);

/// A slice read back.
#[derive(Default)]
struct Slice {
    mids: Vec<Mid>,
    unread: Vec<(Mid, String)>,
    waiting: Vec<Waiting>,
    events: Vec<Stamped>,
}

/// Messages that could not be read, and when each is tried again.
#[derive(Default)]
struct Resting(BTreeMap<Mid, Instant>);

impl Resting {
    fn rests(&self, mid: Mid, now: Instant) -> bool {
        self.0.get(&mid).is_some_and(|until| *until > now)
    }

    /// Lets a message rest; tells whether it is the first time.
    fn put(&mut self, mid: Mid, until: Instant) -> bool {
        self.0.insert(mid, until).is_none()
    }

    /// Forgets messages that left.
    fn left(&mut self, mids: &[Mid]) {
        for mid in mids {
            self.0.remove(mid);
        }
    }

    /// Waits until a rest is over that is not over at `now`.
    async fn over(&self, now: Instant) {
        match self.0.values().filter(|until| **until > now).min() {
            Some(until) => tokio::time::sleep_until(*until).await,
            None => std::future::pending().await,
        }
    }
}

/// Releases until the runtime ends.
pub(super) async fn run(context: Arc<Context>) {
    let mut resting = Resting::default();
    loop {
        let now = Instant::now();
        let taking = context.work_queue.taking().await;
        let mids = context.work_queue.leaving(SLICE, |mid| resting.rests(mid, now));
        if mids.is_empty() {
            drop(taking);
            settle(&context).await;
            tokio::select! {
                () = context.work_queue.changed() => {}
                () = resting.over(now) => {}
            }
            continue;
        }
        let (reading, slice) = (Arc::clone(&context), mids.clone());
        let slice = match tokio::task::spawn_blocking(move || read(&reading, slice)).await {
            Ok(slice) => slice,
            Err(error) if error.is_cancelled() => return,
            Err(error) => {
                let unread = mids.into_iter().map(|mid| (mid, error.to_string())).collect();
                Slice { unread, ..Slice::default() }
            }
        };
        for (mid, why) in &slice.unread {
            if resting.put(*mid, Instant::now() + REST) {
                alert(&context, *mid, why);
            }
        }
        resting.left(&slice.mids);
        if hand_over(&context, slice).await.is_none() {
            return;
        }
        drop(taking);
        settle(&context).await;
    }
}

fn alert(context: &Context, mid: Mid, why: &str) {
    context.events.alert(
        Severity::Critical,
        "release-stopped",
        format!("MID {mid} of the work queue cannot be read: {why}; it is tried again, the others leave"),
        "look at the disk of data_dir; nothing was removed",
    );
}

fn read(context: &Context, mids: Vec<Mid>) -> Slice {
    let at = context.clock.wall().0;
    let mut slice = Slice::default();
    for mid in mids {
        match context.reader.waiting(mid) {
            Ok((envelope, waiting)) => {
                let waiting: Vec<Waiting> = recovered(&envelope, waiting).collect();
                let destinations = grouped(waiting.iter().map(|one| (&one.host, one.rid)));
                slice.events.push(Stamped { at, event: Event::Queued { mid, destinations } });
                slice.waiting.extend(waiting);
            }
            // It ended meanwhile.
            Err(ReadError::NotFound(_)) => {}
            Err(ReadError::Damaged { mid, what, detail }) => {
                set_apart(context, &Damaged { mid, detail: format!("{what}: {detail}") });
            }
            Err(error @ ReadError::Io(_)) => {
                slice.unread.push((mid, error.to_string()));
                continue;
            }
        }
        slice.mids.push(mid);
    }
    slice
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_cannot_be_read_rests_and_is_told_once() {
        let mut resting = Resting::default();
        let now = Instant::now();
        assert!(resting.put(Mid(1), now + REST), "told");
        assert!(resting.rests(Mid(1), now) && !resting.rests(Mid(2), now));
        assert!(!resting.rests(Mid(1), now + REST), "tried again");
        assert!(!resting.put(Mid(1), now + 2 * REST), "not told again");
        resting.left(&[Mid(1)]);
        assert!(resting.put(Mid(1), now + REST), "another failure after it was read");
    }

    #[tokio::test]
    async fn a_rest_that_is_over_wakes_once() {
        let mut resting = Resting::default();
        let now = Instant::now();
        resting.put(Mid(1), now);
        let soon = now + Duration::from_millis(5);
        assert!(tokio::time::timeout_at(soon, resting.over(now)).await.is_err(), "it is in line already");
        resting.put(Mid(2), soon);
        assert!(tokio::time::timeout(REST, resting.over(now)).await.is_ok());
    }
}
