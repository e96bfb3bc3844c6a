//! A try as data: how far it got, when, where, and what came of it. Kept for every recipient, without anybody
//! having asked for it beforehand.
//!
//! Of one recipient the first is kept and the [`RECENT`] newest, so that one that is tried for days takes no more
//! room than one that is tried ten times; what lies between is like its neighbours.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::certificate::Certificate;
use crate::event::{Failure, Stage, TlsResult};
use crate::ids::{Dcid, Host, Mid, Rid};
use crate::tcp::TcpEnd;

/// The newest attempts of a recipient that are kept, beside the first.
pub const RECENT: u32 = 8;

/// Tells whether the attempt `number`, counted from 0, is kept while `newest` is the last one.
pub const fn keeps(number: u32, newest: u32) -> bool {
    number == 0 || number > newest || newest - number < RECENT
}

/// One try of one recipient. Those that travelled in one transaction have the same instants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The message.
    pub mid: Mid,
    /// The recipient.
    pub rid: Rid,
    /// Where to.
    pub host: Host,
    /// The connection; 0 when the try ended before there was one.
    pub dcid: Dcid,
    /// When it began, microseconds since the epoch.
    pub began_at: u64,
    /// Stages that were passed, in order, each with the instant of its answer: microseconds after `began_at`. Those
    /// that a connection went through for an earlier message are not in it.
    pub stages: Vec<(Stage, u64)>,
    /// The machine at the other end, once a connection stood.
    pub way: Option<Way>,
    /// TLS, when it was tried.
    pub tls: Option<TlsResult>,
    /// The certificate that the other end showed, also when it was turned down.
    pub certificate: Option<Certificate>,
    /// Addresses that were tried before that of `way`, with the exchanger's name and what became of them.
    pub passed_over: Vec<(String, Failure)>,
    /// What came of it.
    pub outcome: Outcome,
    /// The end of its connection, once that has ended.
    pub tcp: Option<TcpEnd>,
}

/// From where to where a connection went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// The exchanger's name, or the literal.
    pub exchanger: String,
    /// Its address.
    pub peer: SocketAddr,
    /// Ours, the source address.
    pub local: Option<SocketAddr>,
}

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The next hop has it; its reply.
    Delivered(String),
    /// Not now.
    Soft(Failure),
    /// Never.
    Hard(Failure),
}

impl Outcome {
    /// Returns what went wrong, if something did.
    pub const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Delivered(_) => None,
            Self::Soft(failure) | Self::Hard(failure) => Some(failure),
        }
    }
}

impl Attempt {
    /// Returns the last stage that was passed, with its instant in microseconds since the epoch.
    pub fn reached(&self) -> Option<(Stage, u64)> {
        self.stages.iter().map(|(stage, after)| (*stage, self.began_at + after)).next_back()
    }

    /// Returns when its result was known, microseconds since the epoch.
    pub fn ended_at(&self) -> u64 {
        let failed = self.outcome.failure().map_or(0, |failure| failure.at);
        self.reached().map_or(self.began_at, |(_, at)| at).max(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_newest_are_kept() {
        let kept = |newest| (0..=newest).filter(|number| keeps(*number, newest)).collect::<Vec<u32>>();
        assert_eq!(kept(0), [0]);
        assert_eq!(kept(8), (0..=8).collect::<Vec<u32>>());
        assert_eq!(kept(9), [0, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(kept(99), [0, 92, 93, 94, 95, 96, 97, 98, 99]);
    }
}
