//! What was tried and what was said, kept without anybody having asked for it beforehand.
//!
//! For those who explain:
//! * [`Recorder::attempts_of`]: every attempt that is kept of a message, or of one recipient of it, oldest first: the
//!   first and the [`RECENT`](mailreeve_core::attempt::RECENT) newest, over restarts too.
//! * [`Recorder::last_attempts_of_host`]: the newest attempts to a destination, newest first, successes since the
//!   start among them.
//!
//! * [`Recorder::conversations`]: what was said, of a connection or about a message, up to a second ago where it goes
//!   on.
//!
//! All see what was told before they are called. [`Attempt`] says what is in one.
//!
//! ```text
//!   sessions, shard ──tell──► queue (bounded) ──► thread `recorder` ──► files in data_dir/recorder
//!                                                                  └──► the newest of each destination, in memory
//! ```
//! Promises: whoever tells never waits and never fails; when the queue is full what is told is dropped and counted.
//! No mail depends on any of it: files that fail are alerted and opened again, later and later.

mod conversation;
mod hosts;
mod queue;
mod thread;
mod under_way;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use mailreeve_core::attempt::Attempt;
use mailreeve_core::config;
use mailreeve_core::conversation::{Stretch, Which};
use mailreeve_core::ids::{Dcid, Host, Mid, Rid};
use mailreeve_core::tcp::TcpEnd;
use mailreeve_store::recorder::{Attempts, Ring, Wanted};
use parking_lot::Mutex;
use tokio::sync::oneshot;

pub use self::conversation::{About, Conversation, SHOWN_AFTER, STRETCH_BYTES};
use self::hosts::Hosts;
use self::queue::{Item, Queue};
use self::under_way::UnderWay;
use crate::clock::Clock;
use crate::events::EventSink;
use crate::intake::Intake;

/// How long a question waits for the thread to have written what was told before it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Connections whose end is looked for, for the attempts of one answer.
const ENDS: usize = 32;

/// The way to the recorder. Cheap to clone.
#[derive(Clone)]
pub struct Recorder {
    queue: Arc<Queue>,
    kept: Arc<Kept>,
}

/// What is kept, for the thread that writes and for those who ask.
#[derive(Default)]
struct Kept {
    attempts: Mutex<Option<Attempts>>,
    ring: Mutex<Option<Ring>>,
    hosts: Mutex<Hosts>,
    under_way: Mutex<UnderWay>,
}

/// What the recorder did since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Told and taken.
    pub taken: u64,
    /// Told and dropped: the queue was full, or the files cannot be written.
    pub dropped: u64,
}

impl Recorder {
    /// Starts the recorder; the thread ends after [`Recorder::close`]. One that is switched off, or whose files cannot
    /// be opened, which is alerted, takes nothing.
    pub fn start(
        settings: &config::Recorder,
        data_dir: &Path,
        intake: Arc<Intake>,
        events: &EventSink,
        clock: Clock,
    ) -> std::io::Result<(Self, Option<JoinHandle<()>>)> {
        let recorder = Self { queue: Arc::new(Queue::new(settings.enabled)), kept: Arc::default() };
        if !settings.enabled {
            return Ok((recorder, None));
        }
        let work = thread::Work {
            recorder: recorder.clone(),
            settings: settings.clone(),
            dir: data_dir.join("recorder"),
            intake,
            events: events.clone(),
            clock,
        };
        let builder = std::thread::Builder::new().name("recorder".to_owned());
        let thread = builder.spawn(move || work.run())?;
        Ok((recorder, Some(thread)))
    }

    /// Tells whether anything is taken: what is not need not be put together.
    pub fn is_on(&self) -> bool {
        self.queue.is_open()
    }

    /// Tells attempts of one transaction that are to be kept as data, because they failed or follow on others. Those
    /// of a first try that went well are part of what was said, with [`Recorder::stretch`].
    pub fn attempts(&self, attempts: Vec<Attempt>) {
        self.queue.push(Item::Attempts(attempts));
    }

    /// Tells a stretch of a conversation.
    pub fn stretch(&self, stretch: Stretch) {
        self.queue.push(Item::Stretch(Box::new(stretch)));
    }

    /// Tells what a stretch has so far, for those who look before it is over.
    pub fn under_way(&self, stretch: Stretch) {
        self.queue.push(Item::UnderWay(Box::new(stretch)));
    }

