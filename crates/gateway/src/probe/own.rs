//! What probes found, kept for each destination, and the probes that the gateway makes by itself: one when a
//! destination goes down, `probe.per_minute` in all, unless `probe.automatic` is off.
//!
//! `Probes::of` is for whoever explains why mail waits: the newest probe of a destination, whoever made it. The record
//! is in memory and bounded; what was found in sum stands in the ledger too (`Event::Probed`).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use mailreeve_api::probe::{AddressProbe, Probe, ProbeReply, ProbeTarget};
use mailreeve_core::config::Probing;
use mailreeve_core::delivery::io::Input;
use mailreeve_core::event::{Event, HostStatus, ProbeSum};
use mailreeve_core::ids::Host;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant as Moment, sleep_until};

use super::{Ground, probe};
use crate::commands::Client;
use crate::context::Context;
use crate::deliver::shard::Message;

const MINUTE: Duration = Duration::from_mins(1);
/// Those of them that are under way at a time.
const AT_ONCE: usize = 4;
/// Destinations that wait for one; more are not probed.
const WAITING: usize = 64;
/// Destinations whose newest probe is kept.
const KEPT: usize = 500;
/// What is kept of a probe: addresses, lines of a reply, octets of a line, certificates of a chain, names of each.
/// Hosts can say a lot, and all of it together must stay small.
const ADDRESSES: usize = 8;
const LINES: usize = 2;
const LINE: usize = 200;
const CHAIN: usize = 2;
const NAMES: usize = 5;
/// Who made a probe that nobody ordered.
const OURSELVES: &str = "gateway";

/// The newest probe of each destination, and the way to have one made.
pub struct Probes {
    kept: Mutex<HashMap<Host, Arc<ProbeReply>>>,
    wanted: mpsc::Sender<Host>,
    /// Until [`run`] takes it.
    unread: Mutex<Option<mpsc::Receiver<Host>>>,
}

impl Default for Probes {
    fn default() -> Self {
        let (wanted, receiver) = mpsc::channel(WAITING);
        Self { kept: Mutex::default(), wanted, unread: Mutex::new(Some(receiver)) }
    }
}

impl Probes {
    /// Returns the newest probe of a destination since the start.
    pub fn of(&self, host: &Host) -> Option<Arc<ProbeReply>> {
        self.kept.lock().get(host).cloned()
    }

    /// Asks for a probe of a destination that went down. With too many of them it is left out.
    pub(crate) fn want(&self, host: &Host) {
        let _ = self.wanted.try_send(host.clone());
    }

    fn keep(&self, host: &Host, reply: ProbeReply) {
        let reply = shortened(reply);
        let mut kept = self.kept.lock();
        if kept.len() >= KEPT && !kept.contains_key(host) {
            let oldest = kept.iter().min_by_key(|(_, reply)| reply.as_of.at_us).map(|(host, _)| host.clone());
            oldest.and_then(|oldest| kept.remove(&oldest));
        }
        kept.insert(host.clone(), Arc::new(reply));
    }
}

/// A reply in the length in which it is kept.
fn shortened(mut reply: ProbeReply) -> ProbeReply {
    reply.left_out += reply.addresses.len().saturating_sub(ADDRESSES) as u64;
    reply.addresses.truncate(ADDRESSES);
    for address in &mut reply.addresses {
        for step in &mut address.steps {
            step.reply.truncate(LINES);
            for line in &mut step.reply {
                line.truncate(line.floor_char_boundary(LINE));
            }
        }
        if let Some(tls) = &mut address.tls {
            tls.chain.truncate(CHAIN);
            for certificate in &mut tls.chain {
                certificate.names.truncate(NAMES);
            }
        }
    }
    reply
}

/// Takes in what an operator's probe found.
pub(crate) fn note(context: &Context, to: &ProbeTarget, reply: &ProbeReply, by: &str) {
    // A host that was probed by itself says nothing about a destination.
    if to.is_destination() {
        take_in(context, &Host::new(&to.host), reply, by);
    }
}

