//! The gateway of a demo: this program again, as a process of its own.

use std::fs;
use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::cast::Cast;
use super::folder::Folder;
use super::ports::Ports;
use super::settings;
use super::wake::{Wake, Waker};

/// A running gateway. It ends when this is dropped, at the latest.
#[derive(Debug)]
pub(super) struct Gateway {
    child: Child,
    smtp: SocketAddr,
    socket: PathBuf,
    errors: PathBuf,
}

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_secs(30);
/// How long an orderly stop may take; beyond it the process is killed.
const STOP: Duration = Duration::from_secs(45);
/// How long an end takes to be seen.
const MOMENT: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(25);

impl Gateway {
    /// Writes its configuration and starts it.
    pub(super) fn start(folder: &Folder, ports: &Ports, cast: &Cast) -> Result<Self> {
        let file = folder.join("mailreeve.toml");
        let trusted = folder.join("authority.pem");
        let errors = folder.join("gateway.errors");
        let told = |path: &Path| format!("{} cannot be written", path.display());
        fs::write(&file, settings::text(folder, ports, cast)).with_context(|| told(&file))?;
        fs::write(&trusted, cast.world.authority_pem()).with_context(|| told(&trusted))?;
        let output = fs::File::create(&errors).with_context(|| told(&errors))?;
        let program = std::env::current_exe().context("this program cannot be found again")?;
        let child = Command::new(&program)
            .arg("--config")
            .arg(&file)
            .arg("serve")
            // However the demo ends, a kill too.
            .arg("--end-with")
            .arg(std::process::id().to_string())
            .env_remove("NOTIFY_SOCKET")
            .env_remove("MAILREEVE_CONFIG")
            .env_remove("MAILREEVE_SOCKET")
            // The authority of the lab is the only one that this gateway trusts.
            .env("SSL_CERT_FILE", &trusted)
            .env_remove("SSL_CERT_DIR")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            // Ctrl-C is for the demo, which ends the gateway in its turn.
            .process_group(0)
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        Ok(Self { child, smtp: ports.smtp, socket: folder.join("socket"), errors })
    }

    /// Where commands come by.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Waits until it answers; says whether the demo is to go on.
    pub(super) fn ready(&mut self, waker: &Waker) -> Result<bool> {
        let begin = Instant::now();
        loop {
            let answers = UnixStream::connect(&self.socket).is_ok() && has_banner(self.smtp);
            // Only then: the banner may be that of somebody who was quicker.
            self.check()?;
            if answers {
                return Ok(true);
            }
            if begin.elapsed() > START {
                bail!("the gateway did not answer at {} within {START:?}{}", self.smtp, self.complaints());
            }
            if waker.wait(LOOK) == Some(Wake::Stop) {
                return Ok(false);
            }
        }
    }

    /// An error where it has ended by itself.
    pub(super) fn check(&mut self) -> Result<()> {
        match self.child.try_wait().context("the gateway cannot be watched")? {
            None => Ok(()),
            Some(status) => bail!("the gateway ended by itself ({status}){}", self.complaints()),
        }
    }

    /// An error where it has ended by itself, or does so in a moment.
    pub(super) fn has_ended(&mut self) -> Result<()> {
        let begin = Instant::now();
        while begin.elapsed() < MOMENT {
            self.check()?;
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// What it wrote before it ended, on lines of its own.
    fn complaints(&self) -> String {
        let text = fs::read_to_string(&self.errors).unwrap_or_default();
        let text = text.trim();
        if text.is_empty() { String::new() } else { format!(". It said:\n{text}") }
    }

    /// Asks it to stop in order, and waits for that.
    pub(super) fn stop(mut self) -> Result<()> {
        let status = self.end().context("the gateway could not be stopped")?;
        if !status.success() {
            bail!("the gateway ended badly ({status}){}", self.complaints());
        }
        Ok(())
    }

    fn end(&mut self) -> std::io::Result<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM)?;
        }
        let begin = Instant::now();
        while begin.elapsed() < STOP {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(LOOK);
        }
        self.child.kill()?;
        self.child.wait()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            // Only where something else went wrong: that is what is told.
            let _ = self.end();
        }
    }
}

/// Whether somebody greets at this address.
fn has_banner(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else { return false };
    let mut start = [0; 4];
    stream.set_read_timeout(Some(Duration::from_secs(2))).is_ok()
        && stream.read_exact(&mut start).is_ok()
        && &start == b"220 "
}
