//! The mail of a demo: a first letter to everybody, then letters in and out at a steady rate, with bursts.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use mailreeve_lab::sender::{Conduct, End, Sender, Visit};
use mailreeve_lab::traffic::{self, Burst, Origin, Plan, Running};
use mailreeve_lab::words::Dice;

use super::cast::Cast;
use super::ports::Ports;

/// Letters a second: enough to see counters move, little enough for any machine.
const RATE: f64 = 3.0;
const BURST: Burst = Burst { every: Duration::from_secs(12), letters: 20 };
/// How long a reply to a first letter may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts it. Of the first letters each goes to another destination, so that all have been tried soon.
pub(super) fn start(seed: u64, ports: &Ports, cast: &Cast) -> Result<Running> {
    for member in &cast.destinations {
        let mail = format!("hello@{}", cast.home);
        let sender =
            Sender { patience: PATIENCE, ..Sender::new(&mail, &format!("orders@{}", member.domain)) };
        let visit = sender.from_address(cast.clients[0]).visit(ports.smtp, Conduct::Polite);
        if visit.end != End::Taken {
            bail!("the gateway did not take a letter to {}: {}", member.domain, told(&visit));
        }
    }
    traffic::start(plan(seed, ports, cast)).context("the traffic cannot be started")
}

fn told(visit: &Visit) -> String {
    if visit.end == End::Refused { visit.last_reply().to_owned() } else { format!("{:?}", visit.end) }
}

fn plan(seed: u64, ports: &Ports, cast: &Cast) -> Plan {
    let outward: Vec<(String, u32)> =
        cast.destinations.iter().map(|member| (member.domain.clone(), member.weight)).collect();
    let mut plan = Plan {
        rate: RATE,
        burst: Some(BURST),
        // Another sequence than that of the names.
        seed: Dice::new(seed ^ 1).throw(),
        ..Plan::new(ports.smtp)
    };
    for client in cast.clients {
        plan = plan.origin(Origin {
            address: Some(client),
            helo: format!("desk.{}", cast.home),
            domain: cast.home.clone(),
            to: outward.clone(),
            weight: 4,
        });
    }
    for site in &cast.sites {
        plan = plan.origin(Origin {
            address: Some(site.address),
            helo: format!("out.{}", site.domain),
            domain: site.domain.clone(),
            to: vec![(cast.home.clone(), 1)],
            weight: 1,
        });
    }
    plan
}
