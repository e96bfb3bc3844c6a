//! The local socket: bound for this user alone, served one connection a task.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use mailreeve_api::audit::system_user;
use mailreeve_api::command::Role;
use mailreeve_api::wire::{Answer, Call, Caller, Manner, Problem, ProblemKind, REQUEST_BYTES, Said};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};

use super::{Client, Commands};

/// Connections served at a time; more wait in the kernel.
const CONNECTIONS: usize = 64;
/// Whoever owns a socket takes a connection at once, or is too busy within this.
const ANSWER: Duration = Duration::from_secs(2);
/// Whoever binds in the same folder is done within this.
const TURN: Duration = Duration::from_secs(10);
/// How soon it is looked at again whether somebody is done.
const LOOK: Duration = Duration::from_millis(20);
/// An idle connection is closed after this.
const PATIENCE: Duration = Duration::from_secs(300);

/// Binds the socket at `path`. A socket that a crash left behind is replaced; one that somebody still answers, and
/// anything that is no socket, is left alone.
///
/// # Errors
/// What stands there, or what the system says, with the path and what to do.
pub async fn bind(path: &Path) -> Result<UnixListener> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
    let _turn = turn(folder).await?;
    make_room(path).await?;
    let listener =
        UnixListener::bind(path).with_context(|| format!("binding the socket {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        .with_context(|| format!("protecting the socket {}", path.display()))?;
    Ok(listener)
}

/// Keeps every other gateway that starts out of the folder while this one looks and binds: of two that found the same
/// dead socket one would otherwise remove what the other had just bound.
async fn turn(folder: &Path) -> Result<File> {
    let shown = || format!("waiting for a turn at the folder {}", folder.display());
    let turn = File::open(folder).with_context(shown)?;
    let end = Instant::now() + TURN;
    loop {
        match turn.try_lock() {
            Ok(()) => return Ok(turn),
            Err(TryLockError::Error(error)) => return Err(error).with_context(shown),
            Err(TryLockError::WouldBlock) if Instant::now() < end => tokio::time::sleep(LOOK).await,
            Err(TryLockError::WouldBlock) => bail!(
                "another program keeps the folder {} locked: end it, or name a path in another folder with `socket`",
                folder.display()
            ),
        }
    }
}

/// Removes a socket that nobody answers any more.
async fn make_room(path: &Path) -> Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("looking at {}", path.display())),
    };
    if !found.file_type().is_socket() {
        bail!(
            "{} is not a socket and is left alone: move it away, or name another path with `socket`",
            path.display()
        );
    }
    let answer = tokio::time::timeout(ANSWER, UnixStream::connect(path)).await;
    let refused = matches!(&answer, Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused);
    if !refused {
        // Even one that is too busy to take a connection has an owner.
        if let Ok(Err(error)) = answer
            && error.kind() != io::ErrorKind::WouldBlock
        {
            return Err(error).with_context(|| format!("trying the socket {}", path.display()));
        }
        bail!(
            "another gateway answers at the socket {}: stop it, or name another path with `socket` in the \
             configuration of one of the two",
            path.display()
        );
    }
    fs::remove_file(path).with_context(|| format!("replacing the socket {}", path.display()))
}

