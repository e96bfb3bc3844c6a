//! Plays the client and the caller of a server session.
//!
//! What the session says is compared line by line, what it asks and tells one by one; a dialogue that ends
//! with something said or asked beyond what it lists has failed. Answers of the caller:
//!
//! ```text
//! ! accept            ! accept 2.0.0 Queued as 1     ! refuse 550 5.7.1 No     ! close 550 5.7.1 No
//! ! go                ! go Received: here\r\n        ! stored
//! ```
//! Events: `greet`, `greet refuse 554 5.7.1 No`, `tls started`, `tls failed`, `peer closed`,
//! `shutdown stopping`, `shutdown overloaded`. A dialogue without `* greet` is greeted before its first
//! step, and its `220` is not listed. `* set` makes a setting.
//!
//! Questions: `mail`, `rcpt`, `data`, `spill`, `message SIZE body at OFFSET, flags "octets"`, `starttls`.
//! Also after `?`: the notices `ehlo`, `helo`, `aborted`, and `ended` with the reason.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use mailreeve_smtp::instant::Instant;
use mailreeve_smtp::reply::{Enhanced, Reply};
use mailreeve_smtp::server::{
    DataVerdict, Greeting, LineEnds, Message, Question, Session, Settings, Shutdown, Verdict,
};

use super::shown::{shown_notice, shown_question};
use super::{Cut, Dialogue, Step, duration, fits, unescaped};

/// The moment each dialogue begins.
const START: Instant = Instant::from_secs(1_750_000_000);

/// A session with its client and its caller.
pub(crate) struct Player {
    pub(crate) session: Session,
    now: Instant,
    cut: Cut,
    /// All that the client sent.
    sent: Vec<u8>,
    /// How much of `sent` the session has taken.
    taken: usize,
    /// How much of `sent` has arrived.
    arrived: usize,
    /// The part of a reply line that was drained so far.
    line: Vec<u8>,
    /// Reply lines not compared yet.
    pub(crate) said: VecDeque<String>,
    /// Questions, notices and the end, not compared yet.
    pub(crate) asked: VecDeque<String>,
    pub(crate) question: Option<Question>,
    end_told: bool,
}

/// Plays a whole dialogue; tells the first thing that differs.
pub(crate) fn play(dialogue: &Dialogue, cut: Cut) -> Result<(), String> {
    let mut player = Player::new(settings(dialogue), cut);
    let steps = || dialogue.steps.iter().filter(|(_, step)| setting(step).is_none());
    let greets_itself = steps().any(|(_, step)| matches!(step, Step::Event(e) if e.starts_with("greet")));
    if !greets_itself {
        player.event("greet");
        player.pump();
        player.said.clear();
    }
    for (number, step) in steps() {
        player.step(step).map_err(|what| format!("{}:{number}: {what} ({cut:?})", dialogue.name))?;
    }
    player.pump();
    let asked = player.asked.drain(..).map(|asked| format!("? {asked}"));
    let left: Vec<String> = player.said.drain(..).map(|said| format!("S: {said}")).chain(asked).collect();
    if left.is_empty() { Ok(()) } else { Err(format!("{}: not listed: {left:#?} ({cut:?})", dialogue.name)) }
}

impl Player {
    pub(crate) fn new(settings: Settings, cut: Cut) -> Self {
        Self {
            session: Session::new(Arc::new(settings), START),
            now: START,
            cut,
            sent: Vec::new(),
            taken: 0,
            arrived: 0,
            line: Vec::new(),
            said: VecDeque::new(),
            asked: VecDeque::new(),
            question: None,
            end_told: false,
        }
    }

    pub(crate) fn step(&mut self, step: &Step) -> Result<(), String> {
        if let Step::Client(octets) = step {
            self.sent.extend_from_slice(octets);
            return Ok(());
        }
        self.pump();
        match step {
            Step::Client(_) => {}
            Step::Server(expected) => return compared("S: ", expected, self.said.pop_front()),
            Step::Asked(expected) => return compared("? ", expected, self.asked.pop_front()),
            Step::Answer(answer) => {
                let question = self.question.take().ok_or("no question is open")?;
                self.answer(&question, answer);
            }
            Step::Event(event) => self.event(event),
            Step::Passes(time) => {
                self.now = self.now + *time;
                self.session.timeout(self.now);
            }
        }
        Ok(())
    }

