//! How many destinations are up, down and unknown, as the gateway itself says.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use mailreeve_cli::{Exit, Invocation};
use serde::Deserialize;

/// Destinations by their state, as the gateway counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct States {
    pub(super) up: usize,
    pub(super) down: usize,
    pub(super) unknown: usize,
}

/// What is read of the reply to `deliverystatus`.
#[derive(Debug, Deserialize)]
struct DeliveryStatus {
    totals: States,
    destinations: Vec<DestinationLine>,
}

#[derive(Debug, Deserialize)]
struct DestinationLine {
    host: String,
    status: String,
    soft_bounced_evts: u64,
    hard_bounced_recips: u64,
}

impl DestinationLine {
    /// Something came of a try there.
    fn was_tried(&self) -> bool {
        self.status != "unknown" || self.soft_bounced_evts + self.hard_bounced_recips > 0
    }
}

impl States {
    /// Asks as any operator's script would. The other value says whether all of `expected` have been tried.
    pub(super) fn ask(socket: &Path, expected: &[&str]) -> Result<(Self, bool)> {
        let words = ["deliverystatus", "host", "limit", "1000"].map(str::to_owned);
        let invocation = Invocation {
            words: &words,
            json: true,
            socket,
            terminal: false,
            asks: false,
            doubt: None,
            binary: &clap::Command::new("mailreeve"),
        };
        let (mut reply, mut problem) = (Vec::new(), Vec::new());
        let exit = mailreeve_cli::run(&invocation, &mut reply, &mut problem)?;
        if exit != Exit::Done {
            let told = [reply, problem].concat();
            bail!("the gateway does not tell its destinations: {}", String::from_utf8_lossy(&told).trim());
        }
        let reply = serde_json::from_slice(&reply).context("the reply to deliverystatus cannot be read")?;
        let reply: DeliveryStatus = reply;
        Ok((reply.totals, are_tried(&reply, expected)))
    }

    /// Whether there is at least one of each.
    pub(super) const fn are_all_seen(&self) -> bool {
        self.up > 0 && self.down > 0 && self.unknown > 0
    }
}

fn are_tried(reply: &DeliveryStatus, expected: &[&str]) -> bool {
    let tried = |name: &&str| reply.destinations.iter().any(|line| line.host == **name && line.was_tried());
    expected.iter().all(tried)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn reply(lines: &[(&str, &str, u64)]) -> DeliveryStatus {
        let line = |(host, status, soft): &(&str, &str, u64)| {
            format!(
                r#"{{"host": "{host}", "status": "{status}", "soft_bounced_evts": {soft},
                    "hard_bounced_recips": 0, "x": 1}}"#
            )
        };
        let lines: Vec<String> = lines.iter().map(line).collect();
        let totals = r#"{"up": 1, "down": 2, "unknown": 3, "destinations": 6}"#;
        let text = format!(r#"{{"totals": {totals}, "destinations": [{}], "y": 2}}"#, lines.join(","));
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn states_are_counted_by_the_gateway() {
        let states = reply(&[]).totals;
        assert_eq!(states, States { up: 1, down: 2, unknown: 3 });
        assert!(states.are_all_seen() && !States { unknown: 0, ..states }.are_all_seen());
    }

    #[test]
    fn they_are_told_when_every_destination_has_been_tried() {
        let lines = [("a", "up", 0), ("b", "unknown", 0)];
        assert!(are_tried(&reply(&lines), &["a"]));
        assert!(!are_tried(&reply(&lines), &["a", "b"]), "b waits for its first try");
        assert!(!are_tried(&reply(&lines), &["a", "c"]), "nothing is known of c");
        assert!(are_tried(&reply(&[lines[0], ("b", "unknown", 1)]), &["a", "b"]));
    }
}
