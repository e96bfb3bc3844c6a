//! The side of the index that writes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailreeve_core::tracking::Gathered;
use tantivy::directory::MmapDirectory;
use tantivy::indexer::IndexWriterOptions;
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, Term};

use super::fields::{self, Fields};
use super::{make_dir, pieces, week_of};
use crate::ledger::Position;
use crate::tracking::TrackingError;

/// Octets that documents take in memory before they are written to a segment.
const MEMORY: usize = 48 << 20;

/// The side that writes. One owner.
pub(in crate::tracking) struct Writing {
    dir: PathBuf,
    fields: Arc<Fields>,
    open: BTreeMap<u64, Open>,
}

/// A record on its way into its week.
pub(in crate::tracking) struct Put {
    week: u64,
    replaces: Option<Term>,
    document: Option<TantivyDocument>,
}

pub(super) struct Open {
    pub(super) index: Index,
    pub(super) reader: IndexReader,
    writer: Option<IndexWriter>,
}

impl Writing {
    pub(super) const fn new(dir: PathBuf, fields: Arc<Fields>) -> Self {
        Self { dir, fields, open: BTreeMap::new() }
    }

    /// Makes the document of a record.
    pub(in crate::tracking) fn document(&self, gathered: &Gathered<Position>) -> Put {
        Put {
            week: week_of(gathered.record.began_at),
            replaces: gathered.stored.then(|| self.fields.key_term(gathered.record.tracked)),
            document: (!gathered.void).then(|| self.fields.document(gathered)),
        }
    }

    /// Puts a record into its week, instead of an earlier form of it if there may be one.
    pub(in crate::tracking) fn put(&mut self, put: Put) -> Result<(), TrackingError> {
        let writer = self.writer(put.week)?;
        if let Some(term) = put.replaces {
            writer.delete_term(term);
        }
        if let Some(document) = put.document {
            writer.add_document(document)?;
        }
        Ok(())
    }

    /// Forgets what was put and not committed.
    pub(in crate::tracking) fn give_up(&mut self) {
        self.open.values_mut().for_each(|open| open.writer = None);
    }

    /// Lets go of every week, without a look at what is on disk.
    pub(in crate::tracking) fn forget(&mut self) {
        self.open.clear();
    }

    /// Makes everything that was put durable, as what is known up to `position`. Returns searchers of weeks that have
    /// changed; of the writers only that of the newest week stays.
    pub(in crate::tracking) fn commit(
        &mut self,
        position: Position,
    ) -> Result<Vec<(u64, Searcher)>, TrackingError> {
        let mut changed = Vec::new();
        let newest = self.open.keys().next_back().copied();
        for (week, open) in &mut self.open {
            let Some(writer) = &mut open.writer else { continue };
            let mut prepared = writer.prepare_commit()?;
            prepared.set_payload(&format!("{} {}", position.segment, position.offset));
            prepared.commit()?;
            open.reader.reload()?;
            changed.push((*week, open.reader.searcher()));
            if Some(*week) != newest {
                open.writer = None;
            }
        }
        Ok(changed)
    }

    /// Removes weeks before `week`.
    pub(in crate::tracking) fn remove_before(&mut self, week: u64) -> Result<(), TrackingError> {
        let kept = self.open.split_off(&week);
        for (week, open) in std::mem::replace(&mut self.open, kept) {
            drop(open);
            let dir = self.dir.join(week.to_string());
            fs::remove_dir_all(&dir).map_err(TrackingError::io("removing", &dir))?;
        }
        Ok(())
    }

    /// The weeks, oldest first, each with its octets on disk.
    pub(in crate::tracking) fn sizes(&self) -> Vec<(u64, u64)> {
        self.open.keys().map(|week| (*week, octets(&self.dir.join(week.to_string())))).collect()
    }

    fn writer(&mut self, week: u64) -> Result<&mut IndexWriter, TrackingError> {
        let open = self.open(week)?;
        let writer = match open.writer.take() {
            Some(writer) => writer,
            None => {
                let options = IndexWriterOptions::builder()
                    .num_worker_threads(1)
                    .num_merge_threads(1)
                    .memory_budget_per_thread(MEMORY)
                    .build();
                open.index.writer_with_options(options)?
            }
        };
        Ok(open.writer.insert(writer))
    }

    /// The index of a week, made when it is new.
    pub(super) fn open(&mut self, week: u64) -> Result<&mut Open, TrackingError> {
        match self.open.entry(week) {
            Entry::Occupied(open) => Ok(open.into_mut()),
            Entry::Vacant(place) => {
                let dir = self.dir.join(week.to_string());
                make_dir(&dir)?;
                let directory = MmapDirectory::open(&dir).map_err(tantivy::TantivyError::from)?;
                let index = Index::open_or_create(directory, self.fields.schema.clone())?;
                index.tokenizers().register(fields::PIECES, TextAnalyzer::from(pieces::Cutter));
                let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual);
                let reader = reader.doc_store_cache_num_blocks(8).try_into()?;
                Ok(place.insert(Open { index, reader, writer: None }))
            }
        }
    }
}

fn octets(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}
