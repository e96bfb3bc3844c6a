//! What each event changes in a record.

use super::{Kind, Phase, Record, State, Tracked};
use crate::event::{AbortReason, CloseReason, Event, Failure, TlsResult};
use crate::ids::{Host, Rid};

/// Recipients that are known one by one. More are accepted only by number.
const RECIPIENTS_MAX: u32 = 100_000;
/// Refused addresses that are kept.
const REFUSED_MAX: usize = 1_000;

/// Takes an event in.
pub(super) fn apply(record: &mut Record, event: &Event) {
    match event {
        Event::Started { .. } => record.cut(),
        Event::ConnectionOpened { .. }
        | Event::PeerJudged { .. }
        | Event::InboundTls { .. }
        | Event::SenderRejected { .. }
        | Event::ConnectionClosed { .. } => inbound(record, event),
        Event::DeliveryOpened { peer, name, .. } => {
            record.met_address(peer.ip());
            record.met_host(name);
        }
        Event::DeliveryTls { result, .. } => tls(record, result),
        Event::MessageStarted { .. }
        | Event::RecipientAccepted { .. }
        | Event::RecipientRejected { .. }
        | Event::MessageAborted { .. }
        | Event::Accepted { .. }
        | Event::Generated { .. }
        | Event::Queued { .. }
            if matches!(record.tracked, Tracked::Message(_)) =>
        {
            coming(record, event);
        }
        Event::RecipientRejected { address, .. } => refused(record, address),
        Event::MessageStarted { sender, .. } => record.sender = Some(sender.clone()),
        Event::MessageAborted { .. } => record.kinds.add(Kind::Aborted),
        Event::Delivered { .. }
        | Event::Deferred { .. }
        | Event::Bounced { .. }
        | Event::Deleted { .. }
        | Event::Archived { .. }
        | Event::Redirected { .. }
        | Event::Corrupt { .. }
        | Event::Finished { .. } => going(record, event),
        // Tells where nothing that is searched changes; whom an event concerns is told for each in `concern`.
        _ => {}
    }
}

fn inbound(record: &mut Record, event: &Event) {
    match event {
        Event::ConnectionOpened { icid, peer, .. } => {
            record.icid = Some(*icid);
            record.peer = Some(peer.ip().to_canonical());
            record.met_address(peer.ip());
        }
        Event::PeerJudged { peer, reverse, .. } => {
            record.peer = Some(peer.to_canonical());
            record.met_address(*peer);
            record.reverse.clone_from(reverse);
            record.met_host(reverse.as_deref().unwrap_or_default());
        }
        Event::InboundTls { result, .. } => tls(record, result),
        Event::SenderRejected { sender, .. } => {
            record.sender = Some(sender.clone());
            record.kinds.add(Kind::Refused);
        }
        Event::ConnectionClosed { why, peer, .. } => {
            record.met_address(*peer);
            if matches!(why, CloseReason::Lost { .. } | CloseReason::Timeout { .. }) {
                record.kinds.add(Kind::Lost);
            }
            if matches!(record.tracked, Tracked::Connection(_)) {
                record.phase = Phase::Closed;
            }
        }
        _ => {}
    }
}

fn coming(record: &mut Record, event: &Event) {
    match event {
        Event::MessageStarted { icid, sender, .. } => {
            record.icid = Some(*icid);
            record.sender = Some(sender.clone());
        }
        Event::RecipientAccepted { icid, rid, address, .. } => {
            record.icid = Some(*icid);
            record.recipients.entry(*rid).or_default().address = Some(address.clone());
        }
        Event::RecipientRejected { address, .. } => refused(record, address),
        Event::MessageAborted { icid, why, .. } => {
            record.icid = Some(*icid);
            record.phase = Phase::Aborted;
            record.kinds.add(Kind::Aborted);
            if matches!(why, AbortReason::Lost { .. }) {
                record.kinds.add(Kind::Lost);
            }
        }
        Event::Accepted { icid, size, sender, message_id, subject, recipients, .. } => {
            record.icid = Some(*icid);
            record.size = *size;
            record.sender = Some(sender.clone());
            record.message_id.clone_from(message_id);
            record.subject.clone_from(subject);
            for rid in 0..(*recipients).min(RECIPIENTS_MAX) {
                record.recipients.entry(Rid(rid)).or_default();
            }
            ours(record, Kind::Received);
        }
        Event::Generated { parent, size, sender, recipients, .. } => {
            record.parent = Some(*parent);
            record.size = *size;
            record.sender = Some(sender.clone());
            for (rid, address) in (0..RECIPIENTS_MAX).zip(recipients) {
                record.recipients.entry(Rid(rid)).or_default().address = Some(address.clone());
            }
            ours(record, Kind::Generated);
        }
        Event::Queued { destinations, .. } => {
            for (host, rids) in destinations {
                rids.iter().for_each(|rid| go_to(record, *rid, host));
            }
            if record.phase != Phase::Finished {
                record.phase = Phase::Queued;
            }
            record.kinds.add(Kind::Queued);
        }
        _ => {}
    }
}

fn going(record: &mut Record, event: &Event) {
    match event {
        Event::Delivered { rids, host, .. } => {
            rids.iter().for_each(|rid| end(record, *rid, host, State::Delivered));
            record.kinds.add(Kind::Delivered);
        }
        Event::Deferred { rid, host, failure, .. } => {
            go_to(record, *rid, host);
            failed(record, failure);
            waits(record);
            record.kinds.add(Kind::Deferred);
        }
        Event::Bounced { rid, host, failure, .. } => {
            failed(record, failure);
            end(record, *rid, host, State::Bounced);
            record.kinds.add(Kind::Bounced);
        }
        Event::Deleted { rid, host, .. } => {
            end(record, *rid, host, State::Deleted);
            record.kinds.add(Kind::Deleted);
        }
        Event::Archived { rid, host, .. } => {
            end(record, *rid, host, State::Archived);
            record.kinds.add(Kind::Archived);
        }
        Event::Redirected { rid, to, .. } => {
            go_to(record, *rid, to);
            record.kinds.add(Kind::Redirected);
        }
        Event::Corrupt { .. } => {
            record.apart = true;
            record.kinds.add(Kind::SetApart);
        }
        Event::Finished { .. } => record.phase = Phase::Finished,
        _ => {}
    }
}

fn ours(record: &mut Record, kind: Kind) {
    if record.phase == Phase::Coming {
        record.phase = Phase::Accepted;
    }
    record.kinds.add(kind);
}

/// A message of which only late events are known waits, as these tell.
fn waits(record: &mut Record) {
    if matches!(record.phase, Phase::Coming | Phase::Accepted) {
        record.phase = Phase::Queued;
    }
}

fn go_to(record: &mut Record, rid: Rid, host: &Host) {
    record.met_host(host.as_str());
    record.recipients.entry(rid).or_default().host = Some(host.clone());
}

fn end(record: &mut Record, rid: Rid, host: &Host, state: State) {
    go_to(record, rid, host);
    waits(record);
    record.recipients.entry(rid).or_default().end = Some(state);
}

fn failed(record: &mut Record, failure: &Failure) {
    if let Some(address) = failure.address {
        record.met_address(address.ip());
    }
}

fn refused(record: &mut Record, address: &str) {
    record.kinds.add(Kind::Refused);
    if record.refused.len() < REFUSED_MAX {
        record.refused.push(address.to_owned());
    }
}

fn tls(record: &mut Record, result: &TlsResult) {
    if matches!(result, TlsResult::Failed { .. }) {
        record.kinds.add(Kind::TlsFailed);
    }
}
