//! MAIL and RCPT: from the argument to the question, from the verdict to the reply.

use super::question::{EndReason, Question, Verdict};
use super::state::{State, Transaction};
use super::{Session, replies};
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

    pub(super) fn mail(&mut self, argument: &str) {
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

    pub(super) fn rcpt(&mut self, argument: &str) {
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
}

/// RFC 3463 3.2: 5.1.7 is the sender's address, 5.1.8 its domain.
const fn sender_code(error: AddressError) -> Enhanced {
    match error {
        AddressError::Domain | AddressError::Idna | AddressError::Literal => Enhanced(5, 1, 8),
        AddressError::Empty
        | AddressError::Brackets
        | AddressError::Route
        | AddressError::Syntax
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
        | AddressError::Syntax
        | AddressError::Local
        | AddressError::NoDomain
        | AddressError::LocalTooLong
        | AddressError::TooLong => Enhanced(5, 1, 3),
    }
}
