//! `deliverystatus`: rows of the shard beside counters of the books, and the reasons why mail waits.
//!
//! Costs what there are destinations, not what waits, and asks the shard for a bounded number at a time.

use std::cmp::Ordering;
use std::collections::HashSet;

use mailreeve_api::queue::{
    COHORTS, Column, DeliveryStatus, DeliveryStatusReply, DestinationLine, Direction, Totals,
};
use mailreeve_api::wire::Problem;
use mailreeve_core::delivery::{Row, SPECIAL};
use mailreeve_core::event::HostStatus;
use mailreeve_core::ids::Host;
use mailreeve_core::tally::Destination;

use super::cohorts::Cohorts;
use super::waits::wait_of;
use super::words::{reason, word};
use super::{Commands, stopping};

/// Destinations asked of the shard at a time.
const AT_ONCE: usize = 500;
/// Destinations of a page.
const PAGE: usize = 1_000;
/// Octets of a filter that are looked at; no name is longer.
const FILTER_BYTES: usize = 255;

/// A destination with both its sides.
struct Side {
    row: Row,
    ends: Destination,
}

impl Side {
    /// It is one of the gateway's own queues.
    fn is_special(&self) -> bool {
        SPECIAL.contains(&self.row.host.as_str())
    }

    /// Mail waits there, or something became of mail that did.
    fn was_used(&self) -> bool {
        self.row.active > 0 || self.row.since.is_some() || self.ends != Destination::default()
    }
}

impl Commands {
    pub(super) async fn delivery_status(
        &self,
        request: DeliveryStatus,
    ) -> Result<DeliveryStatusReply, Problem> {
        let mut sides = self.sides().await?;
        let totals = totals(&sides);
        let mut cohorts = Cohorts::default();
        for side in &sides {
            cohorts.add(&side.row);
        }
        let all = cohorts.lines();
        let (reasons, waiting) = (all.len(), all.iter().map(|line| line.recipients).sum::<u64>());
        let cohorts: Vec<_> = all.into_iter().skip(request.skip_reasons).take(COHORTS).collect();
        let told: u64 = cohorts.iter().map(|line| line.recipients).sum();

        let mut filter = request.filter.trim().to_ascii_lowercase();
        filter.truncate(filter.floor_char_boundary(FILTER_BYTES));
        sides.retain(|side| side.row.host.as_str().contains(&filter));
        let direction = request.direction.unwrap_or(request.sort.usual());
        sides.sort_unstable_by(|one, other| order(one, other, request.sort, direction));
        let page = sides.iter().skip(request.offset).take(request.limit.clamp(1, PAGE));
        let (reset, first) = {
            let tally = self.books.tally.lock();
            (tally.reset_at(), tally.started_at())
        };
        Ok(DeliveryStatusReply {
            as_of: self.as_of(),
            counted_since_us: reset.or(first),
            sort: request.sort,
            direction,
            offset: request.offset,
            matching: sides.len(),
            destinations: page.map(line).collect(),
            filter,
            totals,
            cohorts,
            reasons_before: request.skip_reasons,
            reasons,
            others_waiting: waiting - told,
            work_queue: self.held(),
            recovering: self.context.recovery.going_on(),
        })
    }

    /// All destinations: those in memory, and those of which only counters are left.
    async fn sides(&self) -> Result<Vec<Side>, Problem> {
        let rows = self.rows().await?;
        let tally = self.books.tally.lock();
        let known: HashSet<&Host> = rows.iter().map(|row| &row.host).collect();
        let gone = tally.destinations().filter(|(host, _)| !known.contains(*host));
        let gone: Vec<Side> = gone.map(|(host, ends)| Side { row: forgotten(host), ends: *ends }).collect();
        let here = rows.into_iter().map(|row| {
            let ends = tally.destination_counters(row.host.as_str()).copied().unwrap_or_default();
            Side { row, ends }
        });
        Ok(here.chain(gone).collect())
    }

