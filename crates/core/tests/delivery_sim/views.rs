//! The operator's views, compared with the model and the world: sums, pages, destinations, connections.

use mailreeve_core::delivery::io::Scope;
use mailreeve_core::delivery::views::{ConnectionState, DestinationView};
use mailreeve_core::delivery::why::Why;
use mailreeve_core::delivery::{Delivery, Row};
use mailreeve_core::ids::{Host, Mid, Rid};

use crate::clock::Clock;
use crate::coverage::{Coverage, Point};
use crate::model::{Model, Phase, Recipient, Scene, Verdict, require};
use crate::world::{Socket, SocketState};

const LAW: &str = "what operators read is true";

/// Judges all views between two calls.
pub(crate) fn judge(
    delivery: &Delivery,
    model: &mut Model,
    scene: Scene<'_>,
    coverage: &mut Coverage,
) -> Verdict {
    gauges(delivery, model, scene)?;
    connections(delivery, scene)?;
    rows(delivery, model, scene)?;
    let hosts: Vec<Host> = model.destinations.keys().cloned().collect();
    for host in hosts {
        if let Some(view) = delivery.destination(&host, scene.clock.wall()) {
            if let (Some(backoff), Some(truth)) = (&view.backoff, model.destinations.get_mut(&host)) {
                truth.learn_interval(backoff.interval_s);
            }
            destination(&view, model, scene)?;
            if view
                .backoff
                .as_ref()
                .is_some_and(|backoff| backoff.interval_s == model.profile(&host).max_seconds)
            {
                coverage.hit(Point::BackoffAtMax);
            }
            model.judge_verdict(&host, view.status, view.since, scene, coverage)?;
        } else {
            let any = model.recipients.values().any(|recipient| recipient.host == host);
            require(!any, LAW, || format!("{host} has recipients and no view"))?;
        }
    }
    Ok(())
}

/// How many were never tried: the fewest and the most that may be said. One in its first transaction is
/// between the two.
fn unattempted<'a>(recipients: impl Iterator<Item = &'a Recipient>) -> (usize, usize) {
    let (mut least, mut most) = (0, 0);
    for recipient in recipients.filter(|recipient| !recipient.tried) {
        most += 1;
        least += usize::from(recipient.phase == Phase::Waiting);
    }
    (least, most)
}

fn gauges(delivery: &Delivery, model: &Model, scene: Scene<'_>) -> Verdict {
    let said = delivery.gauges();
    let (least, most) = unattempted(model.recipients.values());
    let right = said.active == model.recipients.len()
        && said.connections == scene.world.sockets.len()
        && said.attempted + said.unattempted == said.active
        && (least..=most).contains(&said.unattempted);
    require(right, "gauges equal the world", || {
        format!(
            "{said:?}; {} wait, {least}..={most} never tried, {} sockets",
            model.recipients.len(),
            scene.world.sockets.len()
        )
    })
}

/// Slots lent and sockets open are the same thing.
fn connections(delivery: &Delivery, scene: Scene<'_>) -> Verdict {
    const LAW: &str = "slots lent are sockets open";
    let mut count = 0;
    for view in delivery.connections() {
        count += 1;
        let socket = scene.world.sockets.get(&view.dcid);
        let right = socket.is_some_and(|socket| {
            let settled = socket.is_opening() || view.address == Some(socket.address());
            socket.slot == view.slot && socket.host == view.host && state_is(socket, view.state) && settled
        });
        require(right, LAW, || {
            format!(
                "{view:?} is {:?}",
                socket.map(|socket| (socket.slot, &socket.host, &socket.state, socket.address()))
            )
        })?;
    }
    require(count == scene.world.sockets.len(), LAW, || {
        format!("{count} are told, {} are open", scene.world.sockets.len())
    })
}

fn state_is(socket: &Socket, said: ConnectionState) -> bool {
    match &socket.state {
        SocketState::Opening(_) => said == ConnectionState::Opening,
        SocketState::Idle => said == ConnectionState::Idle,
        SocketState::Busy { mid, .. } => said == ConnectionState::Busy(*mid),
        SocketState::Quitting => said == ConnectionState::Closing,
    }
}

