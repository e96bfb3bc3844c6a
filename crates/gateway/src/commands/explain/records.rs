//! What the records know: tracking for messages, the ledger itself for an outbound connection.

use std::path::Path;
use std::time::{Duration, Instant};

use mailreeve_api::wire::Problem;
use mailreeve_core::event::{Event, Failure, Stamped};
use mailreeve_core::explain::Refusal;
use mailreeve_core::ids::{Dcid, Host, Icid, Mid};
use mailreeve_core::tracking::{Pattern, Query, Tracked};
use mailreeve_store::ledger::{Item, LedgerReader};
use mailreeve_store::tracking::{History, Page, Paging, TrackingError};

use crate::commands::{Commands, stopping};

/// How long a connection is looked for.
const PATIENCE: Duration = Duration::from_secs(8);
/// Records among which the one that is asked for is looked for.
const ROWS: usize = 50;

/// What became of a connection.
#[derive(Debug, Default)]
pub(super) struct Connection {
    /// The last message that it carried.
    pub(super) mid: Option<Mid>,
    /// How it failed.
    pub(super) failed: Option<(Host, Failure)>,
}

impl Commands {
    /// All events of a message or an inbound connection.
    pub(super) async fn history(&self, tracked: Tracked) -> Result<History, Problem> {
        let tracking = self.context.tracking.clone();
        let told = tokio::task::spawn_blocking(move || tracking.history(tracked)).await;
        told.map_err(|_| stopping())?.map_err(unreadable)
    }

    /// The newest records of this sender, recipient or Message-ID.
    pub(super) async fn find(
        &self,
        from: Option<&str>,
        to: Option<&str>,
        message_id: Option<&str>,
    ) -> Result<Page, Problem> {
        let pattern = |asked: &str| match asked.contains('@') {
            true => Pattern::read(&format!("={asked}")),
            false => Pattern::read(&format!("@{asked}")),
        };
        let query = Query {
            sender: from.map(pattern),
            recipient: to.map(pattern),
            message_id: message_id.map(str::to_owned),
            ..Query::default()
        };
        let tracking = self.context.tracking.clone();
        let found = tokio::task::spawn_blocking(move || tracking.find(&query, &Paging::first(ROWS))).await;
        let mut page = found.map_err(|_| stopping())?.map_err(unreadable)?;
        page.rows.retain(|record| {
            let sender =
                from.is_none_or(|from| record.sender.as_deref().is_some_and(|sender| fits(from, sender)));
            sender && to.is_none_or(|to| record.addressees().any(|address| fits(to, address)))
        });
        Ok(page)
    }

    /// Refusals of a sender over an inbound connection, at `since` or after it.
    pub(super) async fn refused_after(
        &self,
        icid: Icid,
        since: u64,
        from: &str,
    ) -> Result<Vec<Refusal>, Problem> {
        let ledger = self.context.running.load().config.data_dir.join("ledger");
        let from = from.to_owned();
        let look = tokio::task::spawn_blocking(move || refusals(&later(&ledger, icid, since), Some(&from)));
        look.await.map_err(|_| stopping())
    }

    /// What an outbound connection carried, or how it failed.
    pub(super) async fn connection(&self, dcid: Dcid) -> Result<Connection, Problem> {
        let ledger = self.context.running.load().config.data_dir.join("ledger");
        let now = self.context.clock.wall().0;
        let search = tokio::task::spawn_blocking(move || search(&ledger, dcid, now));
        search.await.map_err(|_| stopping())
    }
}

fn unreadable(error: TrackingError) -> Problem {
    Problem::internal(format!("the records cannot be read: {error}"))
}

/// Whether a mailbox is the one asked for, or of the domain asked for.
fn fits(asked: &str, mailbox: &str) -> bool {
    match asked.contains('@') {
        true => asked.eq_ignore_ascii_case(mailbox),
        false => mailbox.rsplit_once('@').is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(asked)),
    }
}

