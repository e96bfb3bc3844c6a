//! `prove`: the identity over a range of the ledger, and the queue beside it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use mailreeve_api::prove::{Prove, ProveReply, Term};
use mailreeve_api::wire::{Problem, ProblemKind};
use mailreeve_core::event::Severity;
use mailreeve_core::tally::{Column, Proof, Tally};
use mailreeve_store::ledger::{Item, LedgerReader};

use super::track::instant;
use super::{Commands, stopping};

/// A moment is quiet when nothing was counted for so long.
const QUIET: Duration = Duration::from_millis(50);
/// How often a quiet moment is waited for.
const MOMENTS: usize = 20;
/// How often the queue is compared with the ledger.
const EVERY: Duration = Duration::from_secs(10);
/// So many comparisons in a row must disagree before anybody is told.
const SURE: usize = 3;

/// Recipients at a quiet moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Now {
    /// In the queue.
    waiting: u64,
    /// Open by the ledger.
    open: u64,
}

impl Now {
    fn without_next_event(self) -> i64 {
        let signed = |count| i64::try_from(count).unwrap_or(i64::MAX);
        signed(self.open) - signed(self.waiting)
    }
}

/// What a walk through the ledger found.
struct Walk {
    proof: Proof,
    from: u64,
    to: u64,
    events: u64,
    damaged_bytes: u64,
}

impl Commands {
    pub(super) async fn prove(&self, request: Prove) -> Result<ProveReply, Problem> {
        let as_of = self.as_of();
        let running = self.context.running.load_full();
        let time = |text: &Option<String>| {
            text.as_deref().map(|text| instant(text, &running.zone, as_of.at_us)).transpose()
        };
        let (from, to) = (time(&request.from)?, time(&request.to)?);
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            return Err(Problem::new("the range ends before it begins", "give the earlier time first"));
        }
        let ledger = running.config.data_dir.join("ledger");
        let until = to.unwrap_or(as_of.at_us);
        let walk = tokio::task::spawn_blocking(move || Ok((reach(&ledger)?, walk(&ledger, from, until)?)));
        let walk: anyhow::Result<_> = walk.await.map_err(|_| stopping())?;
        let (reach, walk) =
            walk.map_err(|error| Problem::internal(format!("the ledger cannot be read: {error:#}")))?;
        let Some(walk) = walk else {
            let (reach, asked) = (as_of.show(reach), as_of.show(until));
            let message =
                format!("the ledger has nothing of the time before {asked}: it reaches back to {reach}");
            return Err(
                Problem::new(message, "`prove` alone takes all that there is").of(ProblemKind::NotFound)
            );
        };
        let now = self.at_a_quiet_moment().await;
        let identity = walk.proof.identity();
        let (segments, disagreeing_segments) = walk.proof.openings();
        let term = |(name, recipients): (&str, u64)| Term { name: name.to_owned(), recipients };
        Ok(ProveReply {
            from_us: walk.from,
            to_us: walk.to,
            reach_us: reach,
            asked_from_us: from.filter(|from| *from < reach),
            events: walk.events,
            came: identity.came().map(term).to_vec(),
            went: identity.went().map(term).to_vec(),
            difference: i64::try_from(identity.difference()).unwrap_or(i64::MAX),
            segments,
            disagreeing_segments,
            damaged_bytes: walk.damaged_bytes,
            waiting: now.map(|now| now.waiting),
            without_next_event: now.map(Now::without_next_event),
            as_of,
        })
    }

    /// Recipients without a next event, by one look; `None` where it cannot be told now.
    pub(crate) async fn without_next_event(&self) -> Option<i64> {
        self.look().await.map(Now::without_next_event)
    }

    /// Compares when nothing changes: queue and ledger are told of one and the same event one after the other.
    async fn at_a_quiet_moment(&self) -> Option<Now> {
        for _ in 0..MOMENTS {
            if let Some(now) = self.look().await {
                return Some(now);
            }
        }
        None
    }

    async fn look(&self) -> Option<Now> {
        let before = self.counted();
        tokio::time::sleep(QUIET).await;
        let gauges = self.context.shard.ask(|delivery, _| delivery.gauges()).await.ok()?;
        let waiting = gauges.active as u64 + self.context.work_queue.load().recipients;
        let quiet = before.is_some() && before == self.counted();
        let open = before.filter(|_| quiet)?;
        Some(Now { waiting, open })
    }

    /// Open recipients by the ledger, when nothing is on its way between queue and ledger.
    fn counted(&self) -> Option<u64> {
        let depth = self.context.commits.depth();
        let idle = depth.urgent == 0 && depth.mail == 0 && self.context.recovery.going_on().is_none();
        let counters = self.books.tally.lock().counters(Column::Lifetime);
        idle.then(|| counters.open())
    }
}

