//! Which transactions may start, and mail read back for them and for reports.

use mailreeve_core::delivery::io::{After, Input, RecipientResult};
use mailreeve_core::ids::{Dcid, Mid, Rid};

use super::Shell;
use crate::deliver::bodies::Loaded;
use crate::deliver::reading::{Unread, not_read};
use crate::deliver::stored::{read_back, read_for_report};

/// While so many delivered recipients wait for their end to be durable no further transaction starts: what a crash
/// can make come twice is these and the transactions under way.
const OPEN_ENDS: usize = 64;

/// Stored mail read back for a purpose.
pub(super) struct Load {
    mid: Mid,
    result: Result<Loaded, Unread>,
    purpose: Purpose,
}

/// A transaction that was decided and has not begun.
pub(super) struct Waiting {
    pub(super) dcid: Dcid,
    pub(super) mid: Mid,
    pub(super) rids: Vec<Rid>,
    /// One of them was tried before.
    pub(super) again: bool,
}

pub(super) enum Purpose {
    Transact(Waiting),
    Report,
}

impl Shell {
    /// Starts transactions for as long as few enough ends are open.
    pub(super) fn start_held(&mut self) {
        while self.ends.open() < OPEN_ENDS {
            let Some(waiting) = self.held.pop_front() else { return };
            // The connection may be gone meanwhile, and its recipients are in line again.
            if !self.lines.contains_key(&waiting.dcid) {
                continue;
            }
            match self.bodies.at_hand(waiting.mid) {
                Some(loaded) => self.transact(waiting, loaded),
                None => self.load(waiting.mid, Purpose::Transact(waiting)),
            }
        }
    }

    /// Reads a stored message back, when there is room for it.
    pub(super) fn load(&self, mid: Mid, purpose: Purpose) {
        let (reader, room) = (self.context.reader.clone(), self.room.clone());
        let loads = self.loads.clone();
        tokio::spawn(async move {
            let result = match purpose {
                Purpose::Transact(_) => read_back(&reader, &room, mid).await,
                Purpose::Report => read_for_report(&reader, mid).await,
            };
            let _ = loads.send(Load { mid, result, purpose });
        });
    }

    pub(super) fn loaded(&mut self, load: Load) {
        match (load.purpose, load.result) {
            (Purpose::Transact(waiting), Ok(loaded)) => self.transact(waiting, loaded),
            (Purpose::Transact(Waiting { dcid, .. }), Err(Unread::Damaged(detail))) => {
                self.input(Input::RecordCorrupt { dcid, mid: load.mid, detail });
            }
            (Purpose::Transact(Waiting { dcid, rids, .. }), Err(Unread::Later(detail))) => {
                let soft = RecipientResult::Soft(not_read(&detail, self.context.clock.wall()));
                let results = rids.into_iter().map(|rid| (rid, soft.clone())).collect();
                // Nothing was said on the connection: it takes another message.
                self.input(Input::Outcome { dcid, mid: load.mid, results, after: After::Usable });
            }
            (Purpose::Report, result) => {
                let finished = self.ends.loaded(load.mid, result);
                self.pace.read(load.mid);
                if finished {
                    self.bodies.drop_message(load.mid);
                }
            }
        }
    }
}
