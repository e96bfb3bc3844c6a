//! A checking sink: a healthy host in a room of its own that takes everything and remembers it.
//!
//! With [`Detail::Sums`] it is fast enough to stand behind a benchmark; with records it is the other half of
//! [`crate::verify`].

use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use crate::host::{Authority, Detail, Host, HostPlan, Temper};
use crate::room::Room;

/// A running sink. Stops when dropped. Everything else it can do is that of its [`Host`].
#[derive(Debug)]
pub struct Sink {
    host: Host,
    _room: Room,
}

impl Sink {
    /// Starts a sink at `address` that notes as much as `detail` says; port 0 takes any.
    ///
    /// # Errors
    /// When the address cannot be bound or the record file cannot be opened.
    pub fn start(address: SocketAddr, detail: Detail) -> io::Result<Self> {
        Self::plan(HostPlan::new(address, Temper::healthy()).detail(detail))
    }

    /// Starts a sink at `address` whose records go to `file` only.
    ///
    /// # Errors
    /// As for [`Self::start`].
    pub fn to_file(address: SocketAddr, file: &Path) -> io::Result<Self> {
        let file = Some(file.to_owned());
        Self::start(address, Detail::Records { memory: false, content: false, file })
    }

    /// Starts a sink as planned.
    ///
    /// # Errors
    /// As for [`Self::start`].
    pub fn plan(plan: HostPlan) -> io::Result<Self> {
        let room = Room::open("lab-sink")?;
        let host = Host::start(&room, &Arc::new(Authority::new()?), plan)?;
        Ok(Self { host, _room: room })
    }
}

impl Deref for Sink {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}
