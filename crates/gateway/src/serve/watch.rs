//! What must be looked at now and then: the spool's disk, its health, the size of the queue.

use std::sync::Arc;
use std::time::Duration;

use mailreeve_core::delivery::io::Input;
use mailreeve_core::event::{Event, Severity, SpoolSpace};
use mailreeve_store::space::SpaceGuard;

use crate::context::Context;
use crate::deliver::shard::Message;

/// How often.
const EVERY: Duration = Duration::from_millis(500);

/// Watches until the runtime ends.
pub(super) async fn run(context: Arc<Context>, space: Arc<SpaceGuard>) {
    let mut before = SpoolSpace::Enough;
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = match context.health.failure() {
            Some(_) => SpoolSpace::Failed,
            None => look(&context, &space).await.unwrap_or(before),
        };
        if now != before {
            changed(&context, &space, before, now);
            before = now;
        }
        if let Ok(gauges) = context.shard.ask(|delivery, _| delivery.gauges()).await {
            context.intake.set_queued(gauges.active as u64 + context.work_queue.load().recipients);
        }
    }
}

async fn look(context: &Context, space: &Arc<SpaceGuard>) -> Option<SpoolSpace> {
    let space = Arc::clone(space);
    let looked = tokio::task::spawn_blocking(move || space.check()).await;
    match looked {
        Ok(Ok((state, _))) => Some(state),
        Ok(Err(error)) => {
            context.events.alert(
                Severity::Warning,
                "disk-unknown",
                format!("the free space of the spool's disk cannot be read: {error}"),
                "look at the disk of data_dir",
            );
            None
        }
        Err(_) => None,
    }
}

fn changed(context: &Context, space: &SpaceGuard, before: SpoolSpace, now: SpoolSpace) {
    context.intake.set_space(now);
    let free = space.check().map_or(0, |(_, free)| free);
    context.events.tell(Event::SpoolSpace { state: now, free_bytes: free });
    let stops = |state| matches!(state, SpoolSpace::Reserve | SpoolSpace::Failed);
    if stops(now) != stops(before) {
        let exhausted = stops(now);
        let _ = context.shard.send(Message::Input(Input::SpoolSpace { exhausted }));
    }
    let (severity, code, text, hint) = match now {
        SpoolSpace::Enough => {
            let text = "the spool's disk has room again: mail is accepted and delivered";
            (Severity::Information, "spool-enough", text.to_owned(), "nothing to do")
        }
        SpoolSpace::Low => {
            let text =
                format!("the spool's disk has {free} octets left: no more mail is accepted (452 4.3.1)");
            (
                Severity::Critical,
                "spool-low",
                text,
                "free space on the disk of data_dir; queued mail is still delivered",
            )
        }
        SpoolSpace::Reserve => {
            let text = format!(
                "the spool's disk has {free} octets left: delivery stops too, because its ends could not be recorded"
            );
            (Severity::Critical, "spool-reserve", text, "free space on the disk of data_dir")
        }
        SpoolSpace::Failed => {
            let why = context.health.failure().unwrap_or_else(|| "unknown".into());
            let text = format!("the spool failed and nothing more is accepted or delivered: {why}");
            (
                Severity::Critical,
                "spool-failed",
                text,
                "mend the disk, then restart; what was acknowledged is in the spool",
            )
        }
    };
    context.events.alert(severity, code, text, hint);
}
