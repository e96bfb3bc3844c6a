//! How a request and its reply travel: one JSON object a line, each way.
//!
//! ```text
//! {"v":1,"command":"tophosts","args":{"key":"active_rcpts"}}
//! {"v":1,"ok":{...}}     or     {"v":1,"error":{"message":"...","hint":"..."}}
//! ```
//!
//! On the local socket a call may ask for its answer in parts, as they become known, each a line before the last one:
//! ```text
//! {"v":1,"command":"ping","args":{"host":"mx.example.com"},"manner":"parts"}
//! {"v":1,"part":{...}}    any number of them, then ok or error as above
//! ```
//! In the manner `talk` the caller goes on to say things, `{"said":[81,85,73,84]}` a line, until the answer is there;
//! the connection ends with it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::command::Role;

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
    /// Who gave it. On the local socket nobody may say so: there it is the user at the other end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Caller>,
    /// How the answer is to come. By the desk it always comes whole.
    #[serde(default, skip_serializing_if = "Manner::is_whole")]
    pub manner: Manner,
}

/// How an answer comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manner {
    /// At the end, in one line.
    #[default]
    Whole,
    /// What becomes known on the way comes in lines of its own before that.
    Parts,
    /// As parts, and the caller says things meanwhile.
    Talk,
}

impl Manner {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    const fn is_whole(&self) -> bool {
        matches!(self, Self::Whole)
    }
}

/// What a caller says while its answer is under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// The octets.
    pub said: Vec<u8>,
}

impl Call {
    /// Makes a call of the command with these words, by whoever is at this end of the connection.
    pub fn new(command: impl Into<String>, args: Value) -> Self {
        Self { v: VERSION, command: command.into(), args, caller: None, manner: Manner::Whole }
    }
}

/// Who gives a command, and from where: for permissions and for the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// A user's name, or that of a token.
    pub user: String,
    /// What the user may do.
    pub role: Role,
    /// An address, or `local socket`.
    pub from: String,
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
    /// A part of the reply; more lines follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Value>,
}

/// What went wrong, for a person: the message says what, the hint says what to do. The kind is for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What and where.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What sort of problem.
    #[serde(default)]
    pub kind: ProblemKind,
}

/// Sorts of problems, as far as a program may have to tell them apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// The request is not understood or makes no sense.
    #[default]
    Invalid,
    /// Nobody has said who they are.
    Unauthenticated,
    /// Whoever asks may not do this.
    Forbidden,
    /// What it is about is not there.
    NotFound,
    /// This way of asking is not for this command.
    Method,
    /// It cannot be done in the present state.
    Conflict,
    /// The request is too long.
    TooLong,
    /// Too many requests; later ones may go well.
    TooMany,
    /// Our own fault.
    Internal,
    /// The gateway cannot answer now.
    Unavailable,
}

impl ProblemKind {
    /// The HTTP status that says the same (RFC 9110 section 15; 429: RFC 6585 section 4).
    pub const fn status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Method => 405,
            Self::Conflict => 409,
            Self::TooLong => 413,
            Self::TooMany => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }
}

impl Problem {
    /// Makes a problem of a request, with a hint.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()), kind: ProblemKind::Invalid }
    }

    /// Makes a problem of our own, for which nobody has a remedy.
    pub fn internal(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, kind: ProblemKind::Internal }
    }

    /// The same problem, of another sort.
    #[must_use]
    pub fn of(self, kind: ProblemKind) -> Self {
        Self { kind, ..self }
    }
}

impl Answer {
    /// Wraps a reply.
    pub fn ok(value: Value) -> Self {
        Self { v: VERSION, ok: Some(value), error: None, part: None }
    }

    /// Wraps a part of a reply.
    pub fn part(value: Value) -> Self {
        Self { v: VERSION, ok: None, error: None, part: Some(value) }
    }

    /// Wraps a problem.
    pub fn problem(problem: Problem) -> Self {
        Self { v: VERSION, ok: None, error: Some(problem), part: None }
    }
}
