//! Ordinary mail to one recipient.

use std::sync::Arc;

use bytes::Bytes;
use mailreeve_core::envelope::{ContentFacts, Envelope, Recipient};
use mailreeve_core::event::{Event, Stamped};
use mailreeve_core::ids::{Host, Icid, Mid};
use mailreeve_smtp::address::{Mailbox, ReversePath};
use mailreeve_smtp::params::{MailParams, RcptParams};
use mailreeve_store::spool::{Content, Put};

/// A message.
pub(crate) fn put(mid: Mid, content: &Bytes) -> Put {
    let envelope = Arc::new(envelope(mid, content.len() as u64));
    Put { envelope, content: Content::Memory(content.clone()) }
}

/// The event that it was accepted.
pub(crate) fn accepted(mid: Mid, size: u64) -> Stamped {
    stamped(Event::Accepted {
        mid,
        icid: Icid(mid.0),
        size,
        sender: "sender@origin.example".to_owned(),
        message_id: Some(format!("<{mid}@origin.example>")),
        subject: Some("Measured".to_owned()),
        recipients: 1,
    })
}

/// An event at some instant.
pub(crate) fn stamped(event: Event) -> Stamped {
    Stamped { at: 1_795_000_000_000_000, event }
}

fn envelope(mid: Mid, size: u64) -> Envelope {
    let recipient = Recipient {
        mailbox: Mailbox::parse("user@dest.example").expect("a mailbox"),
        params: RcptParams::default(),
        host: Host::new("dest.example"),
    };
    Envelope {
        mid,
        icid: Icid(mid.0),
        accepted_at: 1_795_000_000_000_000,
        sender: ReversePath::Mailbox(Mailbox::parse("sender@origin.example").expect("a mailbox")),
        params: MailParams::default(),
        size,
        content: ContentFacts::default(),
        recipients: vec![recipient],
    }
}

/// Octets that do not compress.
pub(crate) fn noise(length: usize) -> Bytes {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut octets = Vec::with_capacity(length + 8);
    while octets.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        octets.extend_from_slice(&state.to_le_bytes());
    }
    octets.truncate(length);
    Bytes::from(octets)
}
