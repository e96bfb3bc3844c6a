//! What the tests of the store share: messages made from a seed, and the whole of a spool as one value.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use mailreeve_core::envelope::{ContentFacts, Envelope, Recipient, RecipientState};
use mailreeve_core::event::{Cause, Event, Failure, Stage, Stamped};
use mailreeve_core::ids::{Dcid, Host, Icid, Mid, Rid};
use mailreeve_smtp::address::{Mailbox, ReversePath};
use mailreeve_smtp::params::{MailParams, RcptParams};
use mailreeve_store::spool::{Batch, Content, Opened, Options, Put, Reader, Recovery, Spool, StoredContent};

/// Octets that differ from place to place and from seed to seed.
pub(crate) fn octets(seed: u64, length: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    let mut out = Vec::with_capacity(length + 8);
    while out.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(length);
    Bytes::from(out)
}

/// An envelope with so many recipients.
pub(crate) fn envelope(mid: u64, recipients: usize, size: u64) -> Arc<Envelope> {
    let recipient = |index: usize| Recipient {
        mailbox: Mailbox::parse(&format!("user{index}@dest{}.example", mid % 7)).unwrap(),
        params: RcptParams { notify: None, orcpt: Some(format!("rfc822;user{index}@x.example")) },
        host: Host::new(&format!("dest{}.example", mid % 7)),
    };
    Arc::new(Envelope {
        mid: Mid(mid),
        icid: Icid(mid / 2),
        accepted_at: 1_700_000_000_000_000 + mid,
        sender: ReversePath::Mailbox(Mailbox::parse("sender@origin.example").unwrap()),
        params: MailParams::default(),
        size,
        content: ContentFacts {
            header_bytes: u32::try_from(size.min(200)).unwrap(),
            ..ContentFacts::default()
        },
        recipients: (0..recipients).map(recipient).collect(),
    })
}

/// A message with content in memory, seeded by its MID.
pub(crate) fn put(mid: u64, recipients: usize, length: usize) -> Put {
    Put { envelope: envelope(mid, recipients, length as u64), content: Content::Memory(octets(mid, length)) }
}

/// A recipient's state after `attempts` attempts.
pub(crate) fn state(mid: u64, rid: u32, attempts: u32, due_at: u64) -> RecipientState {
    RecipientState {
        mid: Mid(mid),
        rid: Rid(rid),
        host: None,
        attempts,
        due_at,
        interval_s: 60 * attempts,
        last: Some(Failure {
            stage: Stage::Rcpt,
            cause: Cause::Reply4xx,
            status: (4, 2, 0),
            code: 450,
            text: vec!["try later".to_owned()],
            address: None,
            at: due_at,
        }),
        delay_reported: false,
    }
}

/// The event of an accepted message.
pub(crate) fn accepted(mid: u64, size: u64) -> Stamped {
    let event = Event::Accepted {
        mid: Mid(mid),
        icid: Icid(mid / 2),
        size,
        sender: "sender@origin.example".to_owned(),
        message_id: Some(format!("{mid}@origin.example")),
        subject: Some("Minutes".to_owned()),
        recipients: 1,
    };
    Stamped { at: mid, event }
}

/// The event of an ended message.
pub(crate) fn finished(mid: u64) -> Stamped {
    Stamped { at: mid, event: Event::Finished { mid: Mid(mid) } }
}

/// The event of a delivery.
pub(crate) fn delivered(mid: u64) -> Stamped {
    let event = Event::Delivered {
        dcid: Dcid(3),
        mid: Mid(mid),
        rids: vec![Rid(0)],
        host: Host::new("dest.example"),
        reply: "250 2.0.0 Ok: queued as 4B1F9A20C1".to_owned(),
    };
    Stamped { at: mid, event }
}

/// A commit that brings messages, with their events.
pub(crate) fn mail(puts: Vec<Put>) -> Batch {
    let events = puts.iter().map(|put| accepted(put.envelope.mid.0, put.envelope.size)).collect();
    Batch { puts, events, ..Batch::default() }
}

/// A commit that ends messages.
pub(crate) fn ends(mids: &[u64]) -> Batch {
    Batch {
        dels: mids.iter().map(|mid| Mid(*mid)).collect(),
        events: mids.iter().map(|mid| finished(*mid)).collect(),
        ..Batch::default()
    }
}

/// Options with small bounds, so that little mail reaches them.
pub(crate) fn small() -> Options {
    Options {
        inline_max: 512,
        segment_bytes: 32 * 1024,
        wal_bytes: 256 * 1024,
        cache_kib: 1024,
        id_block: 100,
        recovered_by_due: 3,
        ..Options::default()
    }
}

pub(crate) fn open(dir: &Path, options: &Options) -> Opened {
    Spool::open(dir, options).unwrap()
}

/// Reads all of a message's content.
pub(crate) fn read_all(reader: &Reader, mid: u64) -> Bytes {
    match reader.content(Mid(mid)).unwrap() {
        StoredContent::Memory(bytes) => bytes,
        StoredContent::File(mut file) => {
            let mut all = Vec::new();
            while let Some(chunk) = file.next_chunk(5000).unwrap() {
                all.extend_from_slice(&chunk);
            }
            Bytes::from(all)
        }
    }
}

/// What waits of one message: its recipients, with attempts and due where they were tried.
pub(crate) type Waits = BTreeMap<u32, Option<(u32, u64)>>;

/// Everything that recovery hands out, by MID; damage is a failure.
pub(crate) fn everything(recovery: &mut Recovery) -> BTreeMap<u64, Waits> {
    let mut all = BTreeMap::new();
    while let Some(page) = recovery.next_page().unwrap() {
        assert_eq!(page.damaged, []);
        for message in page.messages {
            let waits = message
                .waiting
                .iter()
                .map(|(rid, state)| (rid.0, state.as_ref().map(|state| (state.attempts, state.due_at))))
                .collect();
            let twice = all.insert(message.envelope.mid.0, waits);
            assert!(twice.is_none(), "message {} came twice", message.envelope.mid);
        }
    }
    all
}
