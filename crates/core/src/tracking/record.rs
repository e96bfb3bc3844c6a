//! What the events of one message, or of one connection, say.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::concern::{Concern, concern};
use super::query::host;
use crate::event::{Event, Stamped};
use crate::ids::{Host, Icid, Mid, Rid};

mod fold;
mod words;

pub use words::{Kind, Kinds, State, States};

/// What is tracked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Tracked {
    /// A message, accepted or not.
    Message(Mid),
    /// An inbound connection as long as no message of it was accepted.
    Connection(Icid),
}

/// How far what is tracked is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It comes in.
    Coming,
    /// It came to nothing.
    Aborted,
    /// It is ours, and not yet queued for delivery.
    Accepted,
    /// It waits for delivery.
    Queued,
    /// Its last recipient ended.
    Finished,
    /// A connection, open.
    Connected,
    /// A connection, ended.
    Closed,
}

/// The fold of the events of a message, or of a connection that became none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose it is.
    pub tracked: Tracked,
    /// When its first own event happened, microseconds since the epoch.
    pub began_at: u64,
    /// When its last event happened.
    pub last_at: u64,
    /// The inbound connection; `None` for a message of the gateway's own.
    pub icid: Option<Icid>,
    /// The message that a report tells of.
    pub parent: Option<Mid>,
    /// The envelope sender; empty for a report. `None` while unknown.
    pub sender: Option<String>,
    /// The decoded subject.
    pub subject: Option<String>,
    /// Message-ID without angle brackets.
    pub message_id: Option<String>,
    /// Octets.
    pub size: u64,
    /// Accepted recipients.
    pub recipients: BTreeMap<Rid, Recipient>,
    /// Addresses that were refused.
    pub refused: Vec<String>,
    /// The peer that sent it.
    pub peer: Option<IpAddr>,
    /// What the name service calls that peer.
    pub reverse: Option<String>,
    /// Every address it had to do with.
    pub addresses: BTreeSet<IpAddr>,
    /// Every host it had to do with, as compared.
    pub hosts: BTreeSet<String>,
    /// What happened to it.
    pub kinds: Kinds,
    phase: Phase,
    apart: bool,
}

/// A recipient of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipient {
    /// Its address; `None` when the event that named it is lost.
    pub address: Option<String>,
    /// Its destination, once known.
    pub host: Option<Host>,
    /// How it ended.
    pub end: Option<State>,
}

/// Addresses and hosts of a record that can be searched.
const NAMES_MAX: usize = 4_096;

impl Record {
    /// Makes a record of which nothing is known.
    pub const fn new(tracked: Tracked) -> Self {
        let (icid, phase) = match tracked {
            Tracked::Message(_) => (None, Phase::Coming),
            Tracked::Connection(icid) => (Some(icid), Phase::Connected),
        };
        Self {
            tracked,
            began_at: 0,
            last_at: 0,
            icid,
            parent: None,
            sender: None,
            subject: None,
            message_id: None,
            size: 0,
            recipients: BTreeMap::new(),
            refused: Vec::new(),
            peer: None,
            reverse: None,
            addresses: BTreeSet::new(),
            hosts: BTreeSet::new(),
            kinds: Kinds::NONE,
            phase,
            apart: false,
        }
    }

    /// Makes the record of a series of events, in order.
    pub fn of<'a>(tracked: Tracked, events: impl IntoIterator<Item = &'a Stamped>) -> Self {
        let mut record = Self::new(tracked);
        events.into_iter().for_each(|stamped| record.apply(stamped));
        record
    }

    /// Takes in an event of its own, or one that tells of a connection by which it came or went.
    pub fn apply(&mut self, stamped: &Stamped) {
        if self.is_own(&stamped.event) {
            if self.began_at == 0 {
                self.began_at = stamped.at;
            }
            self.last_at = self.last_at.max(stamped.at);
        }
        fold::apply(self, &stamped.event);
    }

    const fn is_own(&self, event: &Event) -> bool {
        match (self.tracked, concern(event)) {
            (Tracked::Message(own), Concern::Message { mid, .. }) => own.0 == mid.0,
            (
                Tracked::Connection(own),
                Concern::Inbound(icid) | Concern::Message { icid: Some(icid), .. },
            ) => own.0 == icid.0,
            (Tracked::Message(_) | Tracked::Connection(_), _) => false,
        }
    }

    /// Tells whether nothing more will happen to it.
    pub const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Aborted | Phase::Finished | Phase::Closed)
    }

    /// Tells whether it is on its way in, as a connection or over one.
    pub const fn is_coming(&self) -> bool {
        matches!(self.phase, Phase::Coming | Phase::Connected)
    }

    /// Its states: one, or one for each way in which its recipients fare.
    pub fn states(&self) -> States {
        match self.phase {
            Phase::Coming => State::Receiving.into(),
            Phase::Aborted => State::Aborted.into(),
            Phase::Connected => State::Connected.into(),
            Phase::Closed => State::NoMessage.into(),
            Phase::Accepted | Phase::Queued | Phase::Finished => {
                self.recipients.values().filter_map(|recipient| self.state_of(recipient)).collect()
            }
        }
    }

    /// The state of an accepted recipient of this record; `None` when the event that told its end is lost.
    pub fn state_of(&self, recipient: &Recipient) -> Option<State> {
        match (recipient.end, self.phase) {
            (Some(end), _) => Some(end),
            (None, _) if self.apart => Some(State::SetApart),
            (None, Phase::Queued) => Some(State::Queued),
            (None, Phase::Accepted) => Some(State::Held),
            (None, Phase::Coming) => Some(State::Receiving),
            (None, Phase::Aborted) => Some(State::Aborted),
            (None, Phase::Finished | Phase::Connected | Phase::Closed) => None,
        }
    }

    /// The addresses of all recipients, accepted and refused.
    pub fn addressees(&self) -> impl Iterator<Item = &str> {
        let accepted = self.recipients.values().filter_map(|recipient| recipient.address.as_deref());
        accepted.chain(self.refused.iter().map(String::as_str))
    }

    fn met_address(&mut self, address: IpAddr) {
        if self.addresses.len() < NAMES_MAX {
            self.addresses.insert(address.to_canonical());
        }
    }

    fn met_host(&mut self, name: &str) {
        // Most are met again and again, and written as they are compared.
        if self.hosts.len() < NAMES_MAX && !name.is_empty() && !self.hosts.contains(name) {
            self.hosts.insert(host(name));
        }
    }

    /// The daemon ended: what was still coming in has come to nothing.
    fn cut(&mut self) {
        match self.phase {
            Phase::Coming => self.phase = Phase::Aborted,
            Phase::Connected => self.phase = Phase::Closed,
            Phase::Aborted | Phase::Accepted | Phase::Queued | Phase::Finished | Phase::Closed => return,
        }
        self.kinds.add(Kind::Lost);
    }
}
