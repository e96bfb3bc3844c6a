//! Telling what went wrong, and how that ends a command.

use std::io;

use mailreeve_api::wire::{Problem, ProblemKind};

use crate::connection::Unanswered;
use crate::give::Console;
use crate::{Exit, Invocation};

/// How a command ends that the gateway refused: words that make no sense are told by whoever reads them first.
pub(crate) const fn refusal(problem: &Problem) -> Exit {
    match problem.kind {
        ProblemKind::Invalid => Exit::Usage,
        ProblemKind::Unauthenticated
        | ProblemKind::Forbidden
        | ProblemKind::NotFound
        | ProblemKind::Method
        | ProblemKind::Conflict
        | ProblemKind::TooLong
        | ProblemKind::TooMany
        | ProblemKind::Internal
        | ProblemKind::Unavailable => Exit::Failed,
    }
}

/// What is told when there is no answer.
pub(crate) fn without_answer(invocation: &Invocation<'_>, unanswered: Unanswered) -> (Problem, Exit) {
    match unanswered {
        Unanswered::Aborted => aborted(),
        Unanswered::Problem(problem) => {
            let absent = problem.kind == ProblemKind::Unavailable;
            let hint = invocation.doubt.filter(|_| absent).map(str::to_owned).or(problem.hint);
            (Problem { hint, ..problem }, Exit::Unreachable)
        }
    }
}

/// What is told when somebody did not wait for the answer.
pub(crate) fn aborted() -> (Problem, Exit) {
    let hint = "what the gateway has taken it carries out; look at `status` and `jobs`";
    (Problem::new("the answer was not waited for", hint), Exit::Interrupted)
}

/// Tells a problem; returns how that ends the command.
pub(crate) fn complain(
    problem: &Problem,
    exit: Exit,
    invocation: &Invocation<'_>,
    console: &mut Console<'_>,
) -> io::Result<Exit> {
    let Console { out, err, .. } = console;
    if exit == Exit::Interrupted {
        // Behind the ^C that the terminal shows.
        writeln!(err)?;
    }
    if invocation.json {
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
