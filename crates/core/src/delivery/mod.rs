//! Delivery decisions: who is tried when, where, on which connection, and why somebody waits.

pub mod io;
pub mod settings;
pub mod why;
