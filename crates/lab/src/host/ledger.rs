//! What a host remembers over all its connections: what it took, who it counted, what it found wrong.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::Instant;

use parking_lot::Mutex;

use super::temper::{Rule, Span, Temper};
use crate::record::{Delivery, Journal, Sums};

/// How much a host notes of each message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Sums only: for the benchmark.
    Sums,
    /// A record of each message.
    Records {
        /// Whether the records stay in memory.
        memory: bool,
        /// Whether they hold the message itself, too.
        content: bool,
        /// A file that they are appended to.
        file: Option<PathBuf>,
    },
}

impl Default for Detail {
    fn default() -> Self {
        Self::Records { memory: true, content: false, file: None }
    }
}

/// Records kept in memory, at most. More are counted in the sums and written to the file.
const KEPT_LIMIT: usize = 1_000_000;
/// Bytes of content kept in memory, at most.
const CONTENT_LIMIT: usize = 256 << 20;
/// Complaints kept, at most.
const COMPLAINT_LIMIT: usize = 1_000;
/// Addresses counted for greylisting, at most; beyond, nobody is greylisted any more.
const ADDRESS_LIMIT: usize = 1_000_000;

/// The memory of one host.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) name: String,
    pub(super) detail: Detail,
    pub(super) trace: Vec<String>,
    pub(super) temper: Mutex<Arc<Temper>>,
    pub(super) connections: AtomicU64,
    pub(super) open: AtomicUsize,
    journal: Option<Journal>,
    sums: Mutex<Sums>,
    kept: Mutex<Kept>,
    counts: Mutex<Counts>,
    complaints: Mutex<Vec<String>>,
}

#[derive(Debug, Default)]
struct Kept {
    deliveries: Vec<Delivery>,
    content_bytes: usize,
}

#[derive(Debug, Default)]
struct Counts {
    by_rule: HashMap<usize, u64>,
    by_address: HashMap<(usize, String), (u64, Instant)>,
}

impl Ledger {
    pub(super) fn open(
        name: String,
        temper: Temper,
        detail: Detail,
        trace: Vec<String>,
    ) -> std::io::Result<Self> {
        let journal = match &detail {
            Detail::Records { file: Some(path), .. } => Some(Journal::open(path)?),
            Detail::Records { file: None, .. } | Detail::Sums => None,
        };
        Ok(Self {
            name,
            detail,
            trace,
            temper: Mutex::new(Arc::new(temper)),
            connections: AtomicU64::new(0),
            open: AtomicUsize::new(0),
            journal,
            sums: Mutex::default(),
            kept: Mutex::default(),
            counts: Mutex::default(),
            complaints: Mutex::default(),
        })
    }

    /// Whether messages are to be described, not only summed.
    pub(super) const fn describes(&self) -> bool {
        matches!(self.detail, Detail::Records { .. })
    }

    /// Whether the message itself is wanted.
    pub(super) const fn wants_content(&self) -> bool {
        matches!(self.detail, Detail::Records { memory: true, content: true, .. })
    }

    /// Takes a message. Only after this returned may the host say so.
    pub(super) fn take(
        &self,
        recipients: usize,
        content_bytes: u64,
        crc: u32,
        delivery: Option<Box<Delivery>>,
    ) -> std::io::Result<()> {
        if let (Some(journal), Some(delivery)) = (&self.journal, &delivery) {
            journal.append(delivery.as_ref())?;
        }
        self.sums.lock().add(recipients, content_bytes, crc);
        let memory = matches!(self.detail, Detail::Records { memory: true, .. });
        if let Some(mut delivery) = delivery.filter(|_| memory) {
            let mut kept = self.kept.lock();
            let length = delivery.content.as_ref().map_or(0, Vec::len);
            if kept.content_bytes + length > CONTENT_LIMIT {
                delivery.content = None;
            } else {
                kept.content_bytes += length;
            }
            if kept.deliveries.len() < KEPT_LIMIT {
                kept.deliveries.push(*delivery);
            }
        }
        Ok(())
    }

    pub(super) fn sums(&self) -> Sums {
        *self.sums.lock()
    }

    pub(super) fn deliveries(&self) -> Vec<Delivery> {
        self.kept.lock().deliveries.clone()
    }

    pub(super) fn complain(&self, what: String) {
        let mut complaints = self.complaints.lock();
        if complaints.len() < COMPLAINT_LIMIT {
            complaints.push(what);
        }
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        self.complaints.lock().clone()
    }

    /// Starts over with another temper. Connections that are open keep the one they began with.
    pub(super) fn change(&self, temper: Temper) {
        *self.temper.lock() = Arc::new(temper);
        *self.counts.lock() = Counts::default();
    }

    /// Whether the rule with this number, which fits by stage and address, applies this time. Counts it.
    pub(super) fn applies(&self, number: usize, rule: &Rule, address: &str, on_connection: u64) -> bool {
        match rule.span {
            Span::Always => true,
            Span::AfterOnConnection(count) => on_connection > count,
            Span::First(count) => {
                let mut counts = self.counts.lock();
                let seen = counts.by_rule.entry(number).or_default();
                *seen += 1;
                *seen <= count
            }
            Span::FirstPerAddress(count) => self.seen(number, address).is_some_and(|(seen, _)| seen <= count),
            Span::TimePerAddress(span) => {
                self.seen(number, address).is_some_and(|(_, at)| at.elapsed() < span)
            }
        }
    }

    fn seen(&self, number: usize, address: &str) -> Option<(u64, Instant)> {
        let mut counts = self.counts.lock();
        let room = counts.by_address.len() < ADDRESS_LIMIT;
        let key = (number, address.to_lowercase());
        if !room && !counts.by_address.contains_key(&key) {
            return None;
        }
        let entry = counts.by_address.entry(key).or_insert_with(|| (0, Instant::now()));
        entry.0 += 1;
        Some(*entry)
    }
}
