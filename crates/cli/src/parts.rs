//! Commands that answer in parts: shown as they come. On a terminal some of them are conversations: what is typed goes
//! to the other side, until that closes, or Ctrl-] or Ctrl-C is typed.

use std::io::{self, Write as _};
use std::net::Shutdown;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use mailreeve_api::command::Entry;
use mailreeve_api::parts::Parts;
use mailreeve_api::registry::patience;
use mailreeve_api::wire::{Answer, Call, Manner, Problem, Said};
use rustix::termios::{self, OptionalActions, SpecialCodeIndex, Termios};

use crate::connection::{Line, Unanswered};
use crate::give::{Console, outcome};
use crate::interrupt::Woken;
use crate::problem::{complain, refusal, without_answer};
use crate::{Exit, Invocation};

/// Ctrl-], which ends a conversation.
const ESCAPE: u8 = 0x1d;
/// Octets taken from the terminal at a time: it hands over at most one line.
const TYPED: usize = 4_096;
/// A conversation lasts no longer; the gateway ends it before.
const CONVERSATION: Duration = Duration::from_hours(2);

/// Gives a call and shows its answer as it comes.
pub(crate) fn run(
    invocation: &Invocation<'_>,
    entry: &Entry,
    parts: &Parts,
    mut call: Call,
    console: &mut Console<'_>,
) -> io::Result<Exit> {
    let talks = parts.talks && invocation.terminal;
    call.manner = if talks { Manner::Talk } else { Manner::Parts };
    let limit = if talks { CONVERSATION } else { patience(&call) };
    let mut line = match Line::open(invocation.socket, &call) {
        Ok(line) => line,
        Err(unanswered) => return unheard(invocation, unanswered, console),
    };
    let _typing = talks.then(Typing::begin);
    let mut listens = talks;
    loop {
        let until = Instant::now() + limit;
        if listens && !line.has_more() {
            let stdin = io::stdin();
            let ways = [line.stream().as_fd(), stdin.as_fd()];
            match console.interrupt.wait_for_any(&ways, until)? {
                (Woken::Readable, 1) => {
                    listens = send_typed(&line)?;
                    continue;
                }
                (Woken::Interrupted, _) => return unheard(invocation, Unanswered::Aborted, console),
                (Woken::Readable | Woken::Timeout, _) => {}
            }
        }
        let answer = match line.next(console.interrupt, until) {
            Ok(answer) => answer,
            Err(unanswered) => return unheard(invocation, unanswered, console),
        };
        if let (None, Some(problem)) = (&answer.part, &answer.error) {
            return complain(problem, refusal(problem), invocation, console);
        }
        match shown(parts, &answer) {
            Ok(text) => console.out.write_all(text.as_bytes())?,
            Err(problem) => return complain(&problem, Exit::Failed, invocation, console),
        }
        console.out.flush()?;
        if answer.part.is_none() {
            return Ok(outcome(entry, &answer.ok.unwrap_or_default()));
        }
    }
}

/// Whoever ends it has seen what there was to see; the gateway ends what it does when it notices.
fn unheard(
    invocation: &Invocation<'_>,
    unanswered: Unanswered,
    console: &mut Console<'_>,
) -> io::Result<Exit> {
    if matches!(unanswered, Unanswered::Aborted) {
        return writeln!(console.err).map(|()| Exit::Interrupted);
    }
    let (problem, exit) = without_answer(invocation, unanswered);
    complain(&problem, exit, invocation, console)
}

fn shown(parts: &Parts, answer: &Answer) -> Result<String, Problem> {
    match &answer.part {
        Some(part) => (parts.part)(part),
        None => (parts.rest)(&answer.ok.clone().unwrap_or_default()),
    }
}

/// Passes on what was typed; `false` when it was the end.
fn send_typed(line: &Line) -> io::Result<bool> {
    let mut buffer = [0; TYPED];
    let count = rustix::io::read(io::stdin(), &mut buffer)?;
    let typed = &buffer[..count];
    let end = typed.iter().position(|octet| *octet == ESCAPE);
    let goes_on = end.is_none() && count > 0;
    let said = with_line_ends(&typed[..end.unwrap_or(count)]);
    let mut stream = line.stream();
    if !said.is_empty() {
        let mut text = serde_json::to_vec(&Said { said })?;
        text.push(b'\n');
        // Whoever closed says so in an answer of its own.
        let _ = stream.write_all(&text);
    }
    if !goes_on {
        let _ = stream.shutdown(Shutdown::Write);
    }
    Ok(goes_on)
}

/// Lines as hosts want them (RFC 854: CR LF).
fn with_line_ends(typed: &[u8]) -> Vec<u8> {
    let mut said = Vec::with_capacity(typed.len() + 1);
    for octet in typed {
        if *octet == b'\n' {
            said.push(b'\r');
        }
        said.push(*octet);
    }
    said
}

/// A terminal that hands a line over at Ctrl-] too; as it was before when this is dropped.
struct Typing(Option<Termios>);

impl Typing {
    fn begin() -> Self {
        let stdin = io::stdin();
        let Ok(before) = termios::tcgetattr(&stdin) else { return Self(None) };
        let mut changed = before.clone();
        changed.special_codes[SpecialCodeIndex::VEOL] = ESCAPE;
        // Where that cannot be, Ctrl-] and Enter do it.
        let _ = termios::tcsetattr(&stdin, OptionalActions::Now, &changed);
        Self(Some(before))
    }
}

impl Drop for Typing {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_hosts_want_them() {
        assert_eq!(with_line_ends(b"QUIT\n"), b"QUIT\r\n");
        assert_eq!(with_line_ends(b"no end"), b"no end");
    }
}
