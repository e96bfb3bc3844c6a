//! "The message is queued for delivery: what now?", from how many wait to what can be done, by one command, as it is typed
//! in a shell beside the demo.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::setting::{one_screen, shown, whole};
use crate::world::binary;

/// How long the demo may take to come up and show all of its states.
const PATIENCE: Duration = Duration::from_secs(90);

struct Demo {
    child: Child,
    /// Its folders; gone with it.
    _parent: TempDir,
    socket: String,
    /// Domains, each with what the demo says of it.
    domains: Vec<(String, String)>,
}

impl Demo {
    fn start() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let mut child = Command::new(binary())
            .args(["demo", "--seed", "4711"])
            .env("TMPDIR", parent.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = lines_of(&mut child);
        let mut demo = Self { child, _parent: parent, socket: String::new(), domains: Vec::new() };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let line = lines.recv_timeout(deadline.saturating_duration_since(Instant::now())).unwrap();
            if let Some((_, socket)) = line.split_once("export MAILREEVE_SOCKET=") {
                demo.socket = socket.trim().to_owned();
            }
            if let Some((domain, words)) = line.strip_prefix("    ").and_then(|rest| rest.split_once(' ')) {
                demo.domains.push((domain.to_owned(), words.trim().to_owned()));
            }
            if line.contains(" destinations up, ") {
                return demo;
            }
        }
    }

    /// The domain of which the demo says this.
    fn domain(&self, words: &str) -> &str {
        let found = self.domains.iter().find(|(_, said)| said.starts_with(words));
        &found.unwrap_or_else(|| panic!("no {words} in {:?}", self.domains)).0
    }

    /// Types `mailreeve explain WHAT`.
    fn explain(&self, what: &str, more: &[&str]) -> String {
        let output = Command::new(binary())
            .args(["explain", what])
            .args(more)
            .env("MAILREEVE_SOCKET", &self.socket)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    fn explained(&self, domain: &str, cause: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer: Value = serde_json::from_str(&self.explain(domain, &["--json"])).unwrap();
            if answer["verdict"]["cause"] == cause && holds(&answer) {
                return answer;
            }
            assert!(Instant::now() < deadline, "{domain} is not {cause}: {answer:#}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Orderly, so that its gateway goes, too.
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.child.wait();
    }
}

fn lines_of(child: &mut Child) -> Receiver<String> {
    let (sender, lines) = channel();
    let output = child.stdout.take().unwrap();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// The answer and what to do, each in one line, without numbers and what the dice made of names and addresses. The steps
/// between them come in the order in which they happened.
fn settled(text: &str, names: &[(&str, &str)]) -> String {
    let named = names.iter().fold(text.to_owned(), |text, (name, shown)| text.replace(name, shown));
    let (mut out, mut steps, mut blanks) = (String::new(), false, 0);
    for line in named.lines() {
        blanks += usize::from(line.is_empty());
        let goes_on = blanks == 1 && !out.ends_with("\n\n") && !line.starts_with("The same");
        if goes_on && !line.is_empty() {
            out = format!("{} {line}\n", out.trim_end());
            continue;
        }
        steps = (steps || line == "What led to it:") && !line.starts_with("To do");
        if steps || line.starts_with("  also") || line.starts_with("Not shown") {
            continue;
        }
        match line.strip_prefix(&" ".repeat(21)) {
            Some(more) => out = format!("{} {more}\n", out.trim_end()),
            None if line.starts_with("Since: ") => out += "Since: TIME (AGE)\n",
            None => out += &format!("{line}\n"),
        }
    }
    digits(&out)
}

/// Every number is `N`: counts grow while somebody reads.
fn digits(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        let number = letter.is_ascii_digit() || (letter == ',' && out.ends_with('N'));
        if !number {
            out.push(letter);
        } else if !out.ends_with('N') {
            out.push('N');
        }
    }
    out
}

#[test]
fn one_command_leads_through_the_procedure() {
    let demo = Demo::start();
    let down = demo.domain("refuses connections");
    // How many wait, the state of the destination, whether SMTP reaches it, what may be done: all in one answer.
    let probed =
        |answer: &Value| shown(answer, "probe", "") && answer["subject"]["recipients"].as_u64() > Some(1);
    let answer = demo.explained(down, "connect-refused", probed);
    whole(&answer);
    assert_eq!((&answer["schema"], &answer["state"]), (&Value::from(1), &Value::from("queued")));
    let text = demo.explain(down, &[]);
    one_screen(&text);
    let chain = answer["chain"].as_array().unwrap();
    for key in ["chain.host_failed", "chain.down", "chain.waits", "chain.probe_failed"] {
        assert!(chain.iter().any(|step| step["key"] == key), "no {key} in {answer:#}");
    }
    let way = chain.iter().find(|step| step["evidence"]["kind"] == "probe").unwrap();
    let (name, address) = (way["args"]["name"].as_str().unwrap(), way["args"]["address"].as_str().unwrap());
    let names = [(name, "MX.DOWN"), (down, "DOWN"), (address, "ADDRESS")];
    insta::assert_snapshot!(settled(&text, &names));
    for (words, cause, owner) in [
        ("connects, and never says a word", "banner-timeout", "destination"),
        ("connection requests vanish", "connect-timeout", "network"),
        ("its name server fails", "dns-servfail", "dns-of-destination"),
        ("every mailbox is full", "mailbox-full", "destination"),
        ("too busy", "greeting-rejected", "destination"),
        ("TLS is required, it offers none", "tls-not-offered", "us-policy"),
    ] {
        let answer = demo.explained(demo.domain(words), cause, |_| true);
        assert_eq!(answer["verdict"]["owner"], owner, "{answer:#}");
        one_screen(&demo.explain(demo.domain(words), &[]));
    }
}
