//! Questions to the name service: exchangers of a destination, names of a peer.
//!
//! [`dns`] asks one question and types the answer; [`counters`] counts them; [`exchangers`] turns answers into
//! targets for delivery; [`reverse`] names a connecting host while its session goes on; [`query`] asks by hand,
//! for operators; `loopback` keeps the resolver library from answering what is the servers' to answer.

pub mod counters;
pub mod dns;
pub mod exchangers;
mod loopback;
mod no_answer;
pub mod query;
pub mod reverse;
