//! Finding out by hand: what operators ask of the network, from where the gateway stands and by the ways that
//! mail goes (law 12). Every question is bounded: in time, in what it sends, in what it keeps of answers.

pub(crate) mod names;
pub(crate) mod ping;
mod places;
pub(crate) mod sockets;
pub(crate) mod telnet;
