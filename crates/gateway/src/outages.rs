//! Watches for destinations that fail for long while mail waits for them, and tells operators.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use mailreeve_core::delivery::{Notice, Outage, TellOutages};
use mailreeve_core::event::Severity;
use mailreeve_core::ids::Host;

use crate::context::Context;

/// How often all of them are looked at.
const EVERY: Duration = Duration::from_secs(5);
/// Destinations looked at in one question to the shard.
const AT_ONCE: usize = 500;
/// Failing destinations that are told apart; those behind them by name wait until some of these answer.
const MOST: usize = 5_000;
/// Names in an alert about many.
const NAMED: usize = 3;

/// Watches until the runtime ends.
pub(crate) async fn run(context: Arc<Context>) {
    let mut told = TellOutages::default();
    loop {
        tokio::time::sleep(EVERY).await;
        let long = context.running.load().config.delivery.outage_alert;
        if long.is_zero() {
            continue;
        }
        let Some(failing) = failing(&context, long).await else { continue };
        let missing = told.missing(&failing);
        let asked = context.shard.ask(move |delivery, _| delivery.statuses(missing)).await;
        let Ok(missing) = asked else { continue };
        for notice in told.look(&failing, &missing, context.clock.wall().0) {
            tell(&context, &notice, &failing);
        }
    }
}

/// Destinations that have been failing for so long; `None` while the gateway stops.
async fn failing(context: &Context, long: Duration) -> Option<Vec<Outage>> {
    let before = context.clock.wall() - long;
    let (mut found, mut after): (Vec<Outage>, Option<Host>) = (Vec::new(), None);
    loop {
        let from = after.take();
        let ask =
            context.shard.ask(move |delivery, _| delivery.outages(from.as_ref(), AT_ONCE, before)).await;
        let page = ask.ok()?;
        found.extend(page.found);
        match page.last {
            Some(last) if found.len() < MOST => after = Some(last),
            Some(_) | None => break,
        }
    }
    found.truncate(MOST);
    Some(found)
}

fn tell(context: &Context, notice: &Notice, failing: &[Outage]) {
    let events = &context.events;
    match notice {
        Notice::Down(outage) => {
            let text = format!(
                "{} has not been reached for {}{}; {}",
                outage.host,
                since(context, outage),
                reason(outage),
                waiting(outage.recipients)
            );
            let hint = format!("`explain {}` says whose it is and what can be done", outage.host);
            events.alert(Severity::Warning, "destination-down", text, hint);
        }
        Notice::ManyDown(hosts) => {
            let recipients = failing.iter().map(|outage| outage.recipients).sum();
            let text = format!(
                "{} destinations have not been reached for long, of these not told before: {}; {}",
                failing.len(),
                some(hosts),
                waiting(recipients)
            );
            let hint = "`deliverystatus` has the reasons: one for many is often on our side";
            events.alert(Severity::Warning, "destinations-down", text, hint);
        }
        Notice::Recovered(host) => {
            let text = format!("{host} is reached again");
            events.alert(Severity::Information, "destination-recovered", text, "nothing to do");
        }
        Notice::ManyRecovered(hosts) => {
            let text = format!("{} destinations are reached again: {}", hosts.len(), some(hosts));
            events.alert(Severity::Information, "destinations-recovered", text, "nothing to do");
        }
    }
}

/// How long it has been failing, in whole minutes above one.
fn since(context: &Context, outage: &Outage) -> String {
    let seconds = context.clock.wall().0.saturating_sub(outage.since) / 1_000_000;
    match (seconds / 3_600, seconds / 60 % 60) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

fn reason(outage: &Outage) -> String {
    let Some(failure) = &outage.reason else { return String::new() };
    let words = failure.words();
    let said = if failure.code == 0 { words } else { format!("{} {words}", failure.code) };
    match failure.address {
        Some(address) => format!(" ({said}, {})", address.ip()),
        None => format!(" ({said})"),
    }
}

fn waiting(recipients: usize) -> String {
    if recipients == 1 {
        return "1 recipient waits".to_owned();
    }
    format!("{recipients} recipients wait")
}

/// The first names, and how many there are besides.
fn some(hosts: &BTreeSet<Host>) -> String {
    let named: Vec<&str> = hosts.iter().take(NAMED).map(Host::as_str).collect();
    match hosts.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
