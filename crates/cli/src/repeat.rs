//! Giving a command again and again, a line a sample, until its count is reached or somebody ends it.

use std::io;
use std::time::{Duration, Instant};

use mailreeve_api::repeat::Repeat;
use mailreeve_api::wire::{Call, Problem};
use serde_json::Value;

use crate::give::{Console, ask};
use crate::problem::complain;
use crate::{Exit, Invocation};

/// Lines after which the header is said again: a page of most terminals.
const PAGE: u32 = 20;

/// Shows samples of a command as they come.
pub(crate) fn run(
    invocation: &Invocation<'_>,
    repeat: &Repeat,
    call: &Call,
    console: &mut Console<'_>,
) -> io::Result<Exit> {
    let pace = match (repeat.pace)(&call.args) {
        Ok(pace) => pace,
        Err(problem) => return complain(&problem, Exit::Usage, invocation, console),
    };
    let every = Duration::from_secs(u64::from(pace.seconds));
    let mut next = Instant::now();
    let mut before = None;
    for number in 0..pace.count.unwrap_or(u32::MAX) {
        // Measured from the first sample: what a call costs does not add up.
        if !console.interrupt.sleep(next)? {
            return writeln!(console.err).map(|()| Exit::Interrupted);
        }
        next += every;
        let sample = match ask(invocation, call, console.interrupt) {
            Ok(sample) => sample,
            Err((problem, exit)) => return complain(&problem, exit, invocation, console),
        };
        match show(repeat, invocation.json, number, before.as_ref(), &sample) {
            Ok(text) => console.out.write_all(text.as_bytes())?,
            Err(problem) => return complain(&problem, Exit::Failed, invocation, console),
        }
        console.out.flush()?;
        before = Some(sample);
    }
    Ok(Exit::Done)
}

fn show(
    repeat: &Repeat,
    json: bool,
    number: u32,
    before: Option<&Value>,
    sample: &Value,
) -> Result<String, Problem> {
    if json {
        return Ok(format!("{sample}\n"));
    }
    let header = if number.is_multiple_of(PAGE) { repeat.header } else { "" };
    Ok(format!("{header}{}", (repeat.line)(before, sample)?))
}
