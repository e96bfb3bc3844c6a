//! Jobs: operators' orders over many recipients, from the durable record to the last commit.
//!
//! ```text
//!   begin ──► (queue read back) ──► orders to the shard ──► over ──► JobDone committed ──► off the record
//! ```
//! A job stands in the record of standing orders before its operator hears of it, and leaves it after everything
//! it did is committed: a crash in between makes it run again, which finds only what is left.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use mailreeve_core::delivery::io::{Input, Order, OrderId, Progress, Whom};
use mailreeve_core::event::{Event, Stamped};
use mailreeve_store::committer::Change;
use mailreeve_store::spool::Batch;
use mailreeve_store::standing::{Job, JobScope, StandingError};
use parking_lot::Mutex;

mod held;
mod open_orders;
mod sender;

pub use open_orders::{OpenOrders, Step, Steps};
pub use sender::count as count_of_sender;

use crate::context::Context;
use crate::deliver::shard::Message;
use crate::receipts::Receipts;

/// Jobs that ended and are still told of.
const REMEMBERED: usize = 100;
/// How often the end of reading the queue back is looked for.
const LOOK: Duration = Duration::from_millis(50);
/// How often the record is told how many recipients are done, microseconds.
const SAVE_US: u64 = 1_000_000;

/// Jobs, for those who give and watch them.
pub struct Jobs {
    known: Mutex<BTreeMap<u64, Known>>,
    ended: Mutex<VecDeque<u64>>,
    /// The orders at the shard that carry them out.
    pub orders: OpenOrders,
    receipts: Arc<Receipts>,
}

/// How a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The queue is being read back after the start.
    Waiting,
    /// Its orders are carried out.
    Running,
    /// Everything it did is committed.
    Done,
    /// It cannot go on before a restart.
    Stopped(String),
}

/// A job and how far it is.
#[derive(Clone, Debug)]
pub struct Status {
    /// The job as recorded.
    pub job: Job,
    /// How it is.
    pub state: State,
    /// Sum over its orders. What was done before a start is in `job.done` alone.
    pub progress: Progress,
    /// Whether all its orders are known, and so how many recipients it concerns.
    pub whole: bool,
}

struct Known {
    job: Job,
    state: State,
    /// Of orders that are over.
    before: Progress,
    open: VecDeque<Steps>,
    whole: bool,
}

impl Known {
    fn status(&self) -> Status {
        let mut progress = self.before;
        for steps in &self.open {
            add(&mut progress, &steps.borrow().progress);
        }
        Status { job: self.job.clone(), state: self.state.clone(), progress, whole: self.whole }
    }
}

fn add(sum: &mut Progress, other: &Progress) {
    sum.total += other.total;
    sum.done += other.done;
    sum.seen += other.seen;
    sum.awaited += other.awaited;
}

/// Why a job did not come to its end.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error("the gateway is stopping")]
    Stopping,
    #[error("what it did could not be committed: {0}")]
    NotCommitted(String),
    #[error(transparent)]
    Record(#[from] StandingError),
}

impl Jobs {
    /// Knows no jobs yet. Receipts come to the runtime in which jobs run.
    pub fn new(receipts: Arc<Receipts>) -> Self {
        let (known, ended) = (Mutex::default(), Mutex::default());
        Self { known, ended, orders: OpenOrders::default(), receipts }
    }

    /// Returns the receipts of the runtime that orders are carried out in, for whoever waits there for a commit.
    pub(crate) fn receipts(&self) -> &Receipts {
        &self.receipts
    }

    /// Lists the jobs that go on and the last that ended, by number.
    pub fn list(&self) -> Vec<Status> {
        self.known.lock().values().map(Known::status).collect()
    }

    /// Returns one job.
    pub fn status(&self, id: u64) -> Option<Status> {
        self.known.lock().get(&id).map(Known::status)
    }

    fn set(&self, id: u64, change: impl FnOnce(&mut Known)) {
        if let Some(known) = self.known.lock().get_mut(&id) {
            change(known);
        }
    }

    fn ended(&self, id: u64, state: State) {
        self.set(id, |known| known.state = state);
        let mut ended = self.ended.lock();
        ended.push_back(id);
        if ended.len() > REMEMBERED
            && let Some(oldest) = ended.pop_front()
        {
            self.known.lock().remove(&oldest);
        }
    }
}

/// Begins a job that stands in the record: one just given, or one of the run before. Needs the control runtime.
pub fn begin(context: &Arc<Context>, job: Job) {
    let known = Known {
        job: job.clone(),
        state: State::Waiting,
        before: Progress::default(),
        open: VecDeque::new(),
        whole: false,
    };
    context.jobs.known.lock().insert(job.id, known);
    let context = Arc::clone(context);
    tokio::spawn(async move {
        let id = job.id;
        let state = match carry_out(&context, job).await {
            Ok(()) => State::Done,
            Err(stopped) => State::Stopped(stopped.to_string()),
        };
        context.jobs.ended(id, state);
    });
}

