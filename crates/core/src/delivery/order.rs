//! An operator's order over many recipients, as the shell gives it and hears of it.
//!
//! ```text
//!   Order ──► slice ──Slice──► (the shell makes it durable) ──GoOn──► slice ... ──► OrderOver
//!                                                              │
//!                     last slice ──GoOn──► those in a transaction come back or end ──┘
//! ```
//! The shell sets the pace: the next slice begins when it says so, so that what a slice decided is on its way to
//! the disk before more is decided, and other mail goes out between two slices.

use crate::delivery::io::Waiting;
use crate::event::Deed;
use crate::ids::{Host, Mid};

/// The shell's number for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(pub u64);

/// What is to be done to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number. An order whose number is open is not taken a second time.
    pub id: OrderId,
    /// Whom it concerns.
    pub whom: Whom,
    /// Messages from this one on came later and are not concerned.
    pub upto: Mid,
    /// What is done to each of them.
    pub deed: Deed,
    /// Who ordered it.
    pub by: String,
}

/// Whom an order concerns: recipients that wait in this shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// All.
    All,
    /// Those of one destination.
    Host(Host),
    /// Those of these messages.
    Messages(Vec<Mid>),
}

/// What is to be done to recipients that have not entered delivery. The shard decides how each of them ends, and
/// keeps none of them.
#[derive(Clone, Debug)]
pub struct HeldSlice {
    /// The number of an order that is over with this slice.
    pub id: OrderId,
    /// What is done to each of them.
    pub deed: Deed,
    /// Who ordered it.
    pub by: String,
    /// Whom it concerns: about as many as [`Deed::slice`] says, or one message.
    pub messages: Vec<HeldMessage>,
}

/// A message that has not entered delivery.
#[derive(Clone, Debug)]
pub struct HeldMessage {
    /// Those of its recipients whom the order concerns.
    pub recipients: Vec<Waiting>,
    /// Others of its recipients wait on.
    pub others_wait: bool,
}

/// How far an order got, in recipients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// As many were in its scope when it came. Some may have been of later messages.
    pub total: u64,
    /// It was done to so many.
    pub done: u64,
    /// So many were looked at: done, ended by themselves, of later messages, or awaited.
    pub seen: u64,
    /// So many are in a transaction: it is done to them when they come back from it and still wait.
    pub awaited: u64,
}

impl Progress {
    /// Returns how many recipients are left to be looked at, at most.
    pub const fn left(&self) -> u64 {
        self.total.saturating_sub(self.seen)
    }
}

/// Recipients of a slice at most. With half of a call's work the other half is left for delivery.
const SLICE: usize = 500;
/// Of bounces fewer: each reads a message back and makes another one.
const SLICE_OF_BOUNCES: usize = 100;

impl Deed {
    /// Returns how many recipients one slice works on at most.
    pub const fn slice(&self) -> usize {
        match self {
            Self::Bounce => SLICE_OF_BOUNCES,
            Self::Delete | Self::Archive | Self::Redirect { .. } => SLICE,
        }
    }
}
