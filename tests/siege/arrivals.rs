//! What arrived, held against kills and log: which kill explains each repetition, and whether it was right to
//! repeat.
//!
//! A recipient is in flight from the moment its message is handed to a next hop until its end is durable, and
//! the log tells an end when it is durable. So one that was delivered twice was in flight at a kill if, and
//! only if, the log tells one end of it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;

use mailreeve_lab::record::Delivery;

use super::Kill;
use super::told::Told;

/// Faults named, at most, of each kind.
const NAMED_LIMIT: usize = 20;

/// What the search found. Counts are of a message for one recipient.
#[derive(Debug, Default)]
pub struct Arrivals {
    /// Deliveries beyond the first.
    pub duplicates: u64,
    /// Repeated, with no kill between the two deliveries: `id recipient`.
    pub unexplained: Vec<String>,
    /// The longest time from a first delivery to the kill that made it come again.
    pub widest_us: u64,
    /// Delivered, and not exactly one message in the log: `id recipient: MIDs`.
    pub without_one_mid: Vec<String>,
    /// Delivered, and not exactly one end in the log; with several, a durable end was repeated.
    pub without_one_end: Vec<String>,
}

impl Arrivals {
    /// Reads the journals of hosts, and counts at each kill what it made come again.
    pub fn judge(journals: &[PathBuf], kills: &mut [Kill], told: &Told) -> Self {
        let mut arrivals = Self::default();
        for ((id, rcpt), times) in deliveries(journals) {
            let name = format!("{id} {rcpt}");
            for pair in times.windows(2) {
                arrivals.duplicates += 1;
                arrivals.explain(&name, (pair[0], pair[1]), kills);
            }
            arrivals.look_up(&name, &id, &rcpt, told);
        }
        arrivals
    }

    /// A repetition is the deed of the first kill after the delivery that it repeats.
    fn explain(&mut self, name: &str, (first_us, again_us): (u64, u64), kills: &mut [Kill]) {
        match kills.iter_mut().find(|kill| kill.at_us >= first_us) {
            Some(kill) if kill.at_us <= again_us => {
                kill.repeated += 1;
                self.widest_us = self.widest_us.max(kill.at_us - first_us);
            }
            Some(_) | None => add(&mut self.unexplained, name.to_owned()),
        }
    }

    fn look_up(&mut self, name: &str, id: &str, rcpt: &str, told: &Told) {
        let mids = told.mids(id);
        let &[mid] = mids.as_slice() else {
            return add(&mut self.without_one_mid, format!("{name}: {mids:?}"));
        };
        let ends = told.ends(mid, rid(rcpt));
        if ends.len() != 1 {
            add(&mut self.without_one_end, format!("{name}, MID {mid}: DCIDs {ends:?}"));
        }
    }
}

fn add(names: &mut Vec<String>, name: String) {
    if names.len() < NAMED_LIMIT {
        names.push(name);
    }
}

/// The lab numbers recipients in the order of RCPT, `r000-...`, and so does the gateway.
fn rid(rcpt: &str) -> u64 {
    rcpt[1..4].parse().unwrap()
}

/// When each message arrived for each recipient.
fn deliveries(journals: &[PathBuf]) -> HashMap<(String, String), Vec<u64>> {
    let mut times: HashMap<(String, String), Vec<u64>> = HashMap::new();
    for journal in journals {
        for line in BufReader::new(File::open(journal).unwrap()).lines() {
            let delivery: Delivery = serde_json::from_str(&line.unwrap()).unwrap();
            let Some(id) = delivery.id else { continue };
            for rcpt in delivery.rcpts {
                times.entry((id.clone(), rcpt.address)).or_default().push(delivery.at_us);
            }
        }
    }
    times.values_mut().for_each(|times| times.sort_unstable());
    times
}
