//! What every part of the daemon shares, and what follows from the configuration in force.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::tz::TimeZone;
use mailreeve_core::config::{Config, Settings};
use mailreeve_core::delivery::settings::Settings as DeliverySettings;
use mailreeve_core::event::Severity;
use mailreeve_core::ids::Mid;
use mailreeve_core::policy::Policy;
use mailreeve_smtp::client::{self, Credentials, TlsDemand};
use mailreeve_smtp::server;
use mailreeve_store::committer::{CommitQueue, IdSource};
use mailreeve_store::history::History;
use mailreeve_store::spool::{Health, Reader, Staging};
use mailreeve_store::tracking::Tracking;

use crate::clear_text::ClearText;
use crate::clock::Clock;
use crate::deliver::ShardTime;
use crate::deliver::shard::ShardHandle;
use crate::events::EventSink;
use crate::host_watch::HostWatch;
use crate::intake::Intake;
use crate::jobs::Jobs;
use crate::lookups::dns::Dns;
use crate::lookups::exchangers::Surroundings;
use crate::lookups::reverse::PeerNames;
use crate::probe::Probes;
use crate::recorder::Recorder;
use crate::standing::StandingOrders;
use crate::tls::ClientTls;
use crate::work_queue::WorkQueue;

/// Shared by listeners, delivery and commands. Nothing in it is locked on the way of a message.
pub struct Context {
    /// Reads clocks.
    pub clock: Clock,
    /// What follows from the configuration; replaced as a whole on reload.
    pub running: ArcSwap<Running>,
    /// Tells events.
    pub events: EventSink,
    /// Hands changes to the spool.
    pub commits: CommitQueue,
    /// Hands out numbers.
    pub ids: IdSource,
    /// Reads the spool.
    pub reader: Reader,
    /// Takes content too large for memory.
    pub staging: Staging,
    /// What happened to each message.
    pub tracking: Arc<Tracking>,
    /// What happened to each destination.
    pub history: History,
    /// What of destinations is told.
    pub hosts: HostWatch,
    /// Whether the spool has failed.
    pub health: Arc<Health>,
    /// Whether mail may come in.
    pub intake: Arc<Intake>,
    /// The way to the delivery shard.
    pub shard: ShardHandle,
    /// How long inputs hold it.
    pub shard_time: ShardTime,
    /// Names of connecting hosts.
    pub peer_names: PeerNames,
    /// Addresses whose TLS is broken.
    pub clear_text: ClearText,
    /// What operators ordered and did not take back.
    pub standing: Arc<StandingOrders>,
    /// Operators' orders over many recipients.
    pub jobs: Jobs,
    /// What was tried, for those who ask why.
    pub recorder: Recorder,
    /// What was accepted and has not entered delivery.
    pub work_queue: Arc<WorkQueue>,
    /// What probes found.
    pub probes: Probes,
    /// How far reading the spool after the start is.
    pub recovery: RecoveryProgress,
}

impl Context {
    /// Tells that a stored message cannot be read back and was set apart.
    pub fn alert_corrupt(&self, mid: Mid, detail: &str) {
        self.events.alert(
            Severity::Critical,
            "record-corrupt",
            format!("the stored record of MID {mid} is damaged and was set apart: {detail}"),
            "its sender and recipients are in the log; ask the sender to send it again",
        );
    }
}

/// Messages read back of those found at the start.
#[derive(Default)]
pub struct RecoveryProgress {
    done: AtomicU64,
    total: AtomicU64,
}

impl RecoveryProgress {
    /// Sets both figures.
    pub fn set(&self, done: u64, total: u64) {
        self.total.store(total, Ordering::Relaxed);
        self.done.store(done, Ordering::Relaxed);
    }

    /// Returns `(done, total)` while it goes on.
    pub fn going_on(&self) -> Option<(u64, u64)> {
        let (done, total) = (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed));
        (done < total).then_some((done, total))
    }
}

/// Everything that the configuration decides, in the form in which it is used.
pub struct Running {
    /// The configuration itself.
    pub config: Config,
    /// Checksum of its text.
    pub checksum: u32,
    /// Where it came from.
    pub source: String,
    /// What it sets, to be compared with another.
    pub settings: Settings,
    /// Who may send what to whom.
    pub policy: Policy,
    /// Settings of inbound sessions, by listener.
    pub smtp: HashMap<String, Arc<server::Settings>>,
    /// TLS for inbound sessions.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Settings of the delivery shard.
    pub delivery: Arc<DeliverySettings>,
    /// What resolving destinations needs to know.
    pub surroundings: Arc<Surroundings>,
    /// The name service.
    pub dns: Arc<Dns>,
    /// TLS for outbound sessions.
    pub client_tls: ClientTls,
    /// Deadlines of outbound sessions.
    pub client_deadlines: client::Deadlines,
    /// What we call ourselves outbound.
    pub helo: String,
    /// Time for the look-up of a connecting host's name; zero for none.
    pub reverse_timeout: Duration,
    /// Time for one TCP connection to come about.
    pub connect_timeout: Duration,
    /// Our addresses to connect from.
    pub source_addresses: Vec<IpAddr>,
    /// Secrets for smarthosts, by name.
    pub credentials: HashMap<String, Credentials>,
    /// The zone of dates and logs.
    pub zone: TimeZone,
    /// Addresses where we listen.
    pub listening: Vec<SocketAddr>,
    /// The folder of the spool.
    pub spool_dir: PathBuf,
}

impl Running {
    /// Settings for one outbound session.
    pub fn client_settings(
        &self,
        tls: TlsDemand,
        auth: Option<Credentials>,
        implicit_tls: bool,
    ) -> client::Settings {
        client::Settings {
            helo: self.helo.clone(),
            deadlines: self.client_deadlines.clone(),
            tls,
            auth,
            implicit_tls,
            ..client::Settings::default()
        }
    }
}
