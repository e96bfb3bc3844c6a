//! How a destination stood at another time, and what happened to it: from its records, by the fold in `core/history`.

use jiff::tz::TimeZone;
use mailreeve_api::format::AsOf;
use mailreeve_api::queue::{
    HISTORY_SCHEMA, HostHistory, HostOver, HostShares, HostStatus, HostStep, HostThen,
};
use mailreeve_api::wire::{Problem, ProblemKind};
use mailreeve_core::history::{Step, Timeline, What, WhatChanged};
use mailreeve_core::ids::Host;
use mailreeve_store::history::Reach;

use super::told::{self, change, differences, state};
use crate::commands::track::instant;
use crate::commands::{Commands, stopping};

/// What is asked about a destination.
pub(super) enum Asked {
    /// How it stands.
    Now,
    /// How it stood at an instant.
    At(u64),
    /// What happened since an instant.
    Since { from: u64, page: Option<Page>, rows: usize },
}

/// Where a page begins: behind so many steps of an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    at: u64,
    skip: usize,
}

/// What the records say of a destination.
pub(in crate::commands) struct Past {
    pub(in crate::commands) timeline: Timeline,
    reach: Reach,
}

impl Asked {
    pub(super) fn of(request: &HostStatus, zone: &TimeZone, as_of: &AsOf) -> Result<Self, Problem> {
        let time = |text: &str| {
            let at = instant(text, zone, as_of.at_us)?;
            match at <= as_of.at_us {
                true => Ok(at),
                false => Err(Problem::new(
                    format!("{} has not come yet", as_of.show(at)),
                    "the records are of the past; `yesterday 14:30`, or with its date",
                )),
            }
        };
        match (&request.at, &request.since) {
            (Some(at), _) => Ok(Self::At(time(at)?)),
            (None, Some(since)) => {
                let page = request.page.as_deref().map(Page::read).transpose()?;
                Ok(Self::Since { from: time(since)?, page, rows: request.page_rows() })
            }
            (None, None) => Ok(Self::Now),
        }
    }
}

impl Page {
    fn read(text: &str) -> Result<Self, Problem> {
        let parts = text.split_once('-').and_then(|(at, skip)| Some((at.parse().ok()?, skip.parse().ok()?)));
        let (at, skip) = parts.ok_or_else(|| {
            let hint = "leave `page` away for the first page; each page tells what the next one needs";
            Problem::new(format!("`{text}` is no place in the records"), hint)
        })?;
        Ok(Self { at, skip })
    }
}

impl Commands {
    /// Returns what the records say of a destination.
    pub(in crate::commands) async fn past(&self, host: &str) -> Result<Past, Problem> {
        let (history, host) = (self.context.history.clone(), Host::new(host));
        let read = tokio::task::spawn_blocking(move || {
            // First the reach: what is told later is no loss.
            let reach = history.reach();
            history.of(&host).map(|events| Past { timeline: Timeline::of(&events), reach })
        });
        let past = read.await.map_err(|_| stopping())?;
        past.map_err(|error| Problem {
            hint: Some("look at the disk of data_dir; `track rebuild` makes the records again".to_owned()),
            ..Problem::internal(format!("the records cannot be read: {error}"))
        })
    }

    /// What is not as it was when a destination worked last, as far as the records go.
    pub(in crate::commands) async fn what_changed(&self, host: &str) -> Option<WhatChanged> {
        let past = self.past(host).await.ok()?;
        past.timeline.last()?.changed.as_deref().cloned()
    }
}

impl Past {
    /// Nothing is on record of the destination.
    pub(super) fn is_empty(&self) -> bool {
        self.timeline.steps().is_empty()
    }

    pub(super) fn absent(&self, host: &str, as_of: &AsOf) -> Problem {
        let reach = match self.reach.to {
            0 => "the records are being read; none is there yet".to_owned(),
            to => format!("records reach from {} to {}", as_of.show(self.reach.from), as_of.show(to)),
        };
        let hint = "`tophosts` lists the destinations that are known; the name is the part after the @";
        Problem::new(format!("nothing is on record of `{host}`: {reach}"), hint).of(ProblemKind::NotFound)
    }

    fn told(&self) -> HostHistory {
        HostHistory {
            schema: HISTORY_SCHEMA,
            records_from_us: self.reach.from,
            records_to_us: self.reach.to,
            ..HostHistory::default()
        }
    }

    /// What changed since it worked last.
    pub(super) fn now(&self) -> HostHistory {
        let changed = self.timeline.last().and_then(|last| last.changed.as_deref());
        HostHistory { changed: changed.map(change), ..self.told() }
    }

    pub(super) fn at(&self, at: u64) -> HostHistory {
        let then = HostThen { at_us: at, state: self.timeline.at(at).map(state) };
        HostHistory { then: Some(then), ..self.told() }
    }

    pub(super) fn since(&self, from: u64, to: u64, page: Option<Page>, rows: usize) -> HostHistory {
        let all = self.timeline.steps();
        let first = all.partition_point(|step| step.at < from);
        let last = all.partition_point(|step| step.at <= to);
        let begin = page.map_or(first, |page| {
            let at = all.partition_point(|step| step.at < page.at);
            at.saturating_add(page.skip).clamp(first, last.max(first))
        });
        let end = begin.saturating_add(rows).min(last).max(begin);
        let held = |place: usize| {
            let until = all.get(place + 1).map_or(to, |next| next.at).min(to);
            until.saturating_sub(all[place].at)
        };
        let steps = (begin..end).map(|place| step(&all[place], held(place))).collect();
        let next = all.get(end).filter(|_| end < last).map(|step| {
            let skip = end - all.partition_point(|other| other.at < step.at);
            format!("{}-{skip}", step.at)
        });
        let shares = self.timeline.shares(from, to);
        let over = HostOver {
            from_us: from,
            to_us: to,
            opening: self.timeline.at(from.saturating_sub(1)).map(state),
            steps,
            total: (last - first.min(last)) as u64,
            next,
            shares: HostShares {
                up_us: shares.up,
                down_us: shares.down,
                unknown_us: shares.unknown,
                not_running_us: shares.not_running,
                before_us: shares.before,
            },
        };
        HostHistory { over: Some(over), ..self.told() }
    }
}

fn step(step: &Step, held_us: u64) -> HostStep {
    let told = HostStep { at_us: step.at, held_us, state: state(&step.state), ..HostStep::default() };
    let named = |what: &str| HostStep { what: what.to_owned(), ..told.clone() };
    match &step.what {
        What::Verdict => named("status"),
        What::Flapped { changes, .. } => HostStep { changes: *changes, ..named("flapped") },
        What::Way(changed) => {
            HostStep { differences: differences(changed, &told::no_settings()), ..named("way") }
        }
        What::Suspended(order) => {
            HostStep { by: Some(order.by.clone()), everywhere: order.everywhere, ..named("suspended") }
        }
        What::Resumed { by, everywhere } => {
            HostStep { by: Some(by.clone()), everywhere: *everywhere, ..named("resumed") }
        }
        What::Stopped => named("stopped"),
        What::Started => named("started"),
        What::Configured { from, to, settings } => {
            HostStep { differences: vec![told::configuration(*from, *to, settings)], ..named("configured") }
        }
    }
}
