//! A job reaches those in the work queue, too: they are read back portion by portion, and the shard decides how each
//! ends without taking it in.
//!
//! Nothing leaves the work queue while a portion is worked on, and the next begins when what was decided about it is
//! committed: what leaves later is read from the spool as the job left it.

use std::collections::BTreeMap;

use mailreeve_core::delivery::io::{HeldMessage, HeldSlice, Input, Waiting};
use mailreeve_core::event::Deed;
use mailreeve_core::ids::{Host, Mid};
use mailreeve_store::spool::{Batch, Reader};
use mailreeve_store::standing::{Job, JobScope};

use super::{Stopped, committed, give};
use crate::context::Context;
use crate::deliver::recovered;

/// Recipients that are looked at when a sender's are counted.
const LOOKED_AT: usize = 1_000;

/// A portion of the work queue that was read back.
#[derive(Default)]
struct Portion {
    messages: Vec<HeldMessage>,
    /// What waits of each afterwards.
    left: Vec<(Mid, BTreeMap<Host, u32>)>,
}

/// Does a job's deed to all whom it concerns in the work queue.
pub(super) async fn sweep(context: &Context, job: &Job) -> Result<(), Stopped> {
    let mut after = None;
    loop {
        let _taking = context.work_queue.taking().await;
        let mut mids = portion(context, &job.scope, after, job.deed.slice());
        mids.retain(|mid| *mid < job.upto_mid);
        let Some(last) = mids.last().copied() else { return Ok(()) };
        after = Some(last);
        let (reader, scope, deed) = (context.reader.clone(), job.scope.clone(), job.deed.clone());
        let read = tokio::task::spawn_blocking(move || read(&reader, &mids, &scope, &deed));
        let Portion { messages, left } = read.await.map_err(|_| Stopped::Stopping)?;
        if messages.is_empty() {
            continue;
        }
        let (deed, by) = (job.deed.clone(), job.given.by.clone());
        let mut steps = give(context, job, |id| Input::Held(HeldSlice { id, deed, by, messages }))?;
        while !steps.borrow_and_update().over {
            steps.changed().await.map_err(|_| Stopped::Stopping)?;
        }
        committed(context, Batch::default()).await?;
        for (mid, hosts) in left {
            context.work_queue.keeps(mid, hosts);
        }
    }
}

/// Counts the recipients of a sender's messages in the work queue into `recipients`.
pub(super) async fn count(context: &Context, sender: &str, recipients: &mut u64) -> Result<(), Stopped> {
    let (scope, mut after) = (JobScope::Sender(sender.to_owned()), None);
    loop {
        let mids = portion(context, &scope, after, LOOKED_AT);
        let Some(last) = mids.last().copied() else { return Ok(()) };
        after = Some(last);
        let (reader, scope) = (context.reader.clone(), scope.clone());
        let read = tokio::task::spawn_blocking(move || read(&reader, &mids, &scope, &Deed::Delete));
        let Portion { messages, .. } = read.await.map_err(|_| Stopped::Stopping)?;
        *recipients += messages.iter().map(|message| message.recipients.len() as u64).sum::<u64>();
    }
}

/// Returns the next messages that may be concerned, with at most about `most` recipients.
fn portion(context: &Context, scope: &JobScope, after: Option<Mid>, most: usize) -> Vec<Mid> {
    match scope {
        JobScope::All | JobScope::Sender(_) => context.work_queue.portion(None, after, most),
        JobScope::Host(host) => context.work_queue.portion(Some(host), after, most),
        JobScope::Message(mid) => {
            let held = after.is_none() && context.work_queue.recipients_of(*mid) > 0;
            held.then_some(*mid).into_iter().collect()
        }
    }
}

/// Reads messages back. What cannot be read is left to the release, which tells of it.
fn read(reader: &Reader, mids: &[Mid], scope: &JobScope, deed: &Deed) -> Portion {
    let mut portion = Portion::default();
    for (envelope, waiting) in mids.iter().filter_map(|mid| reader.waiting(*mid).ok()) {
        let of_sender = |sender: &String| envelope.sender.to_string().eq_ignore_ascii_case(sender);
        if matches!(scope, JobScope::Sender(sender) if !of_sender(sender)) {
            continue;
        }
        let concerned = |one: &Waiting| !matches!(scope, JobScope::Host(host) if *host != one.host);
        let (recipients, others): (Vec<_>, Vec<_>) = recovered(&envelope, waiting).partition(concerned);
        if recipients.is_empty() {
            continue;
        }
        let mut left: BTreeMap<Host, u32> = BTreeMap::new();
        for other in &others {
            *left.entry(other.host.clone()).or_default() += 1;
        }
        if let Deed::Redirect { to } = deed {
            *left.entry(to.clone()).or_default() += u32::try_from(recipients.len()).unwrap_or(u32::MAX);
        }
        portion.left.push((envelope.mid, left));
        portion.messages.push(HeldMessage { recipients, others_wait: !others.is_empty() });
    }
    portion
}
