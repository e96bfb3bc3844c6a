//! What every request shares.

use std::sync::Arc;

use mailreeve_api::desk::Start;

use crate::channel::Channel;

/// Shared by all requests. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    inner: Arc<Inner>,
}

struct Inner {
    channel: Channel,
    hostname: String,
}

impl Desk {
    /// Makes the desk of a daemon.
    pub fn new(channel: Channel, start: &Start) -> Self {
        let hostname = start.hostname.clone();
        Self { inner: Arc::new(Inner { channel, hostname }) }
    }

    /// The way to the daemon.
    pub fn channel(&self) -> &Channel {
        &self.inner.channel
    }

    /// The name of the gateway, for headings.
    pub fn hostname(&self) -> &str {
        &self.inner.hostname
    }
}
