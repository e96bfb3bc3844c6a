//! Why a recipient waits: the one blocker, its owner and the instant after which it is looked at again.
//!
//! The scheduler asks the same function that the operator reads ([`Delivery::why`](super::Delivery::why));
//! delivery starts only where it says [`Why::Due`] (law 3).

use crate::event::Failure;
use crate::ids::{Dcid, Host};

/// The one blocker of a waiting recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Nothing stands in the way.
    Due,
    /// A transaction with it is under way.
    Attempting {
        /// On this connection.
        dcid: Dcid,
    },
    /// Its own clock runs after its own temporary failure, until the instant (microseconds).
    WaitingForRetry {
        /// Due at.
        until: u64,
        /// The failure that caused it.
        cause: Option<Failure>,
    },
    /// The destination is unreachable; its clock runs.
    HostBackoff {
        /// Next try of the destination.
        until: u64,
        /// Since when.
        since: u64,
        /// What failed.
        reason: Failure,
    },
    /// The destination is being tried by one recipient; the others wait for its result.
    HostOnTrial {
        /// On this connection.
        dcid: Dcid,
    },
    /// The name service is being asked.
    Resolving {
        /// Since when.
        since: u64,
    },
    /// A connection for it is being opened.
    Connecting {
        /// This one.
        dcid: Dcid,
    },
    /// All connections that the limit allows are busy.
    ConnectionLimit {
        /// Whose limit.
        whose: LimitOwner,
        /// Its value. Less than what is configured: for the gateway, the half of its slots that destinations which
        /// did not answer lately may hold; for a destination, the connections that stood when it refused one more,
        /// for a minute.
        limit: usize,
    },
    /// So many connections to the address are being opened that it has to answer some before more are.
    AddressOpening {
        /// An exchanger's address.
        address: std::net::IpAddr,
        /// Connections that are being opened to it, whatever the destination.
        opening: usize,
    },
    /// As many recipients as the limit allows were tried in this window.
    RateLimit {
        /// Whose limit.
        whose: LimitOwner,
        /// The window opens again.
        until: u64,
    },
    /// An operator suspended delivery.
    Suspended {
        /// Who.
        by: String,
        /// Since when.
        since: u64,
        /// Only this destination, or all.
        host: Option<Host>,
    },
    /// The disk could not record the end of a delivery.
    SpoolSpace {
        /// Since when.
        since: u64,
    },
    /// The daemon is stopping.
    ShuttingDown,
}

/// Whose limit a recipient waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitOwner {
    /// All outbound connections of the gateway.
    Gateway,
    /// The destination's control, or the destination itself.
    Destination(Host),
    /// An exchanger's address.
    Address(std::net::IpAddr),
}
