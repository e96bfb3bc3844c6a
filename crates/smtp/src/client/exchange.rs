//! One transaction on the wire: which commands were written, and which command each reply belongs to.
//!
//! The commands of a transaction stand in a fixed order. The replies that the peer owes are therefore a range
//! of that order, from the oldest command without a reply to the last one written:
//!
//! ```text
//!   position   0      1     2 .. 2+n        2+n     3+n
//!   DATA     [RSET]  MAIL  RCPT x n        DATA    content         content: text, then "." CRLF
//!   BDAT     [RSET]  MAIL  RCPT x n        content                 content: "BDAT n LAST" and text
//!   neither  [RSET]  MAIL  RCPT x n        RSET                    the session hands nothing over
//!                          ^answered  ^written
//!                          '- owed --'
//! ```
//!
//! Forbidden: `answered` beyond `written` (a reply without a command), and content for nobody: when no
//! recipient was accepted, DATA is answered with an empty content, and BDAT is not said any more.

use std::collections::VecDeque;

use super::capabilities::Capabilities;
use super::output::{Final, Framing, Output, Stage, Transaction};
use super::step::{Next, Step, unasked, unfit};
use crate::reply::{Class, Reply};

/// Octets of commands written before replies are read.
///
/// Peers reply while we write. What fits into the buffers of both directions of any TCP connection cannot
/// block both sides at once (RFC 2920 3.1).
const FLIGHT_OCTETS: usize = 32 * 1024;

/// Octets of content that may leave together with MAIL and RCPT, before their replies, in a BDAT.
pub(super) const FLIGHT_CONTENT_OCTETS: u64 = 64 * 1024;

/// A transaction under way.
#[derive(Debug)]
pub(super) struct Exchange {
    transaction: Transaction,
    framing: Framing,
    /// RSET stands in the place of the content.
    envelope_only: bool,
    /// The position behind the last command that was written.
    written: usize,
    /// The position behind the last command that was answered.
    answered: usize,
    /// Recipients accepted.
    accepted: usize,
    /// The result, from the moment it is settled. Replies may still be owed then.
    result: Option<Final>,
    /// The peer may hold sender or recipients of ours that no content has used up.
    open: bool,
}

impl Exchange {
    /// Begins a transaction; `reset` puts RSET before it.
    pub(super) fn new(transaction: Transaction, framing: Framing, reset: bool) -> Self {
        let start = usize::from(!reset);
        Self {
            transaction,
            framing,
            envelope_only: false,
            written: start,
            answered: start,
            accepted: 0,
            result: None,
            open: false,
        }
    }

    /// The same transaction, to be taken back before its content.
    pub(super) fn envelope_only(self) -> Self {
        Self { framing: Framing::Dot, envelope_only: true, ..self }
    }

    pub(super) fn tag(&self) -> u64 {
        self.transaction.tag
    }

    pub(super) fn framing(&self) -> Framing {
        self.framing
    }

    /// Returns the oldest command without a reply.
    pub(super) fn owed(&self) -> Option<Step> {
        (self.answered < self.written).then(|| self.step(self.answered)).flatten()
    }

    /// Tells whether the content with its end was written.
    pub(super) fn content_sent(&self) -> bool {
        self.written > self.content_position()
    }

    /// Tells whether RSET must come before the next MAIL.
    pub(super) fn open(&self) -> bool {
        self.open
    }

    /// Tells whether the result is known.
    pub(super) fn settled(&self) -> bool {
        self.result.is_some()
    }

    /// Returns the result, if it is settled.
    pub(super) fn into_result(self) -> Option<Final> {
        self.result
    }

    /// Appends as many commands as may be written before replies are read.
    pub(super) fn write_flight(&mut self, offered: &Capabilities, out: &mut Vec<u8>) {
        while let Some(step) = self.step(self.written) {
            match step {
                Step::Rset => out.extend_from_slice(b"RSET\r\n"),
                Step::Mail => self.transaction.write_mail(offered, out),
                Step::Recipient(index) => self.transaction.write_rcpt(index, offered, out),
                Step::Data => out.extend_from_slice(b"DATA\r\n"),
                Step::Content => return,
            }
            self.written += 1;
            if self.envelope_only || !offered.pipelining || out.len() >= FLIGHT_OCTETS {
                return;
            }
        }
    }

    /// Tells whether the content may leave before the envelope is answered.
    ///
    /// Not behind RSET: were it refused, the content could go to recipients of the transaction before.
    pub(super) fn may_fly_with_content(&self, offered: &Capabilities) -> bool {
        self.framing == Framing::Bdat
            && offered.pipelining
            && self.transaction.size <= FLIGHT_CONTENT_OCTETS
            && self.answered == 1
            && self.step(self.written) == Some(Step::Content)
    }

    /// Appends the line that announces the content, where there is one.
    pub(super) fn announce_content(&self, out: &mut Vec<u8>) {
        match self.framing {
            Framing::Bdat => self.transaction.write_bdat(out),
            Framing::Dot => {}
        }
    }

    /// Notes that content and its end were written.
    pub(super) fn content_written(&mut self) {
        self.written = self.content_position() + 1;
    }

