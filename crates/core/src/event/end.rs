//! How mail ends without delivery, and what is made of that.

use serde::{Deserialize, Serialize};

/// Why the gateway made a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GeneratedKind {
    /// A failure report.
    Bounce,
    /// A delay report.
    Delay,
    /// A success or relay report (RFC 3461).
    Success,
}

/// The kinds of hard bounce that operators count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BounceKind {
    /// The name service said never.
    Dns,
    /// The next hop said never.
    FiveXx,
    /// A rule of ours.
    Filter,
    /// Too old, or tried too often.
    Expired,
    /// Anything else (an operator's bounce, a loop).
    Other,
}

/// Why no failure report was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unreported {
    /// The reverse path is empty: a bounce of a bounce.
    NullSender,
    /// `NOTIFY` did not ask for it.
    NotRequested,
    /// The bounce profile says no.
    Profile,
}
