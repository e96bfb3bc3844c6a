//! Finding out by hand: what operators ask of the network, from where the gateway stands and by the ways that
//! mail goes (law 12). Every question is bounded: in time, in what it sends, in what it keeps of answers.

mod conversation;
mod icmp;
pub(crate) mod names;
pub(crate) mod ping;
pub(crate) mod places;
pub(crate) mod sockets;
pub(crate) mod telnet;
pub(crate) mod traceroute;
