//! `mailreeve lab send`.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use crate::client::{self, Body, Ended, Flow, Load, Quota, Transfer};
use crate::words::fresh_seed;

/// What to send, and how.
#[derive(Debug, Args)]
pub(super) struct SendArgs {
    /// The server.
    target: SocketAddr,
    /// Sessions at a time.
    #[arg(long, default_value_t = 1)]
    sessions: usize,
    /// Messages in all.
    #[arg(long, default_value_t = 1, conflicts_with_all = ["each", "endless"])]
    messages: u64,
    /// Messages in each session.
    #[arg(long, value_name = "COUNT", conflicts_with = "endless")]
    each: Option<u64>,
    /// Send until the deadline.
    #[arg(long)]
    endless: bool,
    /// Bytes of a message.
    #[arg(long, default_value_t = 4096)]
    size: usize,
    /// Recipients of a message.
    #[arg(long, default_value_t = 1)]
    recipients: usize,
    /// Messages on a connection.
    #[arg(long, value_name = "COUNT")]
    per_connection: Option<u64>,
    /// How far a session speaks ahead.
    #[arg(long, value_enum, default_value_t = FlowArg::Pipelined)]
    flow: FlowArg,
    /// Use BDAT, in chunks of this many bytes.
    #[arg(long, value_name = "BYTES")]
    bdat: Option<usize>,
    /// Messages a second.
    #[arg(long)]
    rate: Option<f64>,
    /// Encrypt where STARTTLS is offered.
    #[arg(long)]
    starttls: bool,
    /// The domain of senders.
    #[arg(long, default_value = "sender.test", value_name = "DOMAIN")]
    from: String,
    /// The domains of recipients, taken in turn.
    #[arg(long, default_value = "example.test", value_name = "DOMAIN", num_args = 1..)]
    to: Vec<String>,
    /// Local addresses, taken in turn by the sessions.
    #[arg(long, value_name = "ADDRESS", num_args = 1..)]
    source: Vec<IpAddr>,
    /// Bodies that are easily spoilt: dots, 8-bit letters, long lines.
    #[arg(long)]
    torture: bool,
    /// Append each acknowledged message to this file, as a line of JSON.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Go on after broken connections; give up when the server was away for so many seconds.
    #[arg(long, value_name = "SECONDS")]
    reconnect: Option<u64>,
    /// Try again after a 4xx.
    #[arg(long)]
    persist: bool,
    /// Seconds that a reply may take.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    patience: u64,
    /// Seconds that all of it may take.
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    deadline: u64,
    /// Where numbers and bodies come from; left out: new each time.
    #[arg(long)]
    seed: Option<u64>,
    /// As JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// How far a session speaks ahead.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FlowArg {
    /// One command, one reply.
    LockStep,
    /// MAIL, RCPT and DATA in one write.
    Pipelined,
    /// And those of the next message with the end of this one.
    Chained,
}

impl SendArgs {
    pub(super) fn run(self) -> Result<()> {
        let json = self.json;
        let report = client::run(self.load())?;
        let text = if json { format!("{:#}\n", report.to_json()) } else { report.to_string() };
        io::stdout().write_all(text.as_bytes())?;
        match report.ended {
            Ended::Done | Ended::Stopped => Ok(()),
            Ended::Deadline if self.endless => Ok(()),
            Ended::Deadline => bail!("the deadline passed"),
            Ended::GaveUp => bail!("the server was lost"),
        }
    }

    fn load(&self) -> Load {
        let total = if self.endless { Quota::Endless } else { Quota::Total(self.messages) };
        Load {
            target: self.target,
            sources: self.source.clone(),
            sessions: self.sessions,
            quota: self.each.map_or(total, Quota::PerSession),
            size: self.size,
            recipients: self.recipients,
            per_connection: self.per_connection,
            flow: match self.flow {
                FlowArg::LockStep => Flow::LockStep,
                FlowArg::Pipelined => Flow::Pipelined,
                FlowArg::Chained => Flow::Chained,
            },
            transfer: self.bdat.map_or(Transfer::Data, Transfer::Bdat),
            rate: self.rate,
            starttls: self.starttls,
            sender_domain: self.from.clone(),
            recipient_domains: self.to.clone(),
            body: if self.torture { Body::Torture } else { Body::Plain },
            journal: self.journal.clone(),
            reconnect: self.reconnect.map(Duration::from_secs),
            persist: self.persist,
            patience: Duration::from_secs(self.patience),
            deadline: Duration::from_secs(self.deadline),
            seed: self.seed.unwrap_or_else(fresh_seed),
            ..Load::default()
        }
    }
}
