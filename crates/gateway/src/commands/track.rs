//! `track`: what message tracking knows, in the words of operators.

use std::sync::Arc;

use jiff::tz::TimeZone;
use mailreeve_api::format::AsOf;
use mailreeve_api::track::{
    Kept, Track, TrackDetails, TrackRebuildReply, TrackRecipient, TrackReply, TrackRow, TrackStep,
};
use mailreeve_api::wire::{Problem, ProblemKind};
use mailreeve_core::ids::{Icid, Mid};
use mailreeve_core::tracking::sentences::{Argument, sentences};
use mailreeve_core::tracking::{Kind, Pattern, Query, Record, State, Tracked};
use mailreeve_core::when::{self, NoInstant};
use mailreeve_store::tracking::{Cursor, History, Page, Paging, Reach, Tracking, TrackingError};
use serde_json::{Map, Value};

use super::{Commands, stopping};

mod older;

use older::put_behind;

/// Recipients named in a row.
const NAMED: usize = 5;
/// Recipients told one by one in details.
const RECIPIENTS: usize = 1_000;
/// Steps told in details: the first and the last.
const STEPS: usize = 2_000;

impl Commands {
    pub(super) async fn track(&self, request: Track) -> Result<TrackReply, Problem> {
        let running = self.context.running.load_full();
        if !running.config.tracking.enabled {
            let hint = "`enabled = true` in [tracking] and a restart: what the ledger still has is read then";
            return Err(Problem::new("message tracking is off", hint).of(ProblemKind::Conflict));
        }
        let (as_of, zone) = (self.as_of(), running.zone.clone());
        let wanted = Arc::new(Wanted::of(&request, &zone, as_of.at_us)?);
        let (tracking, asked) = (Arc::clone(&self.context.tracking), Arc::clone(&wanted));
        let found =
            tokio::task::spawn_blocking(move || asked.find(&tracking)).await.map_err(|_| stopping())?;
        let (mut page, mut history) = found.map_err(|error| unreadable(&error))?;
        let mut older = self.older(&wanted.query, &page).await?;
        put_behind(&mut page, &older, &wanted.paging);
        older.extend(self.completed(&mut page).await?);
        if let ([only], 1, true) = (older.as_slice(), page.total, wanted.details) {
            history = Some(only.history(page.reach));
        }
        if let Some(mid) = request.mid.filter(|_| page.total == 0 && only_mid(&request)) {
            return Err(unknown(mid, page.reach, &as_of));
        }
        let is_older = |record: &Record| older.iter().any(|older| older.record.tracked == record.tracked);
        let config = &running.config;
        Ok(TrackReply {
            from_us: page.reach.from,
            to_us: page.reach.to,
            total: page.total,
            rows: page.rows.iter().map(|record| row(record, is_older(record))).collect(),
            next: page.next.map(|cursor| place(&cursor)),
            details: history.map(|history| details(&history, &zone)),
            kept: Some(Kept {
                for_s: config.ledger.keep.as_secs(),
                ledger_bytes: config.ledger.max_bytes,
                index_bytes: config.tracking.max_bytes,
            }),
            as_of,
        })
    }

    pub(super) fn track_rebuild(&self) -> TrackRebuildReply {
        self.context.tracking.rebuild();
        self.context.history.rebuild();
        TrackRebuildReply { as_of: self.as_of() }
    }
}

/// What is asked of tracking.
struct Wanted {
    query: Query,
    paging: Paging,
    /// Whose way is told, when it is the only one.
    details: bool,
}

