//! Mail of the gateway's own that an operator has sent: by no connection, and otherwise as any that comes in. It is
//! ours only once it is durable (law 4).

use mailreeve_core::event::{AbortReason, Event};
use mailreeve_core::ids::{Host, Icid, Mid};
use mailreeve_core::message;
use mailreeve_smtp::address::{Mailbox, ReversePath};
use mailreeve_smtp::params::{MailParams, RcptParams};
use mailreeve_smtp::server::Message;

use super::envelope::{Draft, in_memory};
use crate::context::Context;

/// A small message to one recipient.
pub(crate) struct Mail {
    pub(crate) sender: ReversePath,
    pub(crate) recipient: Mailbox,
    /// Where it goes.
    pub(crate) host: Host,
    /// Lines of ASCII, the header section first.
    pub(crate) content: Vec<u8>,
}

/// Accepts it and queues it for delivery; returns its number once it is durable, or why it is not ours.
pub(crate) async fn queue(context: &Context, mail: Mail) -> Result<Mid, String> {
    if let Some(refusal) = context.intake.refusal() {
        return Err(refusal.to_string());
    }
    let mid = context.ids.mid().ok_or_else(|| "the spool gives no numbers any more".to_owned())?;
    let Mail { sender, recipient, host, content } = mail;
    let icid = Icid(0);
    context.events.tell(Event::MessageStarted { mid, icid, sender: sender.to_string() });
    let address = recipient.to_string();
    let mut draft = Draft::new(mid, icid, sender, MailParams::default());
    let rid = draft.add(recipient, RcptParams::default(), host);
    context.events.tell(Event::RecipientAccepted { mid, icid, rid, address });
    let facts = message::header_facts(&content);
    let header_end = content.windows(4).position(|octets| octets == b"\r\n\r\n").map_or(0, |at| at + 4);
    let size = content.len() as u64;
    let whole = Message { tail: Vec::new(), spilled: 0, size, eight_bit: false, dots: false, header_end };
    let (token, receipt) = context.jobs.receipts().wait();
    let now = context.clock.wall().0;
    // The work queue holds mail from outside alone.
    let change = draft.into_change(&whole, facts, in_memory(content), now, token, false);
    let stored = if context.commits.submit(change).is_err() {
        context.jobs.receipts().forget(token);
        Err("the commit queue is full".to_owned())
    } else {
        match receipt.await {
            Ok(stored) => stored.map_err(|why| why.0),
            Err(_) => Err("the spool is closed".to_owned()),
        }
    };
    if let Err(why) = &stored {
        let why = AbortReason::Spool(why.clone());
        context.events.tell(Event::MessageAborted { mid, icid, why });
    }
    stored.map(|()| mid)
}
