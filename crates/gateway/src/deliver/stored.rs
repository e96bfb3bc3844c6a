//! What the spool keeps, in the forms that delivery takes it: content to send, recipients to wait.

use std::sync::Arc;

use mailreeve_core::delivery::io::Waiting;
use mailreeve_core::envelope::{Envelope, Recipient};
use mailreeve_core::ids::{Mid, Rid};
use mailreeve_smtp::address::ReversePath;
use mailreeve_store::spool::{Reader, StoredContent, WaitingRecipient};

use super::bodies::{Loaded, weight};
use super::content::Body;
use super::reading::{Unread, off_thread};
use super::room::Room;

/// Content up to so many octets is read before its transaction begins and held to its end; larger content is read
/// when the next hop asks for it, so that one that never asks holds no memory.
const HELD: u64 = 64 * 1024;

/// Reads a message back to be sent, once there is room for it.
pub(super) async fn read_back(reader: &Reader, room: &Room, mid: Mid) -> Result<Loaded, Unread> {
    let envelope = {
        let reader = reader.clone();
        Arc::new(off_thread(move || reader.envelope(mid)).await?)
    };
    if envelope.size > HELD {
        let share = room.take(weight(&envelope, 0)).await.ok_or_else(Unread::no_room)?;
        return Ok(Loaded { envelope, content: Body::Stored, share: Some(share) });
    }
    let size = usize::try_from(envelope.size).unwrap_or(usize::MAX);
    let share = room.take(weight(&envelope, size)).await.ok_or_else(Unread::no_room)?;
    let reader = reader.clone();
    let content = match off_thread(move || reader.content(mid)).await? {
        StoredContent::Memory(bytes) => Body::Memory(bytes),
        StoredContent::File(_) => Body::Stored,
    };
    Ok(Loaded { envelope, content, share: Some(share) })
}

/// Reads a message back for a report, which returns small messages whole and of others the header section.
pub(super) async fn read_for_report(reader: &Reader, mid: Mid) -> Result<Loaded, Unread> {
    let reader = reader.clone();
    off_thread(move || {
        let envelope = Arc::new(reader.envelope(mid)?);
        let content = match reader.content(mid)? {
            StoredContent::Memory(bytes) => bytes,
            StoredContent::File(_) => reader.header(mid)?,
        };
        Ok(Loaded { envelope, content: Body::Memory(content), share: None })
    })
    .await
}

/// A message's recipients as they enter the shard for the first time.
pub(super) fn entering(envelope: &Envelope) -> impl Iterator<Item = Waiting> + '_ {
    envelope.recipients.iter().zip(0..).map(move |(recipient, rid)| new(envelope, recipient, Rid(rid)))
}

/// A message's recipients as they come back from the spool.
pub fn recovered(envelope: &Envelope, waiting: Vec<WaitingRecipient>) -> impl Iterator<Item = Waiting> + '_ {
    waiting.into_iter().filter_map(|(rid, state)| {
        let mut waiting = new(envelope, envelope.recipients.get(rid.0 as usize)?, rid);
        if let Some(host) = state.as_ref().and_then(|state| state.host.clone()) {
            waiting.host = host;
        }
        waiting.state = state;
        Some(waiting)
    })
}

fn new(envelope: &Envelope, recipient: &Recipient, rid: Rid) -> Waiting {
    let notify = recipient.params.notify;
    Waiting {
        mid: envelope.mid,
        rid,
        host: recipient.host.clone(),
        accepted_at: envelope.accepted_at,
        size: envelope.size,
        content: envelope.content,
        state: None,
        null_sender: matches!(envelope.sender, ReversePath::Null),
        notify_failure: notify.is_none_or(|notify| notify.failure),
        notify_delay: notify.is_none_or(|notify| notify.delay),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::{Duration, Instant};

    use mailreeve_core::envelope::{ContentFacts, RecipientState};
    use mailreeve_core::ids::{Host, Icid};
    use mailreeve_smtp::address::Mailbox;
    use mailreeve_smtp::params::{MailParams, RcptParams};

    use super::*;

    #[test]
    fn each_comes_back_as_itself_however_many_there_are() {
        const MANY: u32 = 100_000;
        let recipient = Recipient {
            mailbox: Mailbox::parse("a@one.test").unwrap(),
            params: RcptParams::default(),
            host: Host::new("one.test"),
        };
        let envelope = Envelope {
            mid: Mid(7),
            icid: Icid(1),
            accepted_at: 1,
            sender: ReversePath::Null,
            params: MailParams::default(),
            size: 10,
            content: ContentFacts::default(),
            recipients: vec![recipient; MANY as usize],
        };
        let state = |rid| RecipientState {
            mid: Mid(7),
            rid: Rid(rid),
            host: Some(Host::new("two.test")),
            attempts: 1,
            due_at: 1,
            interval_s: 60,
            last: None,
            delay_reported: false,
        };
        let every_other = (0..MANY).step_by(2).map(|rid| (Rid(rid), (rid == 4).then(|| state(4))));
        let beyond = std::iter::once((Rid(MANY), None));
        let began = Instant::now();
        let back: Vec<Waiting> = recovered(&envelope, every_other.chain(beyond).collect()).collect();
        // Looked for from the first one on for each, these take minutes.
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        assert_eq!(back.len(), MANY as usize / 2);
        assert!(back.iter().zip((0..).step_by(2)).all(|(waiting, rid)| waiting.rid == Rid(rid)));
        assert_eq!((back[2].host.as_str(), back[2].state.as_ref()), ("two.test", Some(&state(4))));
        assert_eq!((back[3].host.as_str(), &back[3].state), ("one.test", &None));
    }
}
