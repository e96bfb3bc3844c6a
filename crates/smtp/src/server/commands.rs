//! Commands carried out: the envelope, and all that is no content.

use super::command::{Command, Malformed};
use super::lines::Line;
use super::question::{Abort, EndReason, Question, Verb, Verdict};
use super::settings::LineEnds;
use super::state::{State, Transaction};
use super::{Hello, Session, replies};
use crate::address::{AddressError, Mailbox, ReversePath, split_path};
use crate::instant::Instant;
use crate::params::{MailParams, ParamError, RcptParams};
use crate::reply::{Enhanced, write_line};

/// Why MAIL or RCPT is refused before anyone is asked.
enum Invalid {
    Address(AddressError),
    Param(ParamError),
    /// A mistake, in the session's words.
    Line(&'static str),
    /// A refusal that is no mistake of syntax.
    Policy(&'static str),
}

impl From<AddressError> for Invalid {
    fn from(error: AddressError) -> Self {
        Self::Address(error)
    }
}

impl From<ParamError> for Invalid {
    fn from(error: ParamError) -> Self {
        match error {
            ParamError::Unknown => Self::Line(replies::PARAM_NOT_OFFERED),
            other => Self::Param(other),
        }
    }
}

impl Session {
    /// Answers [`Question::Mail`].
    pub fn answer_mail(&mut self, verdict: Verdict, now: Instant) {
        let Some(transaction) = self.expect(State::sender_verdict) else { return };
        self.clock.wait(now);
        let accepted = self.pronounce(verdict, replies::SENDER_OK);
        if accepted {
            self.tally.transactions += 1;
            self.state = State::Command(Some(transaction));
        } else {
            self.voided = true;
        }
        self.shut_down_if_asked();
    }

    /// Answers [`Question::Recipient`].
    pub fn answer_recipient(&mut self, verdict: Verdict, now: Instant) {
        let Some(transaction) = self.expect(State::recipient_verdict) else { return };
        self.clock.wait(now);
        self.state = State::Command(Some(transaction));
        let accepted = self.pronounce(verdict, replies::RECIPIENT_OK);
        if let State::Command(Some(transaction)) = &mut self.state {
            transaction.recipients += usize::from(accepted);
            transaction.refused |= !accepted;
        }
        self.shut_down_if_asked();
    }

    /// Says a verdict, which may end the session; returns whether it was an acceptance.
    pub(super) fn pronounce(&mut self, verdict: Verdict, accepted: &str) -> bool {
        match verdict {
            Verdict::Accept => self.say(accepted),
            Verdict::AcceptWith(text) => write_line(&mut self.output, 250, b' ', None, &text),
            Verdict::Refuse(reply) => {
                self.refuse(&reply);
                return false;
            }
            Verdict::RefuseAndClose(reply) => {
                self.refuse(&reply);
                self.end(EndReason::Refused);
                return false;
            }
        }
        true
    }

    /// Takes input up to the end of a command line and carries the command out.
    pub(super) fn receive_command(&mut self, input: &[u8], now: Instant) -> usize {
        let (used, line) = self.lines.take(input, self.settings.limits.command_line_bytes);
        match line {
            Line::Part => return used,
            Line::Whole(line) => self.take_line(line),
            Line::Joined(line) => {
                self.take_line(&line);
                self.lines.give_back(line);
            }
            Line::TooLong => self.error(replies::LINE_TOO_LONG),
        }
        self.clock.wait(now);
        if matches!(self.state, State::Chunk(_) | State::Discard(_)) {
            self.clock.await_content(now);
            self.finish_empty_chunk(now);
        }
        used
    }

    fn take_line(&mut self, line: &[u8]) {
        if self.shutdown.is_some() {
            return;
        }
        let line = match line.strip_suffix(b"\r\n") {
            Some(line) => line,
            None if self.settings.line_ends == LineEnds::Refuse => {
                self.say(replies::LINE_ENDS);
                return self.end(EndReason::LineEnds);
            }
            None => line.strip_suffix(b"\n").unwrap_or(line),
        };
        match Command::parse(line) {
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

    fn mail(&mut self, argument: &str) {
        if self.hello.is_none() {
            self.voided = true;
            return self.error(replies::HELLO_FIRST);
        }
        if self.transaction().is_some() {
            return self.error(replies::MAIL_OPEN);
        }
        if self.tally.transactions >= self.settings.limits.messages {
            self.say(replies::TOO_MANY_MESSAGES);
            return self.end(EndReason::TooManyMessages);
        }
        match self.sender(argument) {
            Ok((path, params)) => {
                self.voided = false;
                self.state = State::SenderVerdict(Transaction {
                    smtputf8: params.smtputf8,
                    declared: params.size,
                    ..Transaction::default()
                });
                self.question = Some(Question::Mail { path, params });
            }
            Err(invalid) => {
                self.voided = true;
                self.invalid(invalid, sender_code);
            }
        }
    }

    fn sender(&self, argument: &str) -> Result<(ReversePath, MailParams), Invalid> {
        let (path, params) = split_path(argument)?;
        let path = ReversePath::parse(path)?;
        let params = MailParams::parse(params)?;
        let offered = self.settings.extensions;
        if (params.smtputf8 && !offered.smtputf8) || (params.uses_dsn() && !offered.dsn) {
            return Err(Invalid::Line(replies::PARAM_NOT_OFFERED));
        }
        if !params.smtputf8 && !path.is_ascii() {
            return Err(Invalid::Policy(replies::UTF8_ADDRESS));
        }
        if params.size.is_some_and(|size| size > self.settings.limits.message_bytes) {
            return Err(Invalid::Policy(replies::SIZE_DECLARED));
        }
        Ok((path, params))
    }

    fn rcpt(&mut self, argument: &str) {
        let Some(transaction) = self.transaction() else { return self.out_of_sequence() };
        if transaction.chunks.is_some() {
            return self.error(replies::CHUNKS_OPEN);
        }
        if transaction.recipients >= self.settings.limits.recipients {
            return self.idle(replies::TOO_MANY_RECIPIENTS);
        }
        match self.recipient(argument, transaction.smtputf8) {
            Ok((mailbox, params)) => {
                let transaction = self.take_transaction().unwrap_or_default();
                self.state = State::RecipientVerdict(transaction);
                self.question = Some(Question::Recipient { mailbox, params });
            }
            Err(invalid) => {
                if let State::Command(Some(transaction)) = &mut self.state {
                    transaction.refused = true;
                }
                self.invalid(invalid, recipient_code);
            }
        }
    }

    fn recipient(&self, argument: &str, smtputf8: bool) -> Result<(Mailbox, RcptParams), Invalid> {
        let (path, params) = split_path(argument)?;
        if path.is_empty() {
            return Err(Invalid::Line(replies::NULL_RECIPIENT));
        }
        let mailbox = Mailbox::parse(path)?;
        let params = RcptParams::parse(params)?;
        if params.uses_dsn() && !self.settings.extensions.dsn {
            return Err(Invalid::Line(replies::PARAM_NOT_OFFERED));
        }
        let ascii = mailbox.is_ascii() && params.orcpt.as_ref().is_none_or(|orcpt| orcpt.is_ascii());
        if !smtputf8 && !ascii {
            return Err(Invalid::Policy(replies::UTF8_ADDRESS));
        }
        Ok((mailbox, params))
    }

    fn invalid(&mut self, invalid: Invalid, address_code: fn(AddressError) -> Enhanced) {
        let mut line = Vec::new();
        match invalid {
            Invalid::Line(reply) => return self.error(reply),
            Invalid::Policy(reply) => return self.idle(reply),
            Invalid::Address(error) => {
                write_line(&mut line, 501, b' ', Some(address_code(error)), &error.to_string());
            }
            Invalid::Param(error) => {
                let code = if error == ParamError::BinaryMime { 504 } else { 501 };
                write_line(&mut line, code, b' ', Some(Enhanced(5, 5, 4)), &error.to_string());
            }
        }
        self.error(&String::from_utf8_lossy(&line));
    }

    fn start_tls(&mut self) {
        if self.tls {
            return self.error(replies::TLS_ALREADY);
        }
        if !self.settings.extensions.starttls {
            return self.error(replies::NOT_IMPLEMENTED);
        }
        self.drop_transaction(Abort::StartTls);
        self.say(replies::TLS_GO);
        self.state = State::Handshake;
        self.question = Some(Question::StartTls);
    }

    /// Answers a command that needs a transaction when there is none.
    pub(super) fn out_of_sequence(&mut self) {
        let reply = self.missing_step();
        if self.voided { self.idle(reply) } else { self.error(reply) }
    }

    pub(super) const fn missing_step(&self) -> &'static str {
        if self.hello.is_none() { replies::HELLO_FIRST } else { replies::MAIL_FIRST }
    }

    pub(super) const fn transaction(&self) -> Option<&Transaction> {
        if let State::Command(transaction) = &self.state { transaction.as_ref() } else { None }
    }

    pub(super) const fn take_transaction(&mut self) -> Option<Transaction> {
        if let State::Command(transaction) = &mut self.state { transaction.take() } else { None }
    }

    /// Drops an open transaction at the peer's wish.
    fn drop_transaction(&mut self, why: Abort) {
        if self.take_transaction().is_some() {
            self.abort(why);
        }
        self.voided = false;
    }
}

/// RFC 3463 3.2: 5.1.7 is the sender's address, 5.1.8 its domain.
const fn sender_code(error: AddressError) -> Enhanced {
    match error {
        AddressError::Domain | AddressError::Idna | AddressError::Literal => Enhanced(5, 1, 8),
        AddressError::Empty
        | AddressError::Brackets
        | AddressError::Route
        | AddressError::Local
        | AddressError::NoDomain
        | AddressError::LocalTooLong
        | AddressError::TooLong => Enhanced(5, 1, 7),
    }
}

/// RFC 3463 3.2: 5.1.3 is the recipient's address, 5.1.2 its domain.
const fn recipient_code(error: AddressError) -> Enhanced {
    match error {
        AddressError::Domain | AddressError::Idna | AddressError::Literal => Enhanced(5, 1, 2),
        AddressError::Empty
        | AddressError::Brackets
        | AddressError::Route
        | AddressError::Local
        | AddressError::NoDomain
        | AddressError::LocalTooLong
        | AddressError::TooLong => Enhanced(5, 1, 3),
    }
}
