//! Spool, ledger and books: opened, brought up to date with each other, handed to their threads.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context as _, Result};
use mailreeve_core::config::Config;
use mailreeve_core::event::{Event, Severity, Stamped};
use mailreeve_core::ids::Rid;
use mailreeve_core::mail_log::MailLog;
use mailreeve_core::tally::Tally;
use mailreeve_store::committer::{CommitQueue, Committer, IdSource, Limits};
use mailreeve_store::history::History;
use mailreeve_store::ledger::{Entry, Item, Ledger, Opening, Options as LedgerOptions, Retention, Tail};
use mailreeve_store::space::{Marks, SpaceGuard};
use mailreeve_store::spool::{Health, Opened, Options, Reader, Recovery, Sequence, Spool, Staging};
use mailreeve_store::tracking::{Bounds, Tracking};

use super::outlet::Outlet;
use crate::clock::Clock;
use crate::context::Running;
use crate::deliver::shard::ShardHandle;
use crate::events::{EventSink, EventSource};
use crate::history;
use crate::journal::{Books, Journal, day};
use crate::logfile::{LogBounds, LogFile};
use crate::receipts::ReceiptRouter;
use crate::standing::StandingOrders;
use crate::tracking::{self, Surroundings};
use crate::work_queue::WorkQueue;

/// Octets of a ledger segment: so much is counted again at a start after a crash, before the banner.
const SEGMENT: u64 = 16 << 20;
/// Free octets below which a commit may fail.
const CRITICAL: u64 = 16 << 20;

/// Spool and ledger, open, and in agreement.
pub(super) struct Stores {
    spool: Opened,
    ledger: Ledger,
    tail: Tail,
    /// Events of the last run that reached neither ledger nor log.
    missing: Vec<Entry>,
    books: Arc<Books>,
    counters_lost: Option<String>,
    space: Arc<SpaceGuard>,
    pub(super) first_dcid: u64,
    pub(super) standing: Arc<StandingOrders>,
    pub(super) work_queue: Arc<WorkQueue>,
}

/// What the rest of the daemon uses of them.
pub(super) struct Parts {
    pub(super) commits: CommitQueue,
    pub(super) ids: IdSource,
    pub(super) reader: Reader,
    pub(super) tracking: Arc<Tracking>,
    pub(super) history: History,
    pub(super) staging: Staging,
    pub(super) health: Arc<Health>,
    pub(super) space: Arc<SpaceGuard>,
    pub(super) books: Arc<Books>,
    committer: JoinHandle<()>,
    journal: JoinHandle<()>,
    trackers: tracking::Threads,
    historian: history::Thread,
}

/// Opens both; the spool's lock is what keeps a second daemon out.
pub(super) fn open(config: &Config, clock: Clock) -> Result<Stores> {
    let dir = &config.data_dir;
    make_private(dir)?;
    let ledger_options = LedgerOptions {
        segment_bytes: SEGMENT,
        first: Opening { node: config.hostname.clone(), opened_at: clock.wall().0, ..Opening::default() },
        ..LedgerOptions::default()
    };
    let (ledger, tail) = Ledger::open(&dir.join("ledger"), &ledger_options)?;
    let options = Options { seq_floor: tail.last_seq, ..Options::default() };
    let spool = Spool::open(&dir.join("spool"), &options)?;
    let standing = Arc::new(StandingOrders::open(dir)?);
    let work_queue = Arc::new(WorkQueue::new(Arc::clone(&standing)));
    let missing = with_recipients(tail.missing(&spool.outbox), &spool.reader);
    let (books, counters_lost) = fold(&ledger)?;
    missing.iter().for_each(|entry| books.note(&entry.stamped));
    books.tally.lock().begin_uptime();
    let books = Arc::new(books);
    let marks = Marks { low: config.queue.low, reserve: config.queue.reserve, critical: CRITICAL };
    let space = Arc::new(SpaceGuard::new(dir, marks).context("looking at the spool's disk")?);
    // A first look, so that nothing is accepted on a full disk while the watch is not running yet.
    space.check().context("looking at the spool's disk")?;
    let first_dcid = spool.ids[Sequence::ALL.iter().position(|s| *s == Sequence::Dcid).unwrap_or(2)].start;
    Ok(Stores { spool, ledger, tail, missing, books, counters_lost, space, first_dcid, standing, work_queue })
}

/// Makes the folder of everything that survives, for this user alone.
fn make_private(dir: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("making the folder {}", dir.display()))
}

/// The books at the end of the ledger: counters and alerts at the beginning of its last segment, and what follows.
/// Counters that cannot be read back keep no mail from flowing: they begin at zero, and why is returned.
fn fold(ledger: &Ledger) -> Result<(Books, Option<String>)> {
    let (tally, unreadable) = match Tally::from_bytes(&ledger.opening().counters) {
        Ok(tally) => (tally, None),
        Err(error) => (Tally::default(), Some(error.to_string())),
    };
    let books = Books::new(tally, ledger.opening().alerts.iter().cloned());
    let mut reader = ledger.reader();
    reader.seek(ledger.segment_start());
    while let Some(item) = reader.next_item().context("reading the ledger")? {
        match item {
            Item::Event(_, entry) => books.note(&entry.stamped),
            Item::Opened(..) | Item::Damaged(..) => {}
        }
    }
    Ok((books, unreadable))
}

