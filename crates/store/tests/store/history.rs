//! The history of destinations: the same by rows as by a look at the whole ledger, over kills, torn tails and rebuilds.

use std::path::PathBuf;

use mailreeve_core::event::{Event, HostFacts, HostStatus, HostWay, Stamped};
use mailreeve_core::history::{Concerned, concerned};
use mailreeve_core::ids::{Host, Icid, Mid};
use mailreeve_store::history::{Follower, History};
use mailreeve_store::ledger::{Entry, Item, Ledger, LedgerReader, Opening, Options};
use tempfile::TempDir;

const SECOND: u64 = 1_000_000;

/// A ledger with the history of its destinations, as one process has them.
struct House {
    dir: TempDir,
    running: Option<(Ledger, History, Follower)>,
    /// Its file could not be used.
    in_memory: bool,
    now: u64,
}

impl House {
    fn new() -> Self {
        let mut house = Self { dir: TempDir::new().unwrap(), running: None, in_memory: false, now: SECOND };
        house.start();
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Ends the process where it stands, and starts another one.
    fn start(&mut self) {
        self.running = None;
        let first = Opening { opened_at: 1, ..Opening::default() };
        let options = Options { segment_bytes: 6_000, first, ..Options::default() };
        let (ledger, _) = Ledger::open(&self.path("ledger"), &options).unwrap();
        let opened = History::open(&self.path("history"), &self.path("ledger"), ledger.position()).unwrap();
        self.in_memory = opened.trouble.is_some();
        self.running = Some((ledger, opened.history, opened.follower));
    }

    /// Writes so many events, each a second later: destinations turn among much that concerns none.
    fn write(&mut self, count: u64) {
        let (ledger, ..) = self.running.as_mut().unwrap();
        for _ in 0..count {
            self.now += SECOND;
            let stamped = Stamped { at: self.now, event: event(self.now / SECOND) };
            ledger.append(&[Entry { seq: None, stamped }]).unwrap();
            if ledger.wants_rotation() {
                ledger.rotate(Opening { opened_at: self.now, ..Opening::default() }).unwrap();
            }
        }
        ledger.sync().unwrap();
    }

    fn follow(&mut self) {
        let now = self.now;
        let (_, _, follower) = self.running.as_mut().unwrap();
        while !follower.follow(now).unwrap() {}
        follower.retain().unwrap();
    }

    fn of(&self, host: &str) -> Vec<Stamped> {
        self.running.as_ref().unwrap().1.of(&Host::new(host)).unwrap()
    }

    /// The same by a look at every event.
    fn by_look(&self, host: &str) -> Vec<Stamped> {
        let mut reader = LedgerReader::open(&self.path("ledger"));
        let mut found = Vec::new();
        while let Some(item) = reader.next_item().unwrap() {
            let Item::Event(_, entry) = item else { continue };
            match concerned(&entry.stamped.event) {
                Some(Concerned::Host(other)) if other.as_str() == host => found.push(entry.stamped),
                Some(Concerned::All) => found.push(entry.stamped),
                Some(Concerned::Host(_)) | None => {}
            }
        }
        found
    }

    #[track_caller]
    fn agrees(&self) {
        for host in ["0.example", "1.example", "never.example"] {
            assert_eq!(self.of(host), self.by_look(host), "{host}");
        }
    }
}

fn event(number: u64) -> Event {
    let host = Host::new(&format!("{}.example", number % 3));
    let status = if number.is_multiple_of(2) { HostStatus::Up } else { HostStatus::Down };
    let by = || "x".to_owned();
    match number % 40 {
        0 => Event::HostChanged { host, status, reason: None, address: None },
        1 => {
            let way = HostWay { configuration: number as u32, ..HostWay::default() };
            Event::HostFacts {
                host,
                facts: Box::new(HostFacts { status, proven: true, worked_at: None, way }),
            }
        }
        2 => Event::HostFlapped { host, changes: 3, since: 1, status, reason: None, address: None },
        3 => Event::DeliverySuspended { host: Some(host), by: by() },
        4 => Event::DeliveryResumed { host: Some(host), by: by() },
        5 => Event::DeliverySuspended { host: None, by: by() },
        6 => Event::DeliveryResumed { host: None, by: by() },
        7 => Event::Stopped,
        8 => Event::Started { version: "1".into(), node: "n".into() },
        9 => Event::Configured { checksum: number as u32, source: "f".into() },
        10 => Event::SettingsChanged { from: 0, to: 1, settings: vec!["limits.hops".into()], more: 0 },
        _ => Event::MessageStarted { mid: Mid(number), icid: Icid(number), sender: "s@a.example".into() },
    }
}

#[test]
fn rows_say_what_a_look_at_all_events_says_over_kills_and_rebuilds() {
    let mut house = House::new();
    for round in 0..20 {
        house.write(60);
        if round % 3 != 0 {
            house.follow();
        }
        if round % 2 == 0 {
            house.start();
        }
    }
    house.follow();
    house.agrees();
    assert!(house.of("0.example").len() > 100);
    let before = house.of("1.example");
    house.running.as_ref().unwrap().1.rebuild();
    house.follow();
    assert_eq!(house.of("1.example"), before);
    house.agrees();
}

#[test]
fn a_file_that_cannot_be_used_is_made_again() {
    let mut house = House::new();
    house.write(300);
    house.follow();
    house.running = None;
    let file = house.path("history").join("hosts.db");
    let octets = std::fs::read(&file).unwrap();
    for damaged in
        [b"no database at all, but long enough to be looked at".to_vec(), octets[..octets.len() / 2].to_vec()]
    {
        std::fs::write(&file, damaged).unwrap();
        house.start();
        house.follow();
        house.agrees();
        house.running = None;
    }
}

#[test]
fn a_folder_that_cannot_be_used_stops_nothing() {
    let mut house = House::new();
    house.write(300);
    house.follow();
    house.running = None;
    let folder = house.path("history");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "a file where the folder should be").unwrap();
    house.start();
    assert!(house.in_memory);
    house.follow();
    house.agrees();