    /// The destinations in memory.
    pub(super) async fn rows(&self) -> Result<Vec<Row>, Problem> {
        let mut rows: Vec<Row> = Vec::new();
        loop {
            let after = rows.last().map(|row| row.host.clone());
            let ask =
                self.context.shard.ask(move |delivery, now| delivery.rows(after.as_ref(), AT_ONCE, now));
            let page = ask.await.map_err(|_| stopping())?;
            let was_last = page.len() < AT_ONCE;
            rows.extend(page);
            if was_last {
                break;
            }
        }
        Ok(rows)
    }
}

/// The row of a destination that left the shard's memory: nothing has been tried there for a day.
fn forgotten(host: &Host) -> Row {
    Row {
        host: host.clone(),
        status: HostStatus::Unknown,
        was: None,
        since: None,
        carried: false,
        trying: false,
        reason: None,
        next_attempt: None,
        oldest: None,
        last_activity: None,
        suspended: None,
        active: 0,
        attempting: 0,
        connections: 0,
        cohorts: Vec::new(),
    }
}

/// The one place where destinations are counted. The gateway's own queues are always listed, and count once they were
/// used.
fn totals(sides: &[Side]) -> Totals {
    let mut totals = Totals::default();
    for Side { row, ends } in sides.iter().filter(|side| !side.is_special() || side.was_used()) {
        totals.destinations += 1;
        match row.status {
            HostStatus::Up => totals.up += 1,
            HostStatus::Down => totals.down += 1,
            HostStatus::Unknown => totals.unknown += 1,
        }
        let stuck: usize =
            row.cohorts.iter().filter(|it| wait_of(&it.why).is_some()).map(|it| it.recipients).sum();
        totals.active_recips += row.active as u64;
        totals.moving_recips += (row.active - stuck) as u64;
        totals.conn_out += row.connections as u64;
        totals.delivered_recips += ends.ends.delivered;
        totals.soft_bounced_evts += ends.soft_bounced_events;
        totals.hard_bounced_recips += ends.ends.hard.all();
    }
    totals
}

/// Equals come with most recipients first, then by name, whatever the direction.
fn order(one: &Side, other: &Side, by: Column, direction: Direction) -> Ordering {
    let by_name = || one.row.host.cmp(&other.row.host);
    let ascending = match by {
        Column::Host => by_name(),
        Column::Status => worst_first(one.row.status).cmp(&worst_first(other.row.status)),
        Column::ActiveRcpts => one.row.active.cmp(&other.row.active),
        Column::ConnOut => one.row.connections.cmp(&other.row.connections),
        Column::DelivRecip => one.ends.ends.delivered.cmp(&other.ends.ends.delivered),
        Column::SoftBounced => one.ends.soft_bounced_events.cmp(&other.ends.soft_bounced_events),
        Column::HardBounced => one.ends.ends.hard.all().cmp(&other.ends.ends.hard.all()),
    };
    let directed = match direction {
        Direction::Ascending => ascending,
        Direction::Descending => ascending.reverse(),
    };
    directed.then_with(|| other.row.active.cmp(&one.row.active)).then_with(by_name)
}

const fn worst_first(status: HostStatus) -> u8 {
    match status {
        HostStatus::Down => 0,
        HostStatus::Unknown => 1,
        HostStatus::Up => 2,
    }
}

fn line(side: &Side) -> DestinationLine {
    let Side { row, ends } = side;
    let stuck = row.cohorts.iter().filter_map(|it| Some((it.recipients, wait_of(&it.why)?)));
    let told = row.reason.as_ref().filter(|_| row.status != HostStatus::Up && row.was.is_none());
    DestinationLine {
        host: row.host.to_string(),
        system: side.is_special(),
        status: word(row.status).to_owned(),
        since_us: row.since,
        before_start: row.carried,
        trying: row.trying,
        was: row.was.map(|was| word(was).to_owned()),
        last_activity_us: row.last_activity,
        reason: told.map(reason),
        next_attempt_us: row.next_attempt,
        oldest_us: row.oldest,
        suspended: row.suspended.clone(),
        wait: stuck.max_by_key(|(recipients, _)| *recipients).map(|(_, wait)| wait),
        active_recips: row.active as u64,
        conn_out: row.connections as u64,
        delivered_recips: ends.ends.delivered,
        soft_bounced_evts: ends.soft_bounced_events,
        hard_bounced_recips: ends.ends.hard.all(),
    }
}