/// Serves until the runtime ends.
pub async fn serve(listener: UnixListener, commands: Arc<Commands>) {
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let commands = Arc::clone(&commands);
                tokio::spawn(async move {
                    // Whoever left does not need an answer.
                    let _ = talk(stream, &commands).await;
                    drop(seat);
                });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn talk(stream: UnixStream, commands: &Commands) -> io::Result<()> {
    let caller = Caller {
        user: stream.peer_cred().map_or_else(|_| "unknown".to_owned(), |peer| system_user(peer.uid())),
        role: Role::Administrator,
        from: "local socket".to_owned(),
    };
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = tokio::time::timeout(PATIENCE, next(&mut reader, &mut line)).await;
        if read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?? == 0 {
            return Ok(());
        }
        let (answer, over) = match serde_json::from_slice::<Call>(&line) {
            Ok(call) if call.caller.is_some() => (nobody_else(), false),
            Ok(call) if call.manner == Manner::Whole => (commands.answer(call, &caller).await, false),
            Ok(call) => {
                let talks = call.manner == Manner::Talk;
                (in_parts(&mut reader, commands, call, &caller).await, talks)
            }
            Err(error) => {
                let problem = Problem::new(
                    format!("the request was not understood: {error}"),
                    "send one JSON object a line: {\"v\":1,\"command\":\"status\"}",
                );
                (Answer::problem(problem), false)
            }
        };
        say(&mut reader, &answer).await?;
        if over || !line.ends_with(b"\n") {
            return Ok(());
        }
    }
}

/// Carries a call out, tells its parts as they come, and takes in what the client says meanwhile. Whoever left is told
/// no more; the command ends when it notices, and is on record like any other.
async fn in_parts(
    reader: &mut BufReader<UnixStream>,
    commands: &Commands,
    call: Call,
    caller: &Caller,
) -> Answer {
    let talks = call.manner == Manner::Talk;
    let (client, ends) = Client::told(talks);
    let (mut parts, mut said) = (Some(ends.parts), talks.then_some(ends.said));
    let mut answering = std::pin::pin!(commands.answer_to(&client, call, caller));
    let (mut line, mut words) = (Vec::new(), None);
    loop {
        tokio::select! {
            biased;
            part = next_part(&mut parts) => {
                if say(reader, &Answer::part(part)).await.is_err() {
                    (parts, said) = (None, None);
                }
            }
            answer = &mut answering => {
                // What was told last may still be on its way.
                while let Some(part) = parts.as_mut().and_then(|parts| parts.try_recv().ok()) {
                    if say(reader, &Answer::part(part)).await.is_err() {
                        break;
                    }
                }
                return answer;
            }
            // A client that talks faster than the host listens waits: what it said is taken before more is read.
            taken = take(&said, &mut words), if words.is_some() => {
                said = said.filter(|_| taken);
            }
            read = next(reader, &mut line), if said.is_some() && words.is_none() => {
                words = read.ok().and_then(|_| serde_json::from_slice::<Said>(&line).ok());
                line.clear();
                // It left, or says what cannot be understood: no more is heard.
                said = said.filter(|_| words.is_some());
            }
        }
    }
}

/// Hands over what a client said; `false` when nobody listens.
async fn take(said: &Option<mpsc::Sender<Vec<u8>>>, words: &mut Option<Said>) -> bool {
    let Some(said) = said else {
        *words = None;
        return false;
    };
    match (said.reserve().await, words.take()) {
        (Ok(place), Some(words)) => {
            place.send(words.said);
            true
        }
        (_, _) => false,
    }
}

async fn next_part(parts: &mut Option<mpsc::Receiver<Value>>) -> Value {
    if let Some(channel) = parts
        && let Some(part) = channel.recv().await
    {
        return part;
    }
    std::future::pending().await
}

/// Reads a line; returns how much of it came just now.
async fn next(reader: &mut BufReader<UnixStream>, line: &mut Vec<u8>) -> io::Result<usize> {
    let limit = u64::try_from(REQUEST_BYTES.saturating_sub(line.len())).unwrap_or(u64::MAX);
    reader.take(limit).read_until(b'\n', line).await
}

async fn say(reader: &mut BufReader<UnixStream>, answer: &Answer) -> io::Result<()> {
    let mut text = serde_json::to_vec(answer)?;
    text.push(b'\n');
    reader.get_mut().write_all(&text).await
}

fn nobody_else() -> Answer {
    let problem = Problem::new(
        "nobody can give a command for somebody else here",
        "leave `caller` out: it is the user who opened the socket",
    );
    Answer::problem(problem.of(ProblemKind::Forbidden))
}
