//! An Internet in a box: DNS, SMTP hosts of every temper, senders, and the means to check what came through.
//!
//! Everything runs in this process on loopback addresses, really over sockets, for tests, for the benchmark
//! and for operators who want to see a fault before they meet it.
//!
//! The lab knows nothing of the product. Its SMTP lines are read and written by code of its own, on purpose:
//! a test world that shared the product's parser would share its mistakes and find none of them. For the same
//! reason its reply texts and host names come from a seeded word list and mean nothing: whoever recognises
//! the lab instead of understanding a reply, fails.
//!
//! * [`dns`]: a name server with zones, and with every way to fail.
//! * [`host`]: SMTP hosts that are healthy, slow, silent, refusing, full, badly encrypted, or cut the line.
//! * [`sink`]: a healthy host that records what it took before it says 250.
//! * [`sender`]: a visit of a sender of any temper: hasty, vanishing, with a message too large.
//! * [`client`]: sessions that send numbered messages and record what was acknowledged.
//! * [`traffic`]: letters that look like mail, at a rate, with bursts, until it is stopped.
//! * [`verify`]: compares both records: lost, altered, duplicate.
//! * [`dialogue`]: plays conversations written in text files.
//! * [`world`]: a name server and its hosts, started and stopped together.
//! * [`command`]: all of it from the shell, as `mailreeve lab ...`.

pub mod client;
pub mod command;
pub mod dialogue;
pub mod dns;
mod form;
pub mod host;
pub mod record;
pub mod room;
pub mod sender;
pub mod sink;
pub mod traffic;
mod unverified;
pub mod verify;
pub mod words;
pub mod world;
