//! The operator's command line: words in, a call over the local socket, text (or JSON) out; one command in a shell,
//! or many in a session.
//!
//! It links the commands' crate and nothing else of the product, so whatever it can do another client can do
//! as well (law 8).

mod connection;
mod dialogue;
mod follow;
mod give;
mod help;
mod interrupt;
mod parts;
mod person;
mod problem;
pub mod reference;
mod repeat;
mod session;
mod words;

use std::io::{self, Write};
use std::path::Path;

use give::Console;
use interrupt::Interrupt;
use person::AtStandardInput;

pub use session::session;

/// How a command is given.
#[derive(Clone, Debug)]
pub struct Invocation<'a> {
    /// The words, the command's own first.
    pub words: &'a [String],
    /// Print the reply as JSON.
    pub json: bool,
    /// The daemon's socket.
    pub socket: &'a Path,
    /// A person is there, who sees what is drawn.
    pub terminal: bool,
    /// A person is there who is asked for what the words leave out. Never together with `json`.
    pub asks: bool,
    /// Why it may be the wrong one, with a remedy: the hint when no gateway is there.
    pub doubt: Option<&'a str>,
    /// What the binary itself understands: help tells about its words too.
    pub binary: &'a clap::Command,
}

/// Exit codes, as scripts see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It went well.
    Done = 0,
    /// The gateway refused, something went wrong, or what was to be tried did not come about.
    Failed = 1,
    /// The command line was not understood.
    Usage = 2,
    /// The gateway cannot be reached.
    Unreachable = 3,
    /// Somebody pressed Ctrl-C in a session; in a shell the system ends the command itself.
    Interrupted = 130,
}

/// Gives a command; writes the reply to `out` and problems to `err`.
pub fn run(invocation: &Invocation<'_>, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
    let interrupt = Interrupt::of_the_system();
    let mut console = Console { person: &mut AtStandardInput, interrupt: &interrupt, out, err };
    give::run(invocation, &mut console)
}

/// Gives the commands of a line, with `;` between them, one after the other, whatever becomes of each; returns how
/// the last one ended that did not go well.
pub fn run_line(
    invocation: &Invocation<'_>,
    line: &str,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let interrupt = Interrupt::of_the_system();
    let mut console = Console { person: &mut AtStandardInput, interrupt: &interrupt, out, err };
    give::run_line(invocation, line, &mut console)
}