    /// Lets the session take what was sent, and collects what it says and asks.
    pub(crate) fn pump(&mut self) {
        loop {
            self.collect();
            let taken = self.session.receive(&self.sent[self.taken..self.arrived], self.now);
            self.taken += taken;
            let more = self.cut.next(self.sent.len() - self.arrived);
            self.arrived += more;
            if taken == 0 && more == 0 {
                return self.collect();
            }
        }
    }

    fn collect(&mut self) {
        self.line.append(self.session.output());
        while let Some(end) = self.line.windows(2).position(|pair| pair == b"\r\n") {
            let line: Vec<u8> = self.line.drain(..end + 2).collect();
            self.said.push_back(String::from_utf8(line[..end].to_vec()).unwrap());
        }
        while let Some(notice) = self.session.notices() {
            self.asked.push_back(shown_notice(&notice));
        }
        if let Some(question) = self.session.question() {
            self.asked.push_back(shown_question(&question));
            if question == Question::StartTls {
                // What was read before the handshake is not to be believed.
                self.sent.truncate(self.taken);
                self.arrived = self.taken;
            }
            self.question = Some(question);
        }
        if let Some(ended) = self.session.ended()
            && !std::mem::replace(&mut self.end_told, true)
        {
            self.asked.push_back(format!("ended {:?}", ended.reason));
        }
    }

    /// Lets the client send octets.
    pub(crate) fn send(&mut self, octets: &[u8]) {
        self.sent.extend_from_slice(octets);
    }

    /// Lets the session take what was sent and says yes to all it asks; returns the messages it took.
    pub(crate) fn agree(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        loop {
            self.pump();
            let Some(question) = self.question.take() else { return messages };
            let answer = match &question {
                Question::Data => "go",
                Question::Spill(_) => "stored",
                Question::Mail { .. } | Question::Recipient { .. } | Question::Message(_) => "accept",
                Question::StartTls => return messages,
            };
            self.answer(&question, answer);
            if let Question::Message(message) = question {
                messages.push(message);
            }
        }
    }

    pub(crate) fn answer(&mut self, question: &Question, answer: &str) {
        let now = self.now;
        match question {
            Question::Mail { .. } => self.session.answer_mail(verdict(answer), now),
            Question::Recipient { .. } => self.session.answer_recipient(verdict(answer), now),
            Question::Message(_) => self.session.answer_message(verdict(answer), now),
            Question::Spill(_) => self.session.answer_spill(now),
            Question::Data => self.session.answer_data(data_verdict(answer), now),
            Question::StartTls => panic!("STARTTLS is answered by an event"),
        }
    }

    pub(crate) fn event(&mut self, event: &str) {
        let now = self.now;
        match event.split_once(' ').unwrap_or((event, "")) {
            ("greet", "") => self.session.greet(Greeting::Accept, now),
            ("greet", answer) => {
                let text = answer.strip_prefix("refuse ").unwrap();
                self.session.greet(Greeting::Refuse(reply(text)), now);
            }
            ("tls", "started") => self.session.tls_started(now),
            ("tls", "failed") => self.session.tls_failed(now),
            ("peer", "closed") => self.session.peer_closed(now),
            ("shutdown", "stopping") => self.session.shutdown(Shutdown::Stopping, now),
            ("shutdown", "overloaded") => self.session.shutdown(Shutdown::Overloaded, now),
            other => panic!("no such event: {other:?}"),
        }
    }
}

fn compared(mark: &str, expected: &str, got: Option<String>) -> Result<(), String> {
    match got {
        Some(got) if fits(expected, &got) => Ok(()),
        Some(got) => Err(format!("expected\n  {mark}{expected}\ngot\n  {mark}{got}\n")),
        None => Err(format!("expected\n  {mark}{expected}\ngot nothing")),
    }
}

