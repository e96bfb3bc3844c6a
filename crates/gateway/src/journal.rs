//! The one reader of events: ledger, text log, counters and alerts are written from the same stream.
//!
//! A thread of its own takes what has gathered every few milliseconds: one append to the ledger, one write to
//! the log, one pass over the counters. Within a second all of it is synced, and the commit thread may forget
//! its copy.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mailreeve_core::event::{Alert, Event, Severity, Stamped};
use mailreeve_core::mail_log::MailLog;
use mailreeve_core::tally::Tally;
use mailreeve_store::ledger::{Entry, Ledger, Opening, Retention};
use parking_lot::Mutex;

use crate::clock::Clock;
use crate::events::EventSource;
use crate::logfile::LogFile;

/// How long events gather before they are written.
const GATHER: Duration = Duration::from_millis(5);
/// How long an idle journal waits for events.
const PATIENCE: Duration = Duration::from_millis(250);
/// The ledger is synced at least this often.
const SYNC_EVERY: Duration = Duration::from_millis(500);
/// Alerts kept for `displayalerts`.
const ALERTS: usize = 1_000;
/// Octets of their words that go into the opening of a ledger segment: the newest that fit are there after a
/// restart. Most alerts have 200.
const ALERT_OCTETS: usize = 256 * 1024;
/// Old segments are looked for this often.
const RETAIN_EVERY: Duration = Duration::from_secs(60);

/// What the journal keeps for those who ask.
pub struct Books {
    /// The fold of all events.
    pub tally: Mutex<Tally>,
    /// The newest alerts, oldest first.
    pub alerts: Mutex<VecDeque<(u64, Alert)>>,
}

impl Books {
    /// Makes books that go on from `tally` and `alerts`, oldest first.
    pub fn new(tally: Tally, alerts: impl IntoIterator<Item = (u64, Alert)>) -> Self {
        Self { tally: Mutex::new(tally), alerts: Mutex::new(alerts.into_iter().collect()) }
    }

    /// Counts an event in.
    pub fn note(&self, stamped: &Stamped) {
        self.tally.lock().apply(stamped);
        self.note_alert(stamped);
    }

    /// The newest alerts, oldest first, as many as go into an opening.
    fn alerts_to_keep(&self) -> Vec<(u64, Alert)> {
        let alerts = self.alerts.lock();
        let mut octets = 0;
        let fits = |(_, alert): &&(u64, Alert)| {
            octets += alert.code.len() + alert.text.len() + alert.hint.len();
            octets <= ALERT_OCTETS
        };
        let mut kept: Vec<_> = alerts.iter().rev().take_while(fits).cloned().collect();
        kept.reverse();
        kept
    }

    fn note_alert(&self, stamped: &Stamped) {
        if let Event::Alert(alert) = &stamped.event {
            let mut alerts = self.alerts.lock();
            if alerts.len() >= ALERTS {
                alerts.pop_front();
            }
            alerts.push_back((stamped.at, alert.clone()));
        }
    }
}

/// The journal's parts.
pub struct Journal {
    /// Where events come from.
    pub source: EventSource,
    /// Where they are kept.
    pub ledger: Ledger,
    /// How they are rendered.
    pub lines: MailLog,
    /// Where the lines go.
    pub log: LogFile,
    /// The zone of days.
    pub zone: TimeZone,
    /// What is kept of them in memory.
    pub books: Arc<Books>,
    /// How long segments are kept.
    pub retention: Retention,
    /// Reads clocks.
    pub clock: Clock,
    /// Name of this node.
    pub node: String,
}

impl Journal {
    /// Runs until every producer is gone; the last events are synced.
    pub fn run(mut self) {
        let mut text = Vec::with_capacity(1 << 16);
        let mut synced = Instant::now();
        let mut retained = Instant::now();
        let mut troubled = false;
        loop {
            let taken = self.source.take(PATIENCE);
            if !taken.entries.is_empty() {
                self.write(taken.entries, taken.dropped, &mut text, &mut troubled);
            }
            self.tick(&mut text, &mut troubled);
            if taken.closed {
                // The next start goes on from the counters of a new segment instead of counting this one again.
                self.trouble(&mut troubled, Self::rotate_ledger);
                let _ = self.ledger.sync();
                return;
            }
            if synced.elapsed() >= SYNC_EVERY {
                synced = Instant::now();
                self.trouble(&mut troubled, |journal| journal.ledger.sync().map_err(io::Error::other));
            }
            if retained.elapsed() >= RETAIN_EVERY {
                retained = Instant::now();
                self.trouble(&mut troubled, Self::retain);
            }
            // Events gather meanwhile; nobody is woken for one.
            std::thread::sleep(GATHER);
        }
    }

    /// Tells log and ledger, in this order, what the last run committed and did not live to tell. The books
    /// have it already.
    pub fn catch_up(&mut self, entries: &[Entry]) -> anyhow::Result<()> {
        let mut text = Vec::new();
        for entry in entries {
            self.lines.render(&entry.stamped, &mut text);
        }
        if !text.is_empty() {
            self.write_log(&text)?;
        }
        self.ledger.append(entries)?;
        Ok(self.ledger.sync()?)
    }

