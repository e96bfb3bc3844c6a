//! `hoststatus`: everything that is known of one destination.

use serde::{Deserialize, Serialize};

use crate::command::{Argument, Command, Effect, Role, Spec};
use crate::counters::Completion;
use crate::format::AsOf;
use crate::queue::{CohortLine, Reason};
use crate::wire::Problem;

mod asked;
mod history;
mod history_text;
mod text;

pub use history::{
    HostAddress, HostCertificate, HostChange, HostDifference, HostExchanger, HostHistory, HostOver,
    HostServer, HostShares, HostState, HostStep, HostThen, SCHEMA,
};

/// Asks for one destination: as it is, as it was, or what happened to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostStatus {
    /// The recipient host.
    pub host: String,
    /// As it was at this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What happened since this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// What follows this place: `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// Steps of a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
}

/// What is known of a destination.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HostStatusReply {
    /// When.
    pub as_of: AsOf,
    /// The destination.
    pub host: String,
    /// `up`, `down` or `unknown`.
    pub status: String,
    /// Since when, microseconds since the epoch.
    pub since_us: Option<u64>,
    /// The status is that of before the gateway's start: nothing was tried there since.
    #[serde(default)]
    pub before_start: bool,
    /// It is being tried now: looked up or connected to, while no connection to it stands.
    #[serde(default)]
    pub trying: bool,
    /// The failure behind the status, in words, when the destination is not up.
    pub reason: Option<String>,
    /// The failure behind a status other than up, for programs.
    #[serde(default)]
    pub failure: Option<Reason>,
    /// Nothing has been tried there for long: what it was before, when that is known.
    #[serde(default)]
    pub was: Option<String>,
    /// Next attempt of the destination, when its clock runs.
    pub next_attempt_us: Option<u64>,
    /// Who suspended delivery to it, and when.
    pub suspended: Option<(String, u64)>,
    /// Soft Bounced Events.
    pub soft_bounced_evts: u64,
    /// Completion, by kind of end.
    #[serde(flatten)]
    pub completion: Completion,
    /// Unattempted Recipients.
    pub unattempted_recips: u64,
    /// Attempted Recipients.
    pub attempted_recips: u64,
    /// Current Outbound Connections.
    pub conn_out: u64,
    /// Pending Outbound Connections.
    pub conn_pending: u64,
    /// Acceptance time of its oldest waiting message.
    pub oldest_message_us: Option<u64>,
    /// Last attempt or delivery.
    pub last_activity_us: Option<u64>,
    /// Addresses in the order of trying, with their expiry.
    pub addresses: Option<Addresses>,
    /// Each of them with what is held against it.
    #[serde(default)]
    pub targets: Vec<AddressLine>,
    /// Why its recipients wait, the reason of most recipients first.
    #[serde(default)]
    pub cohorts: Vec<CohortLine>,
    /// Different failures of late, at most eight, each as it was last seen, newest first.
    #[serde(default)]
    pub failures: Vec<Reason>,
    /// Exchangers as DNS gave them.
    pub exchangers: Vec<Exchanger>,
    /// SMTP routes for it.
    pub routes: Vec<RouteLine>,
    /// Last 5XX reply.
    pub last_5xx: Option<LastError>,
    /// Last error of any class, whatever the status: why mail waits for a destination that is up.
    pub last_error: Option<LastError>,
    /// Last TLS error, with the mode that was tried.
    pub last_tls: Option<LastError>,
    /// What the records say of other times, and what changed since it worked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<HostHistory>,
}

/// Addresses to try.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Addresses {
    /// The cached answer's end, microseconds since the epoch.
    pub expires_us: u64,
    /// Preference and address.
    pub ordered: Vec<(u16, String)>,
}

/// An address and what is held against it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AddressLine {
    /// The address, without the port.
    pub address: String,
    /// The exchanger's name.
    pub name: String,
    /// MX preference, or the route's priority.
    pub preference: u16,
    /// It failed lately: how.
    pub failed: Option<Reason>,
    /// It is tried last until then, microseconds since the epoch.
    pub until_us: Option<u64>,
}

/// An exchanger.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Exchanger {
    /// Preference.
    pub preference: u16,
    /// Seconds left to live.
    pub ttl: u32,
    /// Its name.
    pub name: String,
}

/// A fixed next hop.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RouteLine {
    /// Priority.
    pub priority: u16,
    /// The next hop as configured.
    pub hop: String,
}

/// An error worth keeping.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LastError {
    /// What was tried (TLS only).
    pub mode: Option<String>,
    /// The reply or our words.
    pub text: String,
    /// The address and port that it came from, when there was one.
    pub address: Option<String>,
    /// When, microseconds since the epoch.
    pub at_us: u64,
}

const fn argument(name: &'static str, help: &'static str) -> Argument {
    Argument { name, help, required: false, choices: &[] }
}

impl Command for HostStatus {
    type Reply = HostStatusReply;
    const SPEC: Spec = Spec {
        words: "hoststatus",
        summary: "shows all that is known of one destination, now or at another time",
        about: "Up, down or unknown, since when and why; what changed since it worked last; counters since the last reset; what waits; addresses as they stand in the cache; the last 5XX reply, the last error of any class with its address, and the last TLS error. With `at` it tells how the destination stood at that time: status, reason, DNS answers, certificates and configuration then. With `since` it tells every change from that time on with how long each state held, and the share of time up. Times are `2026-11-20 14:30`, `14:30`, `yesterday 14:30` in the zone of the gateway, `2026-11-20T14:30+01:00`, or an age: 30m, 2h, 7d. `--at` and `--since` mean the same.",
        arguments: &[
            Argument {
                name: "host",
                help: "the recipient host, for example example.com",
                required: true,
                choices: &[],
            },
            argument("at", "a time, or an age such as 2h: how it stood then"),
            argument("since", "a time, or an age: what happened from then on"),
            argument("page", "where to go on: the place that the page before has told"),
            argument("rows", "steps of a page, 1 to 1000"),
        ],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/hoststatus",
        example: "hoststatus example.com",
    };
    const NAMED: bool = true;

    fn parse(words: &[String]) -> Result<Self, Problem> {
        asked::parse(words)
    }
}

impl HostStatusReply {
    /// Makes the reply for a destination of which nothing is known.
    pub fn unknown(as_of: AsOf, host: &str) -> Self {
        Self {
            as_of,
            host: host.to_owned(),
            status: "unknown".to_owned(),
            since_us: None,
            before_start: false,
            trying: false,
            reason: None,
            failure: None,
            was: None,
            next_attempt_us: None,
            suspended: None,
            soft_bounced_evts: 0,
            completion: Completion::default(),
            unattempted_recips: 0,
            attempted_recips: 0,
            conn_out: 0,
            conn_pending: 0,
            oldest_message_us: None,
            last_activity_us: None,
            addresses: None,
            targets: Vec::new(),
            cohorts: Vec::new(),
            failures: Vec::new(),
            exchangers: Vec::new(),
            routes: Vec::new(),
            last_5xx: None,
            last_error: None,
            last_tls: None,
            history: None,
        }
    }

    const fn active(&self) -> u64 {
        self.unattempted_recips + self.attempted_recips
    }
}

#[cfg(test)]
mod tests;
