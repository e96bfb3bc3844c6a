//! Lines about orders of operators that hold until they are taken back. Delivery's stand in `house.rs`.

use super::line::Pen;
use crate::ids::Mid;

pub(super) fn receiving_suspended(pen: &mut Pen<'_>, listener: Option<&str>, by: &str) {
    let line = pen.info().text("Receiving on ").clean(listener.unwrap_or("all listeners"));
    line.text(" suspended by ").clean(by);
}

pub(super) fn receiving_resumed(pen: &mut Pen<'_>, listener: Option<&str>, by: &str) {
    let line = pen.info().text("Receiving on ").clean(listener.unwrap_or("all listeners"));
    line.text(" resumed by ").clean(by);
}

pub(super) fn work_queue_paused(pen: &mut Pen<'_>, from: Mid, by: &str, reason: &str) {
    let line = pen.info().text("Work queue paused by ").clean(by);
    let line = line.text(": messages from MID ").number(from.0).text(" on wait");
    if !reason.is_empty() {
        line.text(": ").clean(reason);
    }
}

pub(super) fn work_queue_resumed(pen: &mut Pen<'_>, messages: u64, by: &str) {
    let line = pen.info().text("Work queue resumed by ").clean(by);
    line.text(": ").number(messages).text(" messages waited");
}
