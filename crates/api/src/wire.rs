//! How a request and its reply travel: one JSON object a line, each way.
//!
//! ```text
//! {"v":1,"command":"tophosts","args":{"key":"active_rcpts"}}
//! {"v":1,"ok":{...}}     or     {"v":1,"error":{"message":"...","hint":"..."}}
//! ```

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Version of the protocol and of every reply's schema.
pub const VERSION: u32 = 1;
/// A request line longer than this is refused.
pub const REQUEST_BYTES: usize = 64 * 1024;

/// A request on the wire.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// [`VERSION`].
    pub v: u32,
    /// The command's words, joined by a space.
    pub command: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Value,
}

/// A reply on the wire.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// [`VERSION`].
    pub v: u32,
    /// The reply, when it went well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ok: Option<Value>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

/// What went wrong, for a person: the message says what, the hint says what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What and where.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Problem {
    /// Makes a problem with a hint.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()) }
    }
}

impl Answer {
    /// Wraps a reply.
    pub fn ok(value: Value) -> Self {
        Self { v: VERSION, ok: Some(value), error: None }
    }

    /// Wraps a problem.
    pub fn problem(problem: Problem) -> Self {
        Self { v: VERSION, ok: None, error: Some(problem) }
    }
}
