//! `status`, `status detail`, `displayalerts`.

use mailreeve_api::alerts::{AlertLine, AlertsReply, DisplayAlerts};
use mailreeve_api::counters::{Completion, SystemCounters};
use mailreeve_api::recorder::RecorderState;
use mailreeve_api::status::{Gauges, OrderLine, Rate, StatusReply};
use mailreeve_core::delivery::io::Scope;
use mailreeve_core::event::{Severity, SpoolSpace};
use mailreeve_core::tally::{Column, Counters, Ends, Rate as Measured};
use mailreeve_store::space::disk_free;
use mailreeve_store::standing::Given;

use super::Commands;

/// Standing orders that are shown.
const ORDERS: usize = 20;

/// A value of the rates.
type Value = fn(&Measured) -> u64;

/// The rates that are shown, by name.
const RATED: [(&str, Value); 6] = [
    ("Messages Received", |rate| rate.messages_received),
    ("Recipients Received", |rate| rate.recipients_received),
    ("Soft Bounced Events", |rate| rate.soft_bounced_events),
    ("Completed Recipients", |rate| rate.completed),
    ("  Hard Bounced Recipients", |rate| rate.hard_bounced),
    ("  Delivered Recipients", |rate| rate.delivered),
];

impl Commands {
    /// How the gateway is.
    pub async fn status(&self, detail: bool) -> StatusReply {
        let context = &self.context;
        let (gauges, oldest) = context
            .shard
            .ask(|delivery, now| {
                let first = delivery.recipients(&Scope::All, None, 1, now).recipients;
                (delivery.gauges(), first.first().map(|oldest| oldest.accepted_at))
            })
            .await
            .unwrap_or_default();
        let oldest = oldest.into_iter().chain(self.oldest_held().await).min();
        let usage = context.reader.usage();
        let running = context.running.load();
        let (columns, reset_at, up_since, ids, rates) = {
            let tally = self.books.tally.lock();
            let now = context.clock.wall().0;
            let rates = detail.then(|| tally.rates(now));
            (
                [Column::Reset, Column::Uptime, Column::Lifetime].map(|column| tally.counters(column)),
                tally.reset_at(),
                tally.started_at(),
                tally.ids(),
                rates,
            )
        };
        let [reset, uptime, lifetime] = columns.map(|counters| system(&counters));
        StatusReply {
            as_of: self.as_of(),
            up_since_us: up_since.unwrap_or(0),
            last_reset_us: reset_at,
            system_status: self.system_status(),
            durability: Vec::new(),
            recorder: self.recorder_state(),
            orders: self.order_lines(),
            recovering: context.recovery.going_on(),
            oldest_message_us: oldest,
            reset,
            uptime,
            lifetime,
            current_ids: [ids.mid.0, ids.icid.0, ids.dcid.0],
            work_queue: self.held(),
            listeners: self.listeners.iter().map(|listener| listener.name.clone()).collect(),
            gauges: Gauges {
                conn_in: self.connections_in(),
                conn_out: gauges.connections as u64,
                active_recips: gauges.active as u64,
                unattempted_recips: gauges.unattempted as u64,
                attempted_recips: gauges.attempted as u64,
                msgs_in_work_queue: context.work_queue.load().messages,
                dests_in_memory: gauges.destinations as u64,
                kbytes_used: (usage.wal_bytes + usage.segment_bytes + usage.staged_bytes) / 1024,
                kbytes_free: disk_free(&running.config.data_dir).unwrap_or(0) / 1024,
                ram_kbytes: resident_kbytes(),
            },
            rates: rates.map(|[one, five, fifteen]| {
                RATED
                    .iter()
                    .map(|(name, value)| Rate {
                        name: (*name).to_owned(),
                        last_1_min: value(&one),
                        last_5_min: value(&five),
                        last_15_min: value(&fifteen),
                    })
                    .collect()
            }),
        }
    }

    /// Inbound connections open now.
    pub(super) fn connections_in(&self) -> u64 {
        self.listeners.iter().map(|listener| listener.open() as u64).sum()
    }

    fn recorder_state(&self) -> RecorderState {
        let recorder = &self.context.recorder;
        let (conversations_bytes, oldest_us) = recorder.extent();
        let counts = recorder.counts();
        RecorderState {
            on: recorder.is_on(),
            conversations_bytes,
            oldest_us,
            recorded: counts.taken,
            dropped: counts.dropped,
        }
    }

