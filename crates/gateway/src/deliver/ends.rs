//! Ends of recipients become durable: one change a message and round, with its reports and its removal.
//!
//! ```text
//!   ended() ──► gathered a message ──┬─ no report due ────────────────► submitted
//!   deferred() ─┘                    └─ report due ─ at hand? ─ yes ──► report built, submitted together
//!                                                        └─ no ─► read back first, later ends wait behind
//! ```
//! A report is put in the same change as the ends it tells of, and a message's removal is in the change of its
//! last end (law 4). Changes of one message are submitted in the order in which they were decided, so a
//! removal can never overtake an end.

use std::collections::HashMap;
use std::sync::Arc;

use mailreeve_core::delivery::io::End;
use mailreeve_core::envelope::{Envelope, RecipientState};
use mailreeve_core::event::{Event, GeneratedKind, Severity, Stamped};
use mailreeve_core::ids::{Dcid, Host, Mid, Rid};
use mailreeve_store::committer::Change;
use mailreeve_store::spool::{Apart, Batch, Put};

use super::bodies::{Bodies, Loaded};
use super::reading::Unread;
use super::report::{self, Reported};
use crate::context::Context;

/// What became of a message in one round.
#[derive(Default)]
struct Gathered {
    delivered: Vec<Delivered>,
    ended: Vec<(Rid, Host, End)>,
    updated: Vec<(RecipientState, Event)>,
    reported: Vec<Reported>,
    last: bool,
}

struct Delivered {
    dcid: Dcid,
    host: Host,
    reply: String,
    rids: Vec<Rid>,
}

/// What the shard's shell does next for a message.
pub(super) enum Ready {
    /// Its last end was submitted: nothing of it is needed any more.
    Finished(Mid),
    /// A report needs its content: read it back, then call [`Ends::loaded`].
    Needs(Mid),
}

/// Ends on their way to the spool.
pub(super) struct Ends {
    context: Arc<Context>,
    gathered: HashMap<Mid, Gathered>,
    order: Vec<Mid>,
    /// Messages being read back for a report, with what was decided about them.
    reading: HashMap<Mid, Vec<Gathered>>,
    /// Envelopes of messages whose sender wants to hear of success, kept until their last end.
    success_wanted: HashMap<Mid, Arc<Envelope>>,
    /// Recipients delivered whose end is not durable yet: a crash now delivers them again.
    open: usize,
}

