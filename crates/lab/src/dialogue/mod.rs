//! Plays conversations that are written in text files against a real address.
//!
//! Every wait has a deadline. A conversation that goes wrong ends in a [`Failure`] that shows the line of the
//! file, what was expected there and all that was said before.

mod connection;
mod expression;
mod pattern;
mod script;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

pub use script::{BadDialogue, Dialogue};

use connection::Connection;
use script::{Action, Expected, Step};

/// How closely the texts of a `.cmy` file are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Closeness {
    /// Codes only, and whole replies instead of lines: the file was written for another server.
    #[default]
    Codes,
    /// As they stand.
    Texts,
}

/// Against whom a conversation is played.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Where connections go.
    pub target: SocketAddr,
    /// Where connections to addresses named in the file go instead.
    pub named: HashMap<String, SocketAddr>,
    /// How closely `.cmy` texts are compared.
    pub closeness: Closeness,
    /// How long a reply may take.
    pub patience: Duration,
}

impl Stage {
    /// Everything goes to `target`; codes are compared; a reply may take 10 s.
    #[must_use]
    pub fn new(target: SocketAddr) -> Self {
        let patience = Duration::from_secs(10);
        Self { target, named: HashMap::new(), closeness: Closeness::default(), patience }
    }
}

/// How a conversation went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The line of the file, from 1; 0 is the first connection.
    pub line: usize,
    /// What was expected, and what came.
    pub what: String,
    /// All that was said, one line each.
    pub transcript: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "line {}: {}", self.line, self.what)?;
        self.transcript.iter().try_for_each(|line| writeln!(formatter, "  {line}"))
    }
}

impl std::error::Error for Failure {}

/// Plays a conversation. Returns what was said.
///
/// # Errors
/// The first step that did not go as written.
pub fn play(dialogue: &Dialogue, stage: &Stage) -> Result<Vec<String>, Failure> {
    let mut player = Player { stage, clients: HashMap::new(), transcript: Vec::new(), last: Vec::new() };
    for step in &dialogue.steps {
        if let Err(what) = player.step(step) {
            return Err(Failure { line: step.line, what, transcript: player.transcript });
        }
    }
    Ok(player.transcript)
}

struct Player<'a> {
    stage: &'a Stage,
    clients: HashMap<String, Connection>,
    transcript: Vec<String>,
    /// The lines of the last whole reply.
    last: Vec<String>,
}

impl Player<'_> {
    fn step(&mut self, step: &Step) -> Result<(), String> {
        let name = &step.actor;
        match &step.action {
            Action::Connect { to, tls } => {
                let named = to.as_ref().and_then(|to| self.stage.named.get(to));
                let target = *named.unwrap_or(&self.stage.target);
                let connection = Connection::open(target, *tls, self.stage.patience)?;
                self.transcript.push(format!("{name} connects to {target}"));
                self.clients.insert(name.clone(), connection);
                Ok(())
            }
            Action::Close => self.clients.remove(name).map(drop).ok_or_else(|| not_connected(name)),
            Action::StartTls => {
                let client = self.clients.remove(name).ok_or_else(|| not_connected(name))?;
                let client = client.start_tls()?;
                self.clients.insert(name.clone(), client);
                Ok(())
            }
            Action::Send(bytes) => {
                self.transcript.push(format!("{name} > {}", shown(bytes)));
                self.client(name)?.send(bytes);
                Ok(())
            }
            Action::Reply { code, text } => {
                let lines = self.reply(name)?;
                expect_reply(&lines, code, text)
            }
            Action::Shape(pattern) => {
                let found = self.last.iter().any(|line| pattern.is_match(line));
                if found {
                    Ok(())
                } else {
                    Err(format!("no line of the reply is of this shape: {:?}", self.last))
                }
            }
            Action::Line(expected) => self.line(name, expected),
            Action::UpTo(last) => self.up_to(name, last),
            Action::Quiet(time) => self.client(name)?.quiet(*time),
            Action::Closed => self.client(name)?.closed(),
        }
    }

    fn client(&mut self, name: &str) -> Result<&mut Connection, String> {
        self.clients.get_mut(name).ok_or_else(|| not_connected(name))
    }

    fn read_line(&mut self, name: &str) -> Result<String, String> {
        let line = self.client(name)?.line()?;
        self.transcript.push(format!("{name} < {line}"));
        Ok(line)
    }

    /// Reads all lines of a reply.
    fn reply(&mut self, name: &str) -> Result<Vec<String>, String> {
        self.last.clear();
        loop {
            let line = self.read_line(name)?;
            let more = line.as_bytes().get(3) == Some(&b'-');
            self.last.push(line);
            if !more {
                return Ok(self.last.clone());
            }
        }
    }

    fn line(&mut self, name: &str, expected: &Expected) -> Result<(), String> {
        if self.stage.closeness == Closeness::Codes {
            let source = match expected {
                Expected::Literal(text) => text,
                Expected::Shaped { source, .. } => source,
            };
            let lines = self.reply(name)?;
            return expect_reply(&lines, &source.chars().take(3).collect::<String>(), "");
        }
        let line = self.read_line(name)?;
        let (fits, wanted) = match expected {
            Expected::Literal(text) => (line == *text, text),
            Expected::Shaped { pattern, source } => (pattern.is_match(&line), source),
        };
        if fits { Ok(()) } else { Err(format!("expected `{wanted}`, got `{line}`")) }
    }

    fn up_to(&mut self, name: &str, last: &str) -> Result<(), String> {
        if self.stage.closeness == Closeness::Codes {
            let lines = self.reply(name)?;
            return expect_reply(&lines, &last.chars().take(3).collect::<String>(), "");
        }
        while self.read_line(name)? != last {}
        Ok(())
    }
}

fn expect_reply(lines: &[String], code: &str, text: &str) -> Result<(), String> {
    let of_code = lines.iter().all(|line| line.get(..3) == Some(code));
    let says =
        text.is_empty() || lines.iter().any(|line| line.get(4..).is_some_and(|said| said.starts_with(text)));
    if of_code && says { Ok(()) } else { Err(format!("expected `{code} {text}`, got {lines:?}")) }
}

fn not_connected(name: &str) -> String {
    format!("`{name}` is not connected")
}

/// Bytes for a human: escaped, and cut.
fn shown(bytes: &[u8]) -> String {
    let text = bytes[..bytes.len().min(200)].escape_ascii().to_string();
    if bytes.len() > 200 { format!("{text}... ({} bytes)", bytes.len()) } else { text }
}
