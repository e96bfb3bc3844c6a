//! Sorts the stream of events into records.
//!
//! A record begins with the first event that concerns its message or connection and holds every one of them, with the
//! place where each stands. What tells of a connection goes to each message that came or went by it, too.
//! A connection is a record of its own until a message of it is accepted.
//!
//! Whoever calls takes records out, when it has stored them, and may put one back when an event comes that
//! concerns it ([`Gather::lacks`]).

use std::collections::{BTreeMap, BTreeSet};

use super::concern::{Concern, concern};
use super::record::Tracked;
use crate::event::{Event, Stamped};
use crate::ids::{Dcid, Icid, Mid};

mod gathered;

pub use gathered::{Gathered, PLACES_MAX};

/// Messages of a connection that still learn what is found out about its peer.
const LEARNERS: usize = 64;

/// Open connections that are known, each way: more than listeners and delivery may have. A connection whose end the
/// journal had to drop never ends here; the oldest go first.
const CONNECTIONS: usize = 65_536;

/// Records that are open or not stored yet, and the connections that may concern others.
#[derive(Clone, Debug)]
pub struct Gather<P> {
    /// Of what happened before this place something may be stored already.
    replaying_until: Option<P>,
    records: BTreeMap<Tracked, Gathered<P>>,
    inbound: BTreeMap<Icid, Connection<P>>,
    outbound: BTreeMap<Dcid, Connection<P>>,
}

/// What is known of an open connection.
#[derive(Clone, Debug)]
struct Connection<P> {
    known: Vec<(P, Stamped)>,
    messages: BTreeSet<Mid>,
    /// A message of it was accepted: it is no record of its own.
    became: bool,
}

impl<P> Default for Connection<P> {
    fn default() -> Self {
        Self { known: Vec::new(), messages: BTreeSet::new(), became: false }
    }
}

impl<P> Default for Gather<P> {
    fn default() -> Self {
        let (records, inbound, outbound) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { replaying_until: None, records, inbound, outbound }
    }
}

impl<P: Copy + Ord> Gather<P> {
    /// Makes one that is given again what it was given before, up to `place`.
    pub fn replaying_until(place: P) -> Self {
        Self { replaying_until: Some(place), ..Self::default() }
    }

    /// Returns the records that the event concerns and that are not here although they must have begun before.
    pub fn lacks(&self, event: &Event) -> impl Iterator<Item = Tracked> {
        let (message, connection) = match (concern(event), event) {
            (_, Event::ConnectionOpened { .. } | Event::Generated { .. }) => (None, None),
            (Concern::Message { icid, .. }, Event::MessageStarted { .. }) => (None, icid),
            (Concern::Message { mid, icid, .. }, _) => (Some(Tracked::Message(mid)), icid),
            (Concern::Inbound(icid), _) => (None, Some(icid)),
            (Concern::Outbound(_) | Concern::Start | Concern::Nothing, _) => (None, None),
        };
        let became = |icid: &Icid| self.inbound.get(icid).is_some_and(|connection| connection.became);
        let connection = connection.filter(|icid| !became(icid)).map(Tracked::Connection);
        let wanted = message.into_iter().chain(connection);
        wanted.filter(|tracked| !self.records.contains_key(tracked))
    }

    /// Puts back a record that was taken out.
    pub fn put_back(&mut self, gathered: Gathered<P>) {
        self.records.insert(gathered.record.tracked, gathered);
    }

    /// Takes in the next event.
    pub fn note(&mut self, place: P, stamped: &Stamped) {
        match concern(&stamped.event) {
            Concern::Message { mid, icid, dcid } => self.message(place, stamped, mid, icid, dcid),
            Concern::Inbound(icid) => self.connection(place, stamped, icid),
            Concern::Outbound(dcid) => self.hop(place, stamped, dcid),
            Concern::Start => self.restarted(place, stamped),
            Concern::Nothing => {}
        }
    }

    /// Takes in what an event says of connections, and nothing else: it was noted before.
    pub fn recall(&mut self, place: P, stamped: &Stamped) {
        match (&stamped.event, concern(&stamped.event)) {
            (Event::ConnectionClosed { icid, .. }, _) => drop(self.inbound.remove(icid)),
            (_, Concern::Inbound(icid)) if tells_of_peer(&stamped.event) => {
                opened(&mut self.inbound, icid).known.push((place, stamped.clone()));
            }
            (_, Concern::Outbound(dcid)) => self.hop(place, stamped, dcid),
            (Event::Accepted { icid, .. }, _) => {
                if let Some(connection) = self.inbound.get_mut(icid) {
                    connection.became = true;
                }
            }
            (_, Concern::Start) => {
                self.inbound.clear();
                self.outbound.clear();
            }
            (_, Concern::Inbound(_) | Concern::Message { .. } | Concern::Nothing) => {}
        }
    }

    /// Returns the place from which on events must be [`recall`](Self::recall)ed to know the open connections.
    pub fn recall_from(&self) -> Option<P> {
        let all = self.inbound.values().chain(self.outbound.values());
        all.filter_map(|connection| connection.known.first()).map(|(place, _)| *place).min()
    }

    /// Returns a record.
    pub fn get(&self, tracked: Tracked) -> Option<&Gathered<P>> {
        self.records.get(&tracked)
    }

