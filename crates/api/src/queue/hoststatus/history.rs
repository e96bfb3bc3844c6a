//! `hoststatus HOST at TIME`, `hoststatus HOST since TIME`: how a destination stood, and what changed.

use serde::{Deserialize, Serialize};

use crate::queue::Reason;

/// Version of the form of [`HostHistory`]. It grows when a field changes its meaning; new fields do not change it.
pub const SCHEMA: u32 = 1;

/// What the records say of a destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostHistory {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The records reach from this instant on, microseconds since the epoch as all instants here.
    pub records_from_us: u64,
    /// And up to this one.
    pub records_to_us: u64,
    /// What is not as it was when it worked last; `None` while it works, and when it never did.
    #[serde(default)]
    pub changed: Option<HostChange>,
    /// How it stood at the time that was asked for.
    #[serde(default)]
    pub then: Option<HostThen>,
    /// What happened since the time that was asked for.
    #[serde(default)]
    pub over: Option<HostOver>,
}

/// How a destination stood at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostThen {
    /// The time.
    pub at_us: u64,
    /// How it stood; `None` when the records say nothing of it.
    pub state: Option<HostState>,
}

/// A destination at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostState {
    /// `up`, `down`, `unknown`, or `not-running` while the gateway did not run.
    pub status: String,
    /// Since when.
    pub since_us: u64,
    /// It may have stood so before: what led to it is older than the records.
    #[serde(default)]
    pub or_earlier: bool,
    /// It stood so before the gateway was started, and was not tried since.
    #[serde(default)]
    pub before_start: bool,
    /// The failure behind it, in words.
    pub reason: Option<String>,
    /// The failure behind it, for programs.
    pub failure: Option<Reason>,
    /// What was said about where its mail goes: `dns`, `route`, `failed`, or `unknown`.
    pub answers: String,
    /// How the look-up failed.
    pub lookup: Option<String>,
    /// Exchangers with their preference.
    pub exchangers: Vec<HostExchanger>,
    /// Addresses with preference and the name that they belong to.
    pub addresses: Vec<HostAddress>,
    /// Mail servers as they were met last.
    pub servers: Vec<HostServer>,
    /// Addresses of ours that connections came from.
    pub sources: Vec<String>,
    /// The configuration in force, by its checksum.
    pub configuration: Option<String>,
    /// Since when it was.
    pub configured_us: Option<u64>,
    /// Who suspended delivery to it, and when.
    pub suspended: Option<(String, u64)>,
    /// Who suspended all delivery, and when.
    pub all_suspended: Option<(String, u64)>,
    /// What was not as it was when it had worked last.
    pub changed: Option<HostChange>,
}

/// An exchanger of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostExchanger {
    /// Preference.
    pub preference: u16,
    /// Its name.
    pub name: String,
}

/// An address of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostAddress {
    /// Preference or priority.
    pub preference: u16,
    /// Address and port.
    pub address: String,
    /// The exchanger or next hop.
    pub name: String,
}

/// A mail server as it was met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostServer {
    /// Its name.
    pub name: String,
    /// The version of TLS; `None` in clear.
    pub protocol: Option<String>,
    /// The certificate that it showed. Nothing of it is verified by being here.
    pub certificate: Option<HostCertificate>,
}

/// A certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostCertificate {
    /// SHA-256 of it, in hexadecimal.
    pub fingerprint: String,
    /// Whom it names.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// It holds from.
    pub from_us: u64,
    /// It holds until.
    pub until_us: u64,
}

/// What is not as it was when the destination worked last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostChange {
    /// When it worked last.
    pub worked_us: u64,
    /// What differs; empty when nothing that can be seen from here changed.
    pub differences: Vec<HostDifference>,
}

/// One thing that is not as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostDifference {
    /// `mx-added`, `mx-removed`, `mx-preference`, `address-added`, `address-removed`, `port`, `dns-failed`,
    /// `dns-answers`, `route`, `certificate`, `tls`, `source` or `configuration`.
    pub kind: String,
    /// The mail server that it is about.
    pub name: Option<String>,
    /// What was.
    pub before: Option<String>,
    /// What is.
    pub after: Option<String>,
    /// The certificate that was, and the one that is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<HostCertificate>,
    /// Settings of ours that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<String>,
    /// So many more differ.
    #[serde(default)]
    pub more_settings: u32,
}

/// What happened to a destination within a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostOver {
    /// The beginning.
    pub from_us: u64,
    /// The end.
    pub to_us: u64,
    /// How it stood at the beginning; `None` when the records say nothing of that.
    pub opening: Option<HostState>,
    /// What happened, the newest last.
    pub steps: Vec<HostStep>,
    /// How many steps there are on all pages.
    pub total: u64,
    /// What `page` must say for the next of them.
    pub next: Option<String>,
    /// How long it stood how.
    pub shares: HostShares,
}

/// How long a destination stood how, microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostShares {
    /// Up.
    pub up_us: u64,
    /// Down.
    pub down_us: u64,
    /// Unknown while the gateway ran.
    pub unknown_us: u64,
    /// The gateway did not run.
    pub not_running_us: u64,
    /// Before the first record of it.
    pub before_us: u64,
}

/// One thing that happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostStep {
    /// When.
    pub at_us: u64,
    /// `status`, `flapped`, `way`, `suspended`, `resumed`, `stopped`, `started` or `configured`.
    pub what: String,
    /// Until the next step, or the end.
    pub held_us: u64,
    /// Who did it.
    pub by: Option<String>,
    /// An order about all delivery.
    #[serde(default)]
    pub everywhere: bool,
    /// Changes of the status that were counted instead of being told, with this one.
    #[serde(default)]
    pub changes: u32,
    /// What changed with it.
    #[serde(default)]
    pub differences: Vec<HostDifference>,
    /// How the destination stood from then on.
    pub state: HostState,
}

impl HostShares {
    /// The share of the time for which the status is on record, the gateway running, in which it was up: in tenths of a
    /// percent, rounded down so that only what was always up is told as all of it. `None` when there is no such time.
    pub fn up_permille(&self) -> Option<u64> {
        let known = u128::from(self.up_us) + u128::from(self.down_us) + u128::from(self.unknown_us);
        let permille = (u128::from(self.up_us) * 1_000).checked_div(known)?;
        u64::try_from(permille).ok()
    }
}
