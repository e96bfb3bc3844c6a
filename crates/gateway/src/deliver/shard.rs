//! The task that owns the shard: inputs in, effects out, nothing decided here.

mod connect;
mod handle;
mod load;
mod resolve;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use mailreeve_core::delivery::Delivery;
use mailreeve_core::delivery::io::{After, Effect, Input, RecipientResult, Retried};
use mailreeve_core::delivery::views::{ConnectionState, ConnectionView};
use mailreeve_core::event::{Cause, Failure, Stage};
use mailreeve_core::ids::Dcid;
use tokio::sync::{Notify, mpsc, oneshot};

use super::bodies::{Bodies, Loaded};
use super::connection::{Job, Order};
use super::ends::{Ends, Ready};
use super::pace::{self, Pace};
use super::room::Room;
use super::stored::entering;
use crate::context::Context;
use crate::host_watch;
use crate::jobs::Step;

pub use self::handle::{Gone, Message, Question, ShardHandle};
use self::load::{Load, Purpose, Waiting};
use self::resolve::LookedUp;

/// Recipients that enter the shard in one input, and those of one message more.
const ENQUEUED: usize = 1_000;
/// Inputs handled before effects are carried out.
const BATCH: usize = 256;
/// Longest time for transactions under way to end at a stop. What is cut off then is tried again after the start.
const DRAIN: Duration = Duration::from_secs(30);

/// The shell around one shard.
struct Shell {
    context: Arc<Context>,
    delivery: Delivery,
    /// The way to each connection's task. A connection holds its slot for as long as it stands here.
    lines: HashMap<Dcid, Line>,
    bodies: Bodies,
    room: Room,
    ends: Ends,
    pace: Pace,
    /// Transactions that wait until fewer ends are open, oldest first.
    held: VecDeque<Waiting>,
    looked_up: LookedUp,
    inputs: mpsc::UnboundedSender<Input>,
    loads: mpsc::UnboundedSender<Load>,
    effects: Vec<Effect>,
    /// Who waits for the end of a retry-now, in the order in which they were given.
    retries: VecDeque<oneshot::Sender<Retried>>,
}

/// The two ways to a connection's task.
struct Line {
    orders: mpsc::Sender<Order>,
    cut: Arc<Notify>,
}

/// Runs the shard until it is told to shut down and nothing is under way any more that somebody could miss.
pub async fn run(
    context: Arc<Context>,
    delivery: Delivery,
    mut messages: mpsc::UnboundedReceiver<Message>,
    body_bytes: usize,
) {
    let (inputs, mut incoming) = mpsc::unbounded_channel();
    let (loads, mut loaded) = mpsc::unbounded_channel();
    let (room, mut wanted) = Room::new(body_bytes);
    let mut shell = Shell {
        ends: Ends::new(Arc::clone(&context)),
        context,
        delivery,
        lines: HashMap::new(),
        pace: Pace::default(),
        bodies: Bodies::new(room.clone()),
        room,
        held: VecDeque::new(),
        looked_up: LookedUp::default(),
        inputs,
        loads,
        effects: Vec::new(),
        retries: VecDeque::new(),
    };
    let mut from_connections = Vec::with_capacity(BATCH);
    let mut from_outside = Vec::with_capacity(BATCH);
    let mut stopping = None;
    while !stopping.is_some_and(|by| shell.may_end(by)) {
        let wait = shell.next_look();
        tokio::select! {
            _ = incoming.recv_many(&mut from_connections, BATCH) => {}
            count = messages.recv_many(&mut from_outside, BATCH) => {
                if count == 0 {
                    stopping = stopping.or_else(drained);
                }
            }
            Some(load) = loaded.recv() => shell.loaded(load),
            () = until(stopping), if stopping.is_some_and(|by| by > tokio::time::Instant::now()) => {}
            Some(octets) = wanted.recv() => shell.bodies.give_way(octets),
            () = tokio::time::sleep(wait.unwrap_or(Duration::from_secs(60))), if wait.is_some() => {
                from_connections.push(Input::Tick);
            }
        }
        for input in from_connections.drain(..) {
            shell.input(input);
        }
        for message in from_outside.drain(..) {
            if matches!(&message, Message::Input(Input::Shutdown)) {
                stopping = stopping.or_else(drained);
            }
            shell.message(message);
        }
        shell.carry_out();
        shell.go_on();
    }
}