impl Ends {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self {
            context,
            gathered: HashMap::new(),
            order: Vec::new(),
            reading: HashMap::new(),
            success_wanted: HashMap::new(),
            open: 0,
        }
    }

    /// Tells whether nothing is on its way.
    pub(super) fn settled(&self) -> bool {
        self.gathered.is_empty() && self.reading.is_empty()
    }

    /// Recipients delivered whose end is not durable yet.
    pub(super) const fn open(&self) -> usize {
        self.open
    }

    /// So many of the delivered are durable now, or never will be.
    pub(super) const fn settled_ends(&mut self, delivered: usize) {
        self.open = self.open.saturating_sub(delivered);
    }

    /// A transaction begins: remembers the message if a success report may be due.
    pub(super) fn started(&mut self, loaded: &Loaded, rids: &[Rid]) {
        let wanted = rids.iter().any(|rid| report::wants_success(&loaded.envelope, *rid));
        if wanted {
            self.success_wanted.insert(loaded.envelope.mid, Arc::clone(&loaded.envelope));
        }
    }

    pub(super) fn ended(&mut self, mid: Mid, rid: Rid, host: Host, end: End, last: bool) {
        let success =
            self.success_wanted.get(&mid).is_some_and(|envelope| report::wants_success(envelope, rid));
        if matches!(end, End::Delivered { .. }) {
            self.open += 1;
        }
        let gathered = self.gather(mid);
        gathered.last |= last;
        match end {
            End::Delivered { dcid, reply, relayed_dsn } => {
                if success && !relayed_dsn {
                    gathered.reported.push(Reported::relayed(rid, &reply, &host));
                }
                let group = gathered
                    .delivered
                    .iter_mut()
                    .find(|group| group.dcid == dcid && group.host == host && group.reply == reply);
                match group {
                    Some(group) => group.rids.push(rid),
                    None => gathered.delivered.push(Delivered { dcid, host, reply, rids: vec![rid] }),
                }
            }
            End::Bounced { ref failure, unreported, .. } => {
                if unreported.is_none() {
                    gathered.reported.push(Reported::failed(rid, failure));
                }
                gathered.ended.push((rid, host, end));
            }
            End::Deleted { .. } | End::Archived { .. } | End::Corrupt { .. } => {
                gathered.ended.push((rid, host, end))
            }
        }
    }

    pub(super) fn deferred(&mut self, state: RecipientState, event: Event, report_delay: bool) {
        let gathered = self.gather(state.mid);
        if report_delay && let Event::Deferred { failure, .. } = &event {
            gathered.reported.push(Reported::delayed(state.rid, failure));
        }
        gathered.updated.push((state, event));
    }

    pub(super) fn redirected(&mut self, state: RecipientState, event: Event) {
        self.gather(state.mid).updated.push((state, event));
    }

    /// The messages that are being read back for a report.
    pub(super) fn reading(&self) -> impl Iterator<Item = &Mid> + Clone {
        self.reading.keys()
    }

    /// Submits what can be submitted and says what else is needed.
    pub(super) fn take_ready(&mut self, bodies: &Bodies) -> Vec<Ready> {
        let mut ready = Vec::new();
        for mid in std::mem::take(&mut self.order) {
            let Some(gathered) = self.gathered.remove(&mid) else { continue };
            if let Some(waiting) = self.reading.get_mut(&mid) {
                waiting.push(gathered);
                continue;
            }
            let finished = gathered.last;
            if gathered.reported.is_empty() {
                self.submit(mid, gathered, None);
            } else if let Some(loaded) = bodies.at_hand(mid).filter(report::is_enough) {
                let report = self.report(&loaded, &gathered);
                self.submit(mid, gathered, report);
            } else {
                self.reading.insert(mid, vec![gathered]);
                ready.push(Ready::Needs(mid));
                continue;
            }
            if finished {
                self.success_wanted.remove(&mid);
                ready.push(Ready::Finished(mid));
            }
        }
        ready
    }

    /// The content that a report needed is here, or cannot be had: then the ends are recorded without it.
    /// Returns whether the message is finished.
    pub(super) fn loaded(&mut self, mid: Mid, result: Result<Loaded, Unread>) -> bool {
        let mut finished = false;
        for gathered in self.reading.remove(&mid).unwrap_or_default() {
            finished |= gathered.last;
            let report = match &result {
                Ok(loaded) => self.report(loaded, &gathered),
                Err(detail) => {
                    self.context.events.alert(
                        Severity::Warning,
                        "report-not-made",
                        format!("no report could be made for MID {mid}: {detail}"),
                        "tell the sender by hand; the log has the recipients and reasons",
                    );
                    None
                }
            };
            self.submit(mid, gathered, report);
        }
        finished
    }

    fn gather(&mut self, mid: Mid) -> &mut Gathered {
        self.gathered.entry(mid).or_insert_with(|| {
            self.order.push(mid);
            Gathered::default()
        })
    }

    fn report(&self, loaded: &Loaded, gathered: &Gathered) -> Option<(GeneratedKind, Put)> {
        let running = self.context.running.load();
        let now = self.context.clock.wall();
        report::build(loaded, &gathered.reported, &running, now, || self.context.ids.mid())
    }

    fn submit(&mut self, mid: Mid, gathered: Gathered, report: Option<(GeneratedKind, Put)>) {
        let at = self.context.clock.wall().0;
        let mut batch = Batch::default();
        let mut events = Vec::with_capacity(2 + gathered.ended.len());
        let last = gathered.last;
        let delivered: usize = gathered.delivered.iter().map(|group| group.rids.len()).sum();
        for (state, event) in gathered.updated {
            batch.updates.push(state);
            events.push(event);
        }
        for Delivered { dcid, host, reply, rids } in gathered.delivered {
            if !last {
                batch.ends.extend(rids.iter().map(|rid| (mid, *rid)));
            }
            events.push(Event::Delivered { dcid, mid, rids, host, reply });
        }
        let mut apart = None;
        for (rid, host, end) in gathered.ended {
            if !last {
                batch.ends.push((mid, rid));
            }
            match end {
                End::Bounced { dcid, kind, failure, unreported } => {
                    events.push(Event::Bounced { dcid, mid, rid, host, kind, failure, unreported });
                }
                End::Archived { by } => events.push(Event::Archived { mid, rid, host, by }),
                End::Deleted { by } => events.push(Event::Deleted { mid, rid, host, by }),
                End::Corrupt { detail } => {
                    events.push(Event::Corrupt { mid, recipients: 1, detail: detail.clone() });
                    if apart.is_none() {
                        self.context.alert_corrupt(mid, &detail);
                    }
                    apart = Some(detail);
                }
                End::Delivered { .. } => {}
            }
        }
        if let Some((kind, put)) = report {
            events.extend(generated(mid, kind, &put));
            batch.puts.push(put);
        }
        if last {
            match apart {
                Some(detail) => batch.aparts.push(Apart { mid, detail }),
                None => batch.dels.push(mid),
            }
            events.push(Event::Finished { mid });
        }
        batch.events = events.into_iter().map(|event| Stamped { at, event }).collect();
        if self.context.commits.submit(Change { batch, token: None }).is_err() {
            self.settled_ends(delivered);
            self.context.events.alert(
                Severity::Critical,
                "end-not-recorded",
                format!("the end of MID {mid} could not be handed to the spool"),
                "the spool has failed or is closed: the message will be tried again after a restart",
            );
        }
    }
}

/// The events of a message that the gateway makes itself.
fn generated(parent: Mid, kind: GeneratedKind, put: &Put) -> [Event; 2] {
    let envelope = &put.envelope;
    [
        Event::Generated {
            mid: envelope.mid,
            parent,
            kind,
            size: envelope.size,
            sender: envelope.sender.to_string(),
            recipients: envelope.recipients.iter().map(|r| r.mailbox.to_string()).collect(),
        },
        Event::Queued {
            mid: envelope.mid,
            destinations: crate::listen::by_destination(&envelope.recipients),
        },
    ]
}
