//! The text mail log: events in, classic lines out.
