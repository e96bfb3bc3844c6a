//! Every temper of a host, met by a raw socket.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod lines;
mod manners;
mod named;
mod peer;
