//! The newest attempts of each destination, in memory: a bounded number of destinations, a few attempts of each.

use std::collections::{HashMap, VecDeque};

use mailreeve_core::attempt::Attempt;
use mailreeve_core::ids::Host;

/// Destinations that are remembered; the one not tried for the longest goes.
const HOSTS: usize = 512;
/// Attempts of each.
const ATTEMPTS: usize = 4;

/// The destinations that were tried lately.
#[derive(Debug, Default)]
pub(super) struct Hosts(HashMap<Host, VecDeque<Attempt>>);

impl Hosts {
    /// Notes an attempt.
    pub(super) fn note(&mut self, attempt: Attempt) {
        if self.0.len() >= HOSTS && !self.0.contains_key(&attempt.host) {
            let began = |attempts: &VecDeque<Attempt>| attempts.back().map(|attempt| attempt.began_at);
            let oldest = self.0.iter().min_by_key(|(_, attempts)| began(attempts));
            if let Some(oldest) = oldest.map(|(host, _)| host.clone()) {
                self.0.remove(&oldest);
            }
        }
        let attempts = self.0.entry(attempt.host.clone()).or_default();
        if attempts.len() >= ATTEMPTS {
            attempts.pop_front();
        }
        attempts.push_back(attempt);
    }

    /// Returns those of a destination.
    pub(super) fn of(&self, host: &Host) -> Vec<Attempt> {
        self.0.get(host).map(|attempts| attempts.iter().cloned().collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use mailreeve_core::attempt::Outcome;
    use mailreeve_core::ids::{Dcid, Mid, Rid};

    use super::*;

    fn attempt(host: usize, began_at: u64) -> Attempt {
        Attempt {
            mid: Mid(began_at),
            rid: Rid(0),
            host: Host::new(&format!("h{host}.test")),
            dcid: Dcid(1),
            began_at,
            stages: Vec::new(),
            way: None,
            tls: None,
            certificate: None,
            passed_over: Vec::new(),
            outcome: Outcome::Delivered(String::new()),
            tcp: None,
        }
    }

    #[test]
    fn the_newest_of_the_newest_are_remembered() {
        let mut hosts = Hosts::default();
        (0..10).for_each(|at| hosts.note(attempt(0, at)));
        let began: Vec<u64> = hosts.of(&Host::new("h0.test")).iter().map(|kept| kept.began_at).collect();
        assert_eq!(began, [6, 7, 8, 9]);
        (1..=HOSTS).for_each(|host| hosts.note(attempt(host, 100 + host as u64)));
        assert_eq!(hosts.0.len(), HOSTS);
        assert!(hosts.of(&Host::new("h0.test")).is_empty() && !hosts.of(&Host::new("h1.test")).is_empty());
    }
}