    house.running = None;
    std::fs::remove_file(&folder).unwrap();
    house.start();
    assert!(!house.in_memory);
    house.follow();
    house.agrees();
}

#[test]
fn what_the_ledger_lost_in_a_power_cut_is_no_history() {
    let mut house = House::new();
    house.write(100);
    house.follow();
    let synced = house.running.as_ref().unwrap().0.position();
    let before = house.of("0.example");
    // What follows is not synced, but already read.
    let (ledger, ..) = house.running.as_mut().unwrap();
    let changed = Event::HostChanged {
        host: Host::new("0.example"),
        status: HostStatus::Down,
        reason: None,
        address: None,
    };
    ledger.append(&[Entry { seq: None, stamped: Stamped { at: house.now + 1, event: changed } }]).unwrap();
    house.follow();
    assert_eq!(house.of("0.example").len(), before.len() + 1);
    house.running = None;
    let segment = house.path("ledger").join(format!("{:016x}.ledger", synced.segment));
    let file = std::fs::File::options().write(true).open(segment).unwrap();
    file.set_len(synced.offset).unwrap();
    drop(file);
    house.start();
    assert_eq!(house.of("0.example"), before);
    house.write(100);
    house.follow();
    house.agrees();
}

#[test]
fn what_is_older_than_the_ledger_goes_but_for_the_state_before() {
    let mut house = House::new();
    house.write(4_000);
    house.follow();
    let all = house.of("0.example").len();
    house.running = None;
    let mut segments: Vec<_> =
        std::fs::read_dir(house.path("ledger")).unwrap().map(|entry| entry.unwrap().path()).collect();
    segments.retain(|path| path.extension().is_some_and(|extension| extension == "ledger"));
    segments.sort();
    for segment in &segments[..segments.len() - 2] {
        std::fs::remove_file(segment).unwrap();
    }
    house.start();
    house.follow();
    let left = house.of("0.example");
    let reach = house.running.as_ref().unwrap().1.reach();
    let before = left.iter().filter(|stamped| stamped.at < reach.from).count();
    assert!(reach.from > SECOND && left.len() < all, "{reach:?}");
    assert!((1..=32).contains(&before), "{before} of {} from before", left.len());
    let since: Vec<_> = left.into_iter().filter(|stamped| stamped.at >= reach.from).collect();
    assert_eq!(since, house.by_look("0.example"));
}
