//! Message tracking under load: what a message costs in octets and time, and how long searches take.
//!
//! `cargo run --release -p mailreeve-store --example track_load -- [MESSAGES] [FOLDER]`; 1,000,000 messages of eleven
//! events each, over connections that end, and a folder that is made and removed, when nothing is said.
//! In a folder where an earlier run has left its records only the searches are measured.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a measurement, not a part of the product"
)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use mailreeve_core::event::{CloseReason, Event, PeerAction, Stamped};
use mailreeve_core::ids::{Dcid, Host, Icid, Mid, Rid};
use mailreeve_core::tracking::{Kind, Pattern, Query};
use mailreeve_store::ledger::{Entry, Ledger, Opening, Options};
use mailreeve_store::spool::Seq;
use mailreeve_store::tracking::{Bounds, Paging, Tracking};
use rustix::time::{ClockId, clock_gettime};

const BEGIN: u64 = 1_780_000_000_000_000;
/// The messages are spread over so long.
const SPAN: u64 = 30 * 86_400_000_000;
/// Messages written to the ledger between two looks of the follower.
const PORTION: u64 = 2_000;

const WORDS: [&str; 24] = [
    "invoice",
    "meeting",
    "report",
    "Quarterly",
    "update",
    "Re:",
    "Fwd:",
    "order",
    "shipment",
    "reminder",
    "agenda",
    "minutes",
    "請求書",
    "東京支店",
    "会議",
    "お知らせ",
    "ご案内",
    "株式会社",
    "見積",
    "résumé",
    "Straße",
    "payment",
    "schedule",
    "newsletter",
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let messages: u64 = arguments.next().map_or(1_000_000, |text| text.parse().unwrap());
    let folder = tempfile::TempDir::new().unwrap();
    let dir = arguments.next().map_or(folder.path().to_owned(), Into::into);
    let options = Options { first: Opening { opened_at: 1, ..Opening::default() }, ..Options::default() };
    let (mut ledger, _) = Ledger::open(&dir.join("ledger"), &options).unwrap();
    ledger.sync().unwrap();
    let synced = ledger.synced_position();
    let is_there = dir.join("tracking/mark").exists();
    let mut opened = Tracking::open(&dir.join("tracking"), &dir.join("ledger"), synced).unwrap();
    if is_there {
        while !opened.follower.follow(BEGIN + SPAN).unwrap().at_end {}
        return searches(&opened.tracking, messages);
    }
    let (mut written, mut followed, mut indexed) = (Spent::default(), Spent::default(), Spent::default());
    let begun = Instant::now();
    let mut commits = 0;
    for first in (0..messages).step_by(usize::try_from(PORTION).unwrap()) {
        written.measure(|| write(&mut ledger, first..messages.min(first + PORTION), messages));
        followed.measure(|| while !opened.follower.follow(BEGIN + SPAN).unwrap().at_end {});
        if opened.indexer.has_enough() {
            commits += 1;
            indexed.measure(|| opened.indexer.commit().unwrap());
        }
    }
    indexed.measure(|| opened.indexer.commit().unwrap());
    opened.indexer.retain(&Bounds { max_bytes: u64::MAX }).unwrap();
    let extent = opened.tracking.extent();
    let each = |spent: &Spent| spent.cpu.as_secs_f64() * 1e6 / messages as f64;
    println!("{messages} messages in {:.1} s, {commits} commits", begun.elapsed().as_secs_f64());
    println!(
        "CPU a message: ledger {:.1} us, following {:.1} us, index {:.1} us",
        each(&written),
        each(&followed),
        each(&indexed)
    );
    println!(
        "octets a message: ledger {}, index {}",
        size(&dir.join("ledger")) / messages,
        size(&dir.join("tracking")) / messages
    );
    println!(
        "records: {} in the index, {} in memory; resident {} MiB",
        extent.indexed,
        extent.in_memory,
        resident()
    );
    searches(&opened.tracking, messages);
}

#[derive(Default)]
struct Spent {
    cpu: Duration,
}

impl Spent {
    fn measure<T>(&mut self, work: impl FnOnce() -> T) {
        let before = cpu();
        work();
        self.cpu += cpu() - before;
    }
}

/// CPU time of all threads.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

