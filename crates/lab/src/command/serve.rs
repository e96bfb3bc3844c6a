//! `mailreeve lab dns | host | sink | world`: everything that runs until it is interrupted.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use super::flags;
use crate::dns::{Behaviour, DnsServer, Entry, Outside, Zone};
use crate::host::{Detail, HostPlan, Refusing, Rule, Swallowing, Temper, TlsTemper};
use crate::sink::Sink;
use crate::words::{Dice, fresh_seed};
use crate::world::{Absent, Details, Kind, Nature, WorldFile};

/// A name server.
#[derive(Debug, Args)]
pub(super) struct DnsArgs {
    /// Where it listens, on UDP and TCP.
    #[arg(long, default_value = "127.0.0.1:5353", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// A record, such as `mx.example.test A 127.0.0.9`. The zone is made of its last two labels.
    #[arg(long, value_name = "RECORD")]
    record: Vec<String>,
    /// A PTR record: ADDRESS=HOST.
    #[arg(long, value_name = "ADDRESS=HOST", value_parser = flags::pointer)]
    ptr: Vec<(IpAddr, String)>,
    /// A name that fails (NAME or `*.NAME`), with one of nxdomain, servfail, refused, silent, empty, truncated,
    /// garbage, or a delay such as 500ms.
    #[arg(long, value_name = "NAME=HOW", value_parser = flags::behaviour)]
    fail: Vec<(String, Behaviour)>,
    /// Refuse names in no zone instead of denying that they exist.
    #[arg(long)]
    refuse_outside: bool,
}

/// An SMTP host.
#[derive(Debug, Args)]
pub(super) struct HostArgs {
    /// Where it listens.
    #[arg(long, default_value = "127.0.0.1:2526", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// What it calls itself; left out: a name of chance.
    #[arg(long)]
    name: Option<String>,
    /// How it behaves.
    #[arg(long, value_enum, default_value_t = Kind::Healthy)]
    temper: Kind,
    /// Milliseconds before each reply of a slow host.
    #[arg(long, default_value_t = 1000, value_name = "MS")]
    delay: u64,
    /// Tries that greylisting refuses, or messages that a throttling host takes on a connection.
    #[arg(long, default_value_t = 3)]
    count: u64,
    /// Seconds for which greylisting refuses, in place of the count.
    #[arg(long, value_name = "SECONDS")]
    greylist: Option<u64>,
    /// The list that a block-listing host names; left out: a name of chance.
    #[arg(long, value_name = "NAME")]
    list: Option<String>,
    /// Another reply at a stage: STAGE=REPLY, such as `rcpt=452 4.2.2`, with a number in front of the reply
    /// (`rcpt=2x451 4.7.1`) for the first times only. Stages: banner helo starttls mail rcpt data final rset quit.
    #[arg(long, value_name = "STAGE=REPLY", value_parser = flags::rule)]
    at: Vec<Rule>,
    /// Offer STARTTLS: good, only-tls12, self-signed, expired, refuse, garbage, hang, close, no-common-version.
    #[arg(long, value_name = "QUALITY", value_parser = flags::tls)]
    tls: Option<TlsTemper>,
    /// Where its words come from; left out: new each time.
    #[arg(long)]
    seed: Option<u64>,
}

/// A sink.
#[derive(Debug, Args)]
pub(super) struct SinkArgs {
    /// Where it listens.
    #[arg(long, default_value = "127.0.0.1:2526", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Append each message's record to this file, before its 250 is sent; left out: sums only.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// End when this many messages have arrived.
    #[arg(long, value_name = "COUNT")]
    expect: Option<u64>,
    /// Seconds after which it ends although fewer have.
    #[arg(long, default_value_t = 600, value_name = "SECONDS", requires = "expect")]
    patience: u64,
}

/// A world from a file.
#[derive(Debug, Args)]
#[command(after_long_help = "The file, in short:\n\n\
    dns = \"127.0.0.1:5353\"\nport = 2525\n\n\
    [[zone]]\norigin = \"example.test\"\nrecords = [\"@ MX 10 mx.example.test\", \"mx.example.test A 127.16.0.9\"]\n\n\
    [[behaviour]]\nname = \"broken.test\"\ndo = \"servfail\"\n\n\
    [[host]]\naddress = \"127.16.0.9\"\ntemper = \"greylisting\"\ncount = 2\n\n\
    [[host.rule]]\nat = \"rcpt\"\naddress = \"full*@*\"\nreply = \"452 4.2.2 the box is full\"")]
pub(super) struct WorldArgs {
    /// The description, in TOML.
    file: PathBuf,
    /// Write the certificate of the world's authority here, as PEM.
    #[arg(long, value_name = "FILE")]
    authority: Option<PathBuf>,
}

impl DnsArgs {
    pub(super) fn run(self) -> Result<()> {
        let dns = DnsServer::start(self.listen).with_context(|| self.listen.to_string())?;
        for zone in zones(&self.record)? {
            dns.put(&zone)?;
        }
        for (address, host) in &self.ptr {
            dns.reverse(*address, host)?;
        }
        for (name, behaviour) in &self.fail {
            dns.behave(name, *behaviour)?;
        }
        if self.refuse_outside {
            dns.outside(Outside::Refused);
        }
        say(&format!("Name server on {}.", dns.address()))?;
        until_interrupted()?;
        say(&format!("{} questions.", dns.questions().len()))
    }
}

