//! Every decision of the gateway, pure and deterministic.
//!
//! No clock, socket, file or environment is read here (law 1): time is an argument, effects are returned,
//! randomness comes from a seed. What happened is told by one enum, [`event::Event`]; logs, counters,
//! tracking and metrics are readers of it.

pub mod attempt;
pub mod certificate;
pub mod config;
pub mod conversation;
pub mod delivery;
pub mod dsn;
pub mod envelope;
pub mod event;
pub mod explain;
pub mod history;
pub mod ids;
pub mod mail_log;
pub mod message;
pub mod policy;
pub mod tally;
pub mod tcp;
pub mod tracking;
pub mod when;

pub use mailreeve_smtp::instant::Instant;
