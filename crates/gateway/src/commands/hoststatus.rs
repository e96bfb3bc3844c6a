//! `hoststatus`: everything that is known of one destination, now or at another time.

mod past;
mod told;

use mailreeve_api::queue as api;
use mailreeve_api::queue::{AddressLine, Addresses, Exchanger, HostStatusReply, LastError};
use mailreeve_api::wire::{Problem, ProblemKind};
use mailreeve_core::delivery::Row;
use mailreeve_core::delivery::views::{DestinationView, TargetView};
use mailreeve_core::event::{Failure, HostStatus};
use mailreeve_core::ids::Host;

use self::past::Asked;
use super::cohorts::Cohorts;
use super::status::completion;
use super::words::{in_words, last_error, mode, reason, route_lines, word};
use super::{Commands, stopping};

/// What the shard knows of a destination.
struct Known {
    view: DestinationView,
    row: Row,
    /// Of late, newest first.
    failures: Vec<Failure>,
}

impl Commands {
    pub(super) async fn host_status(&self, request: &api::HostStatus) -> Result<HostStatusReply, Problem> {
        let as_of = self.as_of();
        let asked = Asked::of(request, &self.context.running.load().zone, &as_of)?;
        let name = request.host.as_str();
        let now = self.host_now(name).await;
        if let Asked::Now = asked {
            let mut reply = now?;
            if reply.failure.is_some() {
                // What the records lack now is no reason to tell nothing.
                reply.history = self.past(name).await.ok().map(|past| past.now());
            }
            return Ok(reply);
        }
        let past = self.past(name).await?;
        let mut reply = match now {
            Err(_) if past.is_empty() => return Err(past.absent(name, &as_of)),
            Err(_) => HostStatusReply::unknown(as_of, name),
            Ok(reply) => reply,
        };
        reply.history = match asked {
            Asked::Now => None,
            Asked::At(at) => Some(past.at(at)),
            Asked::Since { from, page, rows } => Some(past.since(from, reply.as_of.at_us, page, rows)),
        };
        Ok(reply)
    }

    /// How it stands.
    pub(super) async fn host_now(&self, name: &str) -> Result<HostStatusReply, Problem> {
        let host = Host::new(name);
        let ask = self.context.shard.ask(move |delivery, now| {
            let view = delivery.destination(&host, now)?;
            let row = delivery.row(&host, now)?;
            Some(Known { view, row, failures: delivery.recent_failures(&host) })
        });
        let known = ask.await.map_err(|_| stopping())?;
        let ends = self.books.tally.lock().destination_counters(name).copied();
        if known.is_none() && ends.is_none() {
            return Err(Problem::new(
                format!("no mail to `{name}` has passed this gateway since its counters were reset"),
                "`tophosts` lists the destinations that are known; the name is the part after the @",
            )
            .of(ProblemKind::NotFound));
        }
        let ends = ends.unwrap_or_default();
        let mut reply = HostStatusReply::unknown(self.as_of(), name);
        reply.soft_bounced_evts = ends.soft_bounced_events;
        reply.completion = completion(&ends.ends);
        if let Some(known) = known {
            fill(&mut reply, known);
        }
        Ok(reply)
    }
}

fn fill(reply: &mut HostStatusReply, known: Known) {
    let Known { view, row, failures } = known;
    let mut cohorts = Cohorts::default();
    cohorts.add(&row);
    reply.cohorts = cohorts.lines();
    reply.failures = failures.iter().map(reason).collect();
    reply.status = word(view.status).to_owned();
    reply.since_us = view.since;
    reply.before_start = view.carried;
    reply.trying = view.trying;
    reply.was = row.was.map(|was| word(was).to_owned());
    reply.next_attempt_us = view.backoff.as_ref().map(|backoff| backoff.next_attempt);
    reply.unattempted_recips = view.unattempted as u64;
    reply.attempted_recips = (view.active - view.unattempted) as u64;
    reply.conn_out = view.current as u64;
    reply.conn_pending = view.pending as u64;
    reply.oldest_message_us = view.oldest;
    reply.last_activity_us = view.last_activity;
    fill_way(reply, &view);
    reply.last_5xx = view.last_5xx.as_ref().map(last_error);
    reply.last_error = view.last_failure.as_ref().map(last_error);
    reply.last_tls = view.last_tls.map(|tls| LastError {
        mode: Some(mode(tls.mode).to_owned()),
        text: tls.text,
        address: None,
        at_us: tls.at,
    });
    reply.suspended = view.suspended;
    let told = if view.status == HostStatus::Up { None } else { view.reason.or(view.last_failure) };
    reply.reason = told.as_ref().map(in_words);
    reply.failure = told.as_ref().map(reason);
}

/// Addresses, exchangers and routes, as the shard has them.
fn fill_way(reply: &mut HostStatusReply, view: &DestinationView) {
    let now_us = reply.as_of.at_us;
    reply.targets = view.targets.iter().map(address_line).collect();
    if !view.targets.is_empty() {
        let ordered = view.targets.iter();
        reply.addresses = view.expires.map(|expires_us| Addresses {
            expires_us,
            ordered: ordered.map(|t| (t.target.preference, t.target.address.ip().to_string())).collect(),
        });
    }
    let left = view.expires.map(|at| at.saturating_sub(now_us) / 1_000_000);
    let exchanger = |(preference, ttl, name): &(u16, u32, String)| {
        let left = left.and_then(|left| u32::try_from(left).ok()).unwrap_or(*ttl);
        Exchanger { preference: *preference, ttl: left.min(*ttl), name: name.clone() }
    };
    reply.exchangers = view.exchangers.iter().map(exchanger).collect();
    reply.routes = view.route.as_ref().map(route_lines).unwrap_or_default();
}

fn address_line(view: &TargetView) -> AddressLine {
    AddressLine {
        address: view.target.address.ip().to_string(),
        name: view.target.name.clone(),
        preference: view.target.preference,
        failed: view.verdict.as_ref().map(|(_, failure)| reason(failure)),
        until_us: view.verdict.as_ref().map(|(until, _)| *until),
    }
}
