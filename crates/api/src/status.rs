//! `status` and `status detail`.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::command::{Command, Effect, Role, Spec, Text, no_more};
use crate::counters::SystemCounters;
use crate::format::{AsOf, long_span, short_span, thousands};
use crate::recorder::RecorderState;
use crate::wire::Problem;
use crate::workqueue::Held;

/// Asks how the gateway is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {}

/// Asks how the gateway is, with rates and everything measured.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusDetail {}

/// How the gateway is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StatusReply {
    /// When.
    pub as_of: AsOf,
    /// Start of this process, microseconds since the epoch.
    pub up_since_us: u64,
    /// Last `resetcounters`, if ever.
    pub last_reset_us: Option<u64>,
    /// Online, Receiving suspended, Delivery suspended, Offline, Storage failed, Recovering.
    pub system_status: String,
    /// Whether anything weakens the promise that accepted mail survives a power cut; empty when nothing does.
    pub durability: Vec<String>,
    /// What is recorded of attempts and conversations.
    #[serde(default)]
    pub recorder: RecorderState,
    /// What operators ordered and did not take back, and since when; the first few of many.
    #[serde(default)]
    pub orders: Vec<OrderLine>,
    /// `recovering n of m` while the spool is being read after a start.
    pub recovering: Option<(u64, u64)>,
    /// Acceptance time of the oldest waiting message.
    pub oldest_message_us: Option<u64>,
    /// Counters since reset, since start, ever.
    pub reset: SystemCounters,
    /// See `reset`.
    pub uptime: SystemCounters,
    /// See `reset`.
    pub lifetime: SystemCounters,
    /// Last MID, ICID, DCID given.
    pub current_ids: [u64; 3],
    /// Names of the listeners.
    #[serde(default)]
    pub listeners: Vec<String>,
    /// Gauges.
    pub gauges: Gauges,
    /// What waits in the work queue, and who paused it.
    #[serde(default)]
    pub work_queue: Held,
    /// Rates, in the detailed form.
    pub rates: Option<Vec<Rate>>,
}

/// A standing order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// What, and by whom: `Delivery to example.com suspended by ann`.
    pub text: String,
    /// Since when, microseconds since the epoch.
    pub since_us: u64,
}

/// Values of this instant.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Gauges {
    /// Current Inbound Conn.
    pub conn_in: u64,
    /// Current Outbound Conn.
    pub conn_out: u64,
    /// Active Recipients.
    pub active_recips: u64,
    /// Unattempted Recipients.
    pub unattempted_recips: u64,
    /// Attempted Recipients.
    pub attempted_recips: u64,
    /// Messages In Work Queue.
    pub msgs_in_work_queue: u64,
    /// Destinations In Memory.
    pub dests_in_memory: u64,
    /// Kilobytes Used by the spool.
    pub kbytes_used: u64,
    /// Kilobytes Free on its disk.
    pub kbytes_free: u64,
    /// Resident memory of the process, kilobytes.
    pub ram_kbytes: u64,
}

/// Events an hour, extrapolated from the last 1, 5 and 15 minutes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rate {
    /// Counter's name.
    pub name: String,
    /// From the last minute.
    pub last_1_min: u64,
    /// From the last five.
    pub last_5_min: u64,
    /// From the last fifteen.
    pub last_15_min: u64,
}

impl Command for Status {
    type Reply = StatusReply;
    const SPEC: Spec = Spec {
        words: "status",
        summary: "shows how the gateway is: counters, gauges, current IDs",
        about: "Counters stand in three columns: since the last reset, since the start, and ever. Gauges are values of this instant.",
        arguments: &[],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/status",
        example: "status",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 0, &Self::SPEC)?;
        Ok(Self {})
    }
}

impl Command for StatusDetail {
    type Reply = StatusReply;
    const SPEC: Spec = Spec {
        words: "status detail",
        summary: "shows the status with kinds of bounces, rates and resources",
        about: "As `status`, with every kind of hard bounce and with rates: events an hour, extrapolated from the last 1, 5 and 15 minutes.",
        arguments: &[],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/status/detail",
        example: "status detail",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 0, &Self::SPEC)?;
        Ok(Self {})
    }
}

impl Text for StatusReply {
    fn text(&self) -> String {
        let mut out = String::with_capacity(4096);
        self.head(&mut out);
        self.counters(&mut out);
        if let Some(rates) = &self.rates {
            write_rates(&mut out, rates);
        }
        self.gauges(&mut out);
        out
    }
}

