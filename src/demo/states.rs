//! How many destinations are up, down and unknown, as the gateway itself says.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use mailreeve_cli::{Exit, Invocation};
use serde::Deserialize;

/// Destinations by their state. One that is unknown counts when mail waits for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct States {
    pub(super) up: usize,
    pub(super) down: usize,
    pub(super) unknown: usize,
}

/// What is read of the reply to `tophosts`.
#[derive(Debug, Deserialize)]
struct TopHosts {
    hosts: Vec<HostLine>,
}

#[derive(Debug, Deserialize)]
struct HostLine {
    status: String,
    active_recips: u64,
    soft_bounced_evts: u64,
}

impl States {
    /// Asks as any operator's script would.
    pub(super) fn ask(socket: &Path) -> Result<Self> {
        let words = ["tophosts".to_owned()];
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
        let reply = serde_json::from_slice(&reply).context("the reply to tophosts cannot be read")?;
        Ok(Self::count(&reply))
    }

    fn count(reply: &TopHosts) -> Self {
        let mut states = Self::default();
        for host in &reply.hosts {
            match host.status.as_str() {
                "up" => states.up += 1,
                "down" => states.down += 1,
                // Not those that nobody has tried yet.
                _ if host.active_recips > 0 && host.soft_bounced_evts > 0 => states.unknown += 1,
                _ => {}
            }
        }
        states
    }

    /// Whether there is at least one of each.
    pub(super) const fn are_all_seen(&self) -> bool {
        self.up > 0 && self.down > 0 && self.unknown > 0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn special_queues_and_untried_hosts_are_not_unknown() {
        let line = |status: &str, active: u64, soft: u64| {
            format!(
                r#"{{"status": "{status}", "active_recips": {active}, "soft_bounced_evts": {soft}, "x": 1}}"#
            )
        };
        let lines = [line("up", 0, 0), line("down", 3, 1), line("unknown", 0, 0), line("unknown", 1, 0)];
        let reply = |lines: &[String]| {
            let text = format!(r#"{{"hosts": [{}], "y": 2}}"#, lines.join(","));
            States::count(&serde_json::from_str(&text).unwrap())
        };
        let states = reply(&lines);
        assert_eq!(states, States { up: 1, down: 1, unknown: 0 });
        assert!(!states.are_all_seen());
        assert!(reply(&[&lines[..], &[line("unknown", 1, 1)]].concat()).are_all_seen());
    }
}
