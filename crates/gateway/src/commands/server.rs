//! The local socket: bound for this user alone, served one connection a task.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use mailreeve_api::command::Role;
use mailreeve_api::wire::{Answer, Call, Caller, Problem, ProblemKind, REQUEST_BYTES};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

use super::Commands;

/// Connections served at a time; more wait in the kernel.
const CONNECTIONS: usize = 64;
/// An idle connection is closed after this.
const PATIENCE: Duration = Duration::from_secs(300);

/// Binds the socket at `path`. A socket left by a crash is replaced: the spool's lock has already made sure
/// that no other gateway runs on this data.
pub fn bind(path: &Path) -> Result<UnixListener> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
    }
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("replacing the socket {}", path.display())),
    }
    let listener =
        UnixListener::bind(path).with_context(|| format!("binding the socket {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        .with_context(|| format!("protecting the socket {}", path.display()))?;
    Ok(listener)
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
        user: stream.peer_cred().map_or_else(|_| "unknown".to_owned(), |peer| user(peer.uid())),
        role: Role::Administrator,
        from: "local socket".to_owned(),
    };
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = u64::try_from(REQUEST_BYTES).unwrap_or(u64::MAX);
        let mut bounded = (&mut reader).take(limit);
        let read = tokio::time::timeout(PATIENCE, bounded.read_until(b'\n', &mut line)).await;
        if read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?? == 0 {
            return Ok(());
        }
        let answer = match serde_json::from_slice::<Call>(&line) {
            Ok(call) if call.caller.is_some() => Answer::problem(
                Problem::new(
                    "nobody can give a command for somebody else here",
                    "leave `caller` out: it is the user who opened the socket",
                )
                .of(ProblemKind::Forbidden),
            ),
            Ok(call) => commands.answer(call, &caller).await,
            Err(error) => Answer::problem(Problem::new(
                format!("the request was not understood: {error}"),
                "send one JSON object a line: {\"v\":1,\"command\":\"status\"}",
            )),
        };
        let mut text = serde_json::to_vec(&answer)?;
        text.push(b'\n');
        reader.get_mut().write_all(&text).await?;
        if !line.ends_with(b"\n") {
            return Ok(());
        }
    }
}

/// The name of a user, or its number: for records of who did what.
fn user(uid: u32) -> String {
    let named = fs::read_to_string("/etc/passwd").ok().and_then(|users| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
        })
    });
    named.unwrap_or_else(|| format!("uid {uid}"))
}
