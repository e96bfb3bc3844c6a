//! Giving one command: from words to a call, from the reply to what is left to do.

use std::io::{self, Write};

use mailreeve_api::command::{Entry, Next};
use mailreeve_api::registry;
use mailreeve_api::wire::{Answer, Call, Problem};
use serde_json::Value;

use crate::connection;
use crate::dialogue::{self, Told};
use crate::interrupt::Interrupt;
use crate::person::{Person, Question, agreed};
use crate::problem::{complain, refusal, without_answer};
use crate::{Exit, Invocation, follow, help, parts, repeat, words};

/// Who gives a command, and where what comes of it goes.
pub(crate) struct Console<'a> {
    /// Who is asked.
    pub(crate) person: &'a mut dyn Person,
    /// Where Ctrl-C is told.
    pub(crate) interrupt: &'a Interrupt,
    /// For replies.
    pub(crate) out: &'a mut dyn Write,
    /// For problems, questions and progress.
    pub(crate) err: &'a mut dyn Write,
}

/// Gives the commands of a line; Ctrl-C leaves out those that have not begun.
pub(crate) fn run_line(
    invocation: &Invocation<'_>,
    line: &str,
    console: &mut Console<'_>,
) -> io::Result<Exit> {
    let commands = match words::commands(line) {
        Ok(commands) => commands,
        Err(problem) => return complain(&problem, Exit::Usage, invocation, console),
    };
    let mut last = Exit::Done;
    for words in &commands {
        match run(&Invocation { words, ..invocation.clone() }, console)? {
            Exit::Done => {}
            Exit::Interrupted => return Ok(Exit::Interrupted),
            exit @ (Exit::Failed | Exit::Usage | Exit::Unreachable) => last = exit,
        }
    }
    Ok(last)
}

/// Gives one command.
pub(crate) fn run(invocation: &Invocation<'_>, console: &mut Console<'_>) -> io::Result<Exit> {
    let words: Vec<String> = invocation.words.iter().filter(|word| *word != "--json").cloned().collect();
    let json = invocation.json || words.len() < invocation.words.len();
    let asks = invocation.asks && !json;
    let invocation = &Invocation { words: &words, json, asks, ..invocation.clone() };
    if let Some(place) = words.iter().position(|word| word == "--help" || word == "-h") {
        return tell_help(invocation, &words[..place], console);
    }
    if matches!(words.first().map(String::as_str), Some("help" | "h" | "?")) {
        return tell_help(invocation, &words[1..], console);
    }
    let (entry, given) = match registry::find(&words) {
        Ok(found) => found,
        Err(problem) => return complain(&problem, Exit::Usage, invocation, console),
    };
    if !asks {
        return parse(invocation, entry, given, console);
    }
    let interrupt = console.interrupt;
    let listeners = || listeners(invocation, interrupt);
    match dialogue::complete(entry, given, &listeners, console.person, console.err)? {
        Told::Nothing => parse(invocation, entry, given, console),
        Told::Words(given) => {
            let own = &words[..entry.spec.words.split(' ').count()];
            let words = [own, &given].concat();
            parse(&Invocation { words: &words, ..invocation.clone() }, entry, &given, console)
        }
        Told::Left => nothing_done(console),
    }
}

