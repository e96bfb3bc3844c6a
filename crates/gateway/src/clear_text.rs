//! Addresses whose TLS is broken: delivered to in clear for a while, with the reason kept.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How long a broken address is not asked for TLS again.
const KEEP: Duration = Duration::from_secs(3_600);
/// Addresses remembered at most; beyond it the memory is emptied and TLS is tried afresh.
const REMEMBERED: usize = 65_536;

/// The memory.
#[derive(Default)]
pub struct ClearText {
    broken: Mutex<HashMap<IpAddr, (Instant, String)>>,
}

impl ClearText {
    /// Remembers that TLS with `address` failed, and why.
    pub fn remember(&self, address: IpAddr, why: &str) {
        let mut broken = self.broken.lock();
        if broken.len() >= REMEMBERED {
            broken.clear();
        }
        broken.insert(address, (Instant::now() + KEEP, why.to_owned()));
    }

    /// Returns why `address` is delivered to in clear, if it is.
    pub fn why(&self, address: IpAddr) -> Option<String> {
        let mut broken = self.broken.lock();
        let (until, why) = broken.get(&address)?;
        if Instant::now() < *until {
            return Some(why.clone());
        }
        broken.remove(&address);
        None
    }
}