    /// Returns what is kept of a message, or of one recipient of it, by recipient and oldest first. Each with its number:
    /// every try of a recipient counts, those that an operator forced too, from 1.
    pub async fn attempts_of(&self, mid: Mid, rid: Option<Rid>) -> Vec<(u32, Attempt)> {
        self.look(move |kept| {
            let attempts = kept.attempts.lock();
            let stored = attempts.as_ref().and_then(|attempts| attempts.of(mid, rid).ok());
            drop(attempts);
            let mut found: Vec<(u32, Attempt)> = stored
                .unwrap_or_default()
                .into_iter()
                .map(|(before, attempt)| (before + 1, attempt))
                .collect();
            // Kept with what was said is only a first try, which went well.
            let said = kept.search(Wanted::Message(mid)).into_iter().flat_map(|stretch| stretch.attempts);
            let wanted = said.filter(|attempt| rid.is_none_or(|rid| attempt.rid == rid));
            found.extend(wanted.map(|attempt| (1, attempt)));
            found.sort_by_key(|(_, attempt)| (attempt.rid, attempt.began_at));
            kept.add_ends(found.iter_mut().map(|(_, attempt)| attempt));
            found
        })
        .await
    }

    /// Returns what was said, each conversation together and in order.
    pub async fn conversations(&self, wanted: Wanted) -> Vec<Stretch> {
        self.look(move |kept| kept.search(wanted)).await
    }

    /// Returns octets on disk and the oldest instant of what was said, microseconds since the epoch.
    pub fn extent(&self) -> (u64, Option<u64>) {
        let ring = self.kept.ring.lock();
        ring.as_ref().map_or((0, None), |ring| (ring.bytes(), ring.oldest()))
    }

    /// Returns the newest attempts to a destination, newest first, at most `most`.
    pub async fn last_attempts_of_host(&self, host: &Host, most: usize) -> Vec<Attempt> {
        let host = host.clone();
        self.look(move |kept| {
            let mut found = kept.hosts.lock().of(&host);
            let stored =
                kept.attempts.lock().as_ref().and_then(|attempts| attempts.of_host(&host, most).ok());
            for attempt in stored.into_iter().flatten() {
                if !found.contains(&attempt) {
                    found.push(attempt);
                }
            }
            found.sort_by_key(|attempt| std::cmp::Reverse(attempt.ended_at()));
            found.truncate(most);
            kept.add_ends(found.iter_mut());
            found
        })
        .await
    }

    /// Returns what was taken and dropped since the start.
    pub fn counts(&self) -> Counts {
        self.queue.counts()
    }

    /// Lets the thread end when it has written what was told.
    pub fn close(&self) {
        self.queue.close();
    }

    /// Looks at what is kept, off the runtime's thread, once what was told before is in it.
    async fn look<T: Default + Send + 'static>(&self, look: impl FnOnce(&Kept) -> T + Send + 'static) -> T {
        let (told, written) = oneshot::channel();
        if self.queue.push(Item::Settle(told)) {
            // A thread that is behind is not waited for longer; the answer is then a little old.
            let _ = tokio::time::timeout(PATIENCE, written).await;
        }
        let kept = Arc::clone(&self.kept);
        tokio::task::spawn_blocking(move || look(&kept)).await.unwrap_or_default()
    }
}

impl Kept {
    /// Searches beside the writer.
    fn search(&self, wanted: Wanted) -> Vec<Stretch> {
        // Before the files are looked at: what goes over to them meanwhile is then found there.
        let under_way = self.under_way.lock().of(wanted);
        let begun = self.ring.lock().as_mut().map(|ring| ring.search(wanted));
        let mut found = begun.map(mailreeve_store::recorder::Search::run).unwrap_or_default();
        for stretch in under_way {
            let place = |kept: &Stretch| (kept.parties.began_at, kept.parties.which, kept.number);
            let at = found.partition_point(|kept| place(kept) < place(&stretch));
            let kept = found.get(at).is_some_and(|kept| {
                (kept.parties.which, kept.number) == (stretch.parties.which, stretch.number)
            });
            if !kept {
                found.insert(at, stretch);
            }
        }
        found
    }

    /// Adds the ends of connections that went on after these attempts.
    fn add_ends<'a>(&self, attempts: impl DoubleEndedIterator<Item = &'a mut Attempt>) {
        let mut ends: HashMap<Dcid, Vec<(SocketAddr, TcpEnd)>> = HashMap::new();
        for attempt in attempts.rev() {
            let (None, Some(way)) = (attempt.tcp, &attempt.way) else { continue };
            if ends.len() >= ENDS && !ends.contains_key(&attempt.dcid) {
                continue;
            }
            let ends = ends.entry(attempt.dcid).or_insert_with(|| {
                let said = self.search(Wanted::Conversation(Which::Outbound(attempt.dcid))).into_iter();
                said.filter_map(|stretch| Some((stretch.parties.peer, stretch.tcp?))).collect()
            });
            attempt.tcp = ends.iter().rev().find(|(peer, _)| *peer == way.peer).map(|(_, end)| *end);
        }
    }
}
