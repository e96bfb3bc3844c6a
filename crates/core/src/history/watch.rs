//! What of the changes of destinations is told, and with which facts.
//!
//! Rules:
//! - The first six changes of a verdict in ten minutes are told one by one. Those that follow are counted, and told
//!   as one when the ten minutes are over, with the verdict that holds then.
//! - Beside every change that is told stand the facts of that time.
//! - Facts that become others without a change of the verdict are told at once, but no more than once in an hour;
//!   what was held back is told before the destination leaves up, so that the way on which it worked last is known.
//! - Facts that stay the same are told once a day while the destination is used: so the newest day of a ledger says how
//!   each destination stands, however long ago it changed last.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::{IpAddr, SocketAddr};

use crate::event::{Answers, Event, Failure, HostFacts, HostStatus, HostWay, MetServer, SERVERS};
use crate::ids::Host;

/// Destinations that are remembered.
const HOSTS: usize = 10_000;
/// Changes told one by one in a window.
const TOLD: u32 = 6;
const SECOND: u64 = 1_000_000;
/// A window.
const WINDOW: u64 = 600 * SECOND;
/// Between two tellings of other facts.
const APART: u64 = 3_600 * SECOND;
/// Between two tellings of the same facts.
const AGAIN: u64 = 86_400 * SECOND;

/// A change of a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The destination.
    pub host: Host,
    /// The verdict now.
    pub status: HostStatus,
    /// The failure behind it.
    pub reason: Option<Failure>,
    /// The address that it speaks of.
    pub address: Option<SocketAddr>,
}

/// What is known of each destination, as far as it was used of late.
#[derive(Debug, Default)]
pub struct Watch {
    hosts: BTreeMap<Host, Watched>,
    /// Destinations whose changes are being counted, by the end of their window.
    counting: BTreeSet<(u64, Host)>,
}

#[derive(Debug, Default)]
struct Watched {
    status: HostStatus,
    way: HostWay,
    /// The way on which it worked last, where it was not told.
    held_back: Option<Box<HostWay>>,
    worked_at: Option<u64>,
    /// The facts told last, when they were told.
    told: Option<(u64, u64)>,
    window: Window,
    used_at: u64,
}

/// Changes within ten minutes.
#[derive(Debug, Default)]
struct Window {
    from: u64,
    told: u32,
    counted: u32,
    since: u64,
    last: Option<Change>,
}

impl Watch {
    /// Takes up a verdict of an earlier run, before anything else is heard of the destination.
    pub fn take_up(&mut self, host: &Host, status: HostStatus) {
        let watched = self.entry(host, 0);
        watched.status = status;
        watched.told = Some((0, 0));
    }

    /// Takes in what was said about where a destination's mail goes; `now` is microseconds since the epoch.
    pub fn answered(&mut self, host: &Host, answers: Answers, configuration: u32, now: u64) -> Option<Event> {
        let watched = self.entry(host, now);
        watched.way.answers = answers;
        watched.way.configuration = configuration;
        let fails = watched.status != HostStatus::Up && watched.told.is_some();
        (fails && watched.is_worth_telling(now)).then(|| watched.tell(host, now))
    }

    /// Takes in that a session came about: with whom, and from which addresses of ours.
    pub fn met(
        &mut self,
        host: &Host,
        server: MetServer,
        sources: Vec<IpAddr>,
        configuration: u32,
        now: u64,
    ) -> Option<Event> {
        let watched = self.entry(host, now);
        watched.worked_at = Some(now);
        let way = &mut watched.way;
        way.configuration = configuration;
        come_from(way, sources);
        match way.servers.iter_mut().find(|other| other.name == server.name) {
            Some(other) => *other = server,
            None => {
                if way.servers.len() >= SERVERS {
                    way.servers.remove(0);
                }
                way.servers.push(server);
                way.servers.sort_by(|one, other| one.name.cmp(&other.name));
            }
        }
        // When it was not up, the change that follows tells the facts.
        if watched.status != HostStatus::Up {
            return None;
        }
        if watched.is_worth_telling(now) {
            return Some(watched.tell(host, now));
        }
        let is_told = watched.told.is_some_and(|(told, _)| told == watched.digest());
        watched.held_back = (!is_told).then(|| Box::new(watched.way.clone()));
        None
    }

    /// Takes in that no session came about with a server that showed a certificate.
    pub fn turned_down(&mut self, host: &Host, server: MetServer, now: u64) {
        let Some(certificate) = server.certificate else { return };
        let servers = &mut self.entry(host, now).way.servers;
        if let Some(known) = servers.iter_mut().find(|known| known.name == server.name) {
            known.certificate = Some(certificate);
        }
    }

