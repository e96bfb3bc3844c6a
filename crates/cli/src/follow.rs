//! Watching a job that a command began, until it is over: with a bar on a terminal, in silence for a script.

use std::io;
use std::time::{Duration, Instant};

use mailreeve_api::format::thousands;
use mailreeve_api::jobs::{Job, JobsReply, State};
use mailreeve_api::wire::{Call, Problem};
use serde_json::json;

use crate::give::{Console, ask};
use crate::problem::{aborted, complain};
use crate::{Exit, Invocation};

/// A job that takes longer than this is drawn.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks at a job, at first and later.
const LOOKS: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(200)];
/// Signs of a bar.
const BAR: u64 = 30;

/// Waits until a job is over and tells what came of it.
pub(crate) fn watch(invocation: &Invocation<'_>, id: u64, console: &mut Console<'_>) -> io::Result<Exit> {
    let draws = invocation.terminal && !invocation.json;
    let (began, mut drawn) = (Instant::now(), false);
    let job = loop {
        let job = match look(invocation, id, console) {
            Ok(job) => job,
            Err((problem, exit)) => return complain(&problem, exit, invocation, console),
        };
        if job.is_over() {
            break job;
        }
        let long = began.elapsed() >= PATIENCE;
        if draws && long {
            if !drawn {
                writeln!(
                    console.err,
                    "Ctrl-C stops watching; the job goes on, and `job {id}` tells how far it is."
                )?;
            }
            drawn = true;
            write!(console.err, "\r{}\x1b[K", bar(&job))?;
            console.err.flush()?;
        }
        if !console.interrupt.sleep(Instant::now() + LOOKS[usize::from(long)])? {
            let (problem, exit) = aborted();
            let problem = Problem { hint: Some(goes_on(id)), ..problem };
            return complain(&problem, exit, invocation, console);
        }
    };
    if drawn {
        write!(console.err, "\r\x1b[K")?;
    }
    conclude(invocation, &job, console)
}

/// Asks how far a job is. A gateway that is gone takes nothing of it away.
fn look(invocation: &Invocation<'_>, id: u64, console: &Console<'_>) -> Result<Job, (Problem, Exit)> {
    let call = Call::new("job", json!({ "id": id }));
    let reply = ask(invocation, &call, console.interrupt)
        .map_err(|(problem, exit)| (Problem { hint: Some(goes_on(id)), ..problem }, exit))?;
    let jobs = serde_json::from_value::<JobsReply>(reply).ok();
    jobs.and_then(|reply| reply.jobs.into_iter().next()).ok_or_else(|| {
        let hint = "use the command line of the same release as the gateway";
        (Problem::new("the gateway's reply was not understood", hint), Exit::Failed)
    })
}

fn goes_on(id: u64) -> String {
    format!("job {id} is on record and goes on when the gateway runs; `job {id}` tells how far it is")
}

fn conclude(invocation: &Invocation<'_>, job: &Job, console: &mut Console<'_>) -> io::Result<Exit> {
    let done = job.state == State::Done && job.done > 0;
    if invocation.json {
        serde_json::to_writer_pretty(&mut *console.out, job)?;
        console.out.write_all(b"\n")?;
        return Ok(if done { Exit::Done } else { Exit::Failed });
    }
    if done {
        writeln!(console.out, "{}", job.outcome())?;
        return Ok(Exit::Done);
    }
    let hint = match job.state {
        State::Stopped { .. } => "it goes on after a restart; look at `displayalerts`",
        State::Done | State::Running | State::Waiting => {
            "what waited has ended by itself meanwhile; the log tells how"
        }
    };
    complain(&Problem::new(job.progress(), hint), Exit::Failed, invocation, console)
}

/// `[#########---------------------]  30 %  30,000 of 100,000`.
fn bar(job: &Job) -> String {
    let Some(total) = job.total.filter(|total| *total > 0) else { return job.progress() };
    let seen = job.seen.min(total);
    let full = usize::try_from(seen * BAR / total).unwrap_or(0);
    let empty = usize::try_from(BAR).unwrap_or(0).saturating_sub(full);
    format!(
        "[{}{}] {:>3} %  {} of {}",
        "#".repeat(full),
        "-".repeat(empty),
        seen * 100 / total,
        thousands(seen),
        thousands(total)
    )
}

#[cfg(test)]
mod tests {
    use mailreeve_api::jobs::{Deed, Scope};

    use super::*;

    fn job(seen: u64, total: Option<u64>) -> Job {
        let (deed, scope, by, state) = (Deed::Delete, Scope::All, "ann".to_owned(), State::Running);
        Job { id: 4, deed, scope, by, at_us: 0, state, done: seen, seen, total, awaited: 0 }
    }

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        assert_eq!(
            bar(&job(30_000, Some(100_000))),
            "[#########---------------------]  30 %  30,000 of 100,000"
        );
        assert_eq!(bar(&job(9, Some(9))), "[##############################] 100 %  9 of 9");
        assert_eq!(bar(&job(11, Some(9))), "[##############################] 100 %  9 of 9");
        assert_eq!(bar(&job(5, None)), "5 recipients done, 5 looked at");
    }
}
