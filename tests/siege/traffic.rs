//! The load: every way in (DATA, BDAT, pipelined or not) and every way to keep a body (row, segment, file).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mailreeve_lab::client::{self, Body, Ended, Flow, Load, Quota, Running, Transfer};

use super::{DOWN, LATER};
/// Clients at work.
pub struct Traffic {
    /// Those whose messages go out in one write: what they wait for is past its end of data.
    quick: Vec<Running>,
    /// A few messages too large for that, and a trickle to hosts that do not take it.
    slow: Vec<Running>,
    journals: Vec<PathBuf>,
}

impl Traffic {
    /// Starts to send to `target`; journals go to `folder`.
    pub fn start(target: SocketAddr, folder: &Path, seed: u64) -> Self {
        let ready = vec!["one.test".to_owned(), "two.test".to_owned()];
        let load = Load {
            target,
            sessions: 5,
            quota: Quota::Endless,
            body: Body::Torture,
            recipient_domains: ready,
            reconnect: Some(Duration::from_secs(60)),
            persist: true,
            deadline: Duration::from_secs(24 * 3600),
            ..Load::default()
        };
        let quick = [
            Load { flow: Flow::Chained, ..load.clone() },
            Load { recipients: 5, per_connection: Some(50), ..load.clone() },
            Load { recipients: 2, transfer: Transfer::Bdat(1500), ..load.clone() },
            Load { recipients: 3, transfer: Transfer::Bdat(usize::MAX), size: 30_000, ..load.clone() },
        ];
        let slow = [
            Load { sessions: 1, size: 1_200_000, rate: Some(2.0), ..load.clone() },
            Load {
                sessions: 1,
                recipients: 2,
                rate: Some(20.0),
                recipient_domains: vec![DOWN.to_owned(), LATER.to_owned()],
                ..load
            },
        ];
        let mut traffic = Self { quick: Vec::new(), slow: Vec::new(), journals: Vec::new() };
        let loads =
            quick.into_iter().map(|load| (true, load)).chain(slow.into_iter().map(|load| (false, load)));
        for (number, (is_quick, load)) in loads.enumerate() {
            let journal = folder.join(format!("acked-{number}"));
            let seed = seed.wrapping_mul(100).wrapping_add(number as u64);
            let running = client::start(Load { journal: Some(journal.clone()), seed, ..load }).unwrap();
            traffic.journals.push(journal);
            if is_quick { traffic.quick.push(running) } else { traffic.slow.push(running) }
        }
        traffic
    }

    /// Messages of which the end of data was sent, and the reply did not come before the line broke.
    pub fn unanswered(&self) -> u64 {
        self.quick.iter().map(|running| running.progress().uncertain).sum()
    }

    /// Ends the load; the journals are complete afterwards.
    pub fn stop(&mut self) {
        self.quick.iter().chain(&self.slow).for_each(Running::stop);
        for running in self.quick.drain(..).chain(self.slow.drain(..)) {
            let report = running.join().unwrap();
            assert_eq!(report.ended, Ended::Stopped, "{report}");
            assert!(report.refused.is_empty(), "{report}");
        }
    }

    pub fn journals(&self) -> &[PathBuf] {
        &self.journals
    }
}