/// Refusals of a sender that the events of a connection tell.
pub(super) fn refusals(events: &[Stamped], from: Option<&str>) -> Vec<Refusal> {
    let refusal = |stamped: &Stamped| match &stamped.event {
        Event::SenderRejected { sender, reply, .. } if from.is_none_or(|from| fits(from, sender)) => {
            let (sender, reply) = (Some(sender.clone()), reply.clone());
            Some(Refusal { at: stamped.at, sender, recipient: None, reply })
        }
        _ => None,
    };
    events.iter().filter_map(refusal).collect()
}

/// Reads what happened over an inbound connection from `since` to its end.
fn later(dir: &Path, icid: Icid, since: u64) -> Vec<Stamped> {
    let deadline = Instant::now() + PATIENCE;
    let mut found = Vec::new();
    let mut reader = LedgerReader::open(dir);
    if reader.seek_time(since).is_err() {
        return found;
    }
    while let Ok(Some(item)) = reader.next_item() {
        if Instant::now() > deadline {
            break;
        }
        let Item::Event(_, entry) = item else { continue };
        match &entry.stamped.event {
            _ if entry.stamped.at < since => {}
            Event::ConnectionClosed { icid: closed, .. } if *closed == icid => break,
            Event::Started { .. } => break,
            Event::SenderRejected { icid: of, .. } if *of == icid => found.push(entry.stamped),
            _ => {}
        }
    }
    found
}

/// Looks for a connection from the newest segment of the ledger backwards.
fn search(dir: &Path, dcid: Dcid, now: u64) -> Connection {
    let deadline = Instant::now() + PATIENCE;
    let mut found = Connection::default();
    let mut before = now;
    loop {
        let mut older = Connection::default();
        let Some(opened_at) = read(dir, before, deadline, |event| older.take(dcid, event)) else { break };
        found.mid = found.mid.or(older.mid);
        found.failed = found.failed.or(older.failed);
        let enough = found.mid.is_some() || found.failed.is_some();
        if enough || opened_at == 0 || opened_at >= before || Instant::now() > deadline {
            break;
        }
        before = opened_at - 1;
    }
    found
}

/// Reads the segment in which events at `at` stand; returns when it was opened, or `None` when there is none. A failure
/// to read ends it early: what was read is still of use.
fn read(dir: &Path, at: u64, deadline: Instant, mut take: impl FnMut(&Event)) -> Option<u64> {
    let mut reader = LedgerReader::open(dir);
    reader.seek_time(at).ok()?;
    let first = reader.position().segment;
    let mut opened_at = None;
    while let Ok(Some(item)) = reader.next_item() {
        match item {
            Item::Opened(position, opening) if position.segment == first => {
                opened_at = Some(opening.opened_at);
            }
            Item::Opened(..) => break,
            Item::Event(_, entry) => take(&entry.stamped.event),
            Item::Damaged(..) => {}
        }
        if Instant::now() > deadline {
            break;
        }
    }
    opened_at
}

impl Connection {
    fn take(&mut self, wanted: Dcid, event: &Event) {
        match event {
            Event::DeliveryStarted { dcid, mid, .. }
            | Event::Delivered { dcid, mid, .. }
            | Event::Deferred { dcid, mid, .. }
            | Event::Bounced { dcid, mid, .. }
                if *dcid == wanted =>
            {
                self.mid = Some(*mid);
            }
            Event::ConnectFailed { dcid, host, failure, .. } if *dcid == wanted => {
                self.failed = Some((host.clone(), failure.clone()));
            }
            Event::DeliveryClosed { dcid, host, why: Some(failure) } if *dcid == wanted => {
                self.failed = Some((host.clone(), failure.clone()));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_are_asked_for_whole_or_by_domain() {
        assert!(fits("A@b.example", "a@B.example") && fits("b.example", "x@b.example"));
        assert!(!fits("b.example", "x@a.b.example") && !fits("a@b.example", "aa@b.example"));
    }
}
