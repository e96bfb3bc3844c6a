//! SMTP without IO, both directions (RFC 5321 and its extensions).
//!
//! Bytes go in, bytes and questions come out; time is an argument. Nothing here reads a clock, opens a
//! socket or touches a file, so every conversation can be replayed in a test from a text file.
//!
//! * [`address`]: mailboxes, domains and paths as they stand in MAIL and RCPT.
//! * [`params`]: ESMTP parameters of MAIL and RCPT (RFC 1870, 3461, 6152, 6531).
//! * [`reply`]: replies, written and read, with enhanced status codes (RFC 3463).
//! * [`content`]: framing of message data: dot-stuffing and strict line ends.
//! * [`server`]: the receiving side of a session.
//! * [`client`]: the sending side of a session.

pub mod address;
pub mod client;
pub mod content;
pub mod instant;
pub mod params;
pub mod reply;
pub mod server;
pub mod transcript;
