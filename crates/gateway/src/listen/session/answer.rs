//! The gateway's answers to what needs no waiting: sender, recipient, content.

use mailreeve_core::event::{Event, PeerAction, RecipientRule};
use mailreeve_core::message::{self, Trace};
use mailreeve_core::policy::NotAccepted;
use mailreeve_smtp::address::{Mailbox, ReversePath};
use mailreeve_smtp::params::{MailParams, RcptParams};
use mailreeve_smtp::reply::{Enhanced, Reply};
use mailreeve_smtp::server::{DataVerdict, Question, Verdict};

use super::{Await, Inbound};
use crate::listen::envelope::Draft;

/// Memory reserved for a message whose size is not declared.
const UNDECLARED_BYTES: u64 = 64 * 1024;

/// Octets of the trace field, and a little more.
const TRACE_BYTES: usize = 512;

impl Inbound {
    pub(super) fn answer(&mut self, question: Question) -> Await {
        let now = self.at.context.clock.steady();
        match question {
            Question::Mail { path, params } => {
                let verdict = self.mail(path, params);
                self.session.answer_mail(verdict, now);
            }
            Question::Recipient { mailbox, params } => {
                let verdict = self.recipient(mailbox, params);
                self.session.answer_recipient(verdict, now);
            }
            Question::Data => {
                let verdict = self.data();
                self.session.answer_data(verdict, now);
            }
            Question::Spill(chunk) => return Await::Spill(chunk),
            Question::Message(message) => return Await::Message(message),
            Question::StartTls => return Await::StartTls,
        }
        Await::Nothing
    }

    pub(super) fn mail(&mut self, path: ReversePath, params: MailParams) -> Verdict {
        if let Some(reply) = self.at.context.intake.refusal() {
            self.refused_sender(&path, &reply);
            return Verdict::Refuse(reply);
        }
        let declared = params.size.unwrap_or(UNDECLARED_BYTES);
        let spill = self.at.smtp.limits.spill_bytes;
        let bytes = usize::try_from(declared).unwrap_or(spill).min(spill);
        let Some(lease) = self.at.context.intake.lease(bytes) else {
            let reply =
                Reply::new(452, Enhanced(4, 3, 1), "Too much mail in flight here, please try again later");
            self.refused_sender(&path, &reply);
            return Verdict::Refuse(reply);
        };
        self.lease = Some(lease);
        let Some(mid) = self.at.context.ids.mid() else {
            let reply = Reply::new(451, Enhanced(4, 3, 0), "Storage failure here, please try again later");
            self.refused_sender(&path, &reply);
            return Verdict::Refuse(reply);
        };
        self.at.context.events.tell(Event::MessageStarted {
            mid,
            icid: self.at.icid,
            sender: path.to_string(),
        });
        self.draft = Some(Draft::new(mid, self.at.icid, path, params));
        Verdict::Accept
    }

    pub(super) fn refused_sender(&self, path: &ReversePath, reply: &Reply) {
        self.at.context.events.tell(Event::SenderRejected {
            icid: self.at.icid,
            sender: path.to_string(),
            reply: reply.to_string(),
        });
    }

    pub(super) fn recipient(&mut self, mailbox: Mailbox, params: RcptParams) -> Verdict {
        let icid = self.at.icid;
        let Some(draft) = &mut self.draft else {
            return Verdict::Refuse(Reply::new(503, Enhanced(5, 5, 1), "MAIL first"));
        };
        let address = mailbox.to_string();
        match self.at.running.policy.judge_recipient(self.at.verdict.action, &mailbox) {
            Ok(host) => {
                let rid = draft.add(mailbox, params, host);
                let mid = draft.mid;
                self.at.context.events.tell(Event::RecipientAccepted { mid, icid, rid, address });
                Verdict::Accept
            }
            Err(NotAccepted) => {
                let reply = match self.at.verdict.action {
                    PeerAction::Accept | PeerAction::Relay => {
                        Reply::new(550, Enhanced(5, 7, 1), "Mail for this address is not accepted here")
                    }
                    PeerAction::Reject => {
                        Reply::new(554, Enhanced(5, 7, 1), "Your host is not accepted here")
                    }
                };
                self.at.context.events.tell(Event::RecipientRejected {
                    mid: draft.mid,
                    icid,
                    address,
                    rule: RecipientRule::RelayDenied,
                    reply: reply.to_string(),
                });
                Verdict::Refuse(reply)
            }
        }
    }

    pub(super) fn data(&mut self) -> DataVerdict {
        if let Some(reply) = self.at.context.intake.refusal() {
            return DataVerdict::Refuse(reply);
        }
        let Some(draft) = &self.draft else {
            return DataVerdict::Refuse(Reply::new(503, Enhanced(5, 5, 1), "MAIL first"));
        };
        let name = self.judgement.name();
        let trace = Trace {
            helo: &self.helo,
            reverse: name.as_ref().and_then(|name| name.name.as_deref()),
            peer: self.at.peer.ip(),
            by: &self.at.smtp.hostname,
            esmtp: self.esmtp,
            utf8: draft.utf8(),
            tls: self.tls.as_ref().map(|(protocol, cipher)| (protocol.as_str(), cipher.as_str())),
            mid: draft.mid,
            recipient: draft.only_recipient(),
            at: self.at.context.clock.wall(),
            zone: &self.at.running.zone,
        };
        // Room for the whole message at once where its size was declared; it grows otherwise.
        let declared = usize::try_from(draft.declared().unwrap_or(0)).unwrap_or(usize::MAX);
        let room = declared.min(self.at.smtp.limits.spill_bytes);
        let mut prefix = Vec::with_capacity(TRACE_BYTES + room);
        message::write_received(&trace, &mut prefix);
        DataVerdict::Go { prefix }
    }
}
