//! The steps of a conversation, as they are told: what we said, what came back, how long it took.

use std::collections::VecDeque;
use std::time::Instant;

use mailreeve_api::probe::ProbeStep;
use mailreeve_smtp::reply::Reply;

use super::micros;

/// Lines kept of a reply, and octets of a line.
const LINES: usize = 40;
const LINE: usize = 512;

/// The steps so far, and those that wait for their replies, which come in order.
pub(super) struct Steps<'a> {
    done: &'a mut Vec<ProbeStep>,
    open: VecDeque<(ProbeStep, Instant)>,
}

impl<'a> Steps<'a> {
    pub(super) fn new(done: &'a mut Vec<ProbeStep>) -> Self {
        Self { done, open: VecDeque::new() }
    }

    /// Begins a step without a command.
    pub(super) fn begin(&mut self, stage: &str) {
        let step = ProbeStep { stage: stage.to_owned(), ..ProbeStep::default() };
        self.open.push_back((step, Instant::now()));
    }

    /// Begins a step with each command that is written; credentials are left out.
    pub(super) fn say(&mut self, written: &[u8]) {
        for line in String::from_utf8_lossy(written).lines() {
            self.command(line);
        }
    }

    fn command(&mut self, line: &str) {
        let verb = line.split([' ', ':']).next().unwrap_or_default();
        let (stage, said) = match verb {
            "EHLO" | "HELO" | "STARTTLS" | "MAIL" | "RCPT" | "DATA" | "BDAT" | "RSET" | "QUIT" => {
                (verb, line.to_owned())
            }
            "AUTH" => {
                let mechanism = line.split(' ').nth(1).unwrap_or_default();
                (verb, format!("AUTH {mechanism} (credentials are not shown)"))
            }
            // Only the answers of an AUTH exchange begin with no command.
            _ => ("AUTH", "(credentials are not shown)".to_owned()),
        };
        self.begin(if verb == "HELO" { "EHLO" } else { stage });
        if let Some((step, _)) = self.open.back_mut() {
            step.said = Some(said);
        }
    }

    /// Ends the step with the reply to it.
    pub(super) fn replied(&mut self, reply: &Reply) {
        self.end(|step| step.reply = lines(reply));
    }

    /// Ends the step with what we know ourselves.
    pub(super) fn done(&mut self, word: Option<String>) {
        self.end(|step| step.reply.extend(word));
    }

    /// Ends the step that went wrong.
    pub(super) fn failed(&mut self, problem: String) {
        self.end(|step| step.problem = Some(problem));
    }

    fn end(&mut self, add: impl FnOnce(&mut ProbeStep)) {
        if let Some((mut step, began)) = self.open.pop_front() {
            step.took_us = micros(began.elapsed());
            add(&mut step);
            self.done.push(step);
        }
    }
}

impl Drop for Steps<'_> {
    /// A step that is cut off is told as well.
    fn drop(&mut self) {
        if !self.open.is_empty() {
            self.failed("no answer".to_owned());
        }
    }
}

/// A reply as it came: `250-mx.example.com`, `250 SIZE 1000`.
fn lines(reply: &Reply) -> Vec<String> {
    let count = reply.lines.len();
    let line = |(number, text): (usize, &String)| {
        let sign = if number + 1 < count { '-' } else { ' ' };
        let enhanced = reply.enhanced.filter(|_| number == 0).map(|enhanced| format!("{enhanced} "));
        let text = &text[..text.floor_char_boundary(LINE)];
        format!("{}{sign}{}{text}", reply.code, enhanced.unwrap_or_default())
    };
    reply.lines.iter().enumerate().take(LINES).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_credentials_are_kept() {
        let mut done = Vec::new();
        let mut steps = Steps::new(&mut done);
        for written in
            ["EHLO gw.test\r\n", "AUTH PLAIN AGFubgBzM2NyZXQ=\r\n", "czNjcmV0\r\n", "MAIL FROM:<>\r\n"]
        {
            steps.say(written.as_bytes());
            steps.replied(&Reply::plain(250, "ok"));
        }
        steps.begin("banner");
        drop(steps);
        let told: Vec<(&str, &str)> =
            done.iter().map(|step| (step.stage.as_str(), step.said.as_deref().unwrap_or("-"))).collect();
        assert_eq!(
            told,
            [
                ("EHLO", "EHLO gw.test"),
                ("AUTH", "AUTH PLAIN (credentials are not shown)"),
                ("AUTH", "(credentials are not shown)"),
                ("MAIL", "MAIL FROM:<>"),
                ("banner", "-"),
            ]
        );
        assert_eq!(done[0].reply, ["250 ok"]);
        assert_eq!(done[4].problem.as_deref(), Some("no answer"));
    }

    #[test]
    fn replies_are_shown_as_they_came() {
        let reply = Reply {
            code: 550,
            enhanced: Some(mailreeve_smtp::reply::Enhanced(5, 1, 1)),
            lines: vec!["no such".into(), "user".into()],
        };
        assert_eq!(lines(&reply), ["550-5.1.1 no such", "550 user"]);
    }
}