/// Compares queue and ledger now and then, and tells when they keep disagreeing. Ends with the runtime.
pub(crate) async fn watch(commands: Arc<Commands>) {
    let (mut wrong, mut told) = (0, false);
    loop {
        tokio::time::sleep(EVERY).await;
        match commands.without_next_event().await {
            None => {}
            Some(0) => (wrong, told) = (0, false),
            Some(count) => {
                wrong += 1;
                if wrong >= SURE && !told {
                    told = true;
                    tell(&commands, count);
                }
            }
        }
    }
}

fn tell(commands: &Commands, count: i64) {
    let text = match count {
        1.. => format!(
            "{count} recipients are open by the ledger and not in the queue: nothing will happen to them"
        ),
        _ => format!(
            "{} recipients are in the queue that the ledger does not know as open",
            count.unsigned_abs()
        ),
    };
    commands.context.events.alert(
        Severity::Critical,
        "identity-broken",
        text,
        "give `prove`, keep data_dir as it is, and restart: what is in the spool is queued again",
    );
}

/// The instant at which the ledger begins.
fn reach(ledger: &Path) -> anyhow::Result<u64> {
    Ok(LedgerReader::open(ledger).first_opening()?.map_or(0, |opening| opening.opened_at))
}

/// Counts the range; `None` when the ledger has nothing of it.
fn walk(ledger: &Path, from: Option<u64>, to: u64) -> anyhow::Result<Option<Walk>> {
    let mut reader = LedgerReader::open(ledger);
    reader.seek_time(from.unwrap_or(0))?;
    let (mut tally, mut walk): (Tally, Option<Walk>) = (Tally::default(), None);
    let mut begun = false;
    while let Some(item) = reader.next_item()? {
        match (item, &mut walk) {
            (Item::Opened(_, opening), None) if !begun => {
                begun = true;
                tally =
                    Tally::from_bytes(&opening.counters).context("counters at the beginning of a segment")?;
                if from.is_none_or(|from| opening.opened_at >= from) && opening.opened_at < to {
                    walk = Some(Walk::begin(&tally, opening.opened_at));
                }
            }
            (Item::Opened(_, opening), Some(walk)) => walk.proof.opened(opening.open),
            (Item::Opened(..) | Item::Damaged(..), None) => {}
            (Item::Damaged(_, octets), Some(walk)) => walk.damaged_bytes += octets,
            (Item::Event(_, entry), None) => {
                if from.is_none_or(|from| entry.stamped.at >= from) && entry.stamped.at < to {
                    let mut begun = Walk::begin(&tally, from.unwrap_or(entry.stamped.at));
                    begun.take(&entry.stamped);
                    walk = Some(begun);
                } else {
                    tally.apply(&entry.stamped);
                }
            }
            (Item::Event(_, entry), Some(_)) if entry.stamped.at >= to => break,
            (Item::Event(_, entry), Some(walk)) => walk.take(&entry.stamped),
        }
    }
    Ok(walk.map(|walk| Walk { to, ..walk }))
}

impl Walk {
    fn begin(tally: &Tally, from: u64) -> Self {
        Self { proof: Proof::begin(tally.clone()), from, to: from, events: 0, damaged_bytes: 0 }
    }

    fn take(&mut self, stamped: &mailreeve_core::event::Stamped) {
        self.proof.apply(stamped);
        self.events += 1;
    }
}
