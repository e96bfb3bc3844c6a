//! Calls over the daemon's local socket.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
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
    let until = Instant::now() + limit;
    Line::open(socket, call)?.next(interrupt, until)
}

/// A connection on which a call was given.
pub(crate) struct Line {
    stream: UnixStream,
    socket: PathBuf,
    unread: Vec<u8>,
}

impl Line {
    /// Connects and gives a call.
    pub(crate) fn open(socket: &Path, call: &Call) -> Result<Self, Unanswered> {
        let stream =
            UnixStream::connect(socket).map_err(|error| Unanswered::Problem(unreachable(socket, &error)))?;
        let line = Self { stream, socket: socket.to_owned(), unread: Vec::new() };
        let give = || -> io::Result<()> {
            line.stream.set_write_timeout(Some(PATIENCE))?;
            let mut text = serde_json::to_vec(call)?;
            text.push(b'\n');
            (&line.stream).write_all(&text)
        };
        give().map_err(|error| line.silent(&error))?;
        Ok(line)
    }

    /// Waits for the next line of the answer.
    pub(crate) fn next(&mut self, interrupt: &Interrupt, until: Instant) -> Result<Answer, Unanswered> {
        let answer = match self.read(interrupt, until) {
            Ok(Some(answer)) => answer,
            Ok(None) => return Err(Unanswered::Aborted),
            Err(error) => return Err(self.silent(&error)),
        };
        serde_json::from_slice(&answer).map_err(|error| {
            Unanswered::Problem(Problem::new(
                format!("the gateway's answer was not understood: {error}"),
                "use the command line of the same release as the gateway",
            ))
        })
    }

    /// Tells whether a further line is there already.
    pub(crate) fn has_more(&self) -> bool {
        self.unread.contains(&b'\n')
    }

    /// The connection itself.
    pub(crate) fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Reads a line; nothing when somebody ended it.
    fn read(&mut self, interrupt: &Interrupt, until: Instant) -> io::Result<Option<Vec<u8>>> {
        let mut buffer = vec![0; 64 * 1024];
        let mut seen = 0;
        loop {
            if let Some(end) = self.unread[seen..].iter().position(|octet| *octet == b'\n') {
                let rest = self.unread.split_off(seen + end + 1);
                return Ok(Some(std::mem::replace(&mut self.unread, rest)));
            }
            seen = self.unread.len();
            match interrupt.wait(Some(self.stream.as_fd()), until)? {
                Woken::Interrupted => return Ok(None),
                Woken::Timeout => return Err(ErrorKind::TimedOut.into()),
                Woken::Readable => match (&self.stream).read(&mut buffer)? {
                    0 => return Err(io::Error::new(ErrorKind::UnexpectedEof, "it closed the connection")),
                    count => self.unread.extend_from_slice(&buffer[..count]),
                },
            }
        }
    }

    fn silent(&self, error: &io::Error) -> Unanswered {
        let problem = Problem::new(
            format!("the gateway did not answer on {}: {error}", self.socket.display()),
            "look at its log; `systemctl status mailreeve` says whether it runs",
        );
        Unanswered::Problem(problem.of(ProblemKind::Unavailable))
    }
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
