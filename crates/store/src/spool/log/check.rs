//! Whether a commit contradicts the queue, found out before anything is written.

use std::collections::HashSet;

use mailreeve_core::ids::{Mid, Rid};

use super::index::{Index, StateAt};
use crate::spool::error::{Refusal, SpoolError};
use crate::spool::staged::Staging;
use crate::spool::{Batch, Content, Put};

/// The queue as it would be after the parts looked at so far.
pub(crate) struct Check<'a> {
    index: &'a Index,
    added: HashSet<Mid>,
    gone: HashSet<Mid>,
    ended: HashSet<(Mid, Rid)>,
}

impl<'a> Check<'a> {
    pub(crate) fn new(index: &'a Index) -> Self {
        Self { index, added: HashSet::new(), gone: HashSet::new(), ended: HashSet::new() }
    }

    /// Looks at all parts in order.
    pub(crate) fn parts(mut self, parts: &[Batch], staging: &Staging) -> Result<(), SpoolError> {
        for (part, batch) in parts.iter().enumerate() {
            self.part(batch, staging).map_err(|refusal| SpoolError::Refused { part, refusal })?;
        }
        Ok(())
    }

    fn part(&mut self, batch: &Batch, staging: &Staging) -> Result<(), Refusal> {
        for put in &batch.puts {
            self.put(put, staging)?;
        }
        for state in &batch.updates {
            self.known(state.mid)?;
            if self.is_ended(state.mid, state.rid) {
                return Err(Refusal::Ended(state.mid, state.rid));
            }
        }
        for (mid, rid) in &batch.ends {
            self.known(*mid)?;
            self.ended.insert((*mid, *rid));
        }
        for mid in batch.dels.iter().chain(batch.aparts.iter().map(|apart| &apart.mid)) {
            self.known(*mid)?;
            self.gone.insert(*mid);
            self.added.remove(mid);
        }
        Ok(())
    }

    fn put(&mut self, put: &Put, staging: &Staging) -> Result<(), Refusal> {
        let mid = put.envelope.mid;
        if i64::try_from(mid.0).is_err() {
            return Err(Refusal::MidOutOfRange(mid));
        }
        let there = self.index.any(mid).is_some() && !self.gone.contains(&mid);
        if there || !self.added.insert(mid) {
            return Err(Refusal::DuplicateMid(mid));
        }
        let is_right = put.content.size() == put.envelope.size
            && match &put.content {
                Content::Memory(_) => true,
                Content::Staged { path, size, .. } => {
                    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                    staging.path_of(name) == *path
                        && std::fs::metadata(path).is_ok_and(|meta| meta.len() == *size)
                }
            };
        if is_right { Ok(()) } else { Err(Refusal::ContentMismatch(mid)) }
    }

    fn known(&self, mid: Mid) -> Result<(), Refusal> {
        let there = self.index.queued(mid).is_some() && !self.gone.contains(&mid);
        if there || self.added.contains(&mid) { Ok(()) } else { Err(Refusal::UnknownMid(mid)) }
    }

    fn is_ended(&self, mid: Mid, rid: Rid) -> bool {
        let state = self.index.queued(mid).and_then(|message| message.states.get(&rid));
        self.ended.contains(&(mid, rid)) || matches!(state, Some(StateAt::Ended))
    }
}
