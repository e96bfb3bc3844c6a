//! Lines of messages being received or made.

use super::line::Pen;
use crate::event::{AbortReason, Event, GeneratedKind, RecipientRule};
use crate::ids::{Icid, Mid, Rid};

/// Writes the lines of an event of a message on its way in; of the others nothing.
pub(super) fn render(pen: &mut Pen<'_>, event: &Event) {
    match event {
        Event::RecipientAccepted { mid, icid, rid, address } => {
            recipient_accepted(pen, *mid, *icid, *rid, address);
        }
        Event::RecipientRejected { mid, icid, address, rule, reply: _ } => {
            recipient_rejected(pen, *mid, *icid, address, *rule);
        }
        Event::MessageAborted { mid, icid, why } => aborted(pen, *mid, *icid, why),
        Event::Accepted { mid, size, sender, message_id, subject, icid: _, recipients: _ } => {
            accepted(pen, *mid, *size, sender, message_id.as_deref(), subject.as_deref());
        }
        Event::Generated { mid, parent, kind, size, sender, recipients } => {
            generated(pen, *mid, *parent, *kind, *size, sender, recipients);
        }
        Event::Queued { mid, destinations: _ } => {
            pen.info().text("MID ").number(mid.0).text(" queued for delivery");
        }
        // Routed elsewhere: the match that calls this one names every event.
        _ => {}
    }
}

pub(super) fn started(pen: &mut Pen<'_>, mid: Mid, icid: Icid, sender: &str) {
    start(pen, mid, icid);
    from(pen, mid, icid, sender);
}

fn recipient_accepted(pen: &mut Pen<'_>, mid: Mid, icid: Icid, rid: Rid, address: &str) {
    let line = pen.info().text("MID ").number(mid.0).text(" ICID ").number(icid.0);
    line.text(" RID ").number(rid.0).text(" To: <").clean(address).text(">");
}

fn recipient_rejected(pen: &mut Pen<'_>, mid: Mid, icid: Icid, address: &str, rule: RecipientRule) {
    let rule = match rule {
        RecipientRule::RelayDenied => "> Rejected by RAT",
        RecipientRule::TooMany => "> Rejected by Receiving Control",
        RecipientRule::QueueFull => "> Rejected by Injection Control",
    };
    let line = pen.info().text("MID ").number(mid.0).text(" ICID ").number(icid.0);
    line.text(" To: <").clean(address).text(rule);
}

fn aborted(pen: &mut Pen<'_>, mid: Mid, icid: Icid, why: &AbortReason) {
    let failed = |pen: &mut Pen<'_>, kind: &str, detail: &str| {
        pen.info().text("ICID ").number(icid.0).text(" Receiving Failed: ").text(kind).clean(detail);
    };
    let mut by_sender = "";
    match why {
        AbortReason::BySender => by_sender = " by sender",
        AbortReason::Lost { data_bytes } => {
            let line =
                pen.info().text("ICID ").number(icid.0).text(" Receiving Failed: Connection lost after ");
            line.number(*data_bytes).text(" bytes of content");
        }
        AbortReason::TooBig => failed(pen, "Message size exceeds limit", ""),
        AbortReason::Loop => failed(pen, "Message loop", ""),
        AbortReason::LineEnds => failed(pen, "Protocol error: a bare CR or LF, or a NUL", ""),
        AbortReason::Spool(detail) => failed(pen, "Queue error: ", detail),
        AbortReason::Refused(detail) => failed(pen, "", detail),
    }
    pen.info().text("Message aborted MID ").number(mid.0).text(" Receiving aborted").text(by_sender);
    pen.info().text("Message finished MID ").number(mid.0).text(" aborted");
}

fn accepted(
    pen: &mut Pen<'_>,
    mid: Mid,
    size: u64,
    sender: &str,
    message_id: Option<&str>,
    subject: Option<&str>,
) {
    if let Some(message_id) = message_id {
        let id = message_id.trim_matches(['<', '>']);
        pen.info().text("MID ").number(mid.0).text(" Message-ID ").quoted_between("<", id, ">");
    }
    if let Some(subject) = subject {
        pen.info().text("MID ").number(mid.0).text(" Subject ").quoted(subject);
    }
    ready(pen, mid, size, sender);
}

/// A message of our own: begun, explained by its parent, addressed and ready, all at one instant.
fn generated(
    pen: &mut Pen<'_>,
    mid: Mid,
    parent: Mid,
    kind: GeneratedKind,
    size: u64,
    sender: &str,
    recipients: &[String],
) {
    let reason = match kind {
        GeneratedKind::Bounce => " was generated for bounce of MID ",
        GeneratedKind::Delay => " was generated for delay report of MID ",
        GeneratedKind::Success => " was generated for success report of MID ",
    };
    start(pen, mid, Icid(0));
    pen.info().text("MID ").number(mid.0).text(reason).number(parent.0);
    from(pen, mid, Icid(0), sender);
    for (rid, address) in (0..).zip(recipients) {
        recipient_accepted(pen, mid, Icid(0), Rid(rid), address);
    }
    ready(pen, mid, size, sender);
}

fn start(pen: &mut Pen<'_>, mid: Mid, icid: Icid) {
    pen.info().text("Start MID ").number(mid.0).text(" ICID ").number(icid.0);
}

fn from(pen: &mut Pen<'_>, mid: Mid, icid: Icid, sender: &str) {
    let line = pen.info().text("MID ").number(mid.0).text(" ICID ").number(icid.0);
    line.text(" From: <").clean(sender).text(">");
}

fn ready(pen: &mut Pen<'_>, mid: Mid, size: u64, sender: &str) {
    let line = pen.info().text("MID ").number(mid.0).text(" ready ").number(size);
    line.text(" bytes from <").clean(sender).text(">");
}
