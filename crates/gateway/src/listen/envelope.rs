//! The envelope of the transaction under way, until it is committed or dropped.

use std::sync::Arc;

use bytes::Bytes;
use mailreeve_core::envelope::{ContentFacts, Envelope, Recipient};
use mailreeve_core::event::{AbortReason, Event, Stamped};
use mailreeve_core::ids::{Host, Icid, Mid, Rid};
use mailreeve_core::message::HeaderFacts;
use mailreeve_smtp::address::{Mailbox, ReversePath};
use mailreeve_smtp::params::{MailParams, RcptParams};
use mailreeve_smtp::server::Message;
use mailreeve_store::committer::Change;
use mailreeve_store::spool::{Batch, Content, Put};

/// What MAIL and RCPT have said so far.
pub(super) struct Draft {
    pub(super) mid: Mid,
    icid: Icid,
    sender: ReversePath,
    params: MailParams,
    recipients: Vec<Recipient>,
}

impl Draft {
    pub(super) fn new(mid: Mid, icid: Icid, sender: ReversePath, params: MailParams) -> Self {
        Self { mid, icid, sender, params, recipients: Vec::new() }
    }

    /// Adds an accepted recipient and returns its number.
    pub(super) fn add(&mut self, mailbox: Mailbox, params: RcptParams, host: Host) -> Rid {
        let rid = Rid(u32::try_from(self.recipients.len()).unwrap_or(u32::MAX));
        self.recipients.push(Recipient { mailbox, params, host });
        rid
    }

    /// The only recipient, for the `for` clause of the trace header; with several it would tell one of another.
    pub(super) fn only_recipient(&self) -> Option<&Mailbox> {
        match self.recipients.as_slice() {
            [one] => Some(&one.mailbox),
            _ => None,
        }
    }

    /// The size that MAIL declared.
    pub(super) fn declared(&self) -> Option<u64> {
        self.params.size
    }

    /// Whether SMTPUTF8 was asked for.
    pub(super) fn utf8(&self) -> bool {
        self.params.smtputf8
    }

    /// Makes the change that takes the message over, with the events that tell it. A message that is `held` stays in
    /// the work queue: it is accepted and not queued for delivery yet.
    pub(super) fn into_change(
        self,
        message: &Message,
        facts: HeaderFacts,
        content: Content,
        now_us: u64,
        token: u64,
        held: bool,
    ) -> Change {
        let size = content.size();
        let header_bytes = u32::try_from(message.header_end).unwrap_or(u32::MAX);
        let needs_utf8 = self.params.smtputf8
            && (facts.non_ascii
                || !self.sender.is_ascii()
                || self.recipients.iter().any(|r| !r.mailbox.is_ascii()));
        let envelope = Envelope {
            mid: self.mid,
            icid: self.icid,
            accepted_at: now_us,
            sender: self.sender,
            params: self.params,
            size,
            content: ContentFacts {
                eight_bit: message.eight_bit,
                dots: message.dots,
                utf8_needed: needs_utf8,
                header_bytes,
            },
            recipients: self.recipients,
        };
        let accepted = Event::Accepted {
            mid: envelope.mid,
            icid: envelope.icid,
            size,
            sender: envelope.sender.to_string(),
            message_id: facts.message_id,
            subject: facts.subject,
            recipients: u32::try_from(envelope.recipients.len()).unwrap_or(u32::MAX),
        };
        let queued = (!held)
            .then(|| Event::Queued { mid: envelope.mid, destinations: by_destination(&envelope.recipients) });
        let told = [Some(accepted), queued].into_iter().flatten();
        let events = told.map(|event| Stamped { at: now_us, event }).collect();
        let batch =
            Batch { puts: vec![Put { envelope: Arc::new(envelope), content }], events, ..Batch::default() };
        Change { batch, token: Some(token) }
    }

    /// The event that tells that nothing came of it.
    pub(super) fn aborted(&self, why: AbortReason) -> Event {
        Event::MessageAborted { mid: self.mid, icid: self.icid, why }
    }
}

/// Groups the recipients of an envelope by destination, in order of first appearance.
pub(crate) fn by_destination(recipients: &[Recipient]) -> Vec<(Host, Vec<Rid>)> {
    grouped(recipients.iter().zip(0..).map(|(recipient, rid)| (&recipient.host, Rid(rid))))
}

/// Groups recipients by where their mail goes now, in order of first appearance.
pub(crate) fn grouped<'a>(recipients: impl Iterator<Item = (&'a Host, Rid)>) -> Vec<(Host, Vec<Rid>)> {
    let mut groups: Vec<(Host, Vec<Rid>)> = Vec::new();
    for (to, rid) in recipients {
        match groups.iter_mut().find(|(host, _)| host == to) {
            Some((_, rids)) => rids.push(rid),
            None => groups.push((to.clone(), vec![rid])),
        }
    }
    groups
}

/// Content held in memory, as the spool takes it.
pub(super) fn in_memory(tail: Vec<u8>) -> Content {
    Content::Memory(Bytes::from(tail))
}
