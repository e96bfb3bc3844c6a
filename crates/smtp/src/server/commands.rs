//! Command lines, and the commands that are neither envelope nor content.

use super::command::{Command, Malformed};
use super::lines::Line;
use super::question::{Abort, EndReason, Verb};
use super::settings::LineEnds;
use super::state::State;
use super::{Hello, Session, replies};
use crate::instant::Instant;
use crate::reply::write_line;

impl Session {
    /// Takes input up to the end of a command line and carries the command out.
    pub(super) fn receive_command(&mut self, input: &[u8], now: Instant) -> usize {
        let (used, line) = self.lines.take(input, self.settings.limits.command_line_bytes);
        match line {
            Line::Part => return used,
            Line::Whole(line) => self.take_line(line, now),
            Line::Joined(line) => {
                self.take_line(&line, now);
                self.lines.give_back(line);
            }
            Line::TooLong => {
                self.note_other_line(&input[..used], now);
                self.error(replies::LINE_TOO_LONG);
            }
        }
        self.clock.wait(now);
        if matches!(self.state, State::Chunk(_) | State::Discard(_)) {
            self.clock.await_content(now);
            self.finish_empty_chunk(now);
        }
        used
    }

    fn take_line(&mut self, line: &[u8], now: Instant) {
        if self.shutdown.is_some() {
            return;
        }
        let whole = line;
        let line = match line.strip_suffix(b"\r\n") {
            Some(line) => line,
            None if self.settings.line_ends == LineEnds::Refuse => {
                self.note_other_line(whole, now);
                self.say(replies::LINE_ENDS);
                return self.end(EndReason::LineEnds);
            }
            None => line.strip_suffix(b"\n").unwrap_or(line),
        };
        let parsed = Command::parse(line);
        self.note_line(whole, &parsed, now);
        match parsed {
            Ok(command) => {
                self.last_verb = Some(command.verb());
                self.carry_out(command);
            }
            Err(Malformed { verb, reply }) => {
                self.last_verb = Some(verb);
                self.voided |= verb == Verb::Mail;
                self.error(reply);
            }
        }
    }

    fn carry_out(&mut self, command: Command<'_>) {
        let refused = matches!(self.state, State::Quit);
        match command {
            Command::Quit => {
                self.say(replies::QUIT);
                self.end(if refused { EndReason::Refused } else { EndReason::Quit });
            }
            Command::Http => {
                self.say(replies::WRONG_PROTOCOL);
                self.end(EndReason::WrongProtocol);
            }
            _ if refused => self.error(replies::REFUSED_SESSION),
            Command::Mail(argument) => self.mail(argument),
            Command::Rcpt(argument) => self.rcpt(argument),
            Command::Data => self.data(),
            Command::Bdat(chunk) => self.bdat(chunk),
            Command::Ehlo(name) => self.hello(name, true),
            Command::Helo(name) => self.hello(name, false),
            Command::Rset => {
                self.drop_transaction(Abort::Reset);
                self.idle(replies::RESET);
            }
            Command::Noop => self.idle(replies::NOOP),
            Command::Vrfy => self.idle(replies::VRFY),
            Command::Help => self.idle(replies::HELP),
            Command::StartTls => self.start_tls(),
        }
    }

    fn hello(&mut self, name: &str, esmtp: bool) {
        self.drop_transaction(Abort::Hello);
        self.hello = Some(Hello { name: name.to_owned(), esmtp });
        self.notices.hello = true;
        if !self.may_idle() {
            return;
        }
        if esmtp {
            self.offer();
        } else {
            write_line(&mut self.output, 250, b' ', None, &self.settings.hostname);
        }
    }

    /// Answers EHLO.
    fn offer(&mut self) {
        let (out, settings) = (&mut self.output, &self.settings);
        let (limits, offered) = (&settings.limits, settings.extensions);
        let mut line = |text: &str| write_line(out, 250, b'-', None, text);
        line(&settings.hostname);
        line("PIPELINING");
        line(&format!("SIZE {}", limits.message_bytes));
        line("8BITMIME");
        if offered.smtputf8 {
            line("SMTPUTF8");
        }
        if offered.starttls && !self.tls {
            line("STARTTLS");
        }
        if offered.dsn {
            line("DSN");
        }
        if offered.chunking {
            line("CHUNKING");
        }
        if offered.limits {
            line(&format!("LIMITS MAILMAX={} RCPTMAX={}", limits.messages, limits.recipients));
        }
        write_line(out, 250, b' ', None, "ENHANCEDSTATUSCODES");
    }

    /// Drops an open transaction at the peer's wish.
    pub(super) fn drop_transaction(&mut self, why: Abort) {
        if self.take_transaction().is_some() {
            self.abort(why);
        }
        self.voided = false;
    }
}