impl Wanted {
    fn of(request: &Track, zone: &TimeZone, now: u64) -> Result<Self, Problem> {
        let pattern = |text: &Option<String>| text.as_deref().map(Pattern::read);
        let time = |text: &Option<String>| text.as_deref().map(|text| instant(text, zone, now)).transpose();
        let query = Query {
            sender: pattern(&request.sender),
            recipient: pattern(&request.recipient),
            subject: pattern(&request.subject),
            message_id: request.message_id.clone(),
            mid: request.mid.map(Mid),
            icid: request.icid.map(Icid),
            ip: request.ip,
            host: request.host.clone(),
            from: time(&request.from)?,
            to: time(&request.to)?,
            kind: request.event.as_deref().and_then(Kind::from_word),
            state: request.state.as_deref().and_then(State::from_word),
        };
        if query.from.zip(query.to).is_some_and(|(from, to)| from >= to) {
            return Err(Problem::new("the range ends before it begins", "give the earlier time as `from`"));
        }
        let after = request.page.as_deref().map(cursor).transpose()?;
        let paging = Paging { after, rows: request.page_rows() };
        Ok(Self { query, paging, details: request.mid.is_some() || request.icid.is_some() })
    }

    fn find(&self, tracking: &Tracking) -> Result<(Page, Option<History>), TrackingError> {
        let page = tracking.find(&self.query, &self.paging)?;
        let only = match page.rows.as_slice() {
            [record] if self.details && page.total == 1 => Some(record.tracked),
            _ => None,
        };
        let history = only.map(|tracked| tracking.history(tracked)).transpose()?;
        Ok((page, history))
    }
}

/// Nothing but a number was asked for.
fn only_mid(request: &Track) -> bool {
    *request == Track { mid: request.mid, rows: request.rows, ..Track::default() }
}

fn unreadable(error: &TrackingError) -> Problem {
    let hint =
        "look at the disk of data_dir; `displayalerts` says more, `track rebuild` makes the index again";
    Problem {
        hint: Some(hint.to_owned()),
        ..Problem::internal(format!("the records cannot be read: {error}"))
    }
}

fn unknown(mid: u64, reach: Reach, as_of: &AsOf) -> Problem {
    let reach = match reach.to {
        0 => "the records are being read; none is there yet".to_owned(),
        to => format!("records reach from {} to {}", as_of.show(reach.from), as_of.show(to)),
    };
    let hint =
        "MIDs are given at MAIL; one that is not there began before the records do, or was never given";
    Problem::new(format!("MID {mid} is not known: {reach}"), hint).of(ProblemKind::NotFound)
}

/// Reads a time: an instant, a date or time of day in `zone`, or an age.
pub(super) fn instant(text: &str, zone: &TimeZone, now: u64) -> Result<u64, Problem> {
    when::read(text, zone, now).map_err(|why| match why {
        NoInstant::NotATime => Problem::new(
            format!("`{text}` is not a time"),
            "2026-11-20, 2026-11-20 15:04, 15:04, yesterday 15:04, 2026-11-20T15:04:05Z, or an age: 30m, 2h, 7d",
        ),
        NoInstant::Twice { zone, first, second } => Problem::new(
            format!("the clocks of {zone} were set back: it was `{text}` twice"),
            format!("say which: {first} or {second}"),
        ),
        NoInstant::Never { zone, instead } => Problem::new(
            format!("the clocks of {zone} were set forward: it was never `{text}`"),
            format!("they showed {instead} instead; give the time with its offset"),
        ),
    })
}

/// A place between pages, as it travels.
fn place(cursor: &Cursor) -> String {
    match cursor.tracked {
        Tracked::Message(mid) => format!("{}-m{mid}", cursor.began_at),
        Tracked::Connection(icid) => format!("{}-c{icid}", cursor.began_at),
    }
}

fn cursor(text: &str) -> Result<Cursor, Problem> {
    let read = || {
        let (began_at, tracked) = text.split_once('-')?;
        let tracked = match tracked.split_at_checked(1)? {
            ("m", mid) => Tracked::Message(Mid(mid.parse().ok()?)),
            ("c", icid) => Tracked::Connection(Icid(icid.parse().ok()?)),
            _ => return None,
        };
        Some(Cursor { began_at: began_at.parse().ok()?, tracked })
    };
    read().ok_or_else(|| {
        let message = format!("`{text}` is not the place of a page");
        Problem::new(message, "give it as the page before has told it, or leave it away")
    })
}

