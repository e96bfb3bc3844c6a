//! `tophosts`, `delivernow`.

use std::collections::HashSet;
use std::time::Duration;

use mailreeve_api::queue::{DeliverNow, DeliverNowReply, HostLine, SortKey, TopHostsReply};
use mailreeve_api::wire::{Problem, ProblemKind};
use mailreeve_core::delivery::io::{Retried, Scope};
use mailreeve_core::delivery::views::Cell;
use mailreeve_core::event::HostStatus;
use mailreeve_core::ids::{Host, Mid};
use mailreeve_core::tally::Destination;

use super::words::word;
use super::{Commands, stopping};

/// Rows of `tophosts`.
const TOP: usize = 20;
/// How long the end of a retry-now is waited for: less than the command line waits for an answer.
const RETRY_PATIENCE: Duration = Duration::from_secs(20);

impl Commands {
    pub(super) async fn top_hosts(&self, key: SortKey) -> Result<TopHostsReply, Problem> {
        let cells: Vec<Cell> =
            self.context.shard.ask(|delivery, _| delivery.cells().collect()).await.map_err(|_| stopping())?;
        let mut lines = self.host_lines(cells);
        let value = |line: &HostLine| match key {
            SortKey::ActiveRcpts => line.active_recips,
            SortKey::ConnOut => line.conn_out,
            SortKey::DelivRecip => line.delivered_recips,
            SortKey::HardBounced => line.hard_bounced_recips,
            SortKey::SoftBounced => line.soft_bounced_evts,
        };
        let order = |a: &HostLine, b: &HostLine| value(b).cmp(&value(a)).then_with(|| a.host.cmp(&b.host));
        if lines.len() > TOP {
            // Only the twenty that are shown need an order.
            lines.select_nth_unstable_by(TOP, order);
            lines.truncate(TOP);
        }
        lines.sort_unstable_by(order);
        let recovering = self.context.recovery.going_on();
        let work_queue = self.held();
        Ok(TopHostsReply { as_of: self.as_of(), key, hosts: lines, recovering, work_queue })
    }

    /// Gauges of the shard and counters of the books, destination by destination.
    fn host_lines(&self, cells: Vec<Cell>) -> Vec<HostLine> {
        let tally = self.books.tally.lock();
        let known: HashSet<Host> = cells.iter().map(|cell| cell.host.clone()).collect();
        let mut lines: Vec<HostLine> = cells
            .into_iter()
            .map(|cell| {
                let ends = tally.destination_counters(cell.host.as_str()).copied().unwrap_or_default();
                line(cell.host.as_str(), cell.status, cell.active as u64, cell.connections as u64, &ends)
            })
            .collect();
        // Destinations that left the shard's memory keep their counters.
        let idle = tally.destinations().filter(|(host, _)| !known.contains(*host));
        lines.extend(idle.map(|(host, ends)| line(host.as_str(), HostStatus::Unknown, 0, 0, ends)));
        lines
    }

    pub(super) async fn deliver_now(
        &self,
        request: DeliverNow,
        by: &str,
    ) -> Result<DeliverNowReply, Problem> {
        let scope = match &request {
            DeliverNow::All => Scope::All,
            DeliverNow::Host(host) => Scope::Host(Host::new(host)),
            DeliverNow::Mid(mid) => Scope::Message(Mid(*mid)),
        };
        // Whoever mended a zone wants it read now; answers that are still good are only asked for again.
        self.context.running.load().dns.flush();
        let retried = self.context.shard.deliver_now(scope, by.to_owned()).map_err(|_| stopping())?;
        let Retried { waiting, recipients, destinations } =
            match tokio::time::timeout(RETRY_PATIENCE, retried).await {
                Ok(Ok(retried)) => retried,
                Ok(Err(_)) => return Err(stopping()),
                Err(_) => return Err(still_under_way()),
            };
        if waiting == 0 {
            let hint = match (self.context.recovery.going_on(), self.context.work_queue.load().messages) {
                (Some((done, all)), _) => {
                    format!("the queue is still being read after the start: {done} of {all}")
                }
                (None, 0) => "`tophosts active_rcpts` shows where mail waits".to_owned(),
                (None, 1) => "one message waits in the work queue: `workqueue` says why".to_owned(),
                (None, held) => format!("{held} messages wait in the work queue: `workqueue` says why"),
            };
            let problem = match request {
                DeliverNow::Mid(mid) if self.context.recovery.going_on().is_none() => {
                    self.nothing_to_try(Mid(mid)).await
                }
                DeliverNow::All | DeliverNow::Host(_) | DeliverNow::Mid(_) => {
                    Problem::new("nothing is waiting for delivery there", hint)
                }
            };
            return Err(problem.of(ProblemKind::NotFound));
        }
        Ok(DeliverNowReply { scope: request, waiting, recipients, destinations })
    }
}

impl Commands {
    /// Says that a number was not given to any message yet, and which was the last one.
    pub(super) fn not_begun(&self, mid: Mid) -> Option<Problem> {
        let next = self.context.ids.next_mid().filter(|next| mid >= *next)?;
        let hint = match next.0.saturating_sub(1) {
            0 => "no message has begun yet".to_owned(),
            newest => format!("the newest message that began is MID {newest}"),
        };
        Some(Problem::new(format!("no message has the number {mid}"), hint).of(ProblemKind::NotFound))
    }

    /// Says what is with a message of which nobody waits for delivery: not there yet, held, or gone.
    async fn nothing_to_try(&self, mid: Mid) -> Problem {
        if let Some(problem) = self.not_begun(mid) {
            return problem;
        }
        let reader = self.context.reader.clone();
        let read = tokio::task::spawn_blocking(move || reader.envelope(mid).is_ok());
        if !read.await.unwrap_or_default() {
            let hint = "the log tells its end; a number whose message was refused or given up never was in the queue";
            return Problem::new(format!("MID {mid} is not in the queue any more"), hint);
        }
        match self.context.work_queue.recipients_of(mid) {
            1.. => Problem::new(
                format!("MID {mid} waits in the work queue, not for delivery"),
                "`workqueue` says why; `workqueue resume` lets it go on",
            ),
            0 => Problem::new(
                format!("MID {mid} is in the queue, and nobody of it waits for delivery"),
                "it is on its way in or out: ask again in a moment",
            ),
        }
    }
}

/// A retry-now takes longer than anybody waits for an answer; it goes on all the same.
fn still_under_way() -> Problem {
    Problem::new(
        format!("the queue is so long that this takes more than {} seconds", RETRY_PATIENCE.as_secs()),
        "it goes on; the log tells how many recipients became due when it is done",
    )
    .of(ProblemKind::Unavailable)
}

fn line(host: &str, status: HostStatus, active: u64, connections: u64, ends: &Destination) -> HostLine {
    HostLine {
        host: host.to_owned(),
        status: word(status).to_owned(),
        active_recips: active,
        conn_out: connections,
        delivered_recips: ends.ends.delivered,
        soft_bounced_evts: ends.soft_bounced_events,
        hard_bounced_recips: ends.ends.hard.all(),
    }
}
