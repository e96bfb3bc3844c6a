//! The operator's command line: words in, a call over the local socket, text (or JSON) out.
//!
//! It links the commands' crate and nothing else of the product, so whatever it can do another client can do
//! as well (law 8).

mod confirm;
mod connection;
mod follow;
mod help;
pub mod reference;
mod repeat;

use std::io::{self, Write};
use std::path::Path;

use mailreeve_api::command::{Entry, Next};
use mailreeve_api::registry;
use mailreeve_api::wire::{Call, Problem, ProblemKind};
use serde_json::Value;

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
    /// Why it may be the wrong one, with a remedy: the hint when no gateway is there.
    pub doubt: Option<&'a str>,
}

/// Exit codes, as scripts see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It went well.
    Done = 0,
    /// The gateway refused, or something went wrong.
    Failed = 1,
    /// The command line was not understood.
    Usage = 2,
    /// The gateway cannot be reached.
    Unreachable = 3,
}

/// Gives a command; writes the reply to `out` and problems to `err`.
pub fn run(invocation: &Invocation<'_>, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
    let words = invocation.words;
    if let Some(place) = words.iter().position(|word| word == "--help" || word == "-h") {
        let asked = [&["help".to_owned()], &words[..place]].concat();
        return run(&Invocation { words: &asked, ..invocation.clone() }, out, err);
    }
    if matches!(words.first().map(String::as_str), Some("help" | "h" | "?")) {
        return match help::text(&words[1..]) {
            Ok(text) => out.write_all(text.as_bytes()).map(|()| Exit::Done),
            Err(problem) => complain(&problem, Exit::Usage, invocation.json, out, err),
        };
    }
    let (entry, args) = match understood(words, out) {
        Ok(Some(found)) => found,
        Ok(None) => return out.write_all(b"Nothing was done.\n").map(|()| Exit::Done),
        Err(problem) => return complain(&problem, Exit::Usage, invocation.json, out, err),
    };
    let call = Call::new(entry.spec.words, args);
    if let Some(repeat) = &entry.repeat {
        return repeat::run(invocation, repeat, &call, out, err);
    }
    give(invocation, entry, call, out, err)
}

/// Gives a call and does what its reply leaves to do: ask and give it again, or watch a job.
fn give(
    invocation: &Invocation<'_>,
    entry: &Entry,
    mut call: Call,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let reply = match ask(invocation, &call) {
        Ok(reply) => reply,
        Err((problem, exit)) => return complain(&problem, exit, invocation.json, out, err),
    };
    match (entry.next)(&reply) {
        Ok(Next::Nothing) => show(invocation, entry, &reply, out, err),
        Ok(Next::Confirm { about, question }) => {
            if invocation.terminal {
                err.write_all(about.as_bytes())?;
            }
            let yes = format!("{} y", invocation.words.join(" "));
            match confirm::agreed(&question, &yes, err) {
                Ok(true) => {
                    if let Some(args) = call.args.as_object_mut() {
                        args.insert("confirmed".to_owned(), Value::Bool(true));
                    }
                    give(invocation, entry, call, out, err)
                }
                Ok(false) => writeln!(out, "Nothing was done.").map(|()| Exit::Done),
                Err(problem) => complain(&problem, Exit::Failed, invocation.json, out, err),
            }
        }
        Ok(Next::Watch { job }) => {
            if !invocation.json {
                show(invocation, entry, &reply, out, err)?;
                out.flush()?;
            }
            follow::watch(invocation, job, out, err)
        }
        Err(problem) => complain(&problem, Exit::Failed, invocation.json, out, err),
    }
}

fn show(
    invocation: &Invocation<'_>,
    entry: &Entry,
    reply: &Value,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    if invocation.json {
        serde_json::to_writer_pretty(&mut *out, reply)?;
        out.write_all(b"\n")?;
        return Ok(Exit::Done);
    }
    match (entry.text)(reply) {
        Ok(text) => out.write_all(text.as_bytes()).map(|()| Exit::Done),
        Err(problem) => complain(&problem, Exit::Failed, invocation.json, out, err),
    }
}

/// Finds the command and its arguments; asks first where it must be asked. `None` when the answer is no.
fn understood(words: &[String], out: &mut dyn Write) -> Result<Option<(&'static Entry, Value)>, Problem> {
    let (entry, rest) = registry::find(words)?;
    let args = (entry.parse)(rest)?;
    let Some(question) = (entry.question)(&args) else { return Ok(Some((entry, args))) };
    if !confirm::agreed(question, entry.spec.example, out)? {
        return Ok(None);
    }
    let confirmed = [rest, &["y".to_owned()]].concat();
    Ok(Some((entry, (entry.parse)(&confirmed)?)))
}

/// Gives a call; returns the reply, or what went wrong and how that ends the command.
fn ask(invocation: &Invocation<'_>, call: &Call) -> Result<Value, (Problem, Exit)> {
    let answer = connection::call(invocation.socket, call).map_err(|problem| {
        let absent = problem.kind == ProblemKind::Unavailable;
        let hint = invocation.doubt.filter(|_| absent).map(str::to_owned).or(problem.hint);
        (Problem { hint, ..problem }, Exit::Unreachable)
    })?;
    match answer.error {
        Some(problem) => Err((problem, Exit::Failed)),
        None => Ok(answer.ok.unwrap_or_default()),
    }
}

fn complain(
    problem: &Problem,
    exit: Exit,
    json: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    if json {
        serde_json::to_writer_pretty(&mut *out, &serde_json::json!({ "error": problem }))?;
        out.write_all(b"\n")?;
        return Ok(exit);
    }
    writeln!(err, "error: {}", problem.message)?;
    if let Some(hint) = &problem.hint {
        writeln!(err, "hint:  {hint}")?;
    }
    Ok(exit)
}