fn searches(tracking: &Tracking, messages: u64) {
    let text = |text: &str| Some(Pattern::read(text));
    let none = Query::default;
    let middle = messages / 2;
    let table = [
        ("MID", Query { mid: Some(Mid(middle)), ..none() }),
        (
            "Message-ID",
            Query { message_id: Some(format!("{middle}.x@sender{}.example", middle % 900)), ..none() },
        ),
        (
            "sender, whole",
            Query {
                sender: text(&format!("=user{}@sender{}.example", middle % 7_000, middle % 900)),
                ..none()
            },
        ),
        ("recipient, part", Query { recipient: text(&format!("person{}@", middle % 50_000)), ..none() }),
        ("recipient, domain", Query { recipient: text("@dest17.example"), ..none() }),
        ("subject, common word", Query { subject: text("invoice"), ..none() }),
        ("subject, one message", Query { subject: text(&format!("no. {middle} ")), ..none() }),
        ("subject, two Japanese letters", Query { subject: text("東京"), ..none() }),
        ("subject, two Latin letters", Query { subject: text("ag"), ..none() }),
        ("subject, not there", Query { subject: text("unobtainable"), ..none() }),
        (
            "subject, not there, common pieces",
            Query { subject: text("invoice meeting report order"), ..none() },
        ),
        ("sender, not there", Query { sender: text("nobody@nowhere.example"), ..none() }),
        ("address", Query { ip: Some(peer(middle)), ..none() }),
        ("bounced", Query { kind: Some(Kind::Bounced), ..none() }),
        (
            "one hour",
            Query { from: Some(BEGIN + SPAN / 2), to: Some(BEGIN + SPAN / 2 + 3_600_000_000), ..none() },
        ),
        ("everything", none()),
    ];
    for (name, query) in table {
        let mut took = Vec::new();
        let mut total = 0;
        for _ in 0..7 {
            let begun = Instant::now();
            total = tracking.find(&query, &Paging::first(20)).unwrap().total;
            took.push(begun.elapsed());
        }
        took.sort_unstable();
        println!(
            "{name:<36} {total:>9} found   median {:>8.2} ms   longest {:>8.2} ms",
            ms(took[3]),
            ms(took[6])
        );
    }
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

fn peer(number: u64) -> IpAddr {
    Ipv4Addr::from(0x0a00_0000 + u32::try_from(number % 4_000).unwrap()).into()
}

fn mixed(number: u64) -> u64 {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bf0_3635;
    state ^= state >> 31;
    state.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 13
}

fn write(ledger: &mut Ledger, messages: std::ops::Range<u64>, all: u64) {
    for number in messages {
        let at = BEGIN + SPAN / all * number;
        let stamped = |event| Entry { seq: Some(Seq(number + 1)), stamped: Stamped { at, event } };
        let events: Vec<Entry> = events(number).into_iter().map(stamped).collect();
        ledger.append(&events).unwrap();
        if ledger.wants_rotation() {
            ledger.rotate(Opening { opened_at: at, ..Opening::default() }).unwrap();
        }
    }
    ledger.sync().unwrap();
}

fn events(number: u64) -> Vec<Event> {
    let (mid, icid, dcid) = (Mid(number + 1), Icid(number + 1), Dcid(number + 1));
    let sender = format!("user{}@sender{}.example", number % 7_000, number % 900);
    let word = |which: u64| WORDS[(mixed(number * 5 + which) % WORDS.len() as u64) as usize];
    let subject = format!("{} {} no. {number} {}", word(0), word(1), word(2));
    let host = Host::new(&format!("dest{}.example", mixed(number) % 3_000));
    let (local, out) = (SocketAddr::from(([192, 0, 2, 1], 25)), SocketAddr::new(peer(number / 7), 25));
    let reply = "250 2.0.0 Ok: queued as 4B1F9A20C1".to_owned();
    vec![
        Event::ConnectionOpened {
            icid,
            listener: "in".into(),
            local,
            peer: SocketAddr::new(peer(number), 40_000),
        },
        Event::PeerJudged {
            icid,
            peer: peer(number),
            reverse: Some(format!("mx.sender{}.example", number % 900)),
            verified: true,
            lookup_us: None,
            action: PeerAction::Accept,
            group: "ALL".into(),
            rule: "all".into(),
        },
        Event::MessageStarted { mid, icid, sender: sender.clone() },
        Event::RecipientAccepted {
            mid,
            icid,
            rid: Rid(0),
            address: format!("person{}@{host}", number % 50_000),
        },
        Event::Accepted {
            mid,
            icid,
            size: 4_096,
            message_id: Some(format!("{number}.x@sender{}.example", number % 900)),
            subject: Some(subject),
            sender,
            recipients: 1,
        },
        Event::Queued { mid, destinations: vec![(host.clone(), vec![Rid(0)])] },
        Event::DeliveryOpened { dcid, host: host.clone(), local, peer: out, name: format!("mx1.{host}") },
        Event::Delivered { dcid, mid, rids: vec![Rid(0)], host: host.clone(), reply },
        Event::Finished { mid },
        Event::DeliveryClosed { dcid, host, why: None },
        Event::ConnectionClosed {
            icid,
            peer: peer(number),
            why: CloseReason::Quit,
            lasted_us: 90_000,
            messages: 1,
        },
    ]
}

fn size(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    let of = |entry: std::fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => size(&entry.path()),
        _ => entry.metadata().map_or(0, |metadata| metadata.len()),
    };
    entries.flatten().map(of).sum()
}

fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4 / 1024
}
