//! `mailreeve demo` as somebody sees it who has nothing but the binary: it comes up, shows destinations up, down
//! and unknown, and leaves no process and no folder, however it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use world::binary;

/// How long a demo may take to come up, and to end, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(90);

/// A running demo, in a folder for temporary files of its own.
struct Demo {
    child: Child,
    parent: TempDir,
    lines: Receiver<String>,
    heard: String,
}

fn command(parent: &TempDir, words: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.arg("demo").args(words).env("TMPDIR", parent.path()).stdin(Stdio::null());
    command
}

impl Demo {
    fn start(words: &[&str]) -> Self {
        let parent = tempfile::tempdir().unwrap();
        let mut child =
            command(&parent, words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        Self { child, parent, lines, heard: String::new() }
    }

    /// What stands behind `label`, on the line where it comes first.
    fn told(&mut self, label: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let Ok(line) = line else {
                let errors = self.errors();
                panic!("no {label}\n{}\n{errors}", self.heard);
            };
            self.heard.push_str(&line);
            self.heard.push('\n');
            if let Some((_, rest)) = line.split_once(label) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Its standard error, once it has ended; it is ended for that.
    fn errors(&mut self) -> String {
        let _ = self.child.kill();
        let mut text = String::new();
        let _ = self.child.stderr.take().map(|mut errors| errors.read_to_string(&mut text));
        text
    }

    /// There are pages for browsers where it says, and the login is that of the desk.
    fn assert_pages_are_there(&self, pages: &str, login: &str) {
        assert!(answer_at(pages).starts_with("HTTP/1.1 "), "nobody is at {pages}");
        let password = login.strip_prefix("user admin, password ").expect("a user and a password");
        let folder = fs::read_dir(self.parent.path()).unwrap().next().unwrap().unwrap().path();
        let told = fs::read_to_string(folder.join("data/desk/first-login.txt")).unwrap();
        assert!(told.lines().any(|line| line.strip_prefix("password: ") == Some(password)), "{login}");
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the demo did not end\n{}", self.heard);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Nothing is left: no file, and no process that was started with one.
    fn assert_nothing_is_left(&self) {
        let left: Vec<_> = fs::read_dir(self.parent.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
        assert_eq!(processes_of(&self.parent), Vec::<u32>::new());
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Orderly where a test failed, so that its gateway goes, too.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal("TERM");
            let _ = self.child.wait();
        }
    }
}

fn lines_of(output: ChildStdout) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Processes with a path in the folder among their arguments.
fn processes_of(parent: &TempDir) -> Vec<u32> {
    let path = parent.path().display().to_string();
    let numbers =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers
        .filter(|number: &u32| {
            let words = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&words).contains(&path)
        })
        .collect()
}

/// Gives an operator's command as the demo says that it is to be given.
fn operator(socket: &str, words: &[&str]) -> Value {
    let told =
        Command::new(binary()).args(words).arg("--json").env("MAILREEVE_SOCKET", socket).output().unwrap();
    serde_json::from_slice(&told.stdout)
        .unwrap_or_else(|_| panic!("{words:?}: {}", String::from_utf8_lossy(&told.stderr)))
}

/// The first line of the answer to a browser.
fn answer_at(url: &str) -> String {
    let place = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(place).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET / HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n\r\n").unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line
}

/// The end of a demo that ends by itself.
fn ended(parent: &TempDir, words: &[&str]) -> Output {
    command(parent, words).output().unwrap()
}

#[test]
fn it_shows_three_states_and_leaves_nothing() {
    let mut demo = Demo::start(&[]);
    demo.told("WHAT IS TO BE SEEN");
    let socket = demo.told("export MAILREEVE_SOCKET=");
    let down = demo.told("hoststatus ").split_whitespace().next().unwrap().to_owned();
    // What is needed first stands last.
    let pages = demo.told("In a browser");
    let login = demo.told("to sign in there");
    let smtp: SocketAddr = demo.told("The gateway's SMTP port").parse().unwrap();
    demo.assert_pages_are_there(&pages, &login);
    // What it says that it has seen can be seen by everybody.
    demo.told(" destinations up, ");
    let begin = Instant::now();
    let count = |hosts: &Value, state: &str| {
        let hosts = hosts["hosts"].as_array().unwrap();
        hosts.iter().filter(|one| one["status"] == state && one["active_recips"].as_u64() > Some(0)).count()
    };
    loop {
        let hosts = operator(&socket, &["tophosts", "active_rcpts"]);
        let seen = ["up", "down", "unknown"].map(|state| count(&hosts, state));
        if seen.iter().all(|count| *count > 0) {
            break;
        }
        assert!(begin.elapsed() < PATIENCE, "{seen:?} {hosts:#}");
        std::thread::sleep(Duration::from_millis(100));
    }
    let status = operator(&socket, &["hoststatus", &down]);
    assert_eq!(status["status"], "down", "{status:#}");
    assert!(status["reason"].as_str().unwrap().contains("refused"), "{status:#}");
    assert!(!processes_of(&demo.parent).is_empty(), "the gateway is a process of its own");
    demo.signal("INT");
    assert!(demo.wait().success(), "{}", demo.errors());
    demo.assert_nothing_is_left();
    assert!(TcpStream::connect(smtp).is_err(), "somebody still listens at {smtp}");
}

#[test]
fn the_tour_leads_through_both_procedures_and_ends() {
    let parent = tempfile::tempdir().unwrap();
    let told = ended(&parent, &["--tour", "--seed", "11"]);
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(told.status.success(), "{text}\n{}", String::from_utf8_lossy(&told.stderr));
    for part in [
        "Part 1: ",
        " tophosts active_rcpts\n",
        " deliverystatus\n",
        "Host up/down:         down",
        "Host up/down:         unknown",
        "Connection refused",
        " dig mx ",
        " telnet ",
        "('452', [",
        " delivernow ",
        "Part 2: ",
        "New SMTP ICID ",
        "Connection lost after 60 bytes of content",
        "Receiving aborted",
        "(nothing)",
        "Rejected by",
        "That was the tour",
    ] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    // Every step says what it means.
    assert!(text.matches("\n   > ").count() > 12, "{text}");
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    assert_eq!(processes_of(&parent), Vec::<u32>::new());
}

#[test]
fn it_ends_by_itself_when_told_so() {
    let parent = tempfile::tempdir().unwrap();
    let told = ended(&parent, &["--seconds", "1"]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert!(String::from_utf8(told.stdout).unwrap().contains("letters were handed to the gateway"));
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
}

#[test]
fn a_demo_that_is_killed_takes_its_gateway_along_and_the_next_one_cleans_up() {
    let mut demo = Demo::start(&[]);
    demo.told("WHERE TO LOOK");
    assert!(!processes_of(&demo.parent).is_empty());
    demo.child.kill().unwrap();
    demo.wait();
    let begin = Instant::now();
    while !processes_of(&demo.parent).is_empty() {
        assert!(begin.elapsed() < PATIENCE, "the gateway goes on");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(fs::read_dir(demo.parent.path()).unwrap().count(), 1, "nobody was left to remove it");
    assert!(ended(&demo.parent, &["--seconds", "1"]).status.success());
    demo.assert_nothing_is_left();
}

#[test]
fn a_gateway_that_dies_is_told_and_nothing_is_left() {
    let mut demo = Demo::start(&[]);
    demo.told("WHERE TO LOOK");
    let gateway = processes_of(&demo.parent);
    let pid = gateway.first().expect("a gateway").to_string();
    assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    assert!(!demo.wait().success());
    demo.assert_nothing_is_left();
    let errors = demo.errors();
    assert!(errors.contains("the gateway ended by itself (signal: 9"), "{errors}");
}

#[test]
fn a_machine_without_room_for_it_is_told_what_is_missing() {
    let parent = tempfile::tempdir().unwrap();
    let told = command(&parent, &[]).env("TMPDIR", parent.path().join("missing")).output().unwrap();
    let errors = String::from_utf8(told.stderr).unwrap();
    assert_eq!(told.status.code(), Some(1), "{errors}");
    assert!(errors.starts_with("error: no folder can be made in ") && errors.contains("hint: "), "{errors}");
}