fn take_in(context: &Context, host: &Host, reply: &ProbeReply, by: &str) {
    let count = |addresses: usize| u32::try_from(addresses).unwrap_or(u32::MAX);
    let usable = reply.addresses.iter().filter(|address| address.verdict.usable).count();
    let verdict = &reply.verdict;
    let sum = ProbeSum::new(count(reply.addresses.len()), count(usable), &verdict.code, &verdict.text);
    context.events.tell(Event::Probed { host: host.clone(), sum, by: by.to_owned() });
    context.probes.keep(host, reply.clone());
    let answered = reply.addresses.iter().find(|address| reached_ehlo(address));
    if let Some(address) = answered.and_then(|address| address.address.parse().ok()) {
        let by_itself = by == OURSELVES;
        let input = Input::Probed { host: host.clone(), address, by_itself };
        // A shard that is gone needs to know nothing.
        let _ = context.shard.send(Message::Input(input));
    }
}

fn reached_ehlo(address: &AddressProbe) -> bool {
    let granted = |reply: &[String]| reply.first().is_some_and(|line| line.starts_with('2'));
    address.steps.iter().any(|step| step.stage == "EHLO" && granted(&step.reply))
}

/// Probes destinations that went down, until the daemon stops.
pub(crate) async fn run(context: Arc<Context>) {
    let Some(mut wanted) = context.probes.unread.lock().take() else { return };
    let mut lately: VecDeque<Moment> = VecDeque::new();
    let mut under_way = JoinSet::new();
    while let Some(host) = wanted.recv().await {
        while under_way.len() >= AT_ONCE {
            under_way.join_next().await;
        }
        let Probing { automatic, per_minute } = context.running.load().config.probe;
        if !automatic {
            continue;
        }
        while lately.len() >= per_minute
            && let Some(first) = lately.pop_front()
        {
            sleep_until(first + MINUTE).await;
        }
        if is_down(&context, &host).await {
            lately.push_back(Moment::now());
            under_way.spawn(probe_down(Arc::clone(&context), host));
        }
    }
}

async fn probe_down(context: Arc<Context>, host: Host) {
    let to = ProbeTarget { host: host.as_str().to_owned(), port: None };
    let running = context.running.load_full();
    let ground = Ground { running: &running, clock: context.clock };
    let request = Probe { to, ..Probe::default() };
    // Nobody waits for it, and it offers nobody: it cannot be refused.
    if let Ok(reply) = probe(&context, ground, &request, &Client::patient()).await {
        take_in(&context, &host, &reply, OURSELVES);
    }
}

/// Meanwhile it may be up again.
async fn is_down(context: &Context, host: &Host) -> bool {
    let host = host.clone();
    let asked = context.shard.ask(move |delivery, now| {
        delivery.destination(&host, now).is_some_and(|view| view.status == HostStatus::Down)
    });
    asked.await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use mailreeve_api::probe::ProbeStep;

    use super::*;

    #[test]
    fn the_record_is_bounded_and_the_oldest_gives_way() {
        let probes = Probes::default();
        let host = |number: u64| Host::new(&format!("d{number}.test"));
        for number in 0..=KEPT as u64 {
            let mut reply = ProbeReply::default();
            reply.as_of.at_us = number;
            probes.keep(&host(number), reply);
        }
        assert!(probes.of(&host(0)).is_none() && probes.of(&host(1)).is_some());
        assert_eq!(probes.kept.lock().len(), KEPT);
    }

    #[test]
    fn a_host_that_says_a_lot_takes_no_more_room_than_others() {
        let step = ProbeStep { reply: vec!["\u{20ac}".repeat(500); 40], ..ProbeStep::default() };
        let address = AddressProbe { steps: vec![step; 10], ..AddressProbe::default() };
        let kept = shortened(ProbeReply { addresses: vec![address; 32], ..ProbeReply::default() });
        assert_eq!((kept.addresses.len(), kept.left_out), (ADDRESSES, 24));
        let octets: usize =
            kept.addresses[0].steps.iter().flat_map(|step| &step.reply).map(String::len).sum();
        assert!(octets <= 10 * LINES * LINE, "{octets}");
    }

    #[test]
    fn only_a_granted_ehlo_is_evidence() {
        let step = |stage: &str, reply: &str| {
            let (stage, reply) = (stage.to_owned(), vec![reply.to_owned()]);
            AddressProbe {
                steps: vec![ProbeStep { stage, reply, ..ProbeStep::default() }],
                ..AddressProbe::default()
            }
        };
        assert!(reached_ehlo(&step("EHLO", "250-mx.test")));
        assert!(!reached_ehlo(&step("EHLO", "550 no")) && !reached_ehlo(&step("banner", "220 mx.test")));
    }
}