    /// Takes in a change of a verdict; returns what is to be told.
    pub fn changed(
        &mut self,
        change: Change,
        sources: Vec<IpAddr>,
        configuration: u32,
        now: u64,
    ) -> Vec<Event> {
        let host = change.host.clone();
        let mut events = self.settle(&host, now);
        let watched = self.entry(&host, now);
        watched.window.renew(now);
        if watched.window.told >= TOLD {
            let due = watched.window.from + WINDOW;
            watched.count(change, now);
            watched.take_way(sources, configuration, now);
            self.counting.insert((due, host));
            return events;
        }
        watched.window.told += 1;
        if let Some(way) = watched.held_back.take() {
            events.push(watched.facts(&host, HostStatus::Up, *way));
        }
        watched.status = change.status;
        watched.take_way(sources, configuration, now);
        let Change { host, status, reason, address } = change;
        events.push(Event::HostChanged { host: host.clone(), status, reason, address });
        events.push(watched.tell(&host, now));
        events
    }

    /// Returns what was counted and is to be told by now.
    pub fn due(&mut self, now: u64) -> Vec<Event> {
        let mut events = Vec::new();
        while self.counting.first().is_some_and(|(due, _)| *due <= now) {
            let Some((_, host)) = self.counting.pop_first() else { break };
            events.extend(self.settle(&host, now));
        }
        events
    }

    /// Ends the counting for a destination whose window is over.
    fn settle(&mut self, host: &Host, now: u64) -> Vec<Event> {
        let Some(watched) = self.hosts.get_mut(host) else { return Vec::new() };
        let (due, since) = (watched.window.from + WINDOW, watched.window.since);
        if watched.window.counted == 0 || due > now {
            return Vec::new();
        }
        self.counting.remove(&(due, host.clone()));
        let changes = std::mem::take(&mut watched.window.counted);
        let Some(Change { host, status, reason, address }) = watched.window.last.take() else {
            return Vec::new();
        };
        let facts = watched.tell(&host, now);
        vec![Event::HostFlapped { host, changes, since, status, reason, address }, facts]
    }

    fn entry(&mut self, host: &Host, now: u64) -> &mut Watched {
        if self.hosts.len() >= HOSTS && !self.hosts.contains_key(host) {
            self.forget();
        }
        let watched = self.hosts.entry(host.clone()).or_default();
        watched.used_at = now;
        watched
    }

    /// Forgets the quarter that was used longest ago; what is being counted stays.
    fn forget(&mut self) {
        let mut used: Vec<u64> = self.hosts.values().map(|watched| watched.used_at).collect();
        let (_, oldest, _) = used.select_nth_unstable(HOSTS / 4);
        let until = *oldest;
        self.hosts.retain(|_, watched| watched.used_at > until || watched.window.counted > 0);
    }
}

impl Watched {
    fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.way.hash(&mut hasher);
        hasher.finish()
    }

    fn is_worth_telling(&self, now: u64) -> bool {
        let Some((told, at)) = self.told else { return true };
        let apart = if told == self.digest() { AGAIN } else { APART };
        now.saturating_sub(at) >= apart
    }

    /// The facts of now, told.
    fn tell(&mut self, host: &Host, now: u64) -> Event {
        self.told = Some((self.digest(), now));
        self.held_back = None;
        self.facts(host, self.status, self.way.clone())
    }

    fn facts(&self, host: &Host, status: HostStatus, way: HostWay) -> Event {
        let proven = status == HostStatus::Up;
        let facts = HostFacts { status, proven, worked_at: self.worked_at, way };
        Event::HostFacts { host: host.clone(), facts: Box::new(facts) }
    }

    fn take_way(&mut self, sources: Vec<IpAddr>, configuration: u32, now: u64) {
        come_from(&mut self.way, sources);
        self.way.configuration = configuration;
        if self.status == HostStatus::Up {
            self.worked_at = Some(now);
        }
    }

    fn count(&mut self, change: Change, now: u64) {
        if self.window.counted == 0 {
            self.window.since = now;
        }
        self.window.counted = self.window.counted.saturating_add(1);
        self.status = change.status;
        self.held_back = None;
        self.window.last = Some(change);
    }
}

/// Takes in addresses of ours. What is known of the other family stays, for a destination may be met by both.
fn come_from(way: &mut HostWay, sources: Vec<IpAddr>) {
    let is_there = |family: bool| sources.iter().any(|source| source.is_ipv4() == family);
    let (v4, v6) = (is_there(true), is_there(false));
    way.sources.retain(|source| if source.is_ipv4() { !v4 } else { !v6 });
    way.sources.extend(sources);
    way.sources.sort_unstable();
    way.sources.dedup();
}

impl Window {
    fn renew(&mut self, now: u64) {
        if self.counted == 0 && (now.saturating_sub(self.from) >= WINDOW || now < self.from) {
            *self = Self { from: now, ..Self::default() };
        }
    }
}

#[cfg(test)]
mod tests;