fn row(record: &Record, older: bool) -> TrackRow {
    let (mid, icid) = match record.tracked {
        Tracked::Message(mid) => (Some(mid.0), record.icid.map(|icid| icid.0)),
        Tracked::Connection(icid) => (None, Some(icid.0)),
    };
    TrackRow {
        mid,
        icid,
        began_us: record.began_at,
        last_us: record.last_at,
        states: record.states().iter().map(|state| state.word().to_owned()).collect(),
        sender: record.sender.clone(),
        recipients: record.addressees().take(NAMED).map(str::to_owned).collect(),
        recipient_count: record.recipients.len() + record.refused.len(),
        subject: record.subject.clone(),
        message_id: record.message_id.clone(),
        ip: record.peer.map(|peer| peer.to_string()),
        host: record.reverse.clone(),
        size: record.size,
        parent: record.parent.map(|mid| mid.0),
        older,
    }
}

fn details(history: &History, zone: &TimeZone) -> TrackDetails {
    let recipients = history.record.iter().flat_map(|record| {
        record.recipients.iter().map(|(rid, recipient)| TrackRecipient {
            rid: rid.0,
            address: recipient.address.clone(),
            host: recipient.host.as_ref().map(ToString::to_string),
            state: record.state_of(recipient).map(|state| state.word().to_owned()),
        })
    });
    let told = sentences(&history.events);
    let surplus = told.len().saturating_sub(STEPS);
    let shown =
        told.iter().enumerate().filter(|(index, _)| *index < STEPS / 2 || *index >= STEPS / 2 + surplus);
    let steps = shown.map(|(_, (at_us, sentence))| TrackStep {
        at_us: *at_us,
        key: sentence.key.to_owned(),
        arguments: arguments(&sentence.arguments),
        text: sentence.english(zone),
    });
    TrackDetails {
        recipients: recipients.take(RECIPIENTS).collect(),
        steps: steps.collect(),
        left_out: u64::from(history.left_out) + surplus as u64,
    }
}

fn arguments(arguments: &[(&str, Argument)]) -> Value {
    let value = |argument| serde_json::to_value(argument).unwrap_or(Value::Null);
    let pairs = arguments.iter().map(|(name, argument)| ((*name).to_owned(), value(argument)));
    Value::Object(pairs.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use mailreeve_api::command::Command as _;

    use super::*;

    #[test]
    fn the_words_that_can_be_searched_are_those_that_are_known() {
        let choices = |name: &str| -> Vec<&str> {
            let arguments = Track::SPEC.arguments.iter().filter(|argument| argument.name == name);
            arguments.flat_map(|argument| argument.choices.to_vec()).collect()
        };
        assert_eq!(choices("event"), Kind::WORDS);
        assert_eq!(choices("state"), State::WORDS);
    }

    #[test]
    fn times_are_read_in_the_zone_of_the_gateway() {
        let zone = TimeZone::get("Europe/Amsterdam").unwrap();
        let now = 1_800_000_000_000_000;
        let read = |text: &str| instant(text, &zone, now).map_err(|problem| problem.message);
        assert_eq!(read("2026-11-20"), Ok(1_795_129_200_000_000));
        assert_eq!(read("2026-11-20T15:04"), read("2026-11-20T14:04:00Z"));
        assert_eq!(read("2026-11-20 15:04:00"), read("2026-11-20T15:04:00+01:00"));
        assert_eq!(read("2h"), Ok(now - 7_200_000_000));
        assert_eq!(read("99999999999999w"), Err("`99999999999999w` is not a time".to_owned()));
        assert_eq!(read("noon"), Err("`noon` is not a time".to_owned()));
        assert_eq!(read("é"), Err("`é` is not a time".to_owned()));
    }

    #[test]
    fn places_come_back() {
        for tracked in [Tracked::Message(Mid(7)), Tracked::Connection(Icid(9))] {
            let there = Cursor { began_at: 5, tracked };
            assert_eq!(cursor(&place(&there)).unwrap(), there);
        }
        for text in ["", "5", "5-", "5-x7", "5-é", "-m7", "5-m7x"] {
            assert!(cursor(text).is_err(), "{text}");
        }
    }
}
