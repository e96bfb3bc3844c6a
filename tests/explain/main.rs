//! One question, one answer: each fault of the catalogue is set up for real, with names and replies of chance, and
//! `explain` has to name its cause, its owner, what shows it, what comes next and what can be done. Where the remedy is
//! ours it is carried out, and the mail moves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "../world/mod.rs"]
mod world;

mod agreement;
mod ended;
mod house;
mod mixtures;
mod procedure;
mod remedies;
mod renaming;
mod setting;
mod waiting;
