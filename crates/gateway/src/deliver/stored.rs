//! What the spool keeps, in the forms that delivery takes it: content to send, recipients to wait.

use std::sync::Arc;

use mailreeve_core::delivery::io::Waiting;
use mailreeve_core::envelope::{Envelope, RecipientState};
use mailreeve_core::ids::{Mid, Rid};
use mailreeve_smtp::address::ReversePath;
use mailreeve_store::spool::{ReadError, Reader, StoredContent};

use super::bodies::Loaded;
use super::content::Body;

/// Reads a message back to be sent.
pub(super) fn read_back(reader: &Reader, mid: Mid) -> Result<Loaded, ReadError> {
    let envelope = Arc::new(reader.envelope(mid)?);
    let content = match reader.content(mid)? {
        StoredContent::Memory(bytes) => Body::Memory(bytes),
        StoredContent::File(_) => Body::Stored,
    };
    Ok(Loaded { envelope, content })
}

/// A report returns small messages whole and of others the header section.
pub(super) fn read_for_report(reader: &Reader, mid: Mid) -> Result<Loaded, ReadError> {
    let loaded = read_back(reader, mid)?;
    match loaded.content {
        Body::Memory(_) => Ok(loaded),
        Body::Stored => Ok(Loaded { content: Body::Memory(reader.header(mid)?), ..loaded }),
    }
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
