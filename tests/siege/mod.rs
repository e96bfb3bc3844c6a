//! A gateway under load that is killed and restarted, and what became of every message.
//!
//! ```text
//!   traffic: 20 sessions, DATA and BDAT, 1 to 5 recipients ──┐            ┌─► one.test, two.test: take all
//!            small stores, segments, files                   ├─ gateway ──┼─► later.test: 451 until the end
//!            a trickle to hosts that do not take it          ┘  kill -9   └─► down.test: nobody until the end
//! ```
//! The lab is never killed: clients note a message when all of its 250 was read, hosts before they say theirs.

mod arrivals;
mod sum;
mod told;
mod traffic;
mod trail;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use mailreeve_lab::host::{Act, Detail, HostPlan, Reply, Rule, Stage, Temper};
use mailreeve_lab::record;
use mailreeve_lab::sink::Sink;
use mailreeve_lab::verify::{Comparison, Verdict};
use mailreeve_lab::words::Dice;

use crate::world::{Gateway, address, wait_until};
use arrivals::Arrivals;
pub use sum::Sum;
use told::Told;
use traffic::Traffic;
use trail::Trail;

/// How long everything that is queued may take to be delivered after the last kill.
const DRAIN: Duration = Duration::from_secs(120);
/// Connections to a destination at a time.
const CONNECTIONS: usize = 20;
/// Domains whose hosts take no mail before the end.
const DOWN: &str = "down.test";
const LATER: &str = "later.test";

/// One kill.
#[derive(Clone, Debug)]
pub struct Kill {
    /// After the process that was killed was started, or answered.
    pub after: Duration,
    /// Microseconds since 1970.
    pub at_us: u64,
    /// Messages whose end of data was sent and whose reply never came: an open commit each.
    pub unanswered: u64,
    /// Connections of the gateway to next hops.
    pub connections: usize,
    /// Recipients in flight: delivered by the dead process and their end not durable, so they came again.
    pub repeated: u64,
}

/// What one siege came to.
pub struct Outcome {
    pub seed: u64,
    pub kills: Vec<Kill>,
    pub verdict: Verdict,
    pub arrivals: Arrivals,
    /// What the drain left in the queue.
    pub left: u64,
    pub complaints: Vec<String>,
    /// Messages that the log tells of and tracking does not.
    pub untraceable: Vec<String>,
}

/// A gateway, its next hops and the clients that send through it.
pub struct Siege {
    seed: u64,
    dice: Dice,
    gateway: Gateway,
    ready: Vec<Sink>,
    later: Sink,
    down: SocketAddr,
    traffic: Traffic,
}

impl Siege {
    /// Starts everything. What is left to chance comes from `seed`.
    pub fn begin(seed: u64) -> Self {
        let mut gateway = Gateway::prepare("");
        let host = || SocketAddr::new(address(), 2525);
        let ready: Vec<Sink> = (0..2).map(|_| note(&gateway, host(), Temper::healthy())).collect();
        let refusal = Rule::new(Stage::Rcpt, Act::Reply(Reply::new(451).enhanced("4.7.1")));
        let later = note(&gateway, host(), Temper { rules: vec![refusal], ..Temper::healthy() });
        let down = host();
        let hops = [
            ("one.test", ready[0].address()),
            ("two.test", ready[1].address()),
            (LATER, later.address()),
            (DOWN, down),
        ];
        gateway.configure(&configuration(&hops));
        gateway.run();
        let traffic = Traffic::start(gateway.smtp, gateway.folder.path(), seed);
        Self { seed, dice: Dice::new(seed), gateway, ready, later, down, traffic }
    }

