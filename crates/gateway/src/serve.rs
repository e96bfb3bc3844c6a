//! Putting the daemon together, and taking it apart in order.
//!
//! ```text
//!   main thread      control runtime: signals, commands, metrics, disk watch
//!   receive threads  one runtime each: listeners and inbound sessions
//!   delivery thread  one runtime: the shard and its connections
//!   commit thread    the spool's group commit          journal thread   ledger, log, counters
//!   recorder thread  attempts, for those who ask why
//! ```
//! Order of the start: lock and open the spool, open the ledger and bring it up to date, bind the listeners and
//! the socket (so that what is taken ends the start before anything runs), start threads, stream the queue back in.
//! Order of the stop: no new connections; sessions end at the next command; deliveries under way end; what
//! they decided is committed; the ledger is synced.

mod greeting;
mod outlet;
mod recover;
mod release;
mod reload;
mod standing;
mod stop;
mod store;
mod threads;
mod watch;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result};
use arc_swap::ArcSwap;
use mailreeve_core::delivery::Delivery;
use mailreeve_core::delivery::io::Input;
use mailreeve_core::ids::Dcid;
use tokio::net::UnixListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch as channel;

use crate::clear_text::ClearText;
use crate::clock::Clock;
use crate::commands::{self, Commands};
use crate::configuration::{self, Text};
use crate::context::{Context, RecoveryProgress, Running};
use crate::deliver::ShardTime;
use crate::deliver::shard::{self, Message, ShardHandle};
use crate::host_watch::{self, HostWatch};
use crate::intake::Intake;
use crate::jobs::{self, Jobs};
use crate::listen::{self, Listener};
use crate::lookups::reverse::PeerNames;
use crate::receipts::{Dispatcher, ReceiptRouter, Receipts};
use crate::recorder::Recorder;
use crate::verdicts::{self, Kept};
use crate::{desk, events, metrics, notify, outages, probe};

/// Longest time for connections to end at a stop.
const DRAIN: Duration = Duration::from_secs(30);

/// Threads of a receiving runtime that write large content at a time.
const STAGERS: usize = 64;

/// Runs the gateway in the foreground until it is told to stop.
///
/// # Errors
/// Whatever keeps it from starting, in words for a person: what, where, what to do.
pub fn serve(file: Option<&Path>) -> Result<()> {
    let text = configuration::read(file)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _guard = runtime.enter();
    let signals = Signals::listen()?;
    let clock = Clock::start();
    let stores = store::open(&text.config, clock)?;
    let listeners = bind(&text)?;
    let listening: Vec<SocketAddr> = listeners.iter().map(|listener| listener.address).collect();
    let socket = runtime.block_on(commands::bind(&text.config.socket))?;
    let running = configuration::prepare(text, listening, Arc::default())?;
    let daemon = Daemon::start(stores, running, listeners, clock)?;
    greeting::greet(&daemon);
    let outcome = runtime.block_on(control(&daemon, socket, signals, file));
    notify::tell("STOPPING=1");
    daemon.stop();
    outcome
}

/// The daemon with its threads running.
struct Daemon {
    context: Arc<Context>,
    listeners: Vec<Arc<Listener>>,
    parts: store::Parts,
    stop: channel::Sender<bool>,
    receiving: Vec<JoinHandle<()>>,
    delivering: JoinHandle<()>,
    recovering: JoinHandle<()>,
    recording: Option<JoinHandle<()>>,
}

impl Daemon {
    fn start(
        stores: store::Stores,
        running: Running,
        listeners: Vec<Arc<Listener>>,
        clock: Clock,
    ) -> Result<Self> {
        let queue = running.config.queue.clone();
        let body_bytes = usize::try_from(queue.body_memory)?;
        let intake = Arc::new(Intake::default());
        intake.set_limits(queue.max_recipients as u64, body_bytes);
        let (sink, source) = events::channel(clock);
        let config = &running.config;
        let (recorder, recording) =
            Recorder::start(&config.recorder, &config.data_dir, Arc::clone(&intake), &sink, clock)?;
        let (shard, messages) = ShardHandle::channel();
        let mut router = ReceiptRouter::default();
        let count = threads::receive_count(running.config.receive_threads);
        let receivers: Vec<_> = (0..count).map(|_| router.add_runtime()).collect();
        let (receipts, dispatcher) = router.add_runtime();
        tokio::spawn(dispatcher.run());
        let first_dcid = Dcid(stores.first_dcid);
        let (standing, work_queue) = (Arc::clone(&stores.standing), Arc::clone(&stores.work_queue));
        let (parts, recovery) = stores.start(&sink, source, &shard, router, &running, clock)?;
        let context = Arc::new(Context {
            clock,
            events: sink,
            commits: parts.commits.clone(),
            ids: parts.ids.clone(),
            reader: parts.reader.clone(),
            tracking: Arc::clone(&parts.tracking),
            history: parts.history.clone(),
            hosts: HostWatch::default(),
            staging: parts.staging.clone(),
            health: Arc::clone(&parts.health),
            intake,
            shard,
            shard_time: ShardTime::default(),
            peer_names: PeerNames::default(),
            clear_text: ClearText::default(),
            recovery: RecoveryProgress::default(),
            standing,
            jobs: Jobs::new(receipts),
            recorder,
            work_queue,
            probes: probe::Probes::default(),
            running: ArcSwap::from_pointee(running),
        });
        greeting::started(&context);
        standing::remind(&context);
        let settings = Arc::clone(&context.running.load().delivery);
        let mut delivery = Delivery::new(settings, clock.wall().0, first_dcid);
        standing::take_up(&context.standing.in_force(), &listeners, &mut delivery);
        verdicts::take_up(&context, &mut delivery, clock.wall());
        let shard = shard::run(Arc::clone(&context), delivery, messages, body_bytes);
        let delivering = threads::spawn("delivery", crate::deliver::READERS, shard)?;
        let (stop, stopping) = channel::channel(false);
        let mut receiving = Vec::new();
        for (receipts, dispatcher) in receivers {
            let receive =
                receive(Arc::clone(&context), listeners.clone(), receipts, dispatcher, stopping.clone());
            receiving.push(threads::spawn("receive", STAGERS, receive)?);
        }
        let recovering = recover::start(Arc::clone(&context), recovery)?;
        for job in context.standing.in_force().jobs.iter().cloned() {
            jobs::begin(&context, job);
        }
        Ok(Self { context, listeners, parts, stop, receiving, delivering, recovering, recording })
    }

