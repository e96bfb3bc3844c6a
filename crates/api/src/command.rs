//! What a command is: words, arguments, role, effect, route, and the way from typed words to a request.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::format::in_lines;
use crate::parts::Parts;
use crate::repeat::Repeat;
use crate::wire::Problem;

/// Who may give a command. A later one may do all that an earlier one may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks only.
    ReadOnlyOperator,
    /// Looks and acts on the queue.
    Operator,
    /// Everything.
    Administrator,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 3] = [Self::ReadOnlyOperator, Self::Operator, Self::Administrator];

    /// Its name, as people read and write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ReadOnlyOperator => "read-only",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
        }
    }

    /// Finds the role of a name.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// What a command does to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Effect {
    /// Nothing: it is a GET.
    Read,
    /// Changes something: it is a POST, and it is audited.
    Change,
}

/// One argument, by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Argument {
    /// Its name, as help and JSON know it.
    pub name: &'static str,
    /// What it means.
    pub help: &'static str,
    /// Must be given.
    pub required: bool,
    /// The words it may be; empty when anything goes.
    pub choices: &'static [&'static str],
}

/// Everything that is known of a command before it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Spec {
    /// Its words: `tophosts`, `status detail`.
    pub words: &'static str,
    /// One line for lists.
    pub summary: &'static str,
    /// A paragraph for help.
    pub about: &'static str,
    /// Arguments in order.
    pub arguments: &'static [Argument],
    /// Who may.
    pub role: Role,
    /// What it does.
    pub effect: Effect,
    /// REST path.
    pub route: &'static str,
    /// An example, as typed.
    pub example: &'static str,
}

/// A request with its reply.
pub trait Command: Serialize + DeserializeOwned + Sized {
    /// What the gateway answers.
    type Reply: Serialize + DeserializeOwned + Text;

    /// What is known of it.
    const SPEC: Spec;

    /// How its samples are shown, when it is given again and again.
    const REPEAT: Option<Repeat> = None;

    /// How its answer is shown as it comes, when that takes a while.
    const PARTS: Option<Parts> = None;

    /// How long its answer may take before the gateway must be in trouble.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// Whether the last argument takes all words that are left.
    const OPEN_ENDED: bool = false;

    /// Whether arguments are typed as a name with its value, in any order.
    const NAMED: bool = false;

    /// Whether texts of the reply have lines of their own, which its text shows safely by itself. Those of all other
    /// replies are made safe before they are shown, for much of them comes from the network.
    const LINES: bool = false;

    /// Reads the words after the command's own.
    fn parse(words: &[String]) -> Result<Self, Problem>;

    /// What a person is asked before it is given; a further word `y` says yes beforehand.
    fn question(&self) -> Option<&'static str> {
        None
    }

    /// What of these arguments needs a role above that of [`Spec::role`], and which.
    fn reserved(&self) -> Option<(Role, &'static str)> {
        None
    }
}

/// A reply that can be read by a person.
pub trait Text {
    /// Renders it in the layout that operators know, line ends included.
    fn text(&self) -> String;

    /// Tells what is left to do before the command is over.
    fn next(&self) -> Next {
        Next::Nothing
    }

    /// Whether what was to be tried came about: a host was reached, a message was taken. Scripts learn it from the exit
    /// code; the reply is told either way.
    fn came_about(&self) -> bool {
        true
    }
}

/// What is left to do after a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: the reply is all.
    Nothing,
    /// Nothing was done yet: ask, and give the command again with `confirmed` if the answer is yes.
    Confirm {
        /// What is told before the question; may be empty.
        about: String,
        /// The question.
        question: String,
    },
    /// It goes on by itself: `job` tells how far it is.
    Watch {
        /// The job's number.
        job: u64,
    },
}

/// A command as the registry keeps it, its types forgotten.
#[derive(Clone, Copy)]
pub struct Entry {
    /// What is known of it.
    pub spec: Spec,
    /// From words to the arguments of a call.
    pub parse: fn(&[String]) -> Result<Value, Problem>,
    /// From a reply to text.
    pub text: fn(&Value) -> Result<String, Problem>,
    /// From a reply to what is left to do.
    pub next: fn(&Value) -> Result<Next, Problem>,
    /// From a reply to whether what was to be tried came about.
    pub came_about: fn(&Value) -> Result<bool, Problem>,
    /// How its samples are shown, when it is given again and again.
    pub repeat: Option<Repeat>,
    /// How its answer is shown as it comes, when that takes a while.
    pub parts: Option<Parts>,
    /// How long the answer may take before the gateway must be in trouble.
    pub patience: Duration,
    /// Whether the last argument takes all words that are left.
    pub open_ended: bool,
    /// Whether arguments are typed as a name with its value, in any order.
    pub named: bool,
    /// What a person is asked before the call with these arguments.
    pub question: fn(&Value) -> Option<&'static str>,
    /// What of these arguments needs a role above that of the specification, and which.
    pub reserved: fn(&Value) -> Option<(Role, &'static str)>,
}

impl Entry {
    /// Makes the entry of a command.
    pub const fn of<C: Command>() -> Self {
        Self {
            spec: C::SPEC,
            parse: parse::<C>,
            text: text::<C>,
            next: next::<C>,
            came_about: came_about::<C>,
            repeat: C::REPEAT,
            parts: C::PARTS,
            patience: C::PATIENCE,
            open_ended: C::OPEN_ENDED,
            named: C::NAMED,
            question: question::<C>,
            reserved: reserved::<C>,
        }
    }
}

fn parse<C: Command>(words: &[String]) -> Result<Value, Problem> {
    let request = C::parse(words)?;
    serde_json::to_value(request).map_err(|error| Problem::internal(error.to_string()))
}

fn question<C: Command>(args: &Value) -> Option<&'static str> {
    // Arguments that cannot be read are the gateway's to refuse.
    C::deserialize(args).ok().and_then(|request| request.question())
}

fn reserved<C: Command>(args: &Value) -> Option<(Role, &'static str)> {
    // As above: what cannot be read is not carried out.
    C::deserialize(args).ok().and_then(|request| request.reserved())
}

fn text<C: Command>(reply: &Value) -> Result<String, Problem> {
    reply_of::<C>(reply).map(|reply| reply.text())
}

fn next<C: Command>(reply: &Value) -> Result<Next, Problem> {
    reply_of::<C>(reply).map(|reply| reply.next())
}

fn came_about<C: Command>(reply: &Value) -> Result<bool, Problem> {
    reply_of::<C>(reply).map(|reply| reply.came_about())
}

/// Reads a reply and makes its texts safe to show.
pub(crate) fn reply_of<C: Command>(reply: &Value) -> Result<C::Reply, Problem> {
    shown::<C, _>(reply)
}

/// Reads a reply of a command, or a part of one, and makes its texts safe to show.
pub(crate) fn shown<C: Command, T: DeserializeOwned>(reply: &Value) -> Result<T, Problem> {
    let mut reply = reply.clone();
    if !C::LINES {
        in_lines(&mut reply);
    }
    serde_json::from_value(reply).map_err(|error| {
        Problem::new(
            format!("the gateway's reply was not understood: {error}"),
            "use the command line of the same release as the gateway",
        )
    })
}

/// Refuses words beyond the expected ones.
pub fn no_more(words: &[String], expected: usize, spec: &Spec) -> Result<(), Problem> {
    match words.get(expected) {
        None => Ok(()),
        Some(extra) => Err(Problem::new(
            format!("`{}` does not know what to do with `{extra}`", spec.words),
            format!("for example: {}", spec.example),
        )),
    }
}
