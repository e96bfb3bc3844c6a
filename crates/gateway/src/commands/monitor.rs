//! `topin`, `rate`, `hostrate`, `dnsstatus`, `version`, `who`, `whoami`, `resetcounters`.

use std::time::Duration;

use mailreeve_api::monitor::{
    DnsStatus, DnsStatusReply, HostRate, HostRateReply, PeerLine, Rate, RateReply, ResetCounters,
    ResetCountersReply, TopIn, TopInReply, Version, VersionReply,
};
use mailreeve_api::presence::{Who, WhoAmI, WhoAmIReply};
use mailreeve_api::wire::{Call, Caller, Problem, ProblemKind};
use mailreeve_core::event::Event;
use mailreeve_core::tally::Column;
use serde_json::Value;

use super::{Client, Commands, read, stopping, write};

/// Rows of `topin`.
const TOP: usize = 20;
/// How often it is looked whether the counters are reset, and how often at most.
const LOOK: (Duration, usize) = (Duration::from_millis(5), 1_000);

impl Commands {
    /// Answers a call about what goes on in the gateway.
    pub(super) async fn monitor(
        &self,
        call: Call,
        caller: &Caller,
        client: &Client,
    ) -> Result<Value, Problem> {
        match call.command.as_str() {
            "topin" => {
                let TopIn {} = read(call.args)?;
                write(&self.top_in())
            }
            "rate" => write(&self.rate(read(call.args)?).await?),
            "hostrate" => write(&self.host_rate(read(call.args)?).await?),
            "dnsstatus" => {
                let DnsStatus {} = read(call.args)?;
                write(&self.dns_status())
            }
            "version" => {
                let Version {} = read(call.args)?;
                write(&self.version())
            }
            "resetcounters" => {
                let ResetCounters {} = read(call.args)?;
                write(&self.reset_counters().await?)
            }
            "attempts" => write(&self.attempts(read(call.args)?).await?),
            "transcript" => write(&self.transcript(read(call.args)?).await?),
            "who" => {
                let Who {} = read(call.args)?;
                write(&self.who())
            }
            "whoami" => {
                let WhoAmI {} = read(call.args)?;
                write(&WhoAmIReply::from(caller.clone()))
            }
            _ => self.diagnose(call, &caller.user, client).await,
        }
    }

    fn top_in(&self) -> TopInReply {
        let mut lines: Vec<_> = self
            .listeners
            .iter()
            .flat_map(|listener| {
                listener.peers().into_iter().map(|(peer, count)| (count, peer, &listener.name))
            })
            .collect();
        lines.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| (a.1, a.2).cmp(&(b.1, b.2))));
        lines.truncate(TOP);
        let peers = lines.into_iter().map(|(count, peer, listener)| {
            let name = self.context.peer_names.known(peer).unwrap_or_default();
            PeerLine {
                host: name.name,
                verified: name.verified,
                address: peer.to_string(),
                listener: listener.clone(),
                conn_in: count as u64,
            }
        });
        TopInReply { as_of: self.as_of(), peers: peers.collect() }
    }

    async fn rate(&self, _: Rate) -> Result<RateReply, Problem> {
        let gauges = self.context.shard.ask(|delivery, _| delivery.gauges()).await.map_err(|_| stopping())?;
        let ever = self.books.tally.lock().counters(Column::Lifetime);
        let usage = self.context.reader.usage();
        Ok(RateReply {
            as_of: self.as_of(),
            conn_in: self.connections_in(),
            conn_out: gauges.connections as u64,
            inj_recips: ever.recipients_received,
            completed_recips: ever.ends.completed(),
            kbytes_used: (usage.wal_bytes + usage.segment_bytes + usage.staged_bytes) / 1024,
        })
    }

    async fn host_rate(&self, request: HostRate) -> Result<HostRateReply, Problem> {
        let status = self.host_now(&request.host).await?;
        Ok(HostRateReply {
            as_of: status.as_of,
            host: status.host,
            status: status.status,
            conn_out: status.conn_out,
            active_recips: status.unattempted_recips + status.attempted_recips,
            delivered_recips: status.completion.delivered_recips,
            hard_bounced_recips: status.completion.hard(),
            soft_bounced_evts: status.soft_bounced_evts,
        })
    }

    fn dns_status(&self) -> DnsStatusReply {
        let running = self.context.running.load();
        let counters = running.dns.counters();
        DnsStatusReply { as_of: self.as_of(), reset: counters.since_reset(), uptime: counters.uptime() }
    }

    fn version(&self) -> VersionReply {
        VersionReply {
            as_of: self.as_of(),
            product: "Mailreeve".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            hostname: self.context.running.load().config.hostname.clone(),
            up_since_us: self.books.tally.lock().started_at().unwrap_or(0),
        }
    }

    /// Waits until the journal has counted the event in: a `status` after the answer shows it.
    async fn reset_counters(&self) -> Result<ResetCountersReply, Problem> {
        let as_of = self.as_of();
        self.context.events.tell(Event::CountersReset);
        let done = || self.books.tally.lock().reset_at().is_some_and(|at| at >= as_of.at_us);
        let (pause, times) = LOOK;
        for _ in 0..times {
            if done() {
                self.context.running.load().dns.counters().reset();
                return Ok(ResetCountersReply { as_of });
            }
            tokio::time::sleep(pause).await;
        }
        Err(Problem::new(
            "the counters were not reset: the journal is far behind",
            "`displayalerts` says what keeps it; give the command again later",
        )
        .of(ProblemKind::Unavailable))
    }
}