    /// Returns all records that are here.
    pub fn records(&self) -> impl Iterator<Item = &Gathered<P>> {
        self.records.values()
    }

    /// Returns how many records are here.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Tells whether no record is here.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Takes note of which version of which records is stored. Forgets what is over, and of the oldest messages, and
    /// connections that are not known to be open, that are stored as they are so many as there are more than `most`
    /// records.
    pub fn stored(&mut self, versions: &[(Tracked, u32)], most: usize) {
        for (tracked, version) in versions {
            let Some(gathered) = self.records.get_mut(tracked) else { continue };
            gathered.is_stored_as(*version);
            let over = gathered.record.is_over() || gathered.void;
            if over && !gathered.is_changed() {
                self.records.remove(tracked);
            }
        }
        let mut too_many = self.records.len().saturating_sub(most);
        self.records.retain(|tracked, gathered| {
            let is_open = matches!(tracked, Tracked::Connection(icid) if self.inbound.contains_key(icid));
            let goes = too_many > 0 && !is_open && !gathered.is_changed();
            too_many -= usize::from(goes);
            !goes
        });
    }

    /// The record of an event, begun if it is not there.
    fn record(&mut self, tracked: Tracked, place: P) -> &mut Gathered<P> {
        let stored = self.replaying_until.is_some_and(|until| place <= until);
        self.records.entry(tracked).or_insert_with(|| Gathered::begun(tracked, stored))
    }

    fn message(&mut self, place: P, stamped: &Stamped, mid: Mid, icid: Option<Icid>, dcid: Option<Dcid>) {
        let tracked = Tracked::Message(mid);
        let stored = self.replaying_until.is_some_and(|until| place <= until);
        let begun = || Gathered::begun(tracked, stored);
        let gathered = self.records.entry(tracked).or_insert_with(begun);
        let ways = [
            icid.and_then(|icid| self.inbound.get_mut(&icid)),
            dcid.and_then(|dcid| self.outbound.get_mut(&dcid)),
        ];
        for connection in ways.into_iter().flatten() {
            if connection.messages.insert(mid) {
                connection.known.iter().for_each(|(place, stamped)| gathered.add(*place, stamped));
                if connection.messages.len() > LEARNERS {
                    connection.messages.pop_first();
                }
            }
        }
        gathered.add(place, stamped);
        if let Some(icid) = icid {
            self.became(place, stamped, icid);
        }
    }

    /// An event of a message concerns its connection as long as that is a record.
    fn became(&mut self, place: P, stamped: &Stamped, icid: Icid) {
        let tracked = Tracked::Connection(icid);
        if let (Event::Accepted { .. }, Some(connection)) = (&stamped.event, self.inbound.get_mut(&icid)) {
            connection.became = true;
        }
        let Some(gathered) = self.records.get_mut(&tracked).filter(|gathered| !gathered.void) else { return };
        match stamped.event {
            Event::Accepted { .. } if gathered.stored => {
                gathered.void = true;
                gathered.version += 1;
            }
            Event::Accepted { .. } => drop(self.records.remove(&tracked)),
            _ => gathered.add(place, stamped),
        }
    }

    fn connection(&mut self, place: P, stamped: &Stamped, icid: Icid) {
        let tracked = Tracked::Connection(icid);
        if let Event::ConnectionOpened { .. } = stamped.event {
            self.record(tracked, place);
            opened(&mut self.inbound, icid);
        }
        if tells_of_peer(&stamped.event)
            && let Some(connection) = self.inbound.get_mut(&icid)
        {
            connection.known.push((place, stamped.clone()));
            for mid in &connection.messages {
                if let Some(gathered) = self.records.get_mut(&Tracked::Message(*mid)) {
                    gathered.add(place, stamped);
                }
            }
        }
        if let Event::ConnectionClosed { messages, .. } = stamped.event {
            self.inbound.remove(&icid);
            if messages == 0 {
                self.record(tracked, place);
            }
        }
        if let Some(gathered) = self.records.get_mut(&tracked)
            && !gathered.void
        {
            gathered.add(place, stamped);
        }
    }

    fn hop(&mut self, place: P, stamped: &Stamped, dcid: Dcid) {
        if let Event::DeliveryClosed { .. } = stamped.event {
            self.outbound.remove(&dcid);
        } else {
            opened(&mut self.outbound, dcid).known.push((place, stamped.clone()));
        }
    }

    /// What was coming in when the daemon ended has come to nothing.
    fn restarted(&mut self, place: P, stamped: &Stamped) {
        self.inbound.clear();
        self.outbound.clear();
        for gathered in self.records.values_mut().filter(|gathered| gathered.record.is_coming()) {
            gathered.add(place, stamped);
        }
    }
}

/// Returns a connection, known from now on if it was not.
fn opened<K: Copy + Ord, P>(connections: &mut BTreeMap<K, Connection<P>>, id: K) -> &mut Connection<P> {
    if connections.len() >= CONNECTIONS && !connections.contains_key(&id) {
        connections.pop_first();
    }
    connections.entry(id).or_default()
}

/// Tells whether an event says who is at the other end of a connection, and how it is secured.
const fn tells_of_peer(event: &Event) -> bool {
    matches!(event, Event::ConnectionOpened { .. } | Event::PeerJudged { .. } | Event::InboundTls { .. })
}
