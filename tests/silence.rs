//! Nobody waits for those who say nothing: not the banner for the name service, not the mail of one destination
//! for another.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod world;

use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use mailreeve_lab::client::{self, Ended, Load, Quota};
use mailreeve_lab::dns::{Behaviour, Zone};
use mailreeve_lab::host::{Detail, Host, Temper};
use mailreeve_lab::world::World;
use world::places::by_dns;
use world::{Gateway, wait_until};

/// A banner may take this long.
const BANNER: Duration = Duration::from_secs(1);
/// Destinations of each kind.
const HALF: usize = 500;

/// Connects and returns how long the banner took, with the connection still open.
fn greeted(at: SocketAddr) -> (Duration, TcpStream) {
    let started = Instant::now();
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut buffer = [0; 256];
    let count = stream.read(&mut buffer).unwrap();
    assert!(buffer[..count].starts_with(b"220 "), "{}", String::from_utf8_lossy(&buffer[..count]));
    (started.elapsed(), stream)
}

#[test]
fn a_dead_name_service_delays_no_banner() {
    let net = World::start(3).unwrap();
    net.dns().behave_always(Some(Behaviour::Silent));
    let mut gateway = Gateway::prepare("");
    let listener = "max_connections = 4000\nmax_connections_per_ip = 4000\n";
    gateway.configure(&format!("{listener}{}", by_dns(&net, "refused_networks = []")));
    gateway.run();
    // All of them stay open, so that 1,000 look-ups hang at once.
    let smtp = gateway.smtp;
    let callers: Vec<_> = (0..20)
        .map(|_| std::thread::spawn(move || (0..50).map(|_| greeted(smtp)).collect::<Vec<_>>()))
        .collect();
    let all: Vec<_> = callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect();
    let late = all.iter().filter(|(took, _)| *took > BANNER).count();
    let slowest = all.iter().map(|(took, _)| *took).max().unwrap();
    assert_eq!((all.len(), late), (1000, 0), "the slowest banner took {slowest:?}");
}

struct Setting {
    net: World,
    gateway: Gateway,
    healthy: Host,
    silent: Host,
}

impl Setting {
    fn start() -> Self {
        let net = World::start(5).unwrap();
        let healthy = net.host("hosts.test", Temper::healthy(), Detail::default()).unwrap();
        let silent = net.host("hosts.test", Temper::silent(), Detail::default()).unwrap();
        for number in 0..HALF {
            for (kind, host) in [("healthy", &healthy), ("silent", &silent)] {
                let domain = format!("{kind}{number}.test");
                let mx = format!("mx.{domain}");
                let zone = Zone::new(&domain).mx(10, &mx).address(&mx, host.address().ip());
                net.dns().put(&zone).unwrap();
            }
        }
        let gateway = Gateway::start(&by_dns(&net, "refused_networks = []"));
        Self { net, gateway, healthy, silent }
    }

    /// Sends `each` messages to every domain of these kinds.
    fn send(&self, kinds: &[&str], each: usize) {
        let domains: Vec<String> = (0..HALF)
            .flat_map(|number| kinds.iter().map(move |kind| format!("{kind}{number}.test")))
            .collect();
        let report = client::run(Load {
            target: self.gateway.smtp,
            sessions: 10,
            quota: Quota::Total((domains.len() * each) as u64),
            size: 2_000,
            recipient_domains: domains,
            ..Load::default()
        })
        .unwrap();
        assert_eq!(report.ended, Ended::Done, "{report}");
    }

    /// Waits until the healthy half has everything; returns how long it took since `started`.
    fn healthy_done(&self, messages: usize, started: Instant) -> Duration {
        assert!(
            self.healthy.wait_for(messages as u64, Duration::from_secs(120)),
            "{}",
            self.healthy.sums().messages
        );
        started.elapsed()
    }
}

#[test]
fn five_hundred_silent_destinations_hold_up_none_of_five_hundred_others() {
    let setting = Setting::start();
    setting.send(&["silent"], 1);
    wait_until("the silent half is being tried", || setting.silent.open_connections() > 0);
    setting.send(&["silent", "healthy"], 2);
    // With the times of the defaults a greeting is waited for five minutes: nothing of this waited for one.
    assert!(
        setting.healthy.wait_for(2 * HALF as u64, Duration::from_secs(60)),
        "{}",
        setting.healthy.sums().messages
    );
    assert_eq!(setting.silent.sums().messages, 0);
    wait_until("only the silent half is left", || setting.gateway.active() == 3 * HALF as u64);
    assert!(setting.net.dns().questions().len() < 20 * HALF, "the name service is asked over and over");
}

/// Prints the figures of three rounds, both runs in turns; the least disturbed of each gives the ratio. For a
/// release build: `MAILREEVE_BINARY=target/release/mailreeve cargo test --test silence -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn how_much_the_silent_half_costs_the_healthy_half() {
    const EACH: usize = 20;
    let run = |beside: bool| {
        let setting = Setting::start();
        if beside {
            setting.send(&["silent"], EACH);
            wait_until("the silent half is being tried", || setting.silent.open_connections() > 0);
        }
        let started = Instant::now();
        setting.send(&["healthy"], EACH);
        setting.healthy_done(EACH * HALF, started)
    };
    let rounds: Vec<_> = (0..3).map(|_| (run(false), run(true))).collect();
    let alone = rounds.iter().map(|(alone, _)| *alone).min().unwrap();
    let beside = rounds.iter().map(|(_, beside)| *beside).min().unwrap();
    eprintln!(
        "{} messages to {HALF} destinations, alone and beside {HALF} silent ones: {rounds:?}, ratio {:.2}",
        EACH * HALF,
        beside.as_secs_f64() / alone.as_secs_f64()
    );
}
