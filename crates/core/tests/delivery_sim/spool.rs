//! What survives a restart: envelopes, and of each recipient its last durable state. Commits lag behind the
//! effects, as group commits do, so a crash can lose the last of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mailreeve_core::delivery::io::Waiting;
use mailreeve_core::envelope::RecipientState;
use mailreeve_core::ids::{Mid, Rid};

use crate::rng::Rng;

/// The durable queue.
pub(crate) struct Spool {
    messages: BTreeMap<Mid, BTreeMap<Rid, Waiting>>,
    pending: VecDeque<(u64, Change)>,
}

enum Change {
    State(RecipientState),
    Gone(Mid, Rid),
}

impl Spool {
    /// An empty queue.
    pub(crate) fn new() -> Self {
        Self { messages: BTreeMap::new(), pending: VecDeque::new() }
    }

    /// Stores an accepted message; durable at once, as its 250 was sent.
    pub(crate) fn accept(&mut self, recipients: &[Waiting]) {
        for waiting in recipients {
            self.messages.entry(waiting.mid).or_default().insert(waiting.rid, waiting.clone());
        }
    }

    /// Takes a recipient's new state, durable at `at`.
    pub(crate) fn defer(&mut self, state: RecipientState, at: u64) {
        self.pending.push_back((at, Change::State(state)));
    }

    /// Takes a recipient's end, durable at `at`.
    pub(crate) fn end(&mut self, mid: Mid, rid: Rid, at: u64) {
        self.pending.push_back((at, Change::Gone(mid, rid)));
    }

    /// Commits what is due.
    pub(crate) fn commit(&mut self, now: u64) {
        while let Some((at, _)) = self.pending.front()
            && *at <= now
            && let Some((_, change)) = self.pending.pop_front()
        {
            self.apply(change);
        }
    }

    /// Commits all, as an orderly stop does.
    pub(crate) fn flush(&mut self) {
        self.commit(u64::MAX);
    }

    /// Commits some of what is pending and loses the rest; returns the recipients whose end was lost.
    pub(crate) fn crash(&mut self, rng: &mut Rng) -> BTreeSet<(Mid, Rid)> {
        let kept = rng.index(self.pending.len() + 1);
        for _ in 0..kept {
            if let Some((_, change)) = self.pending.pop_front() {
                self.apply(change);
            }
        }
        let lost = self.pending.drain(..).filter_map(|(_, change)| match change {
            Change::State(_) => None,
            Change::Gone(mid, rid) => Some((mid, rid)),
        });
        lost.collect()
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::State(state) => {
                if let Some(waiting) =
                    self.messages.get_mut(&state.mid).and_then(|rids| rids.get_mut(&state.rid))
                {
                    waiting.state = Some(state);
                }
            }
            Change::Gone(mid, rid) => {
                if let Some(rids) = self.messages.get_mut(&mid) {
                    rids.remove(&rid);
                    if rids.is_empty() {
                        self.messages.remove(&mid);
                    }
                }
            }
        }
    }

    /// Reads everything back, the recipients of one message together.
    pub(crate) fn recover(&self) -> Vec<Vec<Waiting>> {
        self.messages.values().map(|rids| rids.values().cloned().collect()).collect()
    }
}
