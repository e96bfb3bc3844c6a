//! The configuration: TOML text in, a typed [`Config`] or every [`Mistake`] at once out.
//!
//! Promises: no text at all is a complete configuration, one that accepts mail for nobody; what comes out is
//! consistent (a profile that is named exists, the lower disk mark is the lower one), so nobody checks it
//! again; nothing here is a secret, because secrets stand in files of their own that the shell reads.
//!
//! Not here: reading files, the machine's name, the machine's time zone. The shell brings them as
//! [`Defaults`].

use std::path::PathBuf;

use toml::de::DeTable;

mod convert;
mod delivery;
mod desk;
mod destination;
mod mistake;
mod names;
mod near;
mod probe;
mod reader;
mod receive;
mod route;
mod settings;
mod system;
#[cfg(test)]
mod tests;
mod units;
mod value;

pub use delivery::{ClientTimeouts, Delivery, EightBit, IpPreference};
pub use desk::Desk;
pub use mistake::{Mistake, render};
pub use probe::Probing;
pub use receive::{Accept, Limits, LineEnds, Listener, Timeouts};
pub use route::Credentials;
pub use settings::{Differing, Settings, differing, settings};
pub use system::{Dns, Identity, Ledger, Log, Queue, Recorder, Tracking, Zone};

use crate::delivery::settings::{BounceProfile, Control, Pattern, Route};
use mistake::{Note, Notes};
use reader::{Section, Spec};

/// What the machine, and not the file, knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// The machine's name, lower-case.
    pub hostname: String,
    /// Where queue and ledger are kept.
    pub data_dir: PathBuf,
    /// Where text logs are kept.
    pub log_dir: PathBuf,
    /// The socket that commands come by.
    pub socket: PathBuf,
}

/// A whole configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The name this gateway goes by in greetings, trace fields and reports.
    pub hostname: String,
    /// Where queue and ledger are kept.
    pub data_dir: PathBuf,
    /// Where text logs are kept.
    pub log_dir: PathBuf,
    /// The socket that commands come by.
    pub socket: PathBuf,
    /// Where mail is received; at least one.
    pub listeners: Vec<Listener>,
    /// For whom mail is received, and from whom for everybody.
    pub accept: Accept,
    /// How much a sender may ask for.
    pub limits: Limits,
    /// How long a sender may take.
    pub timeouts: Timeouts,
    /// Bounds of the queue.
    pub queue: Queue,
    /// How mail goes out.
    pub delivery: Delivery,
    /// Destinations that are not reached by MX, first match wins.
    pub routes: Vec<(Pattern, Route)>,
    /// Who we are to next hops that ask.
    pub credentials: Vec<Credentials>,
    /// The controls of destinations without a row of their own.
    pub destination_default: Control,
    /// The controls of destinations, first match wins.
    pub destinations: Vec<(Pattern, Control)>,
    /// When to retry and to give up; the first is the default profile.
    pub bounce_profiles: Vec<BounceProfile>,
    /// Probes that the gateway makes by itself.
    pub probe: Probing,
    /// The name service.
    pub dns: Dns,
    /// The text log.
    pub log: Log,
    /// The record of events.
    pub ledger: Ledger,
    /// The record of attempts and conversations.
    pub recorder: Recorder,
    /// What messages are found by.
    pub tracking: Tracking,
    /// Where Prometheus may ask, if anywhere.
    pub metrics_address: Option<std::net::SocketAddr>,
    /// The certificate shown to senders; without one, a self-signed one is made at the first start.
    pub identity: Option<Identity>,
    /// Where operators work with a browser.
    pub desk: Desk,
    /// Threads that receive, 0 for as many as fit the machine.
    pub receive_threads: usize,
}

const ROOT: Spec = Spec {
    header: "",
    keys: &[
        "hostname",
        "data_dir",
        "log_dir",
        "socket",
        "listener",
        "accept",
        "limits",
        "timeouts",
        "queue",
        "delivery",
        "route",
        "credentials",
        "destination_default",
        "destination",
        "bounce_profile",
        "probe",
        "dns",
        "log",
        "ledger",
        "recorder",
        "tracking",
        "metrics",
        "tls",
        "desk",
        "threads",
    ],
};

/// Every section there is: for hints, and for the test that the reference file shows all of them.
const SECTIONS: &[&Spec] = &[
    &ROOT,
    &receive::LISTENER,
    &receive::ACCEPT,
    &receive::LIMITS,
    &receive::TIMEOUTS,
    &system::QUEUE,
    &delivery::DELIVERY,
    &delivery::CLIENT_TIMEOUTS,
    &route::ROUTE,
    &route::CREDENTIALS,
    &destination::DEFAULT,
    &destination::DESTINATION,
    &destination::PROFILE,
    &probe::PROBE,
    &system::DNS,
    &system::LOG,
    &system::LEDGER,
    &system::RECORDER,
    &system::TRACKING,
    &system::METRICS,
    &system::TLS,
    &desk::DESK,
    &system::THREADS,
];

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// Every mistake of `text`, in the order of the text. A text that is not TOML is read as far as it goes.
    pub fn parse(text: &str, defaults: &Defaults) -> Result<Self, Vec<Mistake>> {
        let notes = Notes::default();
        let (table, errors) = DeTable::parse_recoverable(text);
        let whole = errors.is_empty();
        for error in errors {
            let span = error.span().unwrap_or(text.len()..text.len());
            notes.add(Note::new(span, error.message(), syntax_hint(error.message())));
        }
        let config = Self::read(&Section::root(&ROOT, table.get_ref(), &notes), defaults);
        let mistakes = notes.into_mistakes(text, whole);
        if mistakes.is_empty() { Ok(config) } else { Err(mistakes) }
    }

    fn read(root: &Section<'_>, defaults: &Defaults) -> Self {
        let delivery = Delivery::read(root);
        let credentials = route::read_credentials(root);
        let bounce_profiles = destination::read_profiles(root);
        let destination_default = destination::read_default(root, &bounce_profiles);
        let path = |key, default: &PathBuf| root.or(key, default.clone(), |v| v.parsed(names::path));
        Self {
            hostname: root.or("hostname", defaults.hostname.clone(), |v| v.parsed(names::host_name)),
            data_dir: path("data_dir", &defaults.data_dir),
            log_dir: path("log_dir", &defaults.log_dir),
            socket: path("socket", &defaults.socket),
            listeners: receive::read_listeners(root),
            accept: Accept::read(root),
            limits: Limits::read(root),
            timeouts: Timeouts::read(root),
            queue: Queue::read(root),
            routes: route::read_routes(root, delivery.port, &credentials),
            destinations: destination::read_rows(root, &destination_default, &bounce_profiles),
            delivery,
            credentials,
            destination_default,
            bounce_profiles,
            probe: Probing::read(root),
            dns: Dns::read(root),
            log: Log::read(root),
            ledger: Ledger::read(root),
            recorder: Recorder::read(root),
            tracking: Tracking::read(root),
            metrics_address: system::read_metrics(root),
            identity: Identity::read(root),
            desk: Desk::read(root),
            receive_threads: system::read_threads(root),
        }
    }
}

/// The reader of TOML says what it met; this says what to do about the commonest of it.
fn syntax_hint(message: &str) -> &'static str {
    if message.contains("duplicate key") {
        return "keep one of them; of a section that may be there many times, each header is [[name]]";
    }
    if message.contains("string") || message.contains("quote") {
        return "text stands in quotes: hostname = \"gw.example.com\"";
    }
    "each line is `key = value`, `[section]`, `[[section]]` or a `# comment`; text stands in quotes"
}
