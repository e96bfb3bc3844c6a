//! Why is it so: from facts to a cause, its owner, what happens next and what can be done.
//!
//! The gateway gathers facts (a recipient with the scheduler's own why, what is known of its destination, the events of
//! its message, the conditions of the house); the functions here make an [`Explanation`] of them. Nothing is looked up
//! here, and no text is written: sentences are keys with typed arguments, and a [`Catalogue`] says them.
//!
//! A cause is a [`Finding`]: its code is stable, its owner is who can do something about it, and its page is in
//! `docs/why`.

mod attempted;
mod blame;
mod catalogue;
mod changed;
mod crowd;
mod destination;
mod ended;
mod explanation;
mod finding;
mod owner;
mod probed;
mod refused;
mod remedy;
pub mod reply;
mod sentence;
mod story;
mod terms;
mod waiting;

pub use attempted::{add_attempts, add_attempts_of_host};
pub use blame::{Blame, Certainty};
pub use catalogue::Catalogue;
pub use changed::add_change;
pub use crowd::Crowd;
pub use destination::{connection, idle};
pub use ended::ended;
pub use explanation::{Evidence, EvidenceKind, Explanation, Link, Next, Remedy, State, Subject, Verdict};
pub use finding::Finding;
pub use owner::Owner;
pub use probed::{Probed, add_probe};
pub use refused::{Asked, Closed, Reach, Refusal, held, never_accepted, refused, released, unknown};
pub use sentence::{Arg, Sentence};
pub use story::{Ended, Entrance, Fate, Story};
pub use waiting::{Waiting, waiting};

#[cfg(test)]
mod tests;
