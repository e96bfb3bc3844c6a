//! From an event to its sentence.

use std::collections::BTreeMap;

use super::{Argument, Sentence};
use crate::event::{
    AbortReason, CloseReason, Event, Failure, GeneratedKind, PeerAction, RecipientRule, Stamped, TlsResult,
    Unreported,
};
use crate::ids::{Host, Rid};

/// Destinations and addresses named in one sentence.
const NAMED: usize = 20;

/// Says what the events of a message or connection say, in order and each with its instant; nothing of those that tell
/// nothing of it. The tries of a recipient are numbered from 1, those that an operator forced too.
pub fn sentences(events: &[Stamped]) -> Vec<(u64, Sentence)> {
    let mut tries: BTreeMap<Rid, u32> = BTreeMap::new();
    let said = |stamped: &Stamped| {
        let number = match &stamped.event {
            Event::Deferred { rid, attempts, .. } => {
                let tries = tries.entry(*rid).or_default();
                // What counts towards the limit is never more; it is when events before are missing.
                *tries = tries.saturating_add(1).max(*attempts);
                *tries
            }
            _ => 0,
        };
        Some((stamped.at, sentence(&stamped.event, number)?))
    };
    events.iter().filter_map(said).collect()
}

/// Says what an event says; `number` is that of the try it tells of.
fn sentence(event: &Event, number: u32) -> Option<Sentence> {
    inbound(event).or_else(|| coming(event)).or_else(|| hop(event)).or_else(|| going(event, number))
}

fn inbound(event: &Event) -> Option<Sentence> {
    let (key, arguments) = match event {
        Event::ConnectionOpened { icid, listener, local, peer } => (
            "track.opened",
            vec![
                ("peer", text(peer.ip())),
                ("listener", text(listener)),
                ("local", text(local)),
                ("icid", number(icid.0)),
            ],
        ),
        Event::Greeted { icid, waited_us } => {
            ("track.greeted", vec![("icid", number(icid.0)), ("waited", span(*waited_us))])
        }
        Event::PeerJudged { peer, reverse, action, group, rule, .. } => {
            let action = match action {
                PeerAction::Accept => "send to accepted domains",
                PeerAction::Relay => "send to everywhere",
                PeerAction::Reject => "send nothing",
            };
            let name = reverse.as_deref().unwrap_or("no name");
            let peer = ("peer", text(peer));
            (
                "track.judged",
                vec![
                    peer,
                    ("name", text(name)),
                    ("action", text(action)),
                    ("group", text(group)),
                    ("rule", text(rule)),
                ],
            )
        }
        Event::InboundTls { icid, result } => {
            tls(result, "track.tls-in", "track.tls-in-failed", ("icid", number(icid.0)))
        }
        Event::BadCommand { text: said, .. } => ("track.bad-command", vec![("text", text(said))]),
        Event::SenderRejected { sender, reply, .. } => {
            ("track.sender-refused", vec![("sender", text(sender)), ("reply", text(reply))])
        }
        Event::ConnectionClosed { icid, why, lasted_us, messages, .. } => {
            let why = match why {
                CloseReason::Quit => "it said QUIT".to_owned(),
                CloseReason::Lost { before_commands: true, detail } => {
                    format!("it was lost before any command ({detail})")
                }
                CloseReason::Lost { before_commands: false, detail } => format!("it was lost ({detail})"),
                CloseReason::Timeout { stage } => format!("nothing came in time ({stage})"),
                CloseReason::ByUs(why) => format!("the gateway closed it ({why})"),
            };
            let lasted = ("lasted", span(*lasted_us));
            let messages = ("messages", number(u64::from(*messages)));
            ("track.closed", vec![("icid", number(icid.0)), lasted, ("why", text(why)), messages])
        }
        Event::Started { .. } => ("track.restarted", Vec::new()),
        _ => return None,
    };
    Some(Sentence::new(key, arguments))
}

fn coming(event: &Event) -> Option<Sentence> {
    let (key, arguments) = match event {
        Event::MessageStarted { mid, icid, sender } => (
            "track.started",
            vec![("mid", number(mid.0)), ("sender", text(sender)), ("icid", number(icid.0))],
        ),
        Event::RecipientAccepted { rid, address, .. } => {
            ("track.recipient", vec![("rid", rid_of(*rid)), ("address", text(address))])
        }
        Event::RecipientRejected { address, rule, reply, .. } => {
            let rule = match rule {
                RecipientRule::RelayDenied => "relaying is denied",
                RecipientRule::TooMany => "too many recipients",
                RecipientRule::QueueFull => "the queue is full",
            };
            let arguments = vec![("address", text(address)), ("rule", text(rule)), ("reply", text(reply))];
            ("track.recipient-refused", arguments)
        }
        Event::MessageAborted { mid, why, .. } => {
            let why = match why {
                AbortReason::BySender => "the sender gave it up".to_owned(),
                AbortReason::Lost { data_bytes } => {
                    format!("the connection was lost after {data_bytes} octets of content")
                }
                AbortReason::TooBig => "it is too big".to_owned(),
                AbortReason::Loop => "it has gone round too often".to_owned(),
                AbortReason::LineEnds => "a bare CR or LF, or a NUL, is in it".to_owned(),
                AbortReason::Spool(detail) => format!("it could not be stored ({detail})"),
                AbortReason::Refused(detail) => detail.clone(),
            };
            ("track.aborted", vec![("mid", number(mid.0)), ("why", text(why))])
        }
        Event::Accepted { mid, size, recipients, .. } => {
            let recipients = ("recipients", number(u64::from(*recipients)));
            ("track.accepted", vec![("mid", number(mid.0)), ("size", number(*size)), recipients])
        }
        Event::Generated { mid, parent, kind, recipients, .. } => {
            let kind = match kind {
                GeneratedKind::Bounce => "a report of the failure",
                GeneratedKind::Delay => "a report of the delay",
                GeneratedKind::Success => "a report of the delivery",
            };
            let to = ("recipients", list(recipients));
            (
                "track.generated",
                vec![("mid", number(mid.0)), ("kind", text(kind)), ("parent", number(parent.0)), to],
            )
        }
        Event::Queued { mid, destinations } => {
            let hosts: Vec<&Host> = destinations.iter().map(|(host, _)| host).collect();
            ("track.queued", vec![("mid", number(mid.0)), ("destinations", list(&hosts))])
        }
        _ => return None,
    };
    Some(Sentence::new(key, arguments))
}

