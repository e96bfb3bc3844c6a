//! Compares what was promised with what arrived.
//!
//! The unit is a message for one recipient: a relay may split a message, or send it to two of its recipients
//! together. Lost is what was acknowledged and never arrived. A delivery nobody was promised is no fault: the
//! line broke between commit and reply.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::record::{Acked, Delivery};

/// Ids named in a verdict, at most, for each kind of fault.
const NAMED_LIMIT: usize = 100;
/// How many of them the text form shows.
const SHOWN_LIMIT: usize = 10;

/// What the comparison found. Counts are of a message for one recipient; `named` holds the first hundred of
/// each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Acknowledged.
    pub acked: u64,
    /// Delivered, each counted once.
    pub delivered: u64,
    /// Acknowledged and not delivered.
    pub lost: u64,
    /// Delivered with other content, or under another sender, than was acknowledged.
    pub altered: u64,
    /// Deliveries beyond the first.
    pub duplicates: u64,
    /// Delivered and not acknowledged.
    pub unacked: u64,
    /// Deliveries that carry no number of the lab.
    pub strangers: u64,
    /// Lines that are no record, such as one torn off by the end of a process.
    pub bad_lines: u64,
    /// `id recipient` of the faults, by kind.
    pub named: BTreeMap<&'static str, Vec<String>>,
}

impl Verdict {
    /// Nothing lost and nothing altered.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.lost == 0 && self.altered == 0
    }

    fn name(&mut self, kind: &'static str, id: &str, rcpt: &str) {
        let named = self.named.entry(kind).or_default();
        if named.len() < NAMED_LIMIT {
            named.push(format!("{id} {rcpt}"));
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "Acknowledged {:>10}   (a message for one recipient)", self.acked)?;
        writeln!(formatter, "Delivered    {:>10}", self.delivered)?;
        writeln!(formatter, "Lost         {:>10}", self.lost)?;
        writeln!(formatter, "Altered      {:>10}", self.altered)?;
        writeln!(formatter, "Duplicates   {:>10}", self.duplicates)?;
        writeln!(formatter, "Unpromised   {:>10}", self.unacked)?;
        if self.strangers + self.bad_lines > 0 {
            writeln!(formatter, "Strangers {}, lines not read {}.", self.strangers, self.bad_lines)?;
        }
        for (kind, named) in &self.named {
            writeln!(formatter, "{kind}:")?;
            for name in named.iter().take(SHOWN_LIMIT) {
                writeln!(formatter, "  {name}")?;
            }
            if named.len() > SHOWN_LIMIT {
                writeln!(formatter, "  and more; the first {NAMED_LIMIT} are in the JSON form")?;
            }
        }
        Ok(())
    }
}

/// A comparison under way. Records are added in any order; memory is about 200 bytes a message.
#[derive(Debug, Default)]
pub struct Comparison {
    promised: HashMap<String, Promise>,
    arrived: HashMap<(String, String), Arrival>,
    strangers: u64,
    bad_lines: u64,
}

#[derive(Debug)]
struct Promise {
    mail: String,
    sha256: String,
    rcpts: Vec<String>,
}

#[derive(Debug, Default)]
struct Arrival {
    times: u64,
    /// Content and sender of the deliveries that differ from each other.
    forms: Vec<(String, String)>,
}

impl Comparison {
    /// Adds a message that was acknowledged.
    pub fn acked(&mut self, acked: Acked) {
        let promise = Promise { mail: acked.mail, sha256: acked.sha256, rcpts: acked.rcpts };
        self.promised.insert(acked.id, promise);
    }

    /// Adds a message that arrived.
    pub fn delivered(&mut self, delivery: &Delivery) {
        let Some(id) = &delivery.id else {
            self.strangers += 1;
            return;
        };
        for rcpt in &delivery.rcpts {
            let arrival = self.arrived.entry((id.clone(), rcpt.address.clone())).or_default();
            arrival.times += 1;
            let form = (delivery.content_sha256.clone(), delivery.mail.clone());
            if !arrival.forms.contains(&form) {
                arrival.forms.push(form);
            }
        }
    }

    /// Adds all records of a client's journal.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_acked(&mut self, path: &Path) -> io::Result<()> {
        self.bad_lines += each(path, |acked| self.acked(acked))?;
        Ok(())
    }

    /// Adds all records of a sink's journal.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_delivered(&mut self, path: &Path) -> io::Result<()> {
        self.bad_lines += each(path, |delivery: Delivery| self.delivered(&delivery))?;
        Ok(())
    }

    /// Compares.
    #[must_use]
    pub fn verdict(mut self) -> Verdict {
        let mut verdict =
            Verdict { strangers: self.strangers, bad_lines: self.bad_lines, ..Verdict::default() };
        let mut promised: Vec<(String, Promise)> = self.promised.drain().collect();
        promised.sort_by(|one, other| one.0.cmp(&other.0));
        for (id, promise) in &promised {
            for rcpt in &promise.rcpts {
                verdict.acked += 1;
                let Some(arrival) = self.arrived.remove(&(id.clone(), rcpt.clone())) else {
                    verdict.lost += 1;
                    verdict.name("lost", id, rcpt);
                    continue;
                };
                verdict.delivered += 1;
                if arrival
                    .forms
                    .iter()
                    .any(|(sha256, mail)| *sha256 != promise.sha256 || *mail != promise.mail)
                {
                    verdict.altered += 1;
                    verdict.name("altered", id, rcpt);
                }
                verdict.repeated(id, rcpt, arrival.times);
            }
        }
        let mut rest: Vec<_> = self.arrived.into_iter().collect();
        rest.sort_by(|one, other| one.0.cmp(&other.0));
        for ((id, rcpt), arrival) in rest {
            verdict.delivered += 1;
            verdict.unacked += 1;
            verdict.name("unpromised", &id, &rcpt);
            verdict.repeated(&id, &rcpt, arrival.times);
        }
        verdict
    }
}

impl Verdict {
    fn repeated(&mut self, id: &str, rcpt: &str, times: u64) {
        if times > 1 {
            self.duplicates += times - 1;
            self.name("duplicate", id, rcpt);
        }
    }
}

/// Calls `take` for each record of a file of JSON lines. Returns the number of lines that were none.
fn each<T: DeserializeOwned>(path: &Path, mut take: impl FnMut(T)) -> io::Result<u64> {
    let mut bad = 0;
    for line in BufReader::new(File::open(path)?).split(b'\n') {
        match serde_json::from_slice(&line?) {
            Ok(record) => take(record),
            Err(_) => bad += 1,
        }
    }
    Ok(bad)
}
