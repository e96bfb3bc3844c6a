//! The commands: what can be asked of the gateway, what it answers, and how the answer looks as text.
//!
//! One list ([`registry::COMMANDS`]) gives the shell, the interactive command line, REST, help, completion
//! and permissions, so they cannot drift apart; laws over it are tested here. The command line links this
//! crate and nothing else of the product: it can do nothing that another client cannot (law 8).

pub mod alerts;
pub mod audit;
pub mod command;
pub mod counters;
pub mod desk;
pub mod destination;
pub mod diagnose;
pub mod explain;
pub mod format;
pub mod jobs;
pub mod message;
mod mid;
pub mod monitor;
pub mod parts;
pub mod presence;
pub mod probe;
pub mod prove;
pub mod queue;
pub mod recorder;
pub mod registry;
pub mod repeat;
pub mod standing;
pub mod status;
pub mod track;
pub mod wire;
pub mod workqueue;
