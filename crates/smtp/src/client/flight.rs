//! One transaction from MAIL to its last reply.
//!
//! ```text
//!   pipelined:      MAIL RCPT.. DATA ─────────► replies ─► content ─► final
//!   small, BDAT:    MAIL RCPT.. BDAT content ─► replies, final one last
//!   one at a time:  MAIL ► RCPT ► .. ► DATA|BDAT ► content ► final
//! ```
//! Whatever was refused, every reply to what was said is awaited, so that the next transaction begins in step;
//! RSET goes in front of it when the peer may still hold a half-made one.

use super::{Expect, Final, Framing, Output, Session, Stage, State, Transaction, commands};
use crate::reply::{Class, Reply};

/// Content up to this is sent behind its BDAT before anything is answered; more waits for the recipients.
const IN_ONE_FLIGHT: u64 = 64 * 1024;

/// A transaction under way.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) transaction: Transaction,
    pub(super) content_written: bool,
    mail_accepted: bool,
    accepted: usize,
    plan: Plan,
}

/// How far it speaks ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// One command, one reply.
    LockStep,
    /// MAIL and RCPT together, then DATA or BDAT by what they answered; `asked` tells that DATA was said too.
    Pipelined { asked: bool },
    /// Everything at once.
    AtOnce,
}

impl Session {
    pub(super) fn begin(&mut self, transaction: Transaction) {
        let offered = &self.capabilities;
        let plan = match (offered.pipelining, offered.chunking) {
            (true, true) if transaction.size <= IN_ONE_FLIGHT => Plan::AtOnce,
            (true, true) => Plan::Pipelined { asked: false },
            (true, false) => Plan::Pipelined { asked: true },
            (false, _) => Plan::LockStep,
        };
        let mut out = Vec::with_capacity(256);
        if std::mem::take(&mut self.unclean) {
            out.extend_from_slice(b"RSET\r\n");
            self.expected.push_back(Expect::Rset);
        }
        commands::mail(&transaction, &self.capabilities, &mut out);
        self.expected.push_back(Expect::Mail);
        let tag = transaction.tag;
        if plan != Plan::LockStep {
            for index in 0..transaction.recipients.len() {
                commands::rcpt(&transaction, index, &self.capabilities, &mut out);
                self.expected.push_back(Expect::Rcpt(index));
            }
        }
        match plan {
            Plan::LockStep | Plan::Pipelined { asked: false } => {}
            Plan::Pipelined { asked: true } => {
                out.extend_from_slice(b"DATA\r\n");
                self.expected.push_back(Expect::Data);
            }
            Plan::AtOnce => {
                out.extend_from_slice(format!("BDAT {} LAST\r\n", transaction.size).as_bytes());
                self.expected.push_back(Expect::Final);
            }
        }
        self.outputs.push_back(Output::Write(out));
        if plan == Plan::AtOnce {
            self.outputs.push_back(Output::Content { tag, framing: Framing::Bdat });
        }
        self.state = State::InFlight(Flight {
            transaction,
            content_written: false,
            mail_accepted: false,
            accepted: 0,
            plan,
        });
    }

    pub(super) fn mail_answered(&mut self, reply: Reply) {
        let State::InFlight(flight) = &mut self.state else { return };
        flight.mail_accepted = reply.class() == Class::Done;
        if !flight.mail_accepted {
            let tag = flight.transaction.tag;
            self.outputs.push_back(Output::MailRejected { tag, reply });
        }
        self.go_on(0);
    }

    pub(super) fn rcpt_answered(&mut self, index: usize, reply: Reply) {
        let State::InFlight(flight) = &mut self.state else { return };
        if flight.mail_accepted {
            flight.accepted += usize::from(reply.class() == Class::Done);
            let tag = flight.transaction.tag;
            self.outputs.push_back(Output::Recipient { tag, index, reply });
        }
        self.go_on(index + 1);
    }

    /// After a reply: says what waits for it. `next` is the recipient to come.
    fn go_on(&mut self, next: usize) {
        let State::InFlight(flight) = &mut self.state else { return };
        if !self.expected.is_empty() {
            return;
        }
        let mut out = Vec::new();
        if flight.mail_accepted && flight.plan == Plan::LockStep && next < flight.transaction.recipients.len()
        {
            commands::rcpt(&flight.transaction, next, &self.capabilities, &mut out);
            self.expected.push_back(Expect::Rcpt(next));
            self.outputs.push_back(Output::Write(out));
            return;
        }
        if flight.accepted == 0 {
            return self.over(Final::AllRecipientsRejected);
        }
        if self.capabilities.chunking {
            let tag = flight.transaction.tag;
            out.extend_from_slice(format!("BDAT {} LAST\r\n", flight.transaction.size).as_bytes());
            self.expected.push_back(Expect::Final);
            self.outputs.push_back(Output::Write(out));
            self.outputs.push_back(Output::Content { tag, framing: Framing::Bdat });
        } else {
            self.expected.push_back(Expect::Data);
            self.outputs.push_back(Output::Write(b"DATA\r\n".to_vec()));
        }
    }

    pub(super) fn data_answered(&mut self, reply: Reply) {
        let State::InFlight(flight) = &mut self.state else { return };
        if reply.code == 354 {
            self.expected.push_back(Expect::Final);
            if flight.accepted == 0 {
                // Nobody is to receive it, and the peer wants content all the same: an empty one.
                self.outputs.push_back(Output::Write(b".\r\n".to_vec()));
            } else {
                let tag = flight.transaction.tag;
                self.outputs.push_back(Output::Content { tag, framing: Framing::Dot });
            }
            return;
        }
        if flight.accepted == 0 {
            return self.over(Final::AllRecipientsRejected);
        }
        self.over(Final::Rejected(reply, Stage::Data));
    }

    pub(super) fn final_answered(&mut self, reply: Reply) {
        let State::InFlight(flight) = &mut self.state else { return };
        if flight.accepted == 0 {
            return self.over(Final::AllRecipientsRejected);
        }
        match reply.class() {
            Class::Done => self.over(Final::Accepted(reply)),
            Class::Intermediate | Class::Transient | Class::Permanent => {
                self.over(Final::Rejected(reply, Stage::Final));
            }
        }
    }

    fn over(&mut self, result: Final) {
        let State::InFlight(flight) = &self.state else { return };
        self.unclean = !matches!(result, Final::Accepted(_));
        self.outputs.push_back(Output::Done { tag: flight.transaction.tag, result });
        self.state = State::Idle;
    }
}
