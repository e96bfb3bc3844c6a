//! `tophosts`: the destinations with most of something, twenty of them.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::command::{Argument, Command, Effect, Role, Spec, Text, no_more};
use crate::format::{AsOf, thousands};
use crate::wire::Problem;
use crate::workqueue::Held;

/// What destinations are sorted by, always descending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortKey {
    /// Recipients waiting now.
    #[default]
    ActiveRcpts,
    /// Connections open now.
    ConnOut,
    /// Recipients delivered since reset.
    DelivRecip,
    /// Recipients bounced since reset.
    HardBounced,
    /// Soft bounce events since reset.
    SoftBounced,
}

const KEYS: [(&str, SortKey); 5] = [
    ("active_rcpts", SortKey::ActiveRcpts),
    ("conn_out", SortKey::ConnOut),
    ("deliv_recip", SortKey::DelivRecip),
    ("hard_bounced", SortKey::HardBounced),
    ("soft_bounced", SortKey::SoftBounced),
];

/// Asks for the top destinations.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopHosts {
    /// Sorted by.
    #[serde(default)]
    pub key: SortKey,
}

/// The top destinations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TopHostsReply {
    /// When.
    pub as_of: AsOf,
    /// Sorted by.
    pub key: SortKey,
    /// The rows, best first.
    pub hosts: Vec<HostLine>,
    /// `recovering n of m` while the spool is being read after a start.
    pub recovering: Option<(u64, u64)>,
    /// What waits in the work queue, and so in no row.
    #[serde(default)]
    pub work_queue: Held,
}

/// One destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostLine {
    /// Recipient host.
    pub host: String,
    /// `up`, `down` or `unknown`.
    pub status: String,
    /// Recipients waiting now.
    pub active_recips: u64,
    /// Connections open now.
    pub conn_out: u64,
    /// Delivered since reset.
    pub delivered_recips: u64,
    /// Soft bounce events since reset.
    pub soft_bounced_evts: u64,
    /// Hard bounced since reset.
    pub hard_bounced_recips: u64,
}

impl Command for TopHosts {
    type Reply = TopHostsReply;
    const SPEC: Spec = Spec {
        words: "tophosts",
        summary: "shows the destinations with most recipients waiting",
        about: "Twenty destinations, sorted descending by one column. A `*` after the number marks a destination that was down as of the last delivery attempt; `hoststatus` says why.",
        arguments: &[Argument {
            name: "key",
            help: "the column to sort by (active_rcpts)",
            required: false,
            choices: &["active_rcpts", "conn_out", "deliv_recip", "hard_bounced", "soft_bounced"],
        }],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/tophosts",
        example: "tophosts active_rcpts",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 1, &Self::SPEC)?;
        let Some(word) = words.first() else { return Ok(Self { key: SortKey::default() }) };
        let key = KEYS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, key)| *key);
        key.map(|key| Self { key }).ok_or_else(|| {
            let names: Vec<_> = KEYS.iter().map(|(name, _)| *name).collect();
            Problem::new(
                format!("`{word}` is not a column that tophosts sorts by"),
                format!("one of {}", names.join(", ")),
            )
        })
    }
}

impl Text for TopHostsReply {
    fn text(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "Status as of:                   {}", self.as_of.now());
        out.push_str("Hosts marked with '*' were down as of the last delivery attempt.\n");
        if let Some((done, all)) = self.recovering {
            let _ = writeln!(
                out,
                "The queue is being read after a start: recovering {} of {}.",
                thousands(done),
                thousands(all)
            );
        }
        if let Some(held) = self.work_queue.sentence(&self.as_of) {
            let _ = writeln!(out, "{held}");
        }
        out.push_str("\n                                  Active  Conn.     Deliv.       Soft       Hard\n");
        out.push_str("#   Recipient Host                Recip.    Out     Recip.    Bounced    Bounced\n\n");
        for (number, host) in (1..).zip(&self.hosts) {
            let mark = if host.status == "down" { '*' } else { ' ' };
            let row = [host.active_recips, host.conn_out, host.delivered_recips].map(thousands);
            let [active, conn, delivered] = row;
            let _ = writeln!(
                out,
                "{:<4}{:<27}{active:>9}{conn:>7}{delivered:>11}{:>11}{:>11}",
                format!("{number}{mark}"),
                host.host,
                thousands(host.soft_bounced_evts),
                thousands(host.hard_bounced_recips),
            );
        }
        out
    }
}
