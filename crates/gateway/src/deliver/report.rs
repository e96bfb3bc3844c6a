//! Reports to senders.

use mailreeve_core::Instant;
use mailreeve_core::envelope::Envelope;
use mailreeve_core::event::{Failure, GeneratedKind};
use mailreeve_core::ids::{Host, Mid, Rid};
use mailreeve_store::spool::Put;

use super::bodies::Loaded;
use crate::context::Running;

/// A recipient that a report tells of.
pub(super) struct Reported {
    rid: Rid,
}

impl Reported {
    pub(super) fn failed(rid: Rid, _failure: &Failure, _host: &Host) -> Self { Self { rid } }
    pub(super) fn delayed(rid: Rid, _failure: &Failure, _host: &Host) -> Self { Self { rid } }
    pub(super) fn relayed(rid: Rid, _reply: &str, _host: &Host) -> Self { Self { rid } }
}

pub(super) fn wants_success(envelope: &Envelope, rid: Rid) -> bool {
    let recipient = envelope.recipients.get(rid.0 as usize);
    recipient.and_then(|recipient| recipient.params.notify).is_some_and(|notify| notify.success)
}

pub(super) fn build(_l: &Loaded, r: &[Reported], _run: &Running, _now: Instant, _mid: impl FnMut() -> Option<Mid>) -> Vec<(GeneratedKind, Put)> {
    let _ = r.iter().map(|r| r.rid);
    Vec::new()
}
