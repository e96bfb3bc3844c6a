//! One call over the daemon's local socket.

use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use mailreeve_api::registry::patience;
use mailreeve_api::wire::{Answer, Call, Problem, ProblemKind};

/// How long a gateway may take for taking a call.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends `call` and waits for its answer.
pub(crate) fn call(socket: &Path, call: &Call) -> Result<Answer, Problem> {
    let stream = UnixStream::connect(socket).map_err(|error| unreachable(socket, &error))?;
    let talk = || -> std::io::Result<String> {
        stream.set_read_timeout(Some(patience(call)))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut line = serde_json::to_vec(call)?;
        line.push(b'\n');
        (&stream).write_all(&line)?;
        let mut answer = String::new();
        BufReader::new(&stream).read_line(&mut answer)?;
        Ok(answer)
    };
    let answer = talk().map_err(|error| {
        Problem::new(
            format!("the gateway did not answer on {}: {error}", socket.display()),
            "look at its log; `systemctl status mailreeve` says whether it runs",
        )
        .of(ProblemKind::Unavailable)
    })?;
    serde_json::from_str(&answer).map_err(|error| {
        Problem::new(
            format!("the gateway's answer was not understood: {error}"),
            "use the command line of the same release as the gateway",
        )
    })
}

fn unreachable(socket: &Path, error: &std::io::Error) -> Problem {
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
