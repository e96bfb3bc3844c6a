//! Lines about the gateway itself. Their words are ours: no classic grammar covers them, but for suspension.

use super::line::Pen;
use crate::event::{Alert, Event, Severity, SignIn, SpoolSpace};
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

pub(super) fn settings_changed(pen: &mut Pen<'_>, event: &Event) {
    let Event::SettingsChanged { from, to, settings, more } = event else { return };
    let line = pen.info().text("Configuration ").show(format_args!("{to:08x}"));
    let line = line.text(" differs from ").show(format_args!("{from:08x}"));
    match &settings[..] {
        [] => line.text(" in its text and in no setting"),
        settings => line.text(" in ").clean(&settings.join(", ")),
    };
    if *more > 0 {
        pen.info().text("So many more settings differ: ").number(u64::from(*more));
    }
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

/// Writes the line of a command; of other events nothing.
pub(super) fn commanded(pen: &mut Pen<'_>, event: &Event) {
    let Event::Commanded { user, role, from, command, arguments, refused } = event else { return };
    let line = match refused {
        None => pen.info().text("Command ").clean(command),
        Some(_) => pen.warning().text("Refused command ").clean(command),
    };
    let line = if arguments.is_empty() { line } else { line.text(" ").clean(arguments) };
    let line = line.text(" by ").clean(user).text(" (").clean(role).text(") from ").clean(from);
    if let Some(why) = refused {
        line.text(": ").clean(why);
    }
}

pub(super) fn sign_in(pen: &mut Pen<'_>, user: &str, from: &str, outcome: SignIn) {
    match outcome {
        SignIn::Granted => pen.info().text("User ").clean(user).text(" signed in from ").clean(from),
        SignIn::Refused => {
            let line = pen.warning().text("Sign-in refused for user ").clean(user);
            line.text(" from ").clean(from).text(": wrong name or password")
        }
        SignIn::NameLocked { seconds } => {
            let line = pen.warning().text("Too many wrong sign-ins: user ").clean(user);
            line.text(" is locked at ").clean(from).text(" for ").number(seconds).text(" seconds")
        }
        SignIn::AddressLocked { seconds } => {
            let line = pen.warning().text("Too many wrong sign-ins: address ").clean(from);
            line.text(" is locked for ").number(seconds).text(" seconds, the last was for user ").clean(user)
        }
        SignIn::Left => pen.info().text("User ").clean(user).text(" signed out from ").clean(from),
        SignIn::NameSlowed => {
            let line = pen.warning().text("Too many wrong sign-ins: those for user ").clean(user);
            line.text(" are slowed down, the last came from ").clean(from)
        }
    };
}

fn scope(host: Option<&Host>) -> &str {
    host.map_or("all destinations", Host::as_str)
}
