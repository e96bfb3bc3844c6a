//! `mailreeve lab traffic`.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::serve::{say, until_interrupted};
use crate::traffic::{self, Burst, Origin, Plan, Sizes};
use crate::words::{Dice, fresh_seed};

/// Letters that look like mail.
#[derive(Debug, Args)]
pub(super) struct TrafficArgs {
    /// The server.
    target: SocketAddr,
    /// Letters a second between the bursts.
    #[arg(long, default_value_t = 1.0, value_name = "COUNT")]
    rate: f64,
    /// Letters in a burst; 0 for no bursts.
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    burst: u32,
    /// Seconds from one burst to the next.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    every: u64,
    /// Half of the letters are smaller than so many bytes.
    #[arg(long, default_value_t = 15_000, value_name = "BYTES")]
    median: u32,
    /// No letter is larger than so many bytes.
    #[arg(long, default_value_t = 3 << 20, value_name = "BYTES")]
    largest: usize,
    /// The most recipients of one letter.
    #[arg(long, default_value_t = 5, value_name = "COUNT")]
    recipients: usize,
    /// The domains of recipients, equally often.
    #[arg(long, default_value = "example.test", value_name = "DOMAIN", num_args = 1..)]
    to: Vec<String>,
    /// Local addresses that senders are at, each one a site of its own.
    #[arg(long, value_name = "ADDRESS", num_args = 1..)]
    source: Vec<IpAddr>,
    /// Connections at a time.
    #[arg(long, default_value_t = 20)]
    lines: usize,
    /// Ends after so many seconds; left out: when interrupted.
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
    /// Where letters and times come from; left out: new each time.
    #[arg(long)]
    seed: Option<u64>,
}

impl TrafficArgs {
    pub(super) fn run(self) -> Result<()> {
        let seconds = self.seconds.map(Duration::from_secs);
        let running = traffic::start(self.plan())?;
        match seconds {
            Some(time) => std::thread::sleep(time),
            None => until_interrupted()?,
        }
        let tally = running.stop();
        let (taken, refused) = (tally.taken, tally.refused);
        say(&format!(
            "{taken} letters taken, {refused} refused, {} lost, {} not sent for want of a free line.",
            tally.lost, tally.dropped
        ))?;
        tally.last_trouble.map_or(Ok(()), |trouble| say(&format!("The last trouble: {trouble}")))
    }

    fn plan(&self) -> Plan {
        let seed = self.seed.unwrap_or_else(fresh_seed);
        let mut dice = Dice::new(seed);
        let sources: Vec<Option<IpAddr>> =
            if self.source.is_empty() { vec![None] } else { self.source.iter().copied().map(Some).collect() };
        let origins = sources.into_iter().map(|address| {
            let domain = format!("{}.test", dice.label());
            let to = self.to.iter().map(|domain| (domain.clone(), 1)).collect();
            Origin { address, helo: format!("mx.{domain}"), domain, to, weight: 1 }
        });
        Plan {
            origins: origins.collect(),
            rate: self.rate.max(0.0),
            burst: (self.burst > 0)
                .then_some(Burst { every: Duration::from_secs(self.every), letters: self.burst }),
            sizes: Sizes { median: f64::from(self.median), largest: self.largest, ..Sizes::default() },
            recipients: self.recipients,
            lines: self.lines,
            seed,
            ..Plan::new(self.target)
        }
    }
}
