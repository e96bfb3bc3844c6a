//! Lines about orders of operators that hold until they are taken back. Delivery's stand in `house.rs`.

use super::line::Pen;
use crate::event::{Deed, Event};
use crate::ids::Mid;

/// Writes the line of an order; of other events nothing.
pub(super) fn render(pen: &mut Pen<'_>, event: &Event) {
    match event {
        Event::ReceivingSuspended { listener, by } => receiving_suspended(pen, listener.as_deref(), by),
        Event::ReceivingResumed { listener, by } => receiving_resumed(pen, listener.as_deref(), by),
        Event::WorkQueuePaused { from, by, reason } => work_queue_paused(pen, *from, by, reason),
        Event::WorkQueueResumed { messages, by } => work_queue_resumed(pen, *messages, by),
        Event::JobDone { job, deed, scope, recipients, by } => {
            job_done(pen, *job, deed, scope, *recipients, by);
        }
        // Routed elsewhere: the match that calls this one names every event.
        _ => {}
    }
}

fn receiving_suspended(pen: &mut Pen<'_>, listener: Option<&str>, by: &str) {
    let line = pen.info().text("Receiving on ").clean(listener.unwrap_or("all listeners"));
    line.text(" suspended by ").clean(by);
}

fn receiving_resumed(pen: &mut Pen<'_>, listener: Option<&str>, by: &str) {
    let line = pen.info().text("Receiving on ").clean(listener.unwrap_or("all listeners"));
    line.text(" resumed by ").clean(by);
}

fn work_queue_paused(pen: &mut Pen<'_>, from: Mid, by: &str, reason: &str) {
    let line = pen.info().text("Work queue paused by ").clean(by);
    let line = line.text(": messages from MID ").number(from.0).text(" on wait");
    if !reason.is_empty() {
        line.text(": ").clean(reason);
    }
}

fn work_queue_resumed(pen: &mut Pen<'_>, messages: u64, by: &str) {
    let line = pen.info().text("Work queue resumed by ").clean(by);
    line.text(": ").number(messages).text(" messages waited");
}

fn job_done(pen: &mut Pen<'_>, job: u64, deed: &Deed, scope: &str, recipients: u64, by: &str) {
    let line = pen.info().text("Job ").number(job).text(" ordered by ").clean(by).text(" is done: ");
    let line = line.number(recipients).text(if recipients == 1 { " recipient" } else { " recipients" });
    let line = match deed {
        Deed::Delete => line.text(" deleted"),
        Deed::Bounce => line.text(" bounced"),
        Deed::Archive => line.text(" archived"),
        Deed::Redirect { to } => line.text(" redirected to ").clean(to.as_str()),
    };
    line.text(" (").clean(scope).text(")");
}
