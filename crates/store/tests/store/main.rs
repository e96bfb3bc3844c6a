//! The promises of the spool, the committer and the ledger, held from outside.
//!
//! One binary: the crash tests start it again as their victim.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod bounds;
mod commit_thread;
mod damage;
mod faults;
mod faulty_disk;
mod flipped_bits;
mod formats;
mod history;
mod kills;
mod ledger;
mod ledger_size;
mod model;
mod recorder;
mod recorder_size;
mod samples;
mod spool;
mod standing;
mod torn;
mod tracking;
