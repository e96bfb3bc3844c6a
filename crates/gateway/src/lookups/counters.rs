//! How often the name service was asked, and how often the cache knew.
//!
//! The resolver tells nothing of its cache, but an answer from the cache is there at once, and one from the
//! network never is: whoever polls the look-up for the first time knows. That an answer was there and became
//! too old is known from when each was to end.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hickory_resolver::proto::rr::{Name, RecordType};
use mailreeve_api::monitor::DnsCounters;
use parking_lot::Mutex;

use super::dns::NoAnswer;

/// Answers whose end is remembered at most; beyond it the memory is emptied.
const REMEMBERED: usize = 65_536;

/// The counters of look-ups. They outlive a reload of the configuration.
#[derive(Default)]
pub struct LookupCounters {
    requests: AtomicU64,
    network: AtomicU64,
    hits: AtomicU64,
    exceptions: AtomicU64,
    expired: AtomicU64,
    at_reset: Mutex<DnsCounters>,
    ends: Mutex<HashMap<u64, Instant>>,
    hasher: RandomState,
}

/// A question, as the counters know it.
#[derive(Clone, Copy)]
pub(super) struct Asked(u64);

impl LookupCounters {
    pub(super) fn asked(&self, name: &Name, kind: RecordType) -> Asked {
        self.requests.fetch_add(1, Ordering::Relaxed);
        Asked(self.hasher.hash_one((name, kind)))
    }

    /// Counts a question that the cache answered.
    pub(super) fn hit<T>(&self, answer: &Result<T, NoAnswer>) {
        self.hits.fetch_add(1, Ordering::Relaxed);
        if matches!(answer, Err(NoAnswer::NoSuchName | NoAnswer::NoRecords)) {
            self.exceptions.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a question for which a name server has to be asked.
    pub(super) fn missed(&self, asked: Asked) {
        self.network.fetch_add(1, Ordering::Relaxed);
        let end = self.ends.lock().remove(&asked.0);
        if end.is_some_and(|end| end <= Instant::now()) {
            self.expired.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Remembers how long the cache may keep an answer from a name server.
    pub(super) fn kept(&self, asked: Asked, ttl: u32) {
        let mut ends = self.ends.lock();
        if ends.len() >= REMEMBERED {
            ends.clear();
        }
        ends.insert(asked.0, Instant::now() + Duration::from_secs(u64::from(ttl)));
    }

    /// What was cached is forgotten: nothing of it can become too old.
    pub(super) fn flushed(&self) {
        self.ends.lock().clear();
    }

    /// Returns what was counted since the start.
    pub fn uptime(&self) -> DnsCounters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        DnsCounters {
            requests: read(&self.requests),
            network_requests: read(&self.network),
            cache_hits: read(&self.hits),
            cache_misses: read(&self.network),
            cache_exceptions: read(&self.exceptions),
            cache_expired: read(&self.expired),
        }
    }

    /// Returns what was counted since the last [`Self::reset`], or since the start.
    pub fn since_reset(&self) -> DnsCounters {
        let mark = *self.at_reset.lock();
        self.uptime().since(&mark)
    }

    /// Lets [`Self::since_reset`] begin at zero.
    pub fn reset(&self) {
        *self.at_reset.lock() = self.uptime();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn hits_misses_and_answers_that_became_too_old_are_told_apart() {
        let counters = LookupCounters::default();
        let name = Name::from_ascii("example.test.").unwrap();
        let first = counters.asked(&name, RecordType::MX);
        counters.missed(first);
        counters.kept(first, 0);
        let again = counters.asked(&name, RecordType::MX);
        counters.missed(again);
        counters.kept(again, 600);
        counters.asked(&name, RecordType::MX);
        counters.hit(&Ok(()));
        counters.asked(&name, RecordType::A);
        counters.hit::<()>(&Err(NoAnswer::NoSuchName));
        let counted = DnsCounters {
            requests: 4,
            network_requests: 2,
            cache_hits: 2,
            cache_misses: 2,
            cache_exceptions: 1,
            cache_expired: 1,
        };
        assert_eq!(counters.uptime(), counted);
        // Dropped from the cache before its time is no expiry.
        let evicted = counters.asked(&name, RecordType::MX);
        counters.missed(evicted);
        assert_eq!(counters.uptime().cache_expired, 1);
        counters.reset();
        assert_eq!(counters.since_reset(), DnsCounters::default());
        assert_eq!(counters.uptime().requests, 5);
    }
}