async fn carry_out(context: &Arc<Context>, job: Job) -> Result<(), Stopped> {
    while context.recovery.going_on().is_some() {
        tokio::time::sleep(LOOK).await;
    }
    context.jobs.set(job.id, |known| known.state = State::Running);
    // First those in the work queue: who leaves it meanwhile is in delivery before the order comes there.
    held::sweep(context, &job).await?;
    match &job.scope {
        JobScope::All => order(context, &job, Whom::All)?,
        JobScope::Host(host) => order(context, &job, Whom::Host(host.clone()))?,
        JobScope::Message(mid) => order(context, &job, Whom::Messages(vec![*mid]))?,
        JobScope::Sender(sender) => {
            sender::pages(context, sender, job.upto_mid, |page| {
                order(context, &job, Whom::Messages(page.mids))
            })
            .await?;
        }
    }
    context.jobs.set(job.id, |known| known.whole = true);
    finish_orders(context, &job).await?;
    commit_end(context, &job).await?;
    let turn = context.standing.turn().await;
    turn.change(move |orders| orders.jobs.retain(|other| other.id != job.id)).await?;
    Ok(())
}

/// Gives the shard one order of a job.
fn order(context: &Context, job: &Job, whom: Whom) -> Result<(), Stopped> {
    let (upto, deed, by) = (job.upto_mid, job.deed.clone(), job.given.by.clone());
    give(context, job, |id| Input::Order(Order { id, whom, upto, deed, by })).map(|_| ())
}

/// Gives the shard something to do for a job; what is returned hears how far it is.
fn give(context: &Context, job: &Job, input: impl FnOnce(OrderId) -> Input) -> Result<Steps, Stopped> {
    let (id, steps) = context.jobs.orders.open();
    context.jobs.set(job.id, |known| known.open.push_back(steps.clone()));
    context.shard.send(Message::Input(input(id))).map_err(|_| Stopped::Stopping)?;
    Ok(steps)
}

/// Waits until the orders of a job are over; the record hears now and then how far it is.
async fn finish_orders(context: &Context, job: &Job) -> Result<(), Stopped> {
    let mut saved_at = context.clock.wall().0;
    loop {
        let next = context.jobs.known.lock().get_mut(&job.id).and_then(|known| known.open.front().cloned());
        let Some(mut steps) = next else { return Ok(()) };
        while !steps.borrow_and_update().over {
            steps.changed().await.map_err(|_| Stopped::Stopping)?;
            let now = context.clock.wall().0;
            if now.saturating_sub(saved_at) >= SAVE_US {
                saved_at = now;
                save(context, job).await?;
            }
        }
        let progress = steps.borrow().progress;
        context.jobs.set(job.id, |known| {
            known.open.pop_front();
            add(&mut known.before, &progress);
        });
    }
}

fn done(context: &Context, job: &Job) -> u64 {
    job.done + context.jobs.status(job.id).map_or(0, |status| status.progress.done)
}

/// Records how many recipients are done.
async fn save(context: &Context, job: &Job) -> Result<(), StandingError> {
    let (id, done) = (job.id, done(context, job));
    let turn = context.standing.turn().await;
    let note = move |orders: &mut mailreeve_store::standing::Orders| {
        if let Some(job) = orders.jobs.iter_mut().find(|job| job.id == id) {
            job.done = done;
        }
    };
    turn.change(note).await
}

/// Tells that a job is done. Changes are committed in the order in which they were handed over, so everything that
/// the job did is durable when this is.
async fn commit_end(context: &Context, job: &Job) -> Result<(), Stopped> {
    let event = Event::JobDone {
        job: job.id,
        deed: job.deed.clone(),
        scope: in_words(&job.scope),
        recipients: done(context, job),
        by: job.given.by.clone(),
    };
    let events = vec![Stamped { at: context.clock.wall().0, event }];
    committed(context, Batch { events, ..Batch::default() }).await
}

/// Waits until a change is committed, and with it all that was handed over before.
async fn committed(context: &Context, batch: Batch) -> Result<(), Stopped> {
    let (token, receipt) = context.jobs.receipts.wait();
    let change = Change { batch, token: Some(token) };
    if let Err(refused) = context.commits.submit(change) {
        context.jobs.receipts.forget(token);
        return Err(Stopped::NotCommitted(refused.to_string()));
    }
    match receipt.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(not_stored)) => Err(Stopped::NotCommitted(not_stored.0)),
        Err(_) => Err(Stopped::Stopping),
    }
}

fn in_words(scope: &JobScope) -> String {
    match scope {
        JobScope::All => "all".to_owned(),
        JobScope::Host(host) => host.to_string(),
        JobScope::Sender(sender) => format!("from {sender}"),
        JobScope::Message(mid) => format!("MID {mid}"),
    }
}
