//! No input holds the shard for longer than 5 ms, however deep the queue: not the orders that concern everybody, not a
//! crowd that becomes due, bounces or expires together.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use mailreeve_core::Instant;
use mailreeve_core::delivery::Delivery;
use mailreeve_core::delivery::io::{
    AddressTry, Effect, Input, Order, OrderId, Resolution, Scope, Target, Waiting, Whom,
};
use mailreeve_core::delivery::settings::Settings;
use mailreeve_core::envelope::ContentFacts;
use mailreeve_core::event::{Cause, Deed, Failure, Stage};
use mailreeve_core::ids::{Dcid, Host, Mid, Rid};

const RECIPIENTS: u64 = 200_000;
const DESTINATIONS: u64 = 2_000;
/// Of these, so many go to one destination that turns out not to exist.
const NOWHERE: u64 = 50_000;
const LONGEST: Duration = Duration::from_millis(5);
const SECOND: u64 = 1_000_000;

/// A shard whose destinations refuse connections, and how long each input held it.
struct Held {
    delivery: Delivery,
    now: Instant,
    times: Vec<(&'static str, Duration)>,
}

fn failure(stage: Stage, cause: Cause) -> Failure {
    let text = vec!["no such luck".to_owned()];
    Failure { stage, cause, status: (4, 4, 1), code: 0, text, address: None, at: 0 }
}

fn target(host: &Host) -> Target {
    let address = "192.0.2.1:25".parse().unwrap();
    Target { address, name: format!("mx.{}", host.as_str()), preference: 10 }
}

impl Held {
    fn one(&mut self, what: &'static str, input: Input, effects: &mut Vec<Effect>) {
        let began = std::time::Instant::now();
        self.delivery.handle(input, self.now, effects);
        self.times.push((what, began.elapsed()));
    }

    /// Gives an input, answers what it sets off, and calls until nothing is left over.
    fn give(&mut self, what: &'static str, input: Input) {
        let mut effects = Vec::new();
        self.one(what, input, &mut effects);
        let mut answers: VecDeque<Input> = VecDeque::new();
        loop {
            answers.extend(effects.drain(..).filter_map(answer));
            if let Some(input) = answers.pop_front() {
                self.one(what, input, &mut effects);
            } else if self.delivery.deadline().is_some_and(|at| at <= self.now) {
                self.one(what, Input::Tick, &mut effects);
            } else {
                return;
            }
        }
    }

    fn order(&mut self, what: &'static str, id: u64, whom: Whom, deed: Deed) {
        let order = Order { id: OrderId(id), whom, upto: Mid(u64::MAX), deed, by: "ann".to_owned() };
        self.give(what, Input::Order(order));
    }

    /// Lets time pass, from deadline to deadline: a leap would be one of the wall clock.
    fn pass(&mut self, what: &'static str, seconds: u64) {
        let end = Instant(self.now.0 + seconds * SECOND);
        while self.now < end {
            self.now = self.delivery.deadline().map_or(end, |at| at.min(end).max(Instant(self.now.0 + 1)));
            self.give(what, Input::Tick);
        }
    }
}

fn answer(effect: Effect) -> Option<Input> {
    match effect {
        Effect::Resolve { host, .. } if host.as_str() == "nowhere.example" => {
            let resolution = Resolution::Hard(failure(Stage::Dns, Cause::DnsNxdomain));
            Some(Input::Resolved { host, resolution })
        }
        Effect::Resolve { host, .. } => {
            let targets = vec![target(&host)];
            let resolution = Resolution::Addresses { targets, exchangers: Vec::new(), expires_at: u64::MAX };
            Some(Input::Resolved { host, resolution })
        }
        Effect::Connect { dcid, targets, .. } => {
            let refused =
                |target| AddressTry { target, failure: failure(Stage::Connect, Cause::ConnectRefused) };
            Some(Input::Unusable { dcid, failed: targets.into_iter().map(refused).collect() })
        }
        Effect::Slice { order, .. } => Some(Input::GoOn { order }),
        _ => None,
    }
}

fn fill(held: &mut Held, what: &'static str, mids: std::ops::Range<u64>, host: impl Fn(u64) -> Host) {
    let accepted_at = held.now.0;
    let waiting = |mid| Waiting {
        mid: Mid(mid),
        rid: Rid(0),
        host: host(mid),
        accepted_at,
        size: 4_096,
        content: ContentFacts::default(),
        state: None,
        null_sender: false,
        notify_failure: true,
        notify_delay: true,
    };
    for first in mids.clone().step_by(1_000) {
        let slice = (first..mids.end.min(first + 1_000)).map(waiting).collect();
        held.give(what, Input::Enqueue(slice));
    }
}

/// The same inputs in the same order each time.
fn run() -> Vec<(&'static str, Duration)> {
    let settings = Arc::new(Settings::default());
    let delivery = Delivery::new(Arc::clone(&settings), 1, Dcid(1));
    let mut held = Held { delivery, now: Instant(1_700_000_000 * SECOND), times: Vec::new() };
    let some = |mid: u64| Host::new(&format!("d{}.example", mid % DESTINATIONS));
    fill(&mut held, "accepted", 0..RECIPIENTS, some);
    assert_eq!(held.delivery.gauges().active as u64, RECIPIENTS);
    let by = || "ann".to_owned();
    held.give("delivernow", Input::DeliverNow { scope: Scope::All, by: by() });
    held.give("suspenddel", Input::Suspend { host: None, by: by() });
    held.give("delivernow, suspended", Input::DeliverNow { scope: Scope::All, by: by() });
    held.give("resumedel", Input::Resume { host: None, by: by() });
    held.give("reload", Input::Reconfigure(Arc::new(Settings::clone(&settings))));
    held.pass("clocks of all destinations", 300);
    held.order(
        "redirected",
        1,
        Whom::Host(Host::new("d1.example")),
        Deed::Redirect { to: Host::new("d2.example") },
    );
    held.order("bounced", 2, Whom::Host(Host::new("d2.example")), Deed::Bounce);
    held.give("suspenddel", Input::Suspend { host: None, by: by() });
    fill(&mut held, "accepted", RECIPIENTS..RECIPIENTS + NOWHERE, |_| Host::new("nowhere.example"));
    held.give("a crowd for nowhere", Input::Resume { host: None, by: by() });
    held.order("deleted", 3, Whom::All, Deed::Delete);
    assert_eq!(held.delivery.gauges().active, 0);
    fill(&mut held, "accepted", 2 * RECIPIENTS..3 * RECIPIENTS, some);
    held.give("suspenddel", Input::Suspend { host: None, by: by() });
    held.pass("a crowd that expires", 260_000);
    assert_eq!(held.delivery.gauges().active, 0);
    held.times
}

#[test]
#[ignore = "measures: cargo test --release --test shard_time -- --ignored --nocapture"]
fn no_input_holds_the_shard_for_longer_than_5_ms() {
    // What the machine does beside it is in no input each time.
    let mut least = run();
    for _ in 0..2 {
        let again = run();
        assert_eq!(again.len(), least.len(), "the same inputs have the same effects");
        least.iter_mut().zip(again).for_each(|(one, other)| one.1 = one.1.min(other.1));
    }
    let mut names: Vec<_> = least.iter().map(|(what, _)| *what).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let of = least.iter().filter(|(what, _)| *what == name);
        println!(
            "{name:<28} {:>7} inputs, longest {:?}",
            of.clone().count(),
            of.map(|one| one.1).max().unwrap()
        );
    }
    let longest = least.iter().map(|(_, held)| *held).max().unwrap();
    assert!(longest <= LONGEST, "{longest:?}");
}