fn hop(event: &Event) -> Option<Sentence> {
    let (key, arguments) = match event {
        Event::DeliveryOpened { dcid, host, local, peer, name } => (
            "track.hop",
            vec![
                ("name", text(name)),
                ("peer", text(peer)),
                ("host", text(host)),
                ("local", text(local.ip())),
                ("dcid", number(dcid.0)),
            ],
        ),
        Event::DeliveryTls { dcid, result, .. } => {
            tls(result, "track.tls-out", "track.tls-out-failed", ("dcid", number(dcid.0)))
        }
        Event::DeliveryStarted { dcid, rids, .. } => {
            ("track.delivery", vec![("rids", list(rids)), ("dcid", number(dcid.0))])
        }
        Event::Delivered { dcid, rids, host, reply, .. } => (
            "track.delivered",
            vec![
                ("rids", list(rids)),
                ("host", text(host)),
                ("dcid", number(dcid.0)),
                ("reply", text(reply)),
            ],
        ),
        _ => return None,
    };
    Some(Sentence::new(key, arguments))
}

fn going(event: &Event, tried: u32) -> Option<Sentence> {
    let at = |rid: &Rid, host: &Host| vec![("rid", rid_of(*rid)), ("host", text(host))];
    let (key, arguments) = match event {
        Event::Deferred { rid, host, failure, next_at, .. } => {
            let mut arguments = [at(rid, host), failed(failure)].concat();
            arguments.push(("attempt", number(u64::from(tried))));
            arguments.push(("next", Argument::Instant { at_us: *next_at }));
            ("track.deferred", arguments)
        }
        Event::Bounced { rid, host, failure, unreported, .. } => {
            let mut arguments = [at(rid, host), failed(failure)].concat();
            let why = match unreported {
                None => return Some(Sentence::new("track.bounced", arguments)),
                Some(Unreported::NullSender) => "the message is itself a report",
                Some(Unreported::NotRequested) => "the sender did not want to be told",
                Some(Unreported::Profile) => "the bounce profile says so",
            };
            arguments.push(("why", text(why)));
            ("track.bounced-untold", arguments)
        }
        Event::Deleted { rid, host, by, .. } => {
            ("track.deleted", [at(rid, host), vec![("by", text(by))]].concat())
        }
        Event::Archived { rid, host, by, .. } => {
            ("track.archived", [at(rid, host), vec![("by", text(by))]].concat())
        }
        Event::Redirected { rid, from, to, by, .. } => (
            "track.redirected",
            vec![("rid", rid_of(*rid)), ("to", text(to)), ("from", text(from)), ("by", text(by))],
        ),
        Event::Corrupt { mid, detail, .. } => {
            ("track.apart", vec![("mid", number(mid.0)), ("detail", text(detail))])
        }
        Event::Finished { mid } => ("track.finished", vec![("mid", number(mid.0))]),
        _ => return None,
    };
    Some(Sentence::new(key, arguments))
}

fn tls(
    result: &TlsResult,
    key: &'static str,
    failed: &'static str,
    connection: (&'static str, Argument),
) -> (&'static str, Vec<(&'static str, Argument)>) {
    match result {
        TlsResult::Success { protocol, cipher, .. } => {
            (key, vec![connection, ("protocol", text(protocol)), ("cipher", text(cipher))])
        }
        TlsResult::Failed { why, .. } => (failed, vec![connection, ("why", text(why))]),
    }
}

fn failed(failure: &Failure) -> Vec<(&'static str, Argument)> {
    let said = match (failure.code, failure.text.join(" ")) {
        (0, said) if said.is_empty() => "nothing was said".to_owned(),
        (0, said) => said,
        (code, said) => format!("{code} {said}"),
    };
    vec![("cause", text(failure.cause.code())), ("reply", text(said.trim()))]
}

fn text(value: impl ToString) -> Argument {
    Argument::Text(value.to_string())
}

const fn number(value: u64) -> Argument {
    Argument::Number(value)
}

fn rid_of(rid: Rid) -> Argument {
    number(u64::from(rid.0))
}

const fn span(span_us: u64) -> Argument {
    Argument::Span { span_us }
}

/// The first of many, and how many more there are.
fn list<T: ToString>(all: &[T]) -> Argument {
    let mut named = all.iter().take(NAMED).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if all.len() > NAMED {
        named.push_str(&format!(" and {} more", all.len() - NAMED));
    }
    Argument::Text(named)
}
