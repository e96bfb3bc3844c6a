//! The desk, where operators work with a browser or a program of theirs: `[desk]`.

use std::net::SocketAddr;
use std::time::Duration;

use super::names;
use super::reader::{Section, Spec};
use super::system::Identity;

pub(super) const DESK: Spec = Spec {
    header: "[desk]",
    keys: &["enabled", "address", "certificate", "key", "idle_timeout", "session_timeout"],
};

/// The desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desk {
    /// Whether there is one.
    pub enabled: bool,
    /// Where it listens; beyond this machine only with a certificate.
    pub address: SocketAddr,
    /// The certificate shown to browsers; without one plain HTTP is spoken.
    pub identity: Option<Identity>,
    /// A session without a request for this long has ended.
    pub idle_timeout: Duration,
    /// A session ends after this, used or not.
    pub session_timeout: Duration,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            enabled: true,
            address: SocketAddr::from(([127, 0, 0, 1], 8_024)),
            identity: None,
            idle_timeout: Duration::from_mins(30),
            session_timeout: Duration::from_hours(12),
        }
    }
}

impl Desk {
    pub(super) fn read(root: &Section<'_>) -> Self {
        let section = root.section("desk", &DESK);
        let default = Self::default();
        let time = Duration::from_mins(1)..=Duration::from_hours(24 * 31);
        let desk = Self {
            enabled: section.or("enabled", default.enabled, |v| v.boolean()),
            address: section.or("address", default.address, |v| v.parsed(names::listen_address)),
            identity: Identity::of(&section),
            idle_timeout: section.duration("idle_timeout", time.clone(), default.idle_timeout),
            session_timeout: section.duration("session_timeout", time, default.session_timeout),
        };
        let has_identity = section.has("certificate") || section.has("key");
        if desk.enabled && !desk.address.ip().is_loopback() && !has_identity {
            section.wrong(
                "address",
                "passwords would cross the network in the clear",
                "add certificate and key, or listen at 127.0.0.1 behind a proxy that speaks TLS",
            );
        }
        desk
    }

    /// Returns where a browser finds it, when there is one. Beyond this machine it goes by the gateway's name, for
    /// which its certificate is.
    pub fn url(&self, hostname: &str) -> Option<String> {
        let scheme = if self.identity.is_some() { "https" } else { "http" };
        let place = match self.address.ip().is_loopback() {
            true => self.address.to_string(),
            false => format!("{hostname}:{}", self.address.port()),
        };
        self.enabled.then(|| format!("{scheme}://{place}"))
    }
}
