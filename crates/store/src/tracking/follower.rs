//! Reads the ledger behind its writer, and sorts what it reads into records.

use std::collections::BTreeSet;
use std::sync::Arc;

use mailreeve_core::event::{Event, Stamped};
use mailreeve_core::tracking::{Concern, Gathered, Tracked, concern};

use super::TrackingError;
use super::shared::Shared;
use crate::ledger::{Item, LedgerReader, Position};

/// Events taken in at once: so long those who ask wait.
const BATCH: usize = 512;
/// Events that may wait for the index: more would fill the memory while it cannot be written.
const HOLD_ABOVE: u64 = 250_000;
/// Batches of one call.
const BATCHES: usize = 16;

/// What a look at the ledger came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// Events read.
    pub events: u64,
    /// Octets of the ledger that cannot be read.
    pub damaged_bytes: u64,
    /// Nothing is left to read now.
    pub at_end: bool,
    /// Too much waits for the index: nothing more is read before it is written.
    pub held: bool,
}

/// Reads the ledger. One owner, one thread.
pub struct Follower {
    shared: Arc<Shared>,
    reader: LedgerReader,
    /// Which index it fills: another one after a rebuild.
    epoch: u64,
    /// Events before this place only tell of connections that are still open.
    recall_until: Position,
    /// Read already, and first of the next batch.
    kept: Option<(Position, Stamped)>,
}

/// Events with their places, and the place behind them.
struct Batch {
    events: Vec<(Position, Stamped)>,
    end: Position,
}

impl Follower {
    pub(super) fn new(shared: Arc<Shared>, recall_from: Position) -> Self {
        let (epoch, recall_until) = {
            let state = shared.state.read();
            (state.epoch, state.read)
        };
        let mut reader = LedgerReader::open(&shared.ledger);
        reader.seek(recall_from.min(recall_until));
        Self { shared, reader, epoch, recall_until, kept: None }
    }

    /// Takes in the next events, a few thousand at most. `now` is the time, microseconds since the epoch: when
    /// nothing is left to read, records reach up to it.
    ///
    /// # Errors
    /// [`TrackingError`]; the next call tries again.
    pub fn follow(&mut self, now: u64) -> Result<Followed, TrackingError> {
        let shared = Arc::clone(&self.shared);
        let followed = shared.watched(|| self.look(now));
        if followed.as_ref().is_err_and(TrackingError::is_damage) {
            // Nothing is left out, wherever it ended.
            let read = self.shared.state.read().read;
            self.go_back(read);
        }
        followed
    }

    fn look(&mut self, now: u64) -> Result<Followed, TrackingError> {
        let (epoch, read) = {
            let state = self.shared.state.read();
            (state.epoch, state.read)
        };
        if epoch != self.epoch {
            self.epoch = epoch;
            self.go_back(read);
            self.recall_until = read;
        }
        let mut followed = Followed::default();
        for _ in 0..BATCHES {
            if self.shared.state.read().unstored >= HOLD_ABOVE {
                return Ok(Followed { held: true, ..followed });
            }
            let start = self.kept.as_ref().map_or(self.reader.position(), |(place, _)| *place);
            let taken = self.batch(&mut followed).and_then(|batch| {
                followed.events += batch.events.len() as u64;
                self.take_in(batch)
            });
            if taken.is_err() {
                self.go_back(start);
            }
            if !taken? {
                return Ok(Followed { at_end: false, ..followed });
            }
            if followed.at_end {
                let mut state = self.shared.state.write();
                state.reach.to = state.reach.to.max(now);
                break;
            }
        }
        Ok(followed)
    }

    fn go_back(&mut self, place: Position) {
        self.kept = None;
        self.reader.seek(place);
    }

    /// Reads the next events. A start of the daemon is the first of a batch: what it ends must have been taken in.
    fn batch(&mut self, followed: &mut Followed) -> Result<Batch, TrackingError> {
        let mut events = Vec::with_capacity(BATCH);
        events.extend(self.kept.take());
        while events.len() < BATCH {
            match self.reader.next_item()? {
                None => {
                    followed.at_end = true;
                    break;
                }
                Some(Item::Event(place, entry)) => {
                    let starts = matches!(entry.stamped.event, Event::Started { .. });
                    if starts && !events.is_empty() {
                        self.kept = Some((place, entry.stamped));
                        return Ok(Batch { events, end: place });
                    }
                    events.push((place, entry.stamped));
                }
                Some(Item::Opened(..)) => {}
                Some(Item::Damaged(_, octets)) => followed.damaged_bytes += octets,
            }
        }
        Ok(Batch { events, end: self.reader.position() })
    }

    /// Takes a batch in; false when the index that it is for has been thrown away.
    fn take_in(&self, batch: Batch) -> Result<bool, TrackingError> {
        if batch.events.is_empty() {
            return Ok(true);
        }
        loop {
            let (commits, missing) = self.missing(&batch.events)?;
            let mut state = self.shared.state.write();
            if state.epoch != self.epoch {
                return Ok(false);
            }
            if state.commits != commits {
                // What was here may have gone into the index meanwhile.
                continue;
            }
            for gathered in missing {
                if state.gather.get(gathered.record.tracked).is_none() {
                    state.gather.put_back(gathered);
                }
            }
            for (place, stamped) in &batch.events {
                match *place < self.recall_until {
                    true => state.gather.recall(*place, stamped),
                    false => state.gather.note(*place, stamped),
                }
                state.reach.to = state.reach.to.max(stamped.at);
            }
            state.read = state.read.max(batch.end);
            state.unstored += batch.events.len() as u64;
            return Ok(true);
        }
    }

    /// Reads back the records that the events concern and that are only in the index.
    fn missing(
        &self,
        events: &[(Position, Stamped)],
    ) -> Result<(u64, Vec<Gathered<Position>>), TrackingError> {
        let mut lacking = BTreeSet::new();
        let (commits, weeks) = {
            let state = self.shared.state.read();
            let mut begun = BTreeSet::new();
            for (_, stamped) in events.iter().filter(|(place, _)| *place >= self.recall_until) {
                begun.extend(beginning(&stamped.event));
                lacking.extend(state.gather.lacks(&stamped.event).filter(|tracked| !begun.contains(tracked)));
            }
            (state.commits, state.weeks.clone())
        };
        let mut stored = Vec::new();
        for tracked in lacking {
            stored.extend(weeks.stored(tracked)?);
        }
        if let Some((_, Stamped { event: Event::Started { .. }, .. })) = events.first() {
            stored.extend(weeks.coming()?);
        }
        let records = stored.iter().map(|stored| self.shared.restored(stored));
        Ok((commits, records.collect::<Result<_, _>>()?))
    }
}

/// The record that begins with an event.
const fn beginning(event: &Event) -> Option<Tracked> {
    match (event, concern(event)) {
        (Event::MessageStarted { .. } | Event::Generated { .. }, Concern::Message { mid, .. }) => {
            Some(Tracked::Message(mid))
        }
        (Event::ConnectionOpened { .. }, Concern::Inbound(icid)) => Some(Tracked::Connection(icid)),
        _ => None,
    }
}
