//! Destinations over time: which changes are told, and what is read from them later.
//!
//! ```text
//!   look-ups, sessions, verdicts ──► Watch ──► events in the ledger ──► Timeline: the state at any time,
//!                                                                      what held how long, what changed
//! ```
//! [`Watch`] is beside the shard, in memory, and bounded; it decides what of all that it hears is an event.
//! [`Timeline`] is the fold of one destination's events and of those that concern every destination; it knows nothing
//! else, so that it says the same after a restart, and after the index of these events was made anew.

mod difference;
mod shares;
mod timeline;
mod watch;
mod worked;

pub use difference::{Difference, differences};
pub use shares::Shares;
pub use timeline::{Standing, State, Step, Suspended, Timeline, What};
pub use watch::{Change, Watch};
pub use worked::{SettingsBetween, WhatChanged};

use crate::event::Event;
use crate::ids::Host;

/// Whom an event of this history concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concerned<'a> {
    /// One destination.
    Host(&'a Host),
    /// Every destination.
    All,
}

/// Tells whether an event belongs to the history of destinations, and of which.
pub const fn concerned(event: &Event) -> Option<Concerned<'_>> {
    match event {
        Event::HostChanged { host, .. }
        | Event::HostFacts { host, .. }
        | Event::HostFlapped { host, .. }
        | Event::DeliverySuspended { host: Some(host), .. }
        | Event::DeliveryResumed { host: Some(host), .. } => Some(Concerned::Host(host)),
        Event::DeliverySuspended { host: None, .. }
        | Event::DeliveryResumed { host: None, .. }
        | Event::Started { .. }
        | Event::Stopped
        | Event::Configured { .. }
        | Event::SettingsChanged { .. } => Some(Concerned::All),
        _ => None,
    }
}
