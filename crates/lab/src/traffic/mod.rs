//! Traffic: mail as a site sees it, at a steady rate with bursts, until it is stopped.
//!
//! What is sent follows from the plan and its seed alone ([`Letters`]); when it arrives does not. The target's
//! slowness never slows the clock down: a letter that finds all lines taken is dropped and counted.

mod letter;
mod run;
mod size;
mod tongue;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub use letter::{Letter, Letters};
pub use run::{Running, Tally, start};
pub use size::Sizes;

use crate::words::fresh_seed;

/// Somebody who sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The local address that its mail comes from; none leaves it to the system.
    pub address: Option<IpAddr>,
    /// What it calls itself in EHLO.
    pub helo: String,
    /// The domain of its senders.
    pub domain: String,
    /// Where its mail goes: domains with their weights.
    pub to: Vec<(String, u32)>,
    /// How much of the traffic is its own, beside the others' weights.
    pub weight: u32,
}

/// Many letters at once, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    /// From one burst to the next.
    pub every: Duration,
    /// Letters in each.
    pub letters: u32,
}

/// What traffic there is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The server.
    pub target: SocketAddr,
    /// Who sends. Without any there is no traffic.
    pub origins: Vec<Origin>,
    /// Letters a second between the bursts.
    pub rate: f64,
    /// Bursts, if there are to be any.
    pub burst: Option<Burst>,
    /// How large letters are.
    pub sizes: Sizes,
    /// The most recipients of one letter; most letters have one.
    pub recipients: usize,
    /// Connections at a time.
    pub lines: usize,
    /// How long a reply may take.
    pub patience: Duration,
    /// Where everything that is chance comes from.
    pub seed: u64,
}

impl Plan {
    /// One letter a second to `target`, from nobody yet.
    #[must_use]
    pub fn new(target: SocketAddr) -> Self {
        Self {
            target,
            origins: Vec::new(),
            rate: 1.0,
            burst: None,
            sizes: Sizes::default(),
            recipients: 5,
            lines: 20,
            patience: Duration::from_secs(60),
            seed: fresh_seed(),
        }
    }

    /// And from this origin.
    #[must_use]
    pub fn origin(mut self, origin: Origin) -> Self {
        self.origins.push(origin);
        self
    }
}