impl StatusReply {
    fn head(&self, out: &mut String) {
        let as_of = &self.as_of;
        let up = short_span(as_of.seconds_since(self.up_since_us));
        let reset = self.last_reset_us.map_or_else(|| "Never".to_owned(), |at| as_of.show(at));
        let oldest = self
            .oldest_message_us
            .map_or_else(|| "No Messages".to_owned(), |at| long_span(as_of.seconds_since(at)));
        let _ = writeln!(out, "Status as of:                  {}", as_of.now());
        let _ = writeln!(out, "Up since:                      {} ({up})", as_of.show(self.up_since_us));
        let _ = writeln!(out, "Last counter reset:            {reset}");
        let _ = writeln!(out, "System status:                 {}", self.system_status);
        if let Some((done, all)) = self.recovering {
            let _ = writeln!(
                out,
                "Queue:                         recovering {} of {}",
                thousands(done),
                thousands(all)
            );
        }
        if let Some(held) = self.work_queue.sentence(as_of) {
            let _ = writeln!(out, "Work queue:                    {held}");
        }
        for order in &self.orders {
            let since = as_of.show(order.since_us);
            let _ = writeln!(out, "Standing order:                {}, since {since}", order.text);
        }
        if !self.recorder.on {
            let _ = writeln!(out, "Recorder:                      off");
        }
        for weakness in &self.durability {
            let _ = writeln!(out, "Durability:                    {weakness}");
        }
        let _ = writeln!(out, "Oldest Message:                {oldest}\n");
    }

    fn counters(&self, out: &mut String) {
        let detail = self.rates.is_some();
        let columns = [&self.reset, &self.uptime, &self.lifetime];
        let mut rows = Rows { out, columns };
        rows.title("Counters:                                 Reset          Uptime        Lifetime");
        rows.title("  Receiving");
        rows.row("    Messages Received", |c| c.inj_msgs);
        rows.row("    Recipients Received", |c| c.inj_recips);
        if detail {
            rows.row("    Gen. Bounce Recipients", |c| c.gen_bounce_recips);
        }
        rows.title("  Rejection");
        rows.row("    Rejected Recipients", |c| c.rejected_recips);
        rows.row("    Dropped Messages", |c| c.dropped_msgs);
        rows.title("  Queue");
        rows.row("    Soft Bounced Events", |c| c.soft_bounced_evts);
        rows.title("  Completion");
        rows.row("    Completed Recipients", |c| c.completion.completed());
        if detail {
            rows.row("      Hard Bounced Recipients", |c| c.completion.hard());
            rows.row("        DNS Hard Bounces", |c| c.completion.dns_hard_bounced_recips);
            rows.row("        5XX Hard Bounces", |c| c.completion.five_xx_hard_bounced_recips);
            rows.row("        Filter Hard Bounces", |c| c.completion.filter_hard_bounced_recips);
            rows.row("        Expired Hard Bounces", |c| c.completion.expired_hard_bounced_recips);
            rows.row("        Other Hard Bounces", |c| c.completion.other_hard_bounced_recips);
            rows.row("      Delivered Recipients", |c| c.completion.delivered_recips);
            rows.row("      Deleted Recipients", |c| c.completion.deleted_recips);
        }
        rows.title("  Current IDs");
        for (label, id) in ["Message ID (MID)", "Injection Conn. ID (ICID)", "Delivery Conn. ID (DCID)"]
            .iter()
            .zip(self.current_ids)
        {
            let _ = writeln!(out, "    {label:<27}{id:>47}");
        }
        out.push('\n');
    }

    fn gauges(&self, out: &mut String) {
        let gauges = &self.gauges;
        let detail = self.rates.is_some();
        let mut line = |text: &str, value: Option<u64>| match value {
            Some(value) => {
                let _ = writeln!(out, "{text:<31}{:>16}", thousands(value));
            }
            None => {
                let _ = writeln!(out, "{text}");
            }
        };
        line("Gauges:                                 Current", None);
        if detail {
            line("  System", None);
            line("    RAM Used (Kilobytes)", Some(gauges.ram_kbytes));
        }
        line("  Connections", None);
        line("    Current Inbound Conn.", Some(gauges.conn_in));
        line("    Current Outbound Conn.", Some(gauges.conn_out));
        line("  Queue", None);
        line("    Active Recipients", Some(gauges.active_recips));
        if detail {
            line("      Unattempted Recipients", Some(gauges.unattempted_recips));
            line("      Attempted Recipients", Some(gauges.attempted_recips));
        }
        line("    Messages In Work Queue", Some(gauges.msgs_in_work_queue));
        if detail {
            line("    Destinations In Memory", Some(gauges.dests_in_memory));
        }
        line("    Kilobytes Used", Some(gauges.kbytes_used));
        line("    Kilobytes Free", Some(gauges.kbytes_free));
    }
}

/// The three counter columns.
struct Rows<'a> {
    out: &'a mut String,
    columns: [&'a SystemCounters; 3],
}

impl Rows<'_> {
    fn title(&mut self, text: &str) {
        let _ = writeln!(self.out, "{text}");
    }

    fn row(&mut self, label: &str, value: fn(&SystemCounters) -> u64) {
        let [reset, uptime, lifetime] = self.columns.map(value).map(thousands);
        let _ = writeln!(self.out, "{label:<31}{reset:>16}{uptime:>16}{lifetime:>16}");
    }
}

fn write_rates(out: &mut String, rates: &[Rate]) {
    let _ = writeln!(out, "Rates (Events Per Hour):             1-Minute       5-Minutes      15-Minutes");
    for rate in rates {
        let columns = [rate.last_1_min, rate.last_5_min, rate.last_15_min].map(thousands);
        let [one, five, fifteen] = columns;
        let _ = writeln!(out, "  {:<27}{one:>16}{five:>16}{fifteen:>16}", rate.name);
    }
    out.push('\n');
}