/// The names of the listeners; none when the gateway does not answer.
fn listeners(invocation: &Invocation<'_>, interrupt: &Interrupt) -> Vec<String> {
    let status = Call::new("status", Value::Object(serde_json::Map::new()));
    let reply = ask(invocation, &status, interrupt).unwrap_or_default();
    let names = reply["listeners"].as_array().map(Vec::as_slice).unwrap_or_default();
    names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

fn tell_help(invocation: &Invocation<'_>, about: &[String], console: &mut Console<'_>) -> io::Result<Exit> {
    match help::text(about, invocation.binary) {
        Ok(text) => console.out.write_all(text.as_bytes()).map(|()| Exit::Done),
        Err(problem) => complain(&problem, Exit::Usage, invocation, console),
    }
}

/// Reads the words behind a command's own and gives it; asks first where it must be asked.
fn parse(
    invocation: &Invocation<'_>,
    entry: &Entry,
    given: &[String],
    console: &mut Console<'_>,
) -> io::Result<Exit> {
    let mut args = match (entry.parse)(given) {
        Ok(args) => args,
        Err(problem) => return complain(&problem, Exit::Usage, invocation, console),
    };
    if let Some(question) = (entry.question)(&args) {
        match agreed(console.person, question, entry.spec.example, console.err) {
            Ok(true) => confirm(&mut args),
            Ok(false) => return nothing_done(console),
            Err(problem) => return complain(&problem, Exit::Usage, invocation, console),
        }
    }
    let call = Call::new(entry.spec.words, args);
    match (&entry.repeat, &entry.parts) {
        (Some(repeat), _) => repeat::run(invocation, repeat, &call, console),
        (None, Some(parts)) if !invocation.json => parts::run(invocation, entry, parts, call, console),
        (None, Some(_) | None) => give(invocation, entry, call, console),
    }
}

fn confirm(args: &mut Value) {
    if let Some(args) = args.as_object_mut() {
        args.insert("confirmed".to_owned(), Value::Bool(true));
    }
}

fn nothing_done(console: &mut Console<'_>) -> io::Result<Exit> {
    writeln!(console.out, "Nothing was done.").map(|()| Exit::Done)
}

/// Gives a call and does what its reply leaves to do: ask and give it again, watch a job, offer a menu.
fn give(
    invocation: &Invocation<'_>,
    entry: &Entry,
    mut call: Call,
    console: &mut Console<'_>,
) -> io::Result<Exit> {
    let reply = match ask(invocation, &call, console.interrupt) {
        Ok(reply) => reply,
        Err((problem, exit)) => return complain(&problem, exit, invocation, console),
    };
    match (entry.next)(&reply) {
        Ok(Next::Nothing) => match show(invocation, entry, &reply, console)? {
            Exit::Done if invocation.asks => offer(invocation, entry, reply, console),
            exit => Ok(exit),
        },
        Ok(Next::Confirm { about, question }) => {
            if invocation.terminal {
                console.err.write_all(about.as_bytes())?;
            }
            let yes = format!("{} y", invocation.words.join(" "));
            match agreed(console.person, &question, &yes, console.err) {
                Ok(true) => {
                    confirm(&mut call.args);
                    give(invocation, entry, call, console)
                }
                Ok(false) => nothing_done(console),
                Err(problem) => complain(&problem, Exit::Failed, invocation, console),
            }
        }
        Ok(Next::Watch { job }) => {
            if !invocation.json {
                show(invocation, entry, &reply, console)?;
                console.out.flush()?;
            }
            follow::watch(invocation, job, console)
        }
        Err(problem) => complain(&problem, Exit::Failed, invocation, console),
    }
}

/// Offers what can be done next, until nothing of it is wanted.
fn offer(
    invocation: &Invocation<'_>,
    entry: &Entry,
    mut reply: Value,
    console: &mut Console<'_>,
) -> io::Result<Exit> {
    loop {
        let operations = dialogue::menu(entry.spec.words, &reply);
        if operations.is_empty() {
            return Ok(Exit::Done);
        }
        console.out.flush()?;
        let text = dialogue::menu_text(&operations);
        let Some(answer) = console.person.answer(Question::of(&text), console.err)? else {
            return Ok(Exit::Done);
        };
        match operations.iter().find(|operation| operation.name.eq_ignore_ascii_case(answer.trim())) {
            Some(operation) => {
                let words: Vec<String> = operation.command.split(' ').map(str::to_owned).collect();
                if run(&Invocation { words: &words, ..invocation.clone() }, console)? == Exit::Interrupted {
                    return Ok(Exit::Interrupted);
                }
            }
            None if answer.trim().is_empty() => return Ok(Exit::Done),
            None => writeln!(console.err, "`{}` is not an operation of this menu.", answer.trim())?,
        }
        match ask(
            invocation,
            &Call::new(entry.spec.words, Value::Object(serde_json::Map::new())),
            console.interrupt,
        ) {
            Ok(now) => reply = now,
            Err((problem, exit)) => return complain(&problem, exit, invocation, console),
        }
    }
}

fn show(
    invocation: &Invocation<'_>,
    entry: &Entry,
    reply: &Value,
    console: &mut Console<'_>,
) -> io::Result<Exit> {
    if invocation.json {
        serde_json::to_writer_pretty(&mut *console.out, reply)?;
        console.out.write_all(b"\n")?;
        return Ok(outcome(entry, reply));
    }
    match (entry.text)(reply) {
        Ok(text) => console.out.write_all(text.as_bytes()).map(|()| outcome(entry, reply)),
        Err(problem) => complain(&problem, Exit::Failed, invocation, console),
    }
}

/// How a command ends whose reply was shown.
pub(crate) fn outcome(entry: &Entry, reply: &Value) -> Exit {
    match (entry.came_about)(reply) {
        Ok(true) => Exit::Done,
        Ok(false) | Err(_) => Exit::Failed,
    }
}

/// Gives a call; returns the reply, or what went wrong and how that ends the command.
pub(crate) fn ask(
    invocation: &Invocation<'_>,
    call: &Call,
    interrupt: &Interrupt,
) -> Result<Value, (Problem, Exit)> {
    let Answer { ok, error, .. } = connection::call(invocation.socket, call, interrupt)
        .map_err(|unanswered| without_answer(invocation, unanswered))?;
    match error {
        Some(problem) => {
            let exit = refusal(&problem);
            Err((problem, exit))
        }
        None => Ok(ok.unwrap_or_default()),
    }
}