/// The settings that dialogues begin with: small enough for every limit to be met in a few lines.
pub(crate) fn base_settings() -> Settings {
    let mut settings = Settings::new("gw.example.com");
    settings.limits.message_bytes = 10_000;
    settings.limits.line_bytes = 2000;
    settings.limits.command_line_bytes = 1000;
    settings
}

fn settings(dialogue: &Dialogue) -> Settings {
    let mut settings = base_settings();
    for (number, text) in dialogue.steps.iter().filter_map(|(n, step)| Some((n, setting(step)?))) {
        let (key, value) = text.split_once(' ').unwrap();
        assert!(set(&mut settings, key, value).is_some(), "{}:{number}: {text}", dialogue.name);
    }
    settings
}

fn setting(step: &Step) -> Option<&str> {
    if let Step::Event(event) = step { event.strip_prefix("set ") } else { None }
}

fn set(settings: &mut Settings, key: &str, value: &str) -> Option<()> {
    let Settings { limits, deadlines, extensions, .. } = settings;
    let count = value.parse::<usize>();
    match key {
        "limits.message_bytes" => limits.message_bytes = value.parse().ok()?,
        "limits.recipients" => limits.recipients = count.ok()?,
        "limits.header_bytes" => limits.header_bytes = count.ok()?,
        "limits.hops" => limits.hops = count.ok()?,
        "limits.line_bytes" => limits.line_bytes = count.ok()?,
        "limits.command_line_bytes" => limits.command_line_bytes = count.ok()?,
        "limits.messages" => limits.messages = count.ok()?,
        "limits.errors" => limits.errors = count.ok()?,
        "limits.spill_bytes" => limits.spill_bytes = count.ok()?,
        "limits.idle_commands" => limits.idle_commands = count.ok()?,
        "deadlines.command" => deadlines.command = time(value)?,
        "deadlines.data" => deadlines.data = time(value)?,
        "deadlines.session" => deadlines.session = time(value)?,
        "deadlines.decision" => deadlines.decision = time(value)?,
        "deadlines.handshake" => deadlines.handshake = time(value)?,
        "deadlines.minimum_rate" => deadlines.minimum_rate = value.parse().ok()?,
        "deadlines.rate_grace" => deadlines.rate_grace = time(value)?,
        "extensions.starttls" => extensions.starttls = value == "on",
        "extensions.smtputf8" => extensions.smtputf8 = value == "on",
        "extensions.dsn" => extensions.dsn = value == "on",
        "extensions.chunking" => extensions.chunking = value == "on",
        "extensions.limits" => extensions.limits = value == "on",
        "line_ends" if value == "normalise" => settings.line_ends = LineEnds::Normalise,
        _ => return None,
    }
    Some(())
}

fn time(value: &str) -> Option<Duration> {
    duration(value)
}

fn verdict(answer: &str) -> Verdict {
    match answer.split_once(' ').unwrap_or((answer, "")) {
        ("accept", "") => Verdict::Accept,
        ("accept", text) => Verdict::AcceptWith(text.to_owned()),
        ("refuse", text) => Verdict::Refuse(reply(text)),
        ("close", text) => Verdict::RefuseAndClose(reply(text)),
        other => panic!("no such verdict: {other:?}"),
    }
}

fn data_verdict(answer: &str) -> DataVerdict {
    match answer.split_once(' ').unwrap_or((answer, "")) {
        ("go", prefix) => DataVerdict::Go { prefix: unescaped(prefix) },
        ("refuse", text) => DataVerdict::Refuse(reply(text)),
        other => panic!("no such verdict on data: {other:?}"),
    }
}

/// Parses `550 5.7.1 text`, or `550 text`.
fn reply(text: &str) -> Reply {
    let (code, rest) = text.split_once(' ').unwrap();
    let code = code.parse().unwrap();
    let (first, words) = rest.split_once(' ').unwrap_or((rest, ""));
    let parts: Vec<u16> = first.split('.').filter_map(|part| part.parse().ok()).collect();
    match parts[..] {
        [class, subject, detail] => Reply::new(code, Enhanced(class as u8, subject, detail), words),
        _ => Reply::plain(code, rest),
    }
}
