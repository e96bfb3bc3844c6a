//! `tophosts`, `hoststatus`, `delivernow`.

use std::collections::HashSet;

use mailreeve_api::queue::{
    Addresses, DeliverNow, DeliverNowReply, Exchanger, HostLine, HostStatusReply, LastError, SortKey,
    TopHostsReply,
};
use mailreeve_api::wire::{Problem, ProblemKind};
use mailreeve_core::delivery::io::{Input, Scope};
use mailreeve_core::delivery::views::{Cell, DestinationView};
use mailreeve_core::event::HostStatus;
use mailreeve_core::ids::{Host, Mid};
use mailreeve_core::tally::Destination;

use super::status::completion;
use super::words::{in_words, mode, route_lines, word};
use super::{Commands, stopping};
use crate::deliver::shard::Message;

/// Rows of `tophosts`.
const TOP: usize = 20;
/// Recipients a page.
const PAGE: usize = 1_000;

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
        Ok(TopHostsReply { as_of: self.as_of(), key, hosts: lines, recovering })
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

    pub(super) async fn host_status(&self, name: &str) -> Result<HostStatusReply, Problem> {
        let host = Host::new(name);
        let asked = host.clone();
        let view = self
            .context
            .shard
            .ask(move |delivery, now| delivery.destination(&asked, now))
            .await
            .map_err(|_| stopping())?;
        let ends = self.books.tally.lock().destination_counters(name).copied();
        if view.is_none() && ends.is_none() {
            return Err(Problem::new(
                format!("no mail to `{name}` has passed this gateway since its counters were reset"),
                "`tophosts` lists the destinations that are known; the name is the part after the @",
            )
            .of(ProblemKind::NotFound));
        }
        Ok(self.host_reply(name, view, &ends.unwrap_or_default()))
    }

    fn host_reply(&self, name: &str, view: Option<DestinationView>, ends: &Destination) -> HostStatusReply {
        let as_of = self.as_of();
        let now_us = as_of.at_us;
        let mut reply = HostStatusReply {
            as_of,
            host: name.to_owned(),
            status: word(HostStatus::Unknown).to_owned(),
            since_us: None,
            reason: None,
            next_attempt_us: None,
            suspended: None,
            soft_bounced_evts: ends.soft_bounced_events,
            completion: completion(&ends.ends),
            unattempted_recips: 0,
            attempted_recips: 0,
            conn_out: 0,
            conn_pending: 0,
            oldest_message_us: None,
            last_activity_us: None,
            addresses: None,
            exchangers: Vec::new(),
            routes: Vec::new(),
            last_5xx: None,
            last_tls: None,
        };
        let Some(view) = view else { return reply };
        reply.status = word(view.status).to_owned();
        reply.since_us = view.since;
        let reason = if view.status == HostStatus::Up { None } else { view.reason.or(view.last_failure) };
        reply.reason = reason.as_ref().map(in_words);
        reply.next_attempt_us = view.backoff.as_ref().map(|backoff| backoff.next_attempt);
        reply.suspended = view.suspended;
        reply.unattempted_recips = view.unattempted as u64;
        reply.attempted_recips = (view.active - view.unattempted) as u64;
        reply.conn_out = view.current as u64;
        reply.conn_pending = view.pending as u64;
        reply.oldest_message_us = view.oldest;
        reply.last_activity_us = view.last_activity;
        if !view.targets.is_empty() {
            let ordered = view.targets.iter();
            reply.addresses = view.expires.map(|expires_us| Addresses {
                expires_us,
                ordered: ordered.map(|t| (t.target.preference, t.target.address.ip().to_string())).collect(),
            });
        }
        let left = view.expires.map(|at| at.saturating_sub(now_us) / 1_000_000);
        reply.exchangers = view
            .exchangers
            .into_iter()
            .map(|(preference, ttl, name)| {
                let left = left.and_then(|left| u32::try_from(left).ok()).unwrap_or(ttl);
                Exchanger { preference, ttl: ttl.min(left), name }
            })
            .collect();
        reply.routes = view.route.as_ref().map(route_lines).unwrap_or_default();
        reply.last_5xx = view.last_5xx.as_ref().map(|failure| LastError {
            mode: None,
            text: format!("{} {}", failure.code, failure.text.join(" ")),
            at_us: failure.at,
        });
        reply.last_tls = view.last_tls.map(|tls| LastError {
            mode: Some(mode(tls.mode).to_owned()),
            text: tls.text,
            at_us: tls.at,
        });
        reply
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
        let (recipients, destinations) = self.count(&scope).await?;
        if recipients == 0 {
            let hint = match self.context.recovery.going_on() {
                Some((done, all)) => {
                    format!("the queue is still being read after the start: {done} of {all}")
                }
                None => "`tophosts active_rcpts` shows where mail waits".to_owned(),
            };
            return Err(Problem::new("nothing is waiting for delivery there", hint).of(ProblemKind::NotFound));
        }
        // Whoever mended a zone wants it read now; answers that are still good are only asked for again.
        self.context.running.load().dns.flush();
        let input = Input::DeliverNow { scope, by: by.to_owned() };
        self.context.shard.send(Message::Input(input)).map_err(|_| stopping())?;
        Ok(DeliverNowReply { scope: request, recipients, destinations })
    }

    /// Counts waiting recipients and their destinations, a page a question: nobody holds the shard for long.
    async fn count(&self, scope: &Scope) -> Result<(u64, u64), Problem> {
        let mut hosts = HashSet::new();
        let mut recipients = 0;
        let mut cursor = None;
        loop {
            let scope = scope.clone();
            let page = self
                .context
                .shard
                .ask(move |delivery, now| delivery.recipients(&scope, cursor, PAGE, now))
                .await
                .map_err(|_| stopping())?;
            recipients += page.recipients.len() as u64;
            hosts.extend(page.recipients.into_iter().map(|view| view.host));
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok((recipients, hosts.len() as u64)),
            }
        }
    }
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
