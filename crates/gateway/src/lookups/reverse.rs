//! The name of a connecting host: PTR, then the address of that name, while the session goes on.
//!
//! The banner never waits for it. A host is `verified` when one of its names leads back to its address.
//! After its deadline the answer is "unknown"; answers and silences are remembered for a while, so a dead
//! resolver costs one wait a host and not one a connection.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::dns::Dns;

/// How long an answer is kept.
const KEEP: Duration = Duration::from_secs(300);
/// Hosts remembered at most; beyond it the memory is emptied.
const REMEMBERED: usize = 16_384;
/// Names of a host that are checked.
const NAMES_CHECKED: usize = 4;

/// What is known of a host's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerName {
    /// Its first name, if it has one.
    pub name: Option<String>,
    /// The name leads back to the address.
    pub verified: bool,
    /// The look-up ended without an answer.
    pub timed_out: bool,
}

/// Names of hosts, remembered.
#[derive(Default)]
pub struct PeerNames {
    known: Mutex<HashMap<IpAddr, (Instant, PeerName)>>,
}

impl PeerNames {
    /// Returns the name of `peer` if it is known already.
    pub fn known(&self, peer: IpAddr) -> Option<PeerName> {
        let known = self.known.lock();
        let (until, name) = known.get(&peer)?;
        (Instant::now() < *until).then(|| name.clone())
    }

    /// Forgets every name.
    pub fn forget(&self) {
        self.known.lock().clear();
    }

    /// Looks the name of `peer` up, both look-ups within `deadline`.
    pub async fn look_up(&self, dns: &Dns, peer: IpAddr, deadline: Duration) -> PeerName {
        let name = tokio::time::timeout(deadline, ask(dns, peer))
            .await
            .unwrap_or(PeerName { timed_out: true, ..PeerName::default() });
        let mut known = self.known.lock();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(peer, (Instant::now() + KEEP, name.clone()));
        name
    }
}

async fn ask(dns: &Dns, peer: IpAddr) -> PeerName {
    let Ok(names) = dns.names(peer).await else { return PeerName::default() };
    let mut verified = false;
    for name in names.records.iter().take(NAMES_CHECKED) {
        if let Ok(addresses) = dns.addresses(name).await {
            verified |= addresses.records.iter().any(|address| address.to_canonical() == peer.to_canonical());
        }
        if verified {
            break;
        }
    }
    PeerName { name: names.records.into_iter().next(), verified, timed_out: false }
}
