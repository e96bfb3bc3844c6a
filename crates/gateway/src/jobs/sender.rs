//! Who waits from a sender: the shard does not know senders, so envelopes are read back, page by page.

use std::collections::BTreeMap;
use std::time::Duration;

use mailreeve_core::delivery::io::Scope;
use mailreeve_core::ids::Mid;
use tokio::time::Instant;

use super::{Stopped, held};
use crate::context::Context;

/// Recipients a page.
const PAGE: usize = 1_000;
/// Time for a count: whoever asks waits for it.
const COUNTING: Duration = Duration::from_secs(10);

/// Messages of the sender among a page of waiting recipients.
pub(super) struct Page {
    pub(super) mids: Vec<Mid>,
    /// Recipients of these.
    recipients: u64,
}

/// Hands the sender's messages below `upto` to `take`, page by page; pages without any are left out.
pub(super) async fn pages(
    context: &Context,
    sender: &str,
    upto: Mid,
    mut take: impl FnMut(Page) -> Result<(), Stopped>,
) -> Result<(), Stopped> {
    let mut cursor = None;
    loop {
        let page = context
            .shard
            .ask(move |delivery, now| delivery.recipients(&Scope::All, cursor, PAGE, now))
            .await
            .map_err(|_| Stopped::Stopping)?;
        let mut waiting: BTreeMap<Mid, u64> = BTreeMap::new();
        for view in page.recipients.iter().filter(|view| view.mid < upto) {
            *waiting.entry(view.mid).or_default() += 1;
        }
        let (reader, sender) = (context.reader.clone(), sender.to_owned());
        let read = tokio::task::spawn_blocking(move || {
            // A message that ended meanwhile waits no more.
            let is_from = |mid: Mid| {
                let envelope = reader.envelope(mid).ok();
                envelope.is_some_and(|envelope| envelope.sender.to_string().eq_ignore_ascii_case(&sender))
            };
            waiting.retain(|mid, _| is_from(*mid));
            waiting
        });
        let found = read.await.map_err(|_| Stopped::Stopping)?;
        if !found.is_empty() {
            take(Page { recipients: found.values().sum(), mids: found.into_keys().collect() })?;
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(()),
        }
    }
}

/// Counts the waiting recipients of a sender's messages, for ten seconds at most: then what was found by then.
pub async fn count(context: &Context, sender: &str) -> u64 {
    let (mut recipients, end) = (0, Instant::now() + COUNTING);
    let counting = async {
        held::count(context, sender, &mut recipients).await?;
        pages(context, sender, Mid(u64::MAX), |page| {
            recipients += page.recipients;
            Ok(())
        })
        .await
    };
    // What was counted by then is the answer, whatever ended the counting.
    let _ = tokio::time::timeout_at(end, counting).await;
    recipients
}