    /// Kills so often, or until `end`; then has everything delivered and compares.
    pub fn endure(mut self, kills: u32, end: Option<Instant>) -> Outcome {
        let (mut done, mut readings): (Vec<Kill>, Vec<u64>) = (Vec::new(), Vec::new());
        while (done.len() as u32) < kills && end.is_none_or(|end| Instant::now() < end) {
            // Every fourth time the clock starts with the process, so that kills hit its start, too.
            if done.len() % 4 != 3 {
                self.gateway.wait_for_banner();
            }
            let after = Duration::from_micros(50_000 + self.dice.below(950_000) as u64);
            std::thread::sleep(after);
            readings.push(self.traffic.unanswered());
            done.push(self.kill(after));
            self.gateway.spawn();
        }
        self.gateway.wait_for_banner();
        readings.push(self.traffic.unanswered());
        // A client notices a kill a moment after it: what one kill added is read at the next.
        for (kill, pair) in done.iter_mut().zip(readings.windows(2)) {
            kill.unanswered = pair[1] - pair[0];
        }
        self.traffic.stop();
        let left = self.drain();
        self.compare(done, left)
    }

    fn kill(&mut self, after: Duration) -> Kill {
        let connections = self.hosts().map(|host| host.open_connections()).sum();
        self.gateway.kill();
        // What the dead process had sent is still on its way into the hosts.
        wait_until("hosts notice", || self.hosts().all(|host| host.open_connections() == 0));
        Kill { after, at_us: record::now_us(), unanswered: 0, connections, repeated: 0 }
    }

    fn hosts(&self) -> impl Iterator<Item = &Sink> {
        self.ready.iter().chain([&self.later])
    }

    /// Lets the hosts take what they did not, and waits until the queue is empty. Returns what is left of it.
    fn drain(&mut self) -> u64 {
        self.later.change(Temper::healthy());
        self.ready.push(note(&self.gateway, self.down, Temper::healthy()));
        wait_until("all is recovered", || self.gateway.json("status")["recovering"].is_null());
        // It fails where nothing waits any more: another try was due by itself.
        let _ = self.gateway.command("delivernow all");
        let deadline = Instant::now() + DRAIN;
        loop {
            let left = self.gateway.active();
            if left == 0 || Instant::now() > deadline {
                return left;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn compare(mut self, mut kills: Vec<Kill>, left: u64) -> Outcome {
        let trail = Trail::read(&self.gateway);
        let again = Trail::rebuilt(&self.gateway, &trail);
        // Its last lines are in the log when it has ended.
        self.gateway.stop();
        let mut comparison = Comparison::default();
        for journal in self.traffic.journals() {
            comparison.read_acked(journal).unwrap();
        }
        let journals: Vec<PathBuf> =
            self.hosts().map(|host| journal(&self.gateway, host.address())).collect();
        for journal in &journals {
            comparison.read_delivered(journal).unwrap();
        }
        let told = Told::read(&self.gateway.folder.path().join("log"));
        let arrivals = Arrivals::judge(&journals, &mut kills, &told);
        Outcome {
            seed: self.seed,
            kills,
            verdict: comparison.verdict(),
            arrivals,
            left,
            untraceable: [trail.untraceable(&told), again.untraceable(&told)].concat(),
            complaints: self.hosts().flat_map(|host| host.complaints()).collect(),
        }
    }
}

/// Starts a host that notes what it takes in a file of its own.
fn note(gateway: &Gateway, at: SocketAddr, temper: Temper) -> Sink {
    let file = Some(journal(gateway, at));
    let detail = Detail::Records { memory: false, content: false, file };
    Sink::plan(HostPlan::new(at, temper).detail(detail)).unwrap()
}

fn journal(gateway: &Gateway, host: SocketAddr) -> PathBuf {
    gateway.folder.path().join(format!("delivered-{}", host.ip()))
}

/// A relay with fixed next hops that tries again soon and for long.
fn configuration(hops: &[(&str, SocketAddr)]) -> String {
    let mut text = format!(
        "[accept]\nrelay_networks = [\"127.0.0.0/8\"]\n\
         [destination_default]\nconcurrency = {CONNECTIONS}\n[log]\nrollover = \"10 GB\"\n\
         [[bounce_profile]]\nname = \"default\"\nmax_attempts = 100000\ninitial = \"1s\"\nmax_interval = \"2s\"\n"
    );
    for (domain, host) in hops {
        text += &format!("[[route]]\ndomain = \"{domain}\"\nto = [\"[{}]:{}\"]\n", host.ip(), host.port());
    }
    text
}
