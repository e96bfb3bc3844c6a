//! Rules of the scheduler, one conversation each, by virtual time.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod clocks;
mod connections;
mod content;
mod held;
mod limits;
mod lines;
mod main_path;
mod operators;
mod orders;
mod probed;
mod reachability;
mod scale;
mod views;
mod world;
