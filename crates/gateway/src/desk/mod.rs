//! The desk: started as a process of its own, served over a connection that only the two have, started again when
//! it ends. No mail depends on it.
//!
//! The daemon binds the port, so it stays taken while a desk is started again, and hands it on as the child's
//! standard output; standard input is the connection. So nothing has to be done between fork and exec. A desk that
//! has lost its daemon reads the end of the connection and ends.

mod talk;

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use mailreeve_api::desk::Start;
use mailreeve_core::config::Config;
use mailreeve_core::event::Severity;

use crate::commands::Commands;
use crate::configuration;
use crate::context::Context;

/// The first wait before a desk is started again; each next one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// But no longer than this.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A desk that ran this long was well.
const WELL: Duration = Duration::from_secs(60);
/// A port that is still taken after this is alerted: the desk of the run before may need a moment to go.
const PORT_PATIENCE: Duration = Duration::from_secs(3);
/// For a desk to go after its connection ended.
const GOING: Duration = Duration::from_secs(5);

/// Keeps a desk running until the runtime ends.
pub(crate) async fn run(context: Arc<Context>, commands: Arc<Commands>) {
    let config = context.running.load().config.clone();
    if !config.desk.enabled {
        return;
    }
    let listener = port(&context, config.desk.address).await;
    let start = start(&config);
    let mut wait = FIRST_WAIT;
    loop {
        let began = Instant::now();
        let ended = once(&listener, &start, &context, &commands).await;
        if began.elapsed() >= WELL {
            wait = FIRST_WAIT;
        }
        let how = ended.map_or_else(|error| format!("{error:#}"), |status| status.to_string());
        context.events.alert(
            Severity::Warning,
            "desk-ended",
            format!(
                "the desk ended ({how}) and is started again in {} ms; mail is not concerned",
                wait.as_millis()
            ),
            "nothing to do once; when it goes on, look at the daemon's standard error",
        );
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Binds the port, however long that takes.
async fn port(context: &Context, address: SocketAddr) -> TcpListener {
    let began = Instant::now();
    let mut alerted = false;
    loop {
        let error = match TcpListener::bind(address) {
            Ok(listener) => return listener,
            Err(error) => error,
        };
        if !alerted && began.elapsed() >= PORT_PATIENCE {
            alerted = true;
            context.events.alert(
                Severity::Warning,
                "desk-port",
                format!("the desk cannot listen at {address} ({error}) and tries on; mail is not concerned"),
                "give it another address in [desk], or end the program that has this one",
            );
        }
        tokio::time::sleep(if alerted { LONGEST_WAIT / 6 } else { FIRST_WAIT }).await;
    }
}

fn start(config: &Config) -> Start {
    let desk = &config.desk;
    let identity = desk.identity.as_ref();
    Start {
        hostname: config.hostname.clone(),
        folder: configuration::desk_folder(config),
        identity: identity.map(|identity| (identity.certificate.clone(), identity.key.clone())),
        idle_s: desk.idle_timeout.as_secs(),
        session_s: desk.session_timeout.as_secs(),
    }
}

/// One desk, from its start to its end.
async fn once(
    listener: &TcpListener,
    start: &Start,
    context: &Arc<Context>,
    commands: &Arc<Commands>,
) -> Result<ExitStatus> {
    let (ours, theirs) = UnixStream::pair().context("making its connection")?;
    ours.set_nonblocking(true)?;
    let ours = tokio::net::UnixStream::from_std(ours)?;
    let child = Running(Some(spawn(listener, theirs)?));
    talk::until_its_end(ours, start, context, commands).await;
    child.end().await
}

fn spawn(listener: &TcpListener, connection: UnixStream) -> Result<Child> {
    Command::new("/proc/self/exe")
        .arg0("mailreeve")
        .arg("desk")
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(connection)))
        .stdout(Stdio::from(OwnedFd::from(listener.try_clone()?)))
        .spawn()
        .context("starting its process")
}

/// A desk's process. Whoever lets go of it ends it.
struct Running(Option<Child>);

impl Running {
    /// Waits for its end, which its lost connection has told it; helps when it takes too long.
    async fn end(mut self) -> Result<ExitStatus> {
        let Some(mut child) = self.0.take() else { anyhow::bail!("it has ended") };
        let waited = tokio::task::spawn_blocking(move || {
            let deadline = Instant::now() + GOING;
            while Instant::now() < deadline {
                if let Some(status) = child.try_wait()? {
                    return Ok(status);
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            child.kill()?;
            child.wait()
        });
        waited.await?.context("waiting for its end")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // One that has ended needs not be told.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
