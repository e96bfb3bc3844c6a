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
    /// Returns how far it got, with the instant in microseconds since the epoch: the last stage that was passed before
    /// it failed, or in which it was refused. What was sent ahead (RFC 2920) may be answered too, and is not meant.
    pub fn reached(&self) -> Option<(Stage, u64)> {
        let failed = self.outcome.failure().map_or(Stage::Local, |failure| failure.stage);
        let passed = self.stages.iter().filter(|(stage, _)| *stage <= failed);
        passed.max_by_key(|(stage, _)| *stage).map(|(stage, after)| (*stage, self.began_at + after))
    }

    /// Returns when its result was known, microseconds since the epoch.
    pub fn ended_at(&self) -> u64 {
        let failed = self.outcome.failure().map_or(0, |failure| failure.at);
        let answered = self.stages.iter().map(|(_, after)| self.began_at + after).max();
        answered.unwrap_or(self.began_at).max(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Cause;

    #[test]
    fn the_first_and_the_newest_are_kept() {
        let kept = |newest| (0..=newest).filter(|number| keeps(*number, newest)).collect::<Vec<u32>>();
        assert_eq!(kept(0), [0]);
        assert_eq!(kept(8), (0..=8).collect::<Vec<u32>>());
        assert_eq!(kept(9), [0, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(kept(99), [0, 92, 93, 94, 95, 96, 97, 98, 99]);
    }

    #[test]
    fn what_was_sent_ahead_is_not_how_far_it_got() {
        let failure = |stage| Failure {
            stage,
            cause: Cause::Reply5xx,
            status: (5, 1, 1),
            code: 550,
            text: vec!["no".to_owned()],
            address: None,
            at: 0,
        };
        let reached = |outcome| {
            let attempt = Attempt {
                mid: Mid(1),
                rid: Rid(0),
                host: Host::new("a.example"),
                dcid: Dcid(1),
                began_at: 100,
                stages: vec![(Stage::Ehlo, 1), (Stage::Mail, 2), (Stage::Rcpt, 3), (Stage::Data, 4)],
                way: None,
                tls: None,
                certificate: None,
                passed_over: Vec::new(),
                outcome,
                tcp: None,
            };
            assert_eq!(attempt.ended_at(), 104);
            attempt.reached()
        };
        assert_eq!(reached(Outcome::Hard(failure(Stage::Rcpt))), Some((Stage::Rcpt, 103)));
        assert_eq!(reached(Outcome::Soft(failure(Stage::Content))), Some((Stage::Data, 104)));
        assert_eq!(reached(Outcome::Soft(failure(Stage::Connect))), None);
        assert_eq!(reached(Outcome::Delivered(String::new())), Some((Stage::Data, 104)));
    }
}
