//! A gateway of its own for a test: the real binary, its own folders, its own loopback addresses.
//!
//! Nothing in it is shared between tests, so they run side by side. Everything that waits has a deadline.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

pub mod correspondence;
pub mod disk;
pub mod places;
pub mod redaction;
pub mod restarts;
pub mod scripted;
mod talk;
pub mod terminal;
pub mod tls;

use std::fs;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub use talk::Talk;

/// How long anything may take that should take a moment.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A loopback address that no other test of this machine uses.
pub fn address() -> IpAddr {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id();
    let [_, high, low, _] = (process << 8).to_be_bytes();
    let [.., last] = number.to_be_bytes();
    assert!(number < 250, "too many addresses for one test process");
    IpAddr::V4(Ipv4Addr::new(127, high.max(1), low, last))
}

/// The binary under test: the one built with the tests, or what `MAILREEVE_BINARY` names (for measurements).
pub fn binary() -> PathBuf {
    std::env::var_os("MAILREEVE_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_mailreeve").into(), PathBuf::from)
}

/// Waits until `holds` does; says `what` when it never does.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Test data that is kept beside the project, or `None`, said aloud, where it is absent.
pub fn testdata(path: &str) -> Option<PathBuf> {
    let found = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata").join(path);
    if !found.exists() {
        eprintln!("skipped: {} is not there", found.display());
        return None;
    }
    Some(found)
}

/// A gateway: running, or between two runs.
pub struct Gateway {
    /// Its folders; gone with it.
    pub folder: TempDir,
    /// Where it listens.
    pub smtp: SocketAddr,
    /// Variables of its environment.
    pub environment: Vec<(&'static str, String)>,
    /// Words before the binary: a program that runs it somewhere else.
    pub within: Vec<String>,
    child: Option<Child>,
}

impl Gateway {
    /// Makes the folders and the configuration; `more` is appended to it. Does not start it.
    pub fn prepare(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let smtp = SocketAddr::new(address(), 2525);
        let gateway = Self { folder, smtp, environment: Vec::new(), within: Vec::new(), child: None };
        gateway.configure(more);
        gateway
    }

    /// Prepares and starts.
    pub fn start(more: &str) -> Self {
        let mut gateway = Self::prepare(more);
        gateway.run();
        gateway
    }

    /// Writes the configuration anew. There is a desk only if `more` has a section for it.
    pub fn configure(&self, more: &str) {
        let folder = self.folder.path().display();
        let desk = if more.contains("[desk]") { "" } else { "[desk]\nenabled = false\n" };
        let text = format!(
            "hostname = \"gw.test\"\ndata_dir = \"{folder}/data\"\nlog_dir = \"{folder}/log\"\n\
             socket = \"{folder}/socket\"\n[[listener]]\nname = \"Incoming\"\naddress = \"{}\"\n{more}\n{desk}",
            self.smtp
        );
        fs::write(self.config(), text).unwrap();
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("mailreeve.toml")
    }

    /// Starts the daemon and waits for its banner.
    pub fn run(&mut self) {
        self.spawn();
        self.wait_for_banner();
    }

    /// Waits until the daemon that was started answers, at its port and at its socket.
    pub fn wait_for_banner(&mut self) {
        let smtp = self.smtp;
        let socket = self.folder.path().join("socket");
        wait_until("the banner", || {
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait().unwrap()
            {
                panic!("the gateway ended at once: {status}\n{}", self.errors());
            }
            banner(smtp).is_some_and(|banner| banner.starts_with("220 "))
                && UnixStream::connect(&socket).is_ok()
        });
    }

    /// Starts the daemon without waiting.
    pub fn spawn(&mut self) {
        let errors =
            fs::File::options().create(true).append(true).open(self.folder.path().join("stderr")).unwrap();
        let own = binary().display().to_string();
        let mut words = self.within.iter().chain(std::iter::once(&own));
        let child = Command::new(words.next().unwrap())
            .args(words)
            .args(["--config", self.config().to_str().unwrap(), "serve"])
            .env_remove("NOTIFY_SOCKET")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    pub fn errors(&self) -> String {
        fs::read_to_string(self.folder.path().join("stderr")).unwrap_or_default()
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "the gateway had ended before: {status}\n{}", self.errors());
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// SIGTERM, and its exit.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// Waits for the daemon to end.
    pub fn wait(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            if Instant::now() > deadline {
                child.kill().unwrap();
                panic!("the gateway did not stop\n{}", self.errors());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Gives an operator's command.
    pub fn command(&self, words: &str) -> Output {
        Command::new(binary())
            .args(["--config", self.config().to_str().unwrap()])
            .args(words.split(' '))
            .output()
            .unwrap()
    }

    /// Gives a command and returns its text.
    pub fn text(&self, words: &str) -> String {
        let output = self.command(words);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Gives a command and returns its reply.
    pub fn json(&self, words: &str) -> Value {
        serde_json::from_str(&self.text(&format!("{words} --json"))).unwrap()
    }

    /// Gives a command that tells how a try went: its text, and whether it came about.
    pub fn tried(&self, words: &str) -> (String, bool) {
        let output = self.command(words);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 1)) && errors.is_empty(), "{words}: {code:?} {errors}");
        (String::from_utf8(output.stdout).unwrap(), code == Some(0))
    }

    /// Gives a command that tells how a try went: its reply, and whether it came about.
    pub fn tried_json(&self, words: &str) -> (Value, bool) {
        let (text, came_about) = self.tried(&format!("{words} --json"));
        (serde_json::from_str(&text).unwrap(), came_about)
    }

    /// The text log, all of it.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log/mail.current")).unwrap_or_default()
    }

    /// Recipients waiting for delivery.
    pub fn active(&self) -> u64 {
        self.json("status")["gauges"]["active_recips"].as_u64().unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- stderr\n{}\n--- log\n{}", self.errors(), self.log());
        }
    }
}

/// The first line that a server says.
pub fn banner(address: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut buffer = [0; 512];
    let count = stream.read(&mut buffer).ok()?;
    Some(String::from_utf8_lossy(&buffer[..count]).into_owned())
}
