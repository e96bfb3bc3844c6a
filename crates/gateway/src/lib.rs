//! The daemon: sockets, threads and files around the pure core.
//!
//! * [`listen`]: inbound connections, each driven by a sans-IO session.
//! * [`deliver`]: the delivery shard's task and its outbound connections.
//! * [`lookups`]: questions to the name service.
//! * [`journal`]: ledger, text log and counters, written from one stream of events.
//! * `tracking`: what happened to each message, kept findable behind the ledger.
//! * [`host_watch`]: which changes of destinations are told. `history`: what happened to each, behind the ledger.
//! * [`standing`]: operators' orders that hold over restarts.
//! * [`work_queue`]: what was accepted and has not entered delivery.
//! * [`jobs`]: operators' orders over many recipients.
//! * [`recorder`]: what was tried for each recipient, kept for those who ask why.
//! * [`commands`]: the operators' commands over the local socket.
//! * `diagnose`: what operators ask of the network.
//! * `tcp`: what the kernel knows of a connection that ends.
//! * [`probe`]: the way of delivery to a destination, gone without handing anything over.
//! * `verdicts`: what operators knew of destinations that failed, over restarts.
//! * `desk`: starts the process for browsers and REST, and answers it.
//! * [`serve()`]: puts it together, and takes it apart in order.

#![deny(unsafe_code)]

mod archive;
pub mod clear_text;
pub mod clock;
pub mod commands;
pub mod configuration;
pub mod context;
pub mod deliver;
mod desk;
mod diagnose;
pub mod events;
mod history;
pub mod host_watch;
pub mod intake;
pub mod jobs;
pub mod journal;
pub mod listen;
pub mod logfile;
pub mod lookups;
pub mod metrics;
pub mod notify;
mod outages;
pub mod probe;
pub mod receipts;
pub mod recorder;
mod serve;
pub mod standing;
pub mod stream;
mod tcp;
pub mod tls;
mod tracking;
mod verdicts;
pub mod work_queue;

pub use serve::serve;