async fn until(moment: Option<tokio::time::Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// When a stop that begins now has waited long enough.
fn drained() -> Option<tokio::time::Instant> {
    Some(tokio::time::Instant::now() + DRAIN)
}

impl Shell {
    /// Tells whether the daemon may stop: every end is durable, and either no connection carries anything or `by`
    /// has come. A connection that only opens has nobody's mail: it is dropped, however long its peer keeps silent.
    fn may_end(&self, by: tokio::time::Instant) -> bool {
        let carries = |connection: ConnectionView| connection.state != ConnectionState::Opening;
        let quiet = || self.lines.is_empty() || !self.delivery.connections().any(carries);
        self.ends.settled() && (quiet() || tokio::time::Instant::now() >= by)
    }

    fn message(&mut self, message: Message) {
        match message {
            Message::Committed(messages) => {
                let mut waiting = Vec::with_capacity(messages.len());
                for (envelope, content) in messages {
                    waiting.extend(entering(&envelope));
                    self.bodies.keep(envelope, content);
                    // A commit may bring as many as a thousand messages with many recipients each.
                    if waiting.len() >= ENQUEUED {
                        self.input(Input::Enqueue(std::mem::take(&mut waiting)));
                    }
                }
                self.input(Input::Enqueue(waiting));
            }
            Message::EndsSettled(delivered) => {
                self.ends.settled_ends(delivered);
                self.start_held();
            }
            Message::Recovered(waiting, taken) => {
                self.input(Input::Enqueue(waiting));
                // The reading thread ends with the daemon; it need not hear then.
                let _ = taken.send(());
            }
            Message::Input(input) => self.input(input),
            Message::DeliverNow { scope, by, told } => {
                self.retries.push_back(told);
                self.input(Input::DeliverNow { scope, by });
            }
            Message::Cut(dcids) => {
                for line in dcids.iter().filter_map(|dcid| self.lines.get(dcid)) {
                    line.cut.notify_one();
                }
            }
            Message::Ask(question) => {
                let (delivery, now) = (&mut self.delivery, self.context.clock.wall());
                self.context.shard_time.question(|| question(delivery, now));
            }
        }
    }

    fn input(&mut self, input: Input) {
        match &input {
            Input::Resolved { host, .. } => self.looked_up.answered(host, self.context.clock.steady()),
            Input::Unusable { dcid, .. }
            | Input::Closed { dcid, .. }
            | Input::Outcome { dcid, after: After::Gone(_), .. } => {
                self.lines.remove(dcid);
            }
            Input::Outcome { after: After::Usable, .. }
            | Input::Ready { .. }
            | Input::Enqueue(_)
            | Input::Tick
            | Input::DeliverNow { .. }
            | Input::Suspend { .. }
            | Input::Resume { .. }
            | Input::Order(_)
            | Input::Held(_)
            | Input::GoOn { .. }
            | Input::Reconfigure(_)
            | Input::SpoolSpace { .. }
            | Input::RecordCorrupt { .. }
            | Input::Probed { .. }
            | Input::Shutdown => {}
        }
        let (delivery, now, effects) = (&mut self.delivery, self.context.clock.wall(), &mut self.effects);
        self.context.shard_time.input(|| delivery.handle(input, now, effects));
    }

    /// When the shard is to be called again, whatever happens.
    fn next_look(&self) -> Option<Duration> {
        let wait = self.delivery.deadline().map(|at| at.since(self.context.clock.wall()));
        match self.pace.is_awaited() {
            true => Some(wait.unwrap_or(pace::LOOK).min(pace::LOOK)),
            false => wait,
        }
    }

    /// Lets operators' orders go on whose last slice is on its way to the disk.
    fn go_on(&mut self) {
        if !self.pace.is_awaited() {
            return;
        }
        let ready = self.pace.take_ready(self.context.commits.depth().urgent);
        for (order, step) in ready {
            self.context.jobs.orders.tell(order, step);
            if !step.over {
                self.input(Input::GoOn { order });
            }
        }
        self.carry_out();
    }

    /// Carries out what was decided. Effects that cause inputs at once are handled in the same round.
    fn carry_out(&mut self) {
        while !self.effects.is_empty() {
            for effect in std::mem::take(&mut self.effects) {
                self.effect(effect);
            }
        }
        for ready in self.ends.take_ready(&self.bodies) {
            match ready {
                Ready::Finished(mid) => self.bodies.drop_message(mid),
                Ready::Needs(mid) => self.load(mid, Purpose::Report),
            }
        }
        self.pace.handed_over(self.ends.reading());
    }

    fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Resolve { host, bearer } => self.resolve(host, bearer),
            Effect::Connect { .. } => self.connect(effect),
            Effect::Transact { dcid, mid, rids, again } => {
                self.held.push_back(Waiting { dcid, mid, rids, again });
                self.start_held();
            }
            Effect::Quit { dcid } => self.order(dcid, Order::Quit),
            Effect::Record(event) => host_watch::tell(&self.context, event),
            Effect::Retried(retried) => {
                if let Some(told) = self.retries.pop_front() {
                    // Whoever gave the command may have lost patience.
                    let _ = told.send(retried);
                }
            }
            Effect::Defer { state, event, report_delay } => {
                // Old mail must not crowd fresh mail out of memory.
                self.bodies.drop_message(state.mid);
                self.ends.deferred(state, event, report_delay);
            }
            Effect::Redirect { state, event } => self.ends.redirected(state, event),
            Effect::Slice { order, progress } => self.pace.decided(order, Step { progress, over: false }),
            Effect::OrderOver { order, progress } => self.pace.decided(order, Step { progress, over: true }),
            Effect::End { mid, rid, host, end, last } => self.ends.ended(mid, rid, host, end, last),
        }
    }

    fn transact(&mut self, waiting: Waiting, loaded: Loaded) {
        let Waiting { dcid, mid, rids, again } = waiting;
        self.ends.started(&loaded, &rids);
        self.order(dcid, Order::Transact(Box::new(Job { mid, rids, loaded, again })));
    }

    fn order(&mut self, dcid: Dcid, order: Order) {
        let sent = self.lines.get(&dcid).map(|line| line.orders.try_send(order));
        match sent {
            Some(Ok(())) => {}
            // The connection ended in this very moment: its own last input tells the shard, except that a
            // transaction which never began must be answered here.
            Some(Err(mpsc::error::TrySendError::Closed(order) | mpsc::error::TrySendError::Full(order))) => {
                self.undelivered(dcid, order);
            }
            None => {}
        }
    }

    fn undelivered(&mut self, dcid: Dcid, order: Order) {
        let Order::Transact(job) = order else { return };
        let failure = Failure {
            stage: Stage::Mail,
            cause: Cause::ConnectionLost,
            status: (4, 4, 2),
            code: 0,
            text: vec!["connection closed by the peer".to_owned()],
            address: None,
            at: self.context.clock.wall().0,
        };
        let soft = RecipientResult::Soft(failure.clone());
        let results = job.rids.iter().map(|rid| (*rid, soft.clone())).collect();
        let after = After::Gone(Some(failure));
        self.input(Input::Outcome { dcid, mid: job.mid, results, after });
    }
}
