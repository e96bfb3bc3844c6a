//! Traffic, sent for real to a host that keeps what it takes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mailreeve_lab::host::{Detail, HostPlan, Temper};
use mailreeve_lab::sink::Sink;
use mailreeve_lab::traffic::{self, Letters, Origin, Plan, Sizes};

const PATIENCE: Duration = Duration::from_secs(20);

fn sink(temper: Temper) -> Sink {
    let detail = Detail::Records { memory: true, content: true, file: None };
    Sink::plan(HostPlan::new(([127, 0, 0, 1], 0).into(), temper).detail(detail)).unwrap()
}

fn plan(target: SocketAddr) -> Plan {
    let sizes = Sizes { median: 2_000.0, large_one_in: 0, ..Sizes::default() };
    let plan = Plan { rate: 200.0, lines: 100, sizes, seed: 8, ..Plan::new(target) };
    (1..=3).fold(plan, |plan, number| {
        plan.origin(Origin {
            address: Some(IpAddr::from([127, 31, 0, number])),
            helo: format!("mx.site{number}.test"),
            domain: format!("site{number}.test"),
            to: vec![("here.test".to_owned(), 1)],
            weight: 1,
        })
    })
}

#[test]
fn letters_arrive_as_they_were_written() {
    let sink = sink(Temper::healthy());
    let plan = plan(sink.address());
    let running = traffic::start(plan.clone()).unwrap();
    assert!(sink.wait_for(60, PATIENCE), "{:?}", running.tally());
    let tally = running.stop();
    assert_eq!((tally.refused, tally.lost, tally.last_trouble), (0, 0, None));
    let arrived = sink.deliveries();
    assert_eq!(arrived.len() as u64, tally.taken);
    let peers: HashSet<IpAddr> = arrived.iter().map(|one| one.peer.unwrap().ip()).collect();
    assert_eq!(peers.len(), 3);
    // Without the dates, which are those of the moment, each is one of the letters that the seed writes.
    let undated = |content: &[u8]| {
        let text = String::from_utf8(content.to_vec()).unwrap();
        text.lines().filter(|line| !line.starts_with("Date: ")).collect::<Vec<_>>().join("\n")
    };
    let written: HashSet<String> =
        Letters::new(plan).take(arrived.len() + 100).map(|letter| undated(&letter.content)).collect();
    assert!(arrived.iter().all(|one| written.contains(&undated(one.content.as_ref().unwrap()))));
    assert_eq!(sink.complaints(), Vec::<String>::new());
}

#[test]
fn refusals_losses_and_busy_lines_are_counted_and_stop_nothing() {
    let full = sink(Temper::full());
    let running = traffic::start(plan(full.address())).unwrap();
    let until = std::time::Instant::now() + PATIENCE;
    while running.tally().refused < 5 && std::time::Instant::now() < until {
        std::thread::yield_now();
    }
    let tally = running.stop();
    assert!(tally.refused >= 5 && tally.taken == 0, "{tally:?}");
    assert!(tally.last_trouble.unwrap().starts_with("452 "));

    let silent = sink(Temper::silent());
    let patience = Duration::from_millis(200);
    let running = traffic::start(Plan { lines: 2, patience, ..plan(silent.address()) }).unwrap();
    while (running.tally().dropped < 5 || running.tally().lost < 2) && std::time::Instant::now() < until {
        std::thread::yield_now();
    }
    let tally = running.stop();
    assert!(tally.dropped >= 5 && tally.lost >= 2 && tally.taken == 0, "{tally:?}");
    assert!(silent.connections() >= 2);
}