    fn write(&mut self, mut entries: Vec<Entry>, dropped: u64, text: &mut Vec<u8>, troubled: &mut bool) {
        if dropped > 0 {
            let alert = Alert {
                severity: Severity::Warning,
                code: "events-dropped".to_owned(),
                text: format!("{dropped} events that change no queue were dropped: the journal was behind"),
                hint: "give the ledger and the log a faster disk".to_owned(),
            };
            let stamped = Stamped { at: self.clock.wall().0, event: Event::Alert(alert) };
            entries.push(Entry { seq: None, stamped });
        }
        text.clear();
        for entry in &entries {
            self.lines.render(&entry.stamped, text);
        }
        // The log first: what the ledger lacks after a crash is told again at the next start, so that a line
        // may be there twice but is never lost.
        self.trouble(troubled, |journal| journal.write_log(text));
        self.trouble(troubled, |journal| journal.ledger.append(&entries).map_err(io::Error::other));
        {
            let mut tally = self.books.tally.lock();
            for entry in &entries {
                tally.apply(&entry.stamped);
            }
        }
        for entry in &entries {
            self.books.note_alert(&entry.stamped);
        }
        if self.ledger.wants_rotation() {
            self.trouble(troubled, Self::rotate_ledger);
        }
    }

    /// Lines that wait for a verdict about their connection are written after a while even if nothing happens.
    fn tick(&mut self, text: &mut Vec<u8>, troubled: &mut bool) {
        text.clear();
        self.lines.tick(self.clock.wall().0, text);
        if !text.is_empty() {
            self.trouble(troubled, |journal| journal.write_log(text));
        }
    }

    fn write_log(&mut self, lines: &[u8]) -> io::Result<()> {
        let at = self.clock.wall().0;
        let day = day(&self.zone, at);
        if self.log.is_due(day) {
            let mut last = Vec::new();
            self.lines.end(at, &mut last);
            self.log.append(&last)?;
            self.log.roll_over(&stamp(&self.zone, at), day)?;
        }
        if self.log.is_new() {
            let mut first = Vec::new();
            self.lines.begin(at, env!("CARGO_PKG_VERSION"), &self.node, &mut first);
            self.log.append(&first)?;
        }
        self.log.append(lines)
    }

    fn rotate_ledger(&mut self) -> io::Result<()> {
        let alerts = self.books.alerts_to_keep();
        let opening = {
            let tally = self.books.tally.lock();
            Opening {
                node: self.node.clone(),
                opened_at: self.clock.wall().0,
                counters: tally.to_bytes(),
                open: tally.open_recipients(),
                alerts,
            }
        };
        self.ledger.rotate(opening).map_err(io::Error::other)
    }

    fn retain(&mut self) -> io::Result<()> {
        let now = self.clock.wall().0;
        let needed = self.ledger.segment_start();
        self.ledger.retain(&self.retention, now, needed).map(|_| ()).map_err(io::Error::other)
    }

    /// The journal must go on whatever happens to its files; the first failure of a row is alerted.
    fn trouble(&mut self, troubled: &mut bool, work: impl FnOnce(&mut Self) -> io::Result<()>) {
        match work(self) {
            Ok(()) => {}
            Err(_) if *troubled => {}
            Err(error) => {
                *troubled = true;
                let alert = Alert {
                    severity: Severity::Critical,
                    code: "journal-failed".to_owned(),
                    text: format!("the ledger or the log cannot be written: {error}"),
                    hint: "look at the disk of data_dir and log_dir; events are kept in the spool until a restart"
                        .to_owned(),
                };
                self.books.note(&Stamped { at: self.clock.wall().0, event: Event::Alert(alert) });
            }
        }
    }
}

/// Days since the epoch in `zone`.
pub fn day(zone: &TimeZone, at_us: u64) -> i64 {
    let at = timestamp(at_us);
    let offset = i64::from(zone.to_offset(at).seconds());
    (at.as_second() + offset).div_euclid(86_400)
}

fn stamp(zone: &TimeZone, at_us: u64) -> String {
    timestamp(at_us).to_zoned(zone.clone()).strftime("%Y%m%dT%H%M%S").to_string()
}

fn timestamp(at_us: u64) -> Timestamp {
    i64::try_from(at_us)
        .ok()
        .and_then(|us| Timestamp::from_microsecond(us).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(at: u64, octets: usize) -> Stamped {
        let (code, hint) = (String::new(), String::new());
        let alert = Alert { severity: Severity::Warning, code, text: "x".repeat(octets), hint };
        Stamped { at, event: Event::Alert(alert) }
    }

    fn instants(alerts: &[(u64, Alert)]) -> Vec<u64> {
        alerts.iter().map(|(at, _)| *at).collect()
    }

    #[test]
    fn the_newest_alerts_are_kept_in_number_and_in_octets() {
        let books = Books::new(Tally::default(), []);
        (0..ALERTS as u64 + 5).for_each(|at| books.note(&alert(at, 10)));
        let kept = books.alerts_to_keep();
        assert_eq!((kept.len(), kept[0].0), (ALERTS, 5));
        let again = Books::new(Tally::default(), kept.clone());
        assert_eq!(again.alerts_to_keep(), kept);
        for at in 10_000..10_003 {
            again.note(&alert(at, ALERT_OCTETS / 2));
        }
        assert_eq!(instants(&again.alerts_to_keep()), [10_001, 10_002]);
        again.note(&alert(10_003, ALERT_OCTETS + 1));
        assert!(again.alerts_to_keep().is_empty());
    }
}
