//! `mailreeve lab ...`: the lab from the shell.
//!
//! Each command runs until it is done or interrupted, says on standard output what it came to, and ends with
//! an error where a check failed.

mod flags;
mod send;
mod serve;
mod traffic;

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};

use crate::dialogue::{self, Closeness, Dialogue, Stage};
use crate::verify::Comparison;

/// An Internet in a box: name server, mail hosts of every temper, senders, and checks.
#[derive(Debug, Args)]
#[command(long_about = "An Internet in a box, on loopback addresses, to try a gateway against.\n\n\
    A round trip, with a gateway that listens on 2525 and delivers to port 2526:\n  \
    mailreeve lab sink --listen 127.0.0.1:2526 --journal delivered.jsonl\n  \
    mailreeve lab send 127.0.0.1:2525 --sessions 20 --messages 10000 --journal acked.jsonl\n  \
    mailreeve lab verify --acked acked.jsonl --delivered delivered.jsonl")]
pub struct LabArgs {
    #[command(subcommand)]
    command: LabCommand,
}

#[derive(Debug, Subcommand)]
enum LabCommand {
    /// Starts a name server.
    Dns(serve::DnsArgs),
    /// Starts one SMTP host of a given temper.
    Host(serve::HostArgs),
    /// Starts a sink: takes all mail and records it before it says 250.
    Sink(serve::SinkArgs),
    /// Starts the name server and all hosts that a TOML file describes.
    World(serve::WorldArgs),
    /// Sends numbered messages and records what was acknowledged.
    Send(send::SendArgs),
    /// Sends letters that look like mail, at a rate, with bursts, until it is interrupted.
    Traffic(traffic::TrafficArgs),
    /// Compares what was acknowledged with what arrived.
    Verify(VerifyArgs),
    /// Plays conversations from text files against a server.
    Dialogue(DialogueArgs),
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// Journals of senders.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    acked: Vec<PathBuf>,
    /// Journals of sinks.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    delivered: Vec<PathBuf>,
    /// As JSON instead of text.
    #[arg(long)]
    json: bool,
    /// More duplicates than this fail the check.
    #[arg(long, value_name = "COUNT")]
    max_duplicates: Option<u64>,
}

#[derive(Debug, Args)]
struct DialogueArgs {
    /// The server.
    target: SocketAddr,
    /// Conversations: `.cmy` in that language, all others in the lab's own.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Compare texts of `.cmy` files too, not only codes.
    #[arg(long)]
    texts: bool,
    /// Seconds that a reply may take.
    #[arg(long, default_value_t = 10, value_name = "SECONDS")]
    patience: u64,
    /// Where connections to an address named in a file go instead: NAME=ADDRESS.
    #[arg(long, value_name = "NAME=ADDRESS", value_parser = flags::named)]
    named: Vec<(String, SocketAddr)>,
    /// Show what was said.
    #[arg(long, short)]
    verbose: bool,
}

/// Runs one command of the lab.
///
/// # Errors
/// What could not be started, read or played, and every check that failed.
pub fn run(args: LabArgs) -> Result<()> {
    match args.command {
        LabCommand::Dns(args) => args.run(),
        LabCommand::Host(args) => args.run(),
        LabCommand::Sink(args) => args.run(),
        LabCommand::World(args) => args.run(),
        LabCommand::Send(args) => args.run(),
        LabCommand::Traffic(args) => args.run(),
        LabCommand::Verify(args) => args.run(),
        LabCommand::Dialogue(args) => args.run(),
    }
}

impl VerifyArgs {
    fn run(&self) -> Result<()> {
        let mut comparison = Comparison::default();
        for file in &self.acked {
            comparison.read_acked(file).with_context(|| file.display().to_string())?;
        }
        for file in &self.delivered {
            comparison.read_delivered(file).with_context(|| file.display().to_string())?;
        }
        let verdict = comparison.verdict();
        let text = if self.json {
            format!("{}\n", serde_json::to_string_pretty(&verdict)?)
        } else {
            verdict.to_string()
        };
        io::stdout().write_all(text.as_bytes())?;
        if !verdict.is_good() {
            bail!("{} lost, {} altered", verdict.lost, verdict.altered);
        }
        if self.max_duplicates.is_some_and(|limit| verdict.duplicates > limit) {
            bail!("{} duplicates", verdict.duplicates);
        }
        Ok(())
    }
}

impl DialogueArgs {
    fn run(&self) -> Result<()> {
        let stage = Stage {
            target: self.target,
            named: self.named.iter().cloned().collect::<HashMap<_, _>>(),
            closeness: if self.texts { Closeness::Texts } else { Closeness::Codes },
            patience: Duration::from_secs(self.patience),
        };
        let mut failed = 0;
        for file in &self.files {
            let name = file.display().to_string();
            let text = std::fs::read_to_string(file).with_context(|| name.clone())?;
            let cmy = file.extension().is_some_and(|extension| extension == "cmy");
            let dialogue = if cmy { Dialogue::parse_cmy(&text) } else { Dialogue::parse(&text) };
            let dialogue = dialogue.with_context(|| name.clone())?;
            let mut out = io::stdout().lock();
            match dialogue::play(&dialogue, &stage) {
                Ok(transcript) => {
                    writeln!(out, "ok      {name}")?;
                    for line in transcript.iter().filter(|_| self.verbose) {
                        writeln!(out, "  {line}")?;
                    }
                }
                Err(failure) => {
                    failed += 1;
                    write!(out, "FAILED  {name}, {failure}")?;
                }
            }
        }
        if failed > 0 {
            bail!("{failed} of {} conversations failed", self.files.len());
        }
        Ok(())
    }
}
