//! Law 6 over a range of the ledger: the same events counted in two ways that share nothing.
//!
//! One way is the tally: sums over everything. The other goes message by message: what each one brought, and what of it
//! has ended. A recipient that ends twice, or not at all before its message is finished, is seen by the second
//! way and not by the first, so the identity is no tautology.

use std::collections::BTreeMap;

use super::{Column, Identity, Tally};
use crate::event::{Event, Stamped};
use crate::ids::Mid;

/// A proof under way.
#[derive(Clone, Debug)]
pub struct Proof {
    tally: Tally,
    opening: u64,
    before: super::Counters,
    /// Recipients open at the beginning that have not ended: of messages that began before.
    earlier: u64,
    /// Recipients open, by message that began in the range.
    open: BTreeMap<Mid, u64>,
    openings: u64,
    disagreeing: u64,
}

impl Proof {
    /// Begins where the counters were these.
    pub fn begin(tally: Tally) -> Self {
        let (opening, before) = (tally.open_recipients(), tally.counters(Column::Lifetime));
        let (open, openings, disagreeing) = (BTreeMap::new(), 0, 0);
        Self { tally, opening, before, earlier: opening, open, openings, disagreeing }
    }

    /// Counts an event, both ways.
    pub fn apply(&mut self, stamped: &Stamped) {
        self.tally.apply(stamped);
        match &stamped.event {
            Event::Accepted { mid, recipients, .. } => drop(self.open.insert(*mid, u64::from(*recipients))),
            Event::Generated { mid, recipients, .. } => drop(self.open.insert(*mid, recipients.len() as u64)),
            Event::Delivered { mid, rids, .. } => self.ended(*mid, rids.len() as u64),
            Event::Bounced { mid, .. } | Event::Deleted { mid, .. } | Event::Archived { mid, .. } => {
                self.ended(*mid, 1);
            }
            Event::Corrupt { mid, recipients, .. } => self.ended(*mid, u64::from(*recipients)),
            Event::Finished { mid } => drop(self.open.remove(mid)),
            // Brings and ends no recipient; what every event counts for is told in the tally.
            _ => {}
        }
    }

    /// Compares what a segment of the ledger says at its beginning with what was counted up to there.
    pub fn opened(&mut self, open: u64) {
        self.openings += 1;
        self.disagreeing += u64::from(open != self.tally.open_recipients());
    }

    /// The identity over what was counted, with the open recipients counted message by message.
    pub fn identity(&self) -> Identity {
        let counted = self.tally.counters(Column::Lifetime).since(&self.before);
        Identity::over(self.opening, &counted, self.earlier + self.open.values().sum::<u64>())
    }

    /// Segments whose beginnings were compared, and how many of them disagreed.
    pub const fn openings(&self) -> (u64, u64) {
        (self.openings, self.disagreeing)
    }

    fn ended(&mut self, mid: Mid, recipients: u64) {
        match self.open.get_mut(&mid) {
            Some(open) => *open = open.saturating_sub(recipients),
            None => self.earlier = self.earlier.saturating_sub(recipients),
        }
    }
}