    fn system_status(&self) -> String {
        let intake = &self.context.intake;
        let text = match (intake.stopping(), intake.space()) {
            (true, _) => "Offline",
            (false, SpoolSpace::Failed) => "Storage failed",
            (false, SpoolSpace::Reserve) => "Receiving and delivery suspended (disk space)",
            (false, SpoolSpace::Enough | SpoolSpace::Low) if self.ordered().is_some() => {
                self.ordered().unwrap_or_default()
            }
            (false, SpoolSpace::Low) => "Receiving suspended (disk space)",
            (false, SpoolSpace::Enough) if intake.refusal().is_some() => "Receiving suspended (queue full)",
            (false, SpoolSpace::Enough) => "Online",
        };
        text.to_owned()
    }

    /// The state that operators ordered, when it is one of the whole gateway.
    fn ordered(&self) -> Option<&'static str> {
        let receiving = self.listeners.iter().all(|listener| listener.door().suspended());
        match (receiving, self.context.standing.in_force().delivery.is_some()) {
            (true, true) => Some("Offline"),
            (true, false) => Some("Receiving suspended"),
            (false, true) => Some("Delivery suspended"),
            (false, false) => None,
        }
    }

    /// The standing orders in words, the widest first.
    fn order_lines(&self) -> Vec<OrderLine> {
        let orders = self.context.standing.in_force();
        let line = |what: String, given: &Given| OrderLine {
            text: format!("{what} by {}", given.by),
            since_us: given.at,
        };
        let receiving = orders.receiving.iter().map(|given| line("Receiving suspended".to_owned(), given));
        let delivery = orders.delivery.iter().map(|given| line("Delivery suspended".to_owned(), given));
        let listeners = orders
            .listeners
            .iter()
            .map(|(name, given)| line(format!("Receiving on {name} suspended"), given));
        let hosts =
            orders.hosts.iter().map(|(host, given)| line(format!("Delivery to {host} suspended"), given));
        let paused = orders.work_queue.paused.iter().map(|pause| {
            let line = line("Work queue paused".to_owned(), &pause.given);
            let reason = if pause.reason.is_empty() { String::new() } else { format!(": {}", pause.reason) };
            OrderLine { text: line.text + &reason, ..line }
        });
        receiving.chain(delivery).chain(paused).chain(listeners).chain(hosts).take(ORDERS).collect()
    }

    pub(super) fn alerts(&self, request: DisplayAlerts) -> AlertsReply {
        let alerts = self.books.alerts.lock();
        let lines = alerts.iter().rev().take(request.count).map(|(at, alert)| AlertLine {
            at_us: *at,
            severity: match alert.severity {
                Severity::Information => "Information",
                Severity::Warning => "Warning",
                Severity::Critical => "Critical",
            }
            .to_owned(),
            code: alert.code.clone(),
            text: alert.text.clone(),
            hint: alert.hint.clone(),
        });
        AlertsReply { as_of: self.as_of(), alerts: lines.collect() }
    }
}

fn system(counters: &Counters) -> SystemCounters {
    SystemCounters {
        inj_msgs: counters.messages_received,
        inj_recips: counters.recipients_received,
        gen_bounce_recips: counters.generated.bounces,
        rejected_recips: counters.rejected_recipients,
        dropped_msgs: counters.dropped_messages,
        archived_recips: counters.archived_recipients,
        soft_bounced_evts: counters.soft_bounced_events,
        completion: completion(&counters.ends),
    }
}

/// Ends by kind, as replies carry them.
pub(super) const fn completion(ends: &Ends) -> Completion {
    Completion {
        dns_hard_bounced_recips: ends.hard.dns,
        five_xx_hard_bounced_recips: ends.hard.five_xx,
        filter_hard_bounced_recips: ends.hard.filter,
        expired_hard_bounced_recips: ends.hard.expired,
        other_hard_bounced_recips: ends.hard.other,
        delivered_recips: ends.delivered,
        deleted_recips: ends.deleted,
    }
}

/// Resident memory of this process.
fn resident_kbytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * (rustix::param::page_size() as u64) / 1024
}
