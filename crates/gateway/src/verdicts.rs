//! Verdicts on destinations over restarts: kept while they change, taken up before anything runs.

use std::sync::Arc;
use std::time::Duration;

use mailreeve_core::Instant;
use mailreeve_core::delivery::{CarriedVerdict, Delivery};
use mailreeve_store::verdicts;

use crate::context::Context;

/// How often they are looked at: what a kill costs operators to know.
const EVERY: Duration = Duration::from_secs(5);
/// Destinations that are carried over.
const MOST: usize = 5_000;

/// What was kept last.
#[derive(Default)]
pub(crate) struct Kept(Vec<CarriedVerdict>);

/// Takes up what the run before has kept.
pub(crate) fn take_up(context: &Context, delivery: &mut Delivery, now: Instant) {
    let dir = context.running.load().config.data_dir.clone();
    for verdict in verdicts::read(&dir).iter().take(MOST) {
        delivery.restore_verdict(verdict, now);
        context.hosts.take_up(&verdict.host, verdict.status);
    }
}

/// Keeps them until the runtime ends.
pub(crate) async fn run(context: Arc<Context>) {
    let mut kept = Kept::default();
    loop {
        tokio::time::sleep(EVERY).await;
        keep(&context, &mut kept).await;
    }
}

/// Keeps them if they changed. A disk that cannot be written has alerts of its own, and mail does not need this.
pub(crate) async fn keep(context: &Context, kept: &mut Kept) {
    let Ok(failing) = context.shard.ask(|delivery, _| delivery.failing(MOST)).await else { return };
    if failing == kept.0 {
        return;
    }
    let dir = context.running.load().config.data_dir.clone();
    let written =
        tokio::task::spawn_blocking(move || verdicts::write(&dir, &failing).map(|()| failing)).await;
    if let Ok(Ok(failing)) = written {
        kept.0 = failing;
    }
}
