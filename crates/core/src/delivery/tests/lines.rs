//! Effects and whys as the short lines that tests compare.

use crate::Instant;
use crate::delivery::io::{Effect, End, Progress};
use crate::delivery::why::{LimitOwner, Why};
use crate::event::Event;

/// How far away an instant is, in seconds.
fn away(at: u64, now: Instant) -> String {
    let micros = at as i64 - now.0 as i64;
    match micros % 1_000_000 {
        0 => format!("{:+}s", micros / 1_000_000),
        _ => format!("{:+}us", micros),
    }
}

pub(super) fn why_line(why: &Why, now: Instant) -> String {
    let owner = |whose: &LimitOwner| match whose {
        LimitOwner::Gateway => "gateway".to_owned(),
        LimitOwner::Destination(host) => host.to_string(),
        LimitOwner::Address(address) => address.to_string(),
    };
    match why {
        Why::Due => "due".into(),
        Why::Attempting { dcid } => format!("attempting {dcid}"),
        Why::WaitingForRetry { until, cause } => {
            format!("retry {} {:?}", away(*until, now), cause.as_ref().map(|cause| cause.cause))
        }
        Why::HostBackoff { until, since, reason } => {
            format!("backoff {} since {} {:?}", away(*until, now), away(*since, now), reason.cause)
        }
        Why::HostOnTrial { dcid } => format!("trial {dcid}"),
        Why::Resolving { since } => format!("resolving since {}", away(*since, now)),
        Why::Connecting { dcid } => format!("connecting {dcid}"),
        Why::AddressOpening { address, opening } => format!("{opening} being opened to {address}"),
        Why::ConnectionLimit { whose, limit } => format!("limit {limit} of {}", owner(whose)),
        Why::RateLimit { whose, until } => format!("rate of {} {}", owner(whose), away(*until, now)),
        Why::Suspended { by, since, host } => {
            format!(
                "suspended by {by} since {} {}",
                away(*since, now),
                host.as_ref().map_or("all", |it| it.as_str())
            )
        }
        Why::SpoolSpace { since } => format!("spool since {}", away(*since, now)),
        Why::ShuttingDown => "shutting down".into(),
    }
}

pub(super) fn line(effect: &Effect, now: Instant) -> String {
    let last_mark = |last: bool| if last { " last" } else { "" };
    match effect {
        Effect::Resolve { host, .. } => format!("resolve {host}"),
        Effect::Connect { dcid, slot, host, targets, .. } => {
            let to: Vec<_> = targets.iter().map(|target| target.address.ip().to_string()).collect();
            format!("connect {dcid} slot {} {host} {}", slot.0, to.join(" "))
        }
        Effect::Transact { dcid, mid, rids, .. } => {
            let rids: Vec<u32> = rids.iter().map(|rid| rid.0).collect();
            format!("transact {dcid} mid {mid} {rids:?}")
        }
        Effect::Quit { dcid } => format!("quit {dcid}"),
        Effect::Record(event) => event_line(event),
        Effect::Retried(did) => {
            format!("retried {} of {} at {}", did.recipients, did.waiting, did.destinations)
        }
        Effect::Defer { state, report_delay, .. } => {
            let report = if *report_delay { " report" } else { "" };
            let due = away(state.due_at, now);
            format!("defer {}.{} attempts {} {due}{report}", state.mid, state.rid, state.attempts)
        }
        Effect::Redirect { state, .. } => {
            let (mid, rid, attempts) = (state.mid, state.rid, state.attempts);
            let to = state.host.as_ref().map_or("nowhere", |host| host.as_str());
            format!("redirect {mid}.{rid} to {to} attempts {attempts} {}", away(state.due_at, now))
        }
        Effect::Slice { order, progress } => format!("slice {} {}", order.0, progress_line(progress)),
        Effect::OrderOver { order, progress } => format!("over {} {}", order.0, progress_line(progress)),
        Effect::End { mid, rid, end, last, .. } => {
            let how = match end {
                End::Delivered { dcid, .. } => format!("delivered {dcid}"),
                End::Bounced { dcid, kind, failure, unreported } => {
                    let report = unreported.map_or(String::new(), |why| format!(" unreported {why:?}"));
                    format!("bounced {dcid} {kind:?} {:?}{report}", failure.cause)
                }
                End::Deleted { by } => format!("deleted by {by}"),
                End::Archived { by } => format!("archived by {by}"),
                End::Corrupt { .. } => "corrupt".into(),
            };
            format!("end {mid}.{rid} {how}{}", last_mark(*last))
        }
    }
}

fn progress_line(progress: &Progress) -> String {
    let Progress { total, done, seen, awaited } = progress;
    format!("done {done} seen {seen} awaited {awaited} of {total}")
}

fn event_line(event: &Event) -> String {
    match event {
        Event::DeliveryStarted { dcid, mid, .. } => format!("# start {dcid} mid {mid}"),
        Event::HostChanged { host, status, reason, .. } => {
            format!("# {host} {status:?} {:?}", reason.as_ref().map(|reason| reason.cause))
        }
        Event::ConnectFailed { dcid, address, failure, .. } => {
            format!("# failed {dcid} {} {:?}", address.ip(), failure.cause)
        }
        Event::LookupFailed { host, hard, .. } => format!("# lookup {host} hard {hard}"),
        Event::DeliveryClosed { dcid, .. } => format!("# closed {dcid}"),
        Event::DeliverNow { scope, recipients, by } => format!("# delivernow {scope} {recipients} by {by}"),
        other => format!("# {other:?}"),
    }
}