impl Stores {
    /// Starts the threads of the spool and of the journal.
    pub(super) fn start(
        self,
        sink: &EventSink,
        source: EventSource,
        shard: &ShardHandle,
        receipts: ReceiptRouter,
        running: &Running,
        clock: Clock,
    ) -> Result<(Parts, Recovery)> {
        let Self { spool, ledger, tail, missing, books, counters_lost, space, work_queue, .. } = self;
        let mut journal = journal(ledger, source, Arc::clone(&books), running, clock)?;
        journal.catch_up(&missing).context("bringing log and ledger up to date")?;
        tell_losses(sink, counters_lost, spool.lost_commits, &tail);
        let limits = Limits {
            space: Some(Arc::clone(&space)),
            ledger_synced: journal.ledger.synced_seq(),
            ..Limits::default()
        };
        let out = Outlet {
            events: sink.clone(),
            shard: shard.clone(),
            receipts,
            staging: spool.staging.clone(),
            work_queue,
        };
        let (commits, ids, committer) =
            Committer::start(spool.engine, limits, spool.ids, spool.id_block, move |committed| {
                out.pass(committed)
            })?;
        let (tracking, trackers) = follow(
            &journal.ledger,
            &running.config,
            Surroundings {
                bounds: Bounds { max_bytes: running.config.tracking.max_bytes },
                space: Arc::clone(&space),
                clock,
                events: sink.clone(),
                enabled: running.config.tracking.enabled,
            },
        )?;
        let (history, historian) = history::open(&journal.ledger, &running.config.data_dir, sink, clock)?;
        let journal = std::thread::Builder::new().name("journal".to_owned()).spawn(move || journal.run())?;
        let parts = Parts {
            commits,
            ids,
            reader: spool.reader,
            tracking,
            trackers,
            history,
            historian,
            staging: spool.staging,
            health: spool.health,
            space,
            books,
            committer,
            journal,
        };
        Ok((parts, spool.recovery))
    }
}

/// Adds who the recipients of accepted messages are. The events that told it change no queue, so they are in no outbox
/// and may have been lost with those that are told again now.
fn with_recipients(missing: Vec<Entry>, reader: &Reader) -> Vec<Entry> {
    let mut all = Vec::with_capacity(missing.len());
    for entry in missing {
        if let Event::Accepted { mid, icid, .. } = entry.stamped.event
            && let Ok(envelope) = reader.envelope(mid)
        {
            all.extend((0..).map(Rid).zip(&envelope.recipients).map(|(rid, recipient)| {
                let address = recipient.mailbox.to_string();
                let event = Event::RecipientAccepted { mid, icid, rid, address };
                Entry { seq: None, stamped: Stamped { at: entry.stamped.at, event } }
            }));
        }
        all.push(entry);
    }
    all
}

/// Tells what earlier runs lost.
fn tell_losses(sink: &EventSink, counters_lost: Option<String>, lost_commits: u64, tail: &Tail) {
    if let Some(why) = counters_lost {
        sink.alert(
            Severity::Warning,
            "counters-lost",
            format!("the counters could not be read back and begin at zero: {why}"),
            "look at the disk of data_dir; no mail is concerned",
        );
    }
    if lost_commits > 0 {
        sink.alert(
            Severity::Critical,
            "spool-behind",
            format!(
                "{} commits that the ledger tells of are not in the spool: mail that was acknowledged may be lost",
                lost_commits
            ),
            "look at the disk of data_dir; the log names the messages that were queued and never finished",
        );
    }
    if tail.cut_bytes > 0 {
        sink.tell(Event::LedgerGap { cut_bytes: tail.cut_bytes });
    }
    if tail.damaged_bytes > 0 {
        sink.alert(
            Severity::Warning,
            "ledger-damaged",
            format!("{} octets of the ledger cannot be read; events in them are lost", tail.damaged_bytes),
            "look at the disk of data_dir",
        );
    }
}

impl Parts {
    /// Commits what waits, tells the last events, and waits for both threads.
    pub(super) fn finish(self, sink: &EventSink) {
        self.commits.shutdown();
        let _ = self.committer.join();
        sink.tell(Event::Stopped);
        sink.close();
        let _ = self.journal.join();
        self.trackers.stop();
        self.historian.stop();
    }
}

/// Starts what keeps messages findable.
fn follow(
    ledger: &Ledger,
    config: &Config,
    around: Surroundings,
) -> Result<(Arc<Tracking>, tracking::Threads)> {
    let dir = &config.data_dir;
    let opened = Tracking::open(&dir.join("tracking"), &dir.join("ledger"), ledger.synced_position());
    let opened = opened.context("opening the index of message tracking")?;
    Ok(tracking::start(opened, around)?)
}

fn journal(
    ledger: Ledger,
    source: EventSource,
    books: Arc<Books>,
    running: &Running,
    clock: Clock,
) -> Result<Journal> {
    let config = &running.config;
    let bounds = LogBounds { file_bytes: config.log.rollover, keep: config.log.keep };
    let stem = config.log.file.strip_suffix(".current").unwrap_or(&config.log.file);
    let today = day(&running.zone, clock.wall().0);
    let log = LogFile::open(&config.log_dir, stem, bounds, today)
        .with_context(|| format!("opening the log in {}", config.log_dir.display()))?;
    Ok(Journal {
        source,
        ledger,
        lines: MailLog::new(running.zone.clone()),
        log,
        zone: running.zone.clone(),
        books,
        retention: Retention {
            total_bytes: Some(config.ledger.max_bytes),
            age_us: u64::try_from(config.ledger.keep.as_micros()).ok(),
        },
        clock,
        node: config.hostname.clone(),
    })
}
