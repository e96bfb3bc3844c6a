//! The promises of the spool, the committer and the ledger, held from outside.
//!
//! One binary: the crash tests start it again as their victim.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod commit_thread;
mod common;
mod damage;
mod faults;
mod formats;
mod kills;
mod ledger;
mod model;
mod spool;
mod torn;
