//! Rules of the scheduler, one conversation each, by virtual time.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod main_path;
mod world;