/// Pages together hold everybody once.
pub(crate) fn pages(delivery: &Delivery, model: &Model, scene: Scene<'_>) -> Verdict {
    let mut truth = model.recipients.iter();
    let mut cursor = None;
    loop {
        let page = delivery.recipients(&Scope::All, cursor, 7, scene.clock.wall());
        for view in &page.recipients {
            let Some((key, recipient)) = truth.next() else {
                return require(false, LAW, || {
                    format!("{:?} {:?} is listed and has ended", view.mid, view.rid)
                });
            };
            let same = *key == (view.mid, view.rid)
                && recipient.host == view.host
                && recipient.attempts == view.attempts;
            require(same, LAW, || format!("{view:?} is listed, {key:?} is {recipient:?}"))?;
            let why = recipient.seen.as_ref() == Some(&view.why);
            require(why, LAW, || {
                format!("{key:?}: listed as {:?}, asked for {:?}", view.why, recipient.seen)
            })?;
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let left: Option<(&(Mid, Rid), &Recipient)> = truth.next();
    require(left.is_none(), LAW, || format!("{left:?} is not listed"))
}

/// Rows hold every destination once; their cohorts are the whys of their recipients, counted.
fn rows(delivery: &Delivery, model: &Model, scene: Scene<'_>) -> Verdict {
    let mut after: Option<Host> = None;
    let mut told = 0;
    loop {
        let page = delivery.rows(after.as_ref(), 3, scene.clock.wall());
        for row in &page {
            let seen: Vec<&Why> = model
                .recipients
                .values()
                .filter(|recipient| recipient.host == row.host)
                .filter_map(|recipient| recipient.seen.as_ref())
                .collect();
            told += seen.len();
            counts(row, &seen)?;
        }
        let Some(last) = page.last() else { break };
        after = Some(last.host.clone());
    }
    require(told == model.recipients.len(), LAW, || format!("rows tell {told} recipients"))
}

fn counts(row: &Row, seen: &[&Why]) -> Verdict {
    let is_own = |why: &Why| matches!(why, Why::WaitingForRetry { .. });
    let is_tried = |why: &Why| matches!(why, Why::Connecting { .. } | Why::HostOnTrial { .. });
    let alike = |one: &Why, other: &Why| {
        one == other || (is_own(one) && is_own(other)) || (is_tried(one) && is_tried(other))
    };
    let attempting = seen.iter().filter(|why| matches!(why, Why::Attempting { .. })).count();
    require(row.active == seen.len() && row.attempting == attempting, LAW, || {
        format!("{row:?}: {} wait, {attempting} are being handed over", seen.len())
    })?;
    for cohort in &row.cohorts {
        let said: usize =
            row.cohorts.iter().filter(|it| alike(&it.why, &cohort.why)).map(|it| it.recipients).sum();
        let right = seen.iter().filter(|why| alike(why, &cohort.why)).count();
        require(said == right && cohort.recipients > 0, LAW, || format!("{cohort:?} of {row:?}: {right}"))?;
    }
    let all: usize = row.cohorts.iter().map(|cohort| cohort.recipients).sum();
    require(all + attempting == seen.len(), LAW, || format!("{row:?} leaves some out"))
}

fn destination(view: &DestinationView, model: &mut Model, scene: Scene<'_>) -> Verdict {
    let host = &view.host;
    let mine = || model.recipients.values().filter(|recipient| recipient.host == *host);
    let (least, most) = unattempted(mine());
    let active = mine().count();
    require(
        view.active == active && (least..=most).contains(&view.unattempted),
        "gauges equal the world",
        || {
            format!(
                "{host}: {} active, {} never tried; {active}, {least}..={most}",
                view.active, view.unattempted
            )
        },
    )?;
    let sockets = || scene.world.sockets.values().filter(|socket| socket.host == *host);
    let opening = sockets().filter(|socket| socket.is_opening()).count();
    let open = sockets().count() - opening;
    require(view.current == open && view.pending == opening, "gauges equal the world", || {
        format!("{host}: {} current, {} pending; {open}, {opening}", view.current, view.pending)
    })?;
    let everywhere = model.suspended.clone();
    let Some(truth) = model.destinations.get_mut(host) else { return Ok(()) };
    let lookup = match (view.resolving_since, truth.lookup) {
        (Some(since), Some(moment)) => Clock::is_moment(since, moment),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    require(lookup, LAW, || {
        format!("{host}: looked up since {:?}, {:?}", view.resolving_since, truth.lookup)
    })?;
    let held = match &view.backoff {
        None => truth.narrow_to_idle(),
        Some(backoff) => truth.narrow_to_shown(backoff.next_attempt, backoff.interval_s, scene.clock),
    };
    require(held, LAW, || {
        format!("{host}: its clock is {:?}, right is one of {:?}", view.backoff, truth.holds())
    })?;
    let suspended =
        everywhere.as_ref().or(truth.suspended.as_ref()).map(|(by, moment)| (by.clone(), moment.wall));
    let whose = view.suspended_all == everywhere.is_some();
    require(whose && view.suspended == suspended, LAW, || {
        format!("{host}: suspended {:?}, {suspended:?}", view.suspended)
    })
}
