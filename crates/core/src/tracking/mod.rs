//! Message tracking, the pure part: which events belong together, what they say of a message or a connection, and
//! what is found by what.
//!
//! A [`Record`] is the fold of the events of one message, or of one inbound connection that became no message.
//! [`Gather`] sorts a stream of events into records, with the places where the events stand. A [`Query`] says
//! which records are wanted. [`text`] is the form of text in which it is compared. [`sentences`] tells an event to a
//! person.
//!
//! Not here: where records are kept and how they are found among many (`mailreeve_store::tracking`).

mod concern;
mod gather;
pub mod query;
mod record;
pub mod sentences;
#[cfg(test)]
mod tests;
pub mod text;

pub use concern::{Concern, concern};
pub use gather::{Gather, Gathered, PLACES_MAX};
pub use query::{Pattern, Query};
pub use record::{Kind, Kinds, Recipient, Record, State, States, Tracked};
