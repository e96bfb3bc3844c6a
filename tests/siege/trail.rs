//! What message tracking says of the messages of a siege.

use std::collections::HashMap;

use serde_json::Value;

use super::told::Told;
use crate::world::places::mailreeve;
use crate::world::{Gateway, wait_until};

/// Messages named, at most.
const NAMED_LIMIT: usize = 20;

/// The states of every message that tracking finds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Trail {
    states: HashMap<u64, Value>,
}

impl Trail {
    /// Asks for all messages, when tracking knows that all of them have ended.
    pub fn read(gateway: &Gateway) -> Self {
        let total = |words: &[&str]| page(gateway, words)["total"].as_u64().unwrap();
        wait_until("tracking has seen every end", || {
            ["receiving", "held", "queued"].iter().all(|state| total(&["state", state]) == 0)
        });
        let mut trail = Self::default();
        let mut next: Option<String> = None;
        loop {
            let mut words = vec!["rows", "1000"];
            if let Some(place) = &next {
                words.extend(["page", place]);
            }
            let page = page(gateway, &words);
            for row in page["rows"].as_array().unwrap() {
                let Some(mid) = row["mid"].as_u64() else { continue };
                let before = trail.states.insert(mid, row["states"].clone());
                assert!(before.is_none(), "MID {mid} is there twice");
            }
            match page["next"].as_str() {
                Some(place) => next = Some(place.to_owned()),
                None => return trail,
            }
        }
    }

    /// The same after the index was made again from the ledger.
    pub fn rebuilt(gateway: &Gateway, before: &Self) -> Self {
        gateway.text("track rebuild");
        let mut trail = Self::default();
        wait_until("the index is there again", || {
            trail = Self::read(gateway);
            trail.states.len() >= before.states.len()
        });
        trail
    }

    /// Messages that the log tells of and tracking does not find delivered.
    pub fn untraceable(&self, told: &Told) -> Vec<String> {
        let delivered = Value::from(vec!["delivered"]);
        let lost = told.all_mids().filter(|mid| self.states.get(mid) != Some(&delivered));
        lost.take(NAMED_LIMIT).map(|mid| format!("MID {mid}: {:?}", self.states.get(&mid))).collect()
    }
}

fn page(gateway: &Gateway, words: &[&str]) -> Value {
    let output = mailreeve(&gateway.config(), &[&["track"], words, &["--json"]].concat());
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
