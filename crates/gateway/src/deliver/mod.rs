//! Delivery's thin shell: one task owns the shard and loops `select -> handle(input, now) -> effects`.
//!
//! ```text
//!   committed mail ─┐                                  ┌─► connection tasks (smtp::client over sockets)
//!   look-ups ───────┼─► inputs ─► Delivery::handle ─► effects ─► look-ups
//!   connections ────┘      (no IO, no lock)            └─► ends: commits, reports, removal
//! ```
//! Everything here runs in one single-threaded runtime; only reading stored mail leaves it.

/// Threads that read stored mail at a time. Each takes a connection to the database, and disks are no faster for more.
pub const READERS: usize = 8;

mod bodies;
pub(crate) mod connect;
mod connection;
pub(crate) mod content;
mod ends;
pub(crate) mod outcome;
mod pace;
mod reading;
mod report;
mod room;
pub mod shard;
mod shard_time;
mod stored;

pub use shard_time::ShardTime;
pub use stored::recovered;
