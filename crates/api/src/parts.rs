//! Commands whose answer takes a while: `ping`, `traceroute`, `telnet`, `probe`.
//!
//! On the local socket the gateway tells parts as they become known, and what is left with the answer. Whoever asks for
//! the answer whole gets it whole: the texts of all parts and of the rest are the text of the reply.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::command::{Command, reply_of, shown};
use crate::wire::Problem;

/// How parts of an answer are shown, their types forgotten.
#[derive(Clone, Copy)]
pub struct Parts {
    /// The text of a part.
    pub part: fn(&Value) -> Result<String, Problem>,
    /// The text of what the answer adds to its parts.
    pub rest: fn(&Value) -> Result<String, Problem>,
    /// On a terminal the one who gave the command says things meanwhile.
    pub talks: bool,
}

/// A command that answers in parts.
pub trait InParts: Command {
    /// What becomes known on the way.
    type Part: Serialize + DeserializeOwned;

    /// On a terminal the one who gave the command says things meanwhile.
    const TALKS: bool = false;

    /// The text of a part, line ends included.
    fn part(part: &Self::Part) -> String;

    /// The text of what the answer adds to its parts.
    fn rest(reply: &Self::Reply) -> String;
}

impl Parts {
    /// Makes the parts of a command.
    pub const fn of<C: InParts>() -> Self {
        Self { part: part::<C>, rest: rest::<C>, talks: C::TALKS }
    }
}

fn part<C: InParts>(part: &Value) -> Result<String, Problem> {
    shown::<C, C::Part>(part).map(|part| C::part(&part))
}

fn rest<C: InParts>(reply: &Value) -> Result<String, Problem> {
    reply_of::<C>(reply).map(|reply| C::rest(&reply))
}