    /// Threads are told in the order in which mail flows; each is waited for before the next.
    fn stop(self) {
        self.context.intake.stop();
        // A thread that is gone needs not be told, and one that panicked has nothing left to wait for.
        let _ = self.stop.send(true);
        for thread in self.receiving {
            let _ = thread.join();
        }
        let _ = self.context.shard.send(Message::Input(Input::Shutdown));
        let _ = self.delivering.join();
        let _ = self.recovering.join();
        self.context.recorder.close();
        if let Some(thread) = self.recording {
            let _ = thread.join();
        }
        self.parts.finish(&self.context.events);
    }
}

/// One receiving runtime: every listener, and the receipts of its sessions.
async fn receive(
    context: Arc<Context>,
    listeners: Vec<Arc<Listener>>,
    receipts: Arc<Receipts>,
    dispatcher: Dispatcher,
    stopping: channel::Receiver<bool>,
) {
    tokio::spawn(dispatcher.run());
    let mut running = tokio::task::JoinSet::new();
    for listener in &listeners {
        let (listener, receipts) = (Arc::clone(listener), Arc::clone(&receipts));
        running.spawn(listen::run(Arc::clone(&context), listener, receipts, stopping.clone()));
    }
    while running.join_next().await.is_some() {}
    stop::drained(&stop::OpenConnections(&listeners), DRAIN).await;
}

fn bind(text: &Text) -> Result<Vec<Arc<Listener>>> {
    text.config
        .listeners
        .iter()
        .map(|row| {
            Listener::bind(&row.name, row.address, row.max_connections, row.max_connections_per_ip)
                .map(Arc::new)
                .with_context(|| {
                    format!(
                        "listener {} cannot use {}: is another mail server running there? \
                         (ports below 1024 need root or CAP_NET_BIND_SERVICE)",
                        row.name, row.address
                    )
                })
        })
        .collect()
}

/// The signals that this daemon answers. Listened to before anything else is done, so that one that comes during
/// the start is kept and does not end the process where it stands.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Must be called in a runtime.
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

/// Everything that is neither mail coming in nor mail going out, until a signal ends it.
async fn control(
    daemon: &Daemon,
    socket: UnixListener,
    mut signals: Signals,
    file: Option<&Path>,
) -> Result<()> {
    let Daemon { context, listeners, parts, .. } = daemon;
    let commands = Arc::new(Commands::new(Arc::clone(context), listeners.clone(), Arc::clone(&parts.books)));
    let config = context.running.load().config.clone();
    tokio::spawn(commands::serve(socket, Arc::clone(&commands)));
    if let Some(address) = config.metrics_address {
        let listener =
            metrics::bind(address).await.with_context(|| format!("metrics cannot use {address}"))?;
        tokio::spawn(metrics::serve(listener, Arc::clone(&commands)));
    }
    tokio::spawn(desk::run(Arc::clone(context), Arc::clone(&commands)));
    tokio::spawn(probe::run(Arc::clone(context)));
    tokio::spawn(host_watch::run(Arc::clone(context)));
    tokio::spawn(release::run(Arc::clone(context)));
    tokio::spawn(commands::watch_identity(Arc::clone(&commands)));
    tokio::spawn(watch::run(Arc::clone(context), Arc::clone(&parts.space)));
    tokio::spawn(outages::run(Arc::clone(context)));
    let keeping = tokio::spawn(verdicts::run(Arc::clone(context)));
    notify::tell("READY=1");
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => break,
            _ = signals.interrupt.recv() => break,
            _ = signals.hangup.recv() => reload::reload(context, file),
        }
    }
    keeping.abort();
    verdicts::keep(context, &mut Kept::default()).await;
    Ok(())
}
