//! What the spool keeps, in the forms that delivery takes it: content to send, recipients to wait.

use std::sync::Arc;

use mailreeve_core::delivery::io::Waiting;
use mailreeve_core::envelope::{Envelope, RecipientState};
use mailreeve_core::ids::{Mid, Rid};
use mailreeve_smtp::address::ReversePath;
use mailreeve_store::spool::{Reader, StoredContent};

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
    let null_sender = matches!(envelope.sender, ReversePath::Null);
    envelope.recipients.iter().zip(0..).map(move |(recipient, rid)| {
        let notify = recipient.params.notify;
        Waiting {
            mid: envelope.mid,
            rid: Rid(rid),
            host: recipient.host.clone(),
            accepted_at: envelope.accepted_at,
            size: envelope.size,
            content: envelope.content,
            state: None,
            null_sender,
            notify_failure: notify.is_none_or(|notify| notify.failure),
            notify_delay: notify.is_none_or(|notify| notify.delay),
        }
    })
}

/// A recipient as it comes back from the spool.
pub fn recovered(envelope: &Envelope, rid: Rid, state: Option<RecipientState>) -> Option<Waiting> {
    let mut waiting = entering(envelope).nth(rid.0 as usize)?;
    if let Some(host) = state.as_ref().and_then(|state| state.host.clone()) {
        waiting.host = host;
    }
    waiting.state = state;
    Some(waiting)
}
