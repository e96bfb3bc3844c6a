//! One call over the daemon's local socket.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use mailreeve_api::registry::patience;
use mailreeve_api::wire::{Answer, Call, Problem, ProblemKind};

use crate::interrupt::{Interrupt, Woken};

/// How long a gateway may take for taking a call.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no answer.
pub(crate) enum Unanswered {
    /// Something is wrong.
    Problem(Problem),
    /// Whoever asked does not want it any more.
    Aborted,
}

/// Sends `call` and waits for its answer.
pub(crate) fn call(socket: &Path, call: &Call, interrupt: &Interrupt) -> Result<Answer, Unanswered> {
    call_within(socket, call, interrupt, patience(call))
}

/// As [`call`], with a time limit of one's own.
pub(crate) fn call_within(
    socket: &Path,
    call: &Call,
    interrupt: &Interrupt,
    limit: Duration,
) -> Result<Answer, Unanswered> {
    let stream =
        UnixStream::connect(socket).map_err(|error| Unanswered::Problem(unreachable(socket, &error)))?;
    let answer = match talk(&stream, call, interrupt, Instant::now() + limit) {
        Ok(Some(answer)) => answer,
        Ok(None) => return Err(Unanswered::Aborted),
        Err(error) => {
            let problem = Problem::new(
                format!("the gateway did not answer on {}: {error}", socket.display()),
                "look at its log; `systemctl status mailreeve` says whether it runs",
            );
            return Err(Unanswered::Problem(problem.of(ProblemKind::Unavailable)));
        }
    };
    serde_json::from_slice(&answer).map_err(|error| {
        Unanswered::Problem(Problem::new(
            format!("the gateway's answer was not understood: {error}"),
            "use the command line of the same release as the gateway",
        ))
    })
}

/// Sends a line and reads a line; nothing when somebody ended it.
fn talk(
    mut stream: &UnixStream,
    call: &Call,
    interrupt: &Interrupt,
    until: Instant,
) -> io::Result<Option<Vec<u8>>> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(call)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    while answer.last() != Some(&b'\n') {
        match interrupt.wait(Some(stream.as_fd()), until)? {
            Woken::Interrupted => return Ok(None),
            Woken::Timeout => return Err(ErrorKind::TimedOut.into()),
            Woken::Readable => match stream.read(&mut buffer)? {
                0 => return Err(io::Error::new(ErrorKind::UnexpectedEof, "it closed the connection")),
                count => answer.extend_from_slice(&buffer[..count]),
            },
        }
    }
    Ok(Some(answer))
}

fn unreachable(socket: &Path, error: &io::Error) -> Problem {
    let path = socket.display();
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => Problem::new(
            format!("no gateway is running at {path}"),
            "start it with `mailreeve serve`, or name its socket with --socket or its file with --config",
        )
        .of(ProblemKind::Unavailable),
        ErrorKind::PermissionDenied => Problem::new(
            format!("you may not use {path}"),
            "give the command as the user that runs the gateway, or as root",
        )
        .of(ProblemKind::Forbidden),
        _ => Problem::new(
            format!("{path}: {error}"),
            "check the path given by --socket or in the configuration",
        ),
    }
}
