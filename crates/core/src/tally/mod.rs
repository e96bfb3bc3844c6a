//! Counters as the fold of the event stream.
