//! Writes what has gathered into the index, and removes what is too old.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mailreeve_core::tracking::{Gather, Tracked};

use super::index::{self, Writing};
use super::mark::Mark;
use super::shared::Shared;
use super::{Bounds, TrackingError, discard};
use crate::ledger::{LedgerReader, Position, SyncedPosition};

/// Events after which it is worth while to write, however early it is. Four to ten of them are a record, which takes some
/// 2.4 KiB of memory until then.
const ENOUGH: u64 = 100_000;
/// Open records kept in memory after they were written.
const KEPT: usize = 10_000;
/// Records turned into documents between two looks at who waits.
const CHUNK: usize = 128;
/// How long the ledger may take to be synced.
const PATIENCE: Duration = Duration::from_secs(10);

/// Writes the index. One owner, one thread.
pub struct Indexer {
    shared: Arc<Shared>,
    dir: PathBuf,
    writing: Writing,
    synced: SyncedPosition,
    /// The first instant of which the index has everything, whatever the ledger has.
    since: u64,
}

impl Indexer {
    pub(super) const fn new(
        shared: Arc<Shared>,
        dir: PathBuf,
        writing: Writing,
        synced: SyncedPosition,
        since: u64,
    ) -> Self {
        Self { shared, dir, writing, synced, since }
    }

    /// Tells whether so much has gathered that it should be written at once.
    pub fn has_enough(&self) -> bool {
        let state = self.shared.state.read();
        state.rebuild || state.unstored >= ENOUGH
    }

    /// Tells what was found to be wrong with the index, if anything was.
    pub fn damage(&self) -> Option<String> {
        self.shared.state.read().damage.clone()
    }

    /// Has the next [`commit`](Self::commit) begin the index anew.
    pub fn begin_anew(&self) {
        self.shared.state.write().rebuild = true;
    }

    /// Writes what has gathered: afterwards it is in the index, durably. Returns how many records were written.
    ///
    /// # Errors
    /// [`TrackingError`]; nothing is lost, the next call tries again.
    pub fn commit(&mut self) -> Result<u64, TrackingError> {
        let shared = Arc::clone(&self.shared);
        let written = shared.watched(|| self.commit_all());
        if written.is_err() {
            // What was put and not committed must not be committed with what is put next.
            self.writing.give_up();
        }
        written
    }

    fn commit_all(&mut self) -> Result<u64, TrackingError> {
        if self.shared.state.read().rebuild {
            self.start_over()?;
        }
        let (mark, wanted) = {
            let state = self.shared.state.read();
            let recall = state.gather.recall_from().unwrap_or(state.read);
            let changed = state.gather.records().filter(|gathered| gathered.is_changed());
            let wanted: Vec<Tracked> = changed.map(|gathered| gathered.record.tracked).collect();
            (Mark { done: state.read, recall, since: self.since }, wanted)
        };
        let written = self.write(&wanted, mark.done)?;
        mark.write(&self.dir)?;
        Ok(written)
    }

    fn write(&mut self, wanted: &[Tracked], done: Position) -> Result<u64, TrackingError> {
        let mut written = Vec::with_capacity(wanted.len());
        for chunk in wanted.chunks(CHUNK) {
            let documents: Vec<_> = {
                let state = self.shared.state.read();
                let gathered = chunk.iter().filter_map(|tracked| state.gather.get(*tracked));
                gathered
                    .map(|gathered| {
                        written.push((gathered.record.tracked, gathered.version));
                        self.writing.document(gathered)
                    })
                    .collect()
            };
            documents.into_iter().try_for_each(|document| self.writing.put(document))?;
        }
        // A document may know of events that were read while it was made: all of them must be in the ledger for good.
        let read = self.shared.state.read().read;
        self.wait_for(read)?;
        let changed = self.writing.commit(done)?;
        let mut state = self.shared.state.write();
        state.weeks.renew(changed);
        state.gather.stored(&written, KEPT);
        state.commits += 1;
        state.unstored = 0;
        Ok(written.len() as u64)
    }

    /// Removes what is older than the ledger, and the oldest weeks while there are too many octets.
    ///
    /// # Errors
    /// [`TrackingError`].
    pub fn retain(&mut self, bounds: &Bounds) -> Result<(), TrackingError> {
        let oldest = oldest(&self.shared)?;
        let mut sizes = self.writing.sizes();
        let mut total: u64 = sizes.iter().map(|(_, octets)| octets).sum();
        let mut keep_from = index::week_of(oldest);
        while let [(week, octets), _, ..] = sizes.as_slice()
            && total > bounds.max_bytes
        {
            total -= octets;
            keep_from = keep_from.max(week + 1);
            sizes.remove(0);
        }
        if self.writing.sizes().first().is_some_and(|(week, _)| *week < keep_from) {
            if index::week_of(oldest) < keep_from {
                self.since = self.since.max(index::end_of(keep_from - 1));
            }
            self.shared.state.write().weeks.forget_before(keep_from);
            self.writing.remove_before(keep_from)?;
        }
        let mut state = self.shared.state.write();
        state.reach.from = oldest.max(self.since);
        state.octets = total;
        Ok(())
    }

    /// Throws the index away: everything is read again from the ledger. What of it cannot be done now is at the next
    /// call.
    fn start_over(&mut self) -> Result<(), TrackingError> {
        self.writing.forget();
        {
            let mut state = self.shared.state.write();
            state.weeks.forget_before(u64::MAX);
            state.gather = Gather::default();
            state.read = Position::default();
            state.reach.to = 0;
            state.epoch += 1;
            state.commits += 1;
            state.unstored = 0;
        }
        self.since = 0;
        // The mark first: weeks before a mark at the beginning are read again, a mark behind weeks that are gone is not.
        Mark::default().write(&self.dir)?;
        discard(&self.dir.join("weeks"))?;
        let mut state = self.shared.state.write();
        state.rebuild = false;
        state.damage = None;
        Ok(())
    }

    fn wait_for(&self, read: Position) -> Result<(), TrackingError> {
        let begun = Instant::now();
        while self.synced.load() < read {
            if begun.elapsed() > PATIENCE {
                return Err(TrackingError::NotSynced);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

/// The instant at which the ledger begins.
fn oldest(shared: &Shared) -> Result<u64, TrackingError> {
    let reader = LedgerReader::open(&shared.ledger);
    Ok(reader.first_opening()?.map_or(0, |opening| opening.opened_at))
}
