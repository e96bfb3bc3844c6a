//! Lines about the gateway itself. Their words are ours: no classic grammar covers them, but for suspension.

use super::line::Pen;
use crate::event::{Alert, Severity, SpoolSpace};
use crate::ids::Host;

pub(super) fn started(pen: &mut Pen<'_>, version: &str, node: &str) {
    pen.info().text("Mailreeve ").clean(version).text(" started on node ").clean(node);
}

pub(super) fn stopped(pen: &mut Pen<'_>) {
    pen.info().text("Mailreeve stopped");
}

pub(super) fn gap(pen: &mut Pen<'_>, cut_bytes: u64) {
    let line = pen.warning().text("The record of events lost its last ").number(cut_bytes);
    line.text(
        " bytes when the system stopped; what happened just before is not in it. No mail is lost by this.",
    );
}

pub(super) fn configured(pen: &mut Pen<'_>, checksum: u32, source: &str) {
    pen.info()
        .text("Configuration ")
        .show(format_args!("{checksum:08x}"))
        .text(" in force from ")
        .clean(source);
}

pub(super) fn alert(pen: &mut Pen<'_>, alert: &Alert) {
    let line = match alert.severity {
        Severity::Information => pen.info(),
        Severity::Warning => pen.warning(),
        Severity::Critical => pen.critical(),
    };
    let line = line.text("Alert ").clean(&alert.code).text(": ").clean(&alert.text);
    if !alert.hint.is_empty() {
        line.text(" What to do: ").clean(&alert.hint);
    }
}

pub(super) fn counters_reset(pen: &mut Pen<'_>) {
    pen.info().text("Counters reset");
}

pub(super) fn suspended(pen: &mut Pen<'_>, host: Option<&Host>, by: &str) {
    let line = pen.info().text("Delivery to ").clean(scope(host));
    line.text(" suspended by ").clean(by);
    let line = pen.info().text("Deliveries are currently suspended");
    if let Some(host) = host {
        line.text(" ").clean(host.as_str());
    }
}

pub(super) fn resumed(pen: &mut Pen<'_>, host: Option<&Host>, by: &str) {
    pen.info().text("Delivery to ").clean(scope(host)).text(" resumed by ").clean(by);
}

pub(super) fn deliver_now(pen: &mut Pen<'_>, scope: &str, recipients: u64, by: &str) {
    let line = pen.info().text("Retry of ").clean(scope).text(" ordered by ").clean(by);
    line.text(": ").number(recipients).text(" recipients are due now");
}

pub(super) fn spool_space(pen: &mut Pen<'_>, state: SpoolSpace, free_bytes: u64) {
    let kib = free_bytes / 1_024;
    let line = match state {
        SpoolSpace::Enough => pen.info().text("Disk space for the queue is enough again"),
        SpoolSpace::Low => pen.warning().text("Disk space for the queue is low: no mail is accepted"),
        SpoolSpace::Reserve => {
            pen.critical().text("Disk space for the queue is used up: no mail is accepted or delivered")
        }
        SpoolSpace::Failed => {
            let line = pen.critical();
            line.text("The disk of the queue failed: no mail is accepted until the disk is well and Mailreeve restarted")
        }
    };
    line.text(" (").number(kib).text(" KiB free)");
}

fn scope(host: Option<&Host>) -> &str {
    host.map_or("all destinations", Host::as_str)
}