/// Records sorted into zones of two labels.
fn zones(records: &[String]) -> Result<Vec<Zone>> {
    let mut zones: Vec<Zone> = Vec::new();
    for line in records {
        let entry: Entry = line.parse()?;
        let name = entry.name.trim_end_matches('.').to_lowercase();
        let start = name.rmatch_indices('.').nth(1).map_or(0, |(at, _)| at + 1);
        let origin = &name[start..];
        match zones.iter_mut().find(|zone| zone.origin() == origin) {
            Some(zone) => *zone = zone.clone().entry(&name, entry.data),
            None => zones.push(Zone::new(origin).entry(&name, entry.data)),
        }
    }
    Ok(zones)
}

impl HostArgs {
    pub(super) fn run(self) -> Result<()> {
        let seed = self.seed.unwrap_or_else(fresh_seed);
        let details = Details {
            count: self.count,
            delay: Duration::from_millis(self.delay),
            span: self.greylist.map(Duration::from_secs),
            list: self.list.unwrap_or_else(|| Dice::new(seed).list_name()),
        };
        let mut temper = match self.temper.nature(&details) {
            Nature::Host(temper) => temper,
            Nature::Absent(Absent::Refusing) => {
                let refusing = Refusing::start(self.listen)?;
                say(&format!("Connections to {} are refused.", refusing.address()))?;
                return until_interrupted();
            }
            Nature::Absent(Absent::Swallowing | Absent::Unrouted) => {
                let swallowing = Swallowing::start(self.listen)?;
                say(&format!("Connection requests to {} vanish.", swallowing.address()))?;
                return until_interrupted();
            }
        };
        temper.rules.splice(0..0, self.at);
        temper.tls = self.tls;
        let mut plan = HostPlan::new(self.listen, temper).seed(seed);
        plan.name = self.name;
        plan.detail = Detail::Records { memory: false, content: false, file: None };
        serve(plan, |_| until_interrupted())
    }
}

impl SinkArgs {
    pub(super) fn run(self) -> Result<()> {
        let file = self.journal;
        let detail = if file.is_some() {
            Detail::Records { memory: false, content: false, file }
        } else {
            Detail::Sums
        };
        let patience = Duration::from_secs(self.patience);
        serve(HostPlan::new(self.listen, Temper::healthy()).detail(detail), |sink| match self.expect {
            // Fewer than expected shows in the sums; it is not for the sink to judge.
            Some(messages) => {
                let _ = sink.wait_for(messages, patience);
                Ok(())
            }
            None => until_interrupted(),
        })
    }
}

/// Runs a host until `over` returns, and says what it took.
fn serve(plan: HostPlan, over: impl FnOnce(&Sink) -> Result<()>) -> Result<()> {
    let address = plan.address;
    let sink = Sink::plan(plan).with_context(|| address.to_string())?;
    say(&format!("{} on {}.", sink.name(), sink.address()))?;
    over(&sink)?;
    say(&serde_json::to_string(&sink.sums())?)?;
    for complaint in sink.complaints() {
        say(&format!("Complaint: {complaint}"))?;
    }
    Ok(())
}

impl WorldArgs {
    pub(super) fn run(self) -> Result<()> {
        let name = self.file.display().to_string();
        let text = std::fs::read_to_string(&self.file).with_context(|| name.clone())?;
        let world = WorldFile::parse(&text).and_then(|file| file.start()).with_context(|| name)?;
        if let Some(path) = &self.authority {
            std::fs::write(path, world.authority_pem()).with_context(|| path.display().to_string())?;
        }
        say(&format!("Name server on {}, hosts on port {}.", world.dns().address(), world.port()))?;
        for host in world.hosts() {
            say(&format!("{} on {}.", host.name(), host.address()))?;
        }
        until_interrupted()?;
        for host in world.hosts() {
            say(&format!("{}: {} messages.", host.name(), host.sums().messages))?;
        }
        Ok(())
    }
}

/// Waits for an interrupt or a request to end.
pub(super) fn until_interrupted() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut ended = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted?,
            _ = ended.recv() => {}
        }
        Ok(())
    })
}

pub(super) fn say(line: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn records_are_sorted_into_zones_of_two_labels() {
        let records =
            ["mx.A.test A 127.0.0.9", "a.test. MX 10 mx.a.test", "b.test TXT x", "lone A 127.0.0.1"];
        let zones = zones(&records.map(str::to_owned)).unwrap();
        let found: Vec<(&str, usize)> =
            zones.iter().map(|zone| (zone.origin(), zone.entries().len())).collect();
        assert_eq!(found, [("a.test", 2), ("b.test", 1), ("lone", 1)]);
        let dns = DnsServer::start(([127, 0, 0, 1], 0).into()).unwrap();
        zones.iter().for_each(|zone| dns.put(zone).unwrap());
    }
}