    /// Tells what is to be done when no reply is owed.
    pub(super) fn next(&self) -> Next {
        match (self.step(self.written), self.framing, &self.result) {
            (None, _, _) => Next::Over,
            (Some(Step::Content), _, None) => Next::Content,
            // Content is the next step after DATA only if DATA was accepted.
            (Some(Step::Content), Framing::Dot, Some(_)) => Next::EmptyContent,
            (Some(_), _, Some(_)) => Next::Over,
            (Some(_), _, None) => Next::Commands,
        }
    }

    /// Takes the reply to the oldest command without one, and reports what it settles.
    ///
    /// # Errors
    /// What is wrong with a reply that cannot belong to its command.
    pub(super) fn answer(&mut self, reply: Reply, outputs: &mut VecDeque<Output>) -> Result<(), String> {
        let Some(step) = self.owed() else { return Err(unasked(&reply)) };
        let closing = reply.code == 421;
        let closing_reply = closing.then(|| reply.clone());
        let position = self.answered;
        match step {
            Step::Rset if closing || reply.class() == Class::Done => {
                if self.envelope_only && position > 0 {
                    self.open = false;
                    self.result.get_or_insert(Final::EnvelopeTaken);
                }
            }
            Step::Rset => return Err(format!("RSET was refused: {reply}")),
            Step::Mail => self.mail_answered(reply, outputs)?,
            Step::Recipient(index) => self.recipient_answered(index, reply, outputs)?,
            Step::Data => self.data_answered(reply)?,
            Step::Content => self.content_answered(reply)?,
        }
        if let Some(reply) = closing_reply {
            self.result.get_or_insert(Final::Rejected(reply, step.stage()));
        }
        // Only what fits is an answer: else the command is still what the loss is reported with.
        self.answered = self.answered.max(position + 1);
        Ok(())
    }

    /// Takes a refusal that comes while the content is being written. The session ends with it: what is left
    /// of the content would be read as commands.
    pub(super) fn content_refused(&mut self, reply: Reply) {
        self.result.get_or_insert(Final::Rejected(reply, Stage::Content));
    }

    fn mail_answered(&mut self, reply: Reply, outputs: &mut VecDeque<Output>) -> Result<(), String> {
        match reply.class() {
            Class::Done => self.open = true,
            Class::Intermediate => return Err(unfit("MAIL", &reply)),
            Class::Transient | Class::Permanent => {
                outputs.push_back(Output::MailRejected { tag: self.tag(), reply: reply.clone() });
                self.result = Some(Final::Rejected(reply, Stage::Mail));
            }
        }
        Ok(())
    }

    fn recipient_answered(
        &mut self,
        index: usize,
        reply: Reply,
        outputs: &mut VecDeque<Output>,
    ) -> Result<(), String> {
        let accepted = match reply.class() {
            Class::Done => true,
            Class::Intermediate => return Err(unfit("RCPT", &reply)),
            Class::Transient | Class::Permanent => false,
        };
        self.open |= accepted;
        // Without a sender this is only the echo of the refused MAIL.
        if self.result.is_some() {
            return Ok(());
        }
        self.accepted += usize::from(accepted);
        outputs.push_back(Output::Recipient { tag: self.tag(), index, reply });
        if self.accepted == 0 && index + 1 == self.transaction.recipients.len() {
            self.result = Some(Final::AllRecipientsRejected);
        }
        Ok(())
    }

    fn data_answered(&mut self, reply: Reply) -> Result<(), String> {
        match reply.class() {
            Class::Done => return Err(unfit("DATA", &reply)),
            Class::Intermediate => {}
            Class::Transient | Class::Permanent => {
                self.result.get_or_insert(Final::Rejected(reply, Stage::Data));
                self.written = self.content_position() + 1;
                self.answered = self.written;
            }
        }
        Ok(())
    }

    fn content_answered(&mut self, reply: Reply) -> Result<(), String> {
        let accepted = match reply.class() {
            Class::Done => true,
            Class::Intermediate => return Err(unfit("the content", &reply)),
            Class::Transient | Class::Permanent => false,
        };
        // The end of DATA always uses the envelope up (RFC 5321 4.1.1.4), a refused BDAT leaves the peer in
        // no known state (RFC 3030 2).
        self.open = self.framing == Framing::Bdat && !accepted;
        self.result.get_or_insert(match accepted {
            true => Final::Accepted(reply),
            false => Final::Rejected(reply, Stage::Final),
        });
        Ok(())
    }

    fn step(&self, position: usize) -> Option<Step> {
        let recipients = self.transaction.recipients.len();
        match position {
            0 => Some(Step::Rset),
            1 => Some(Step::Mail),
            _ if position - 2 < recipients => Some(Step::Recipient(position - 2)),
            _ if self.envelope_only => (position - 2 == recipients).then_some(Step::Rset),
            _ if position == self.content_position() => Some(Step::Content),
            _ if position < self.content_position() => Some(Step::Data),
            _ => None,
        }
    }

    fn content_position(&self) -> usize {
        let recipients = self.transaction.recipients.len();
        match self.framing {
            Framing::Dot => recipients + 3,
            Framing::Bdat => recipients + 2,
        }
    }
}
