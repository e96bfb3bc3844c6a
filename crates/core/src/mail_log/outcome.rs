//! Lines of how attempts and recipients end.

use super::line::{Line, Pen};
use super::phrases::phrase;
use crate::event::{Failure, Unreported};
use crate::ids::{Dcid, Host, Mid, Rid};

impl Line<'_> {
    pub(super) fn hop(self, dcid: Dcid, mid: Mid) -> Self {
        self.text("DCID ").number(dcid.0).text(" MID ").number(mid.0).text(" to ")
    }

    fn status(self, status: (u8, u16, u16)) -> Self {
        self.number(status.0).text(".").number(status.1).text(".").number(status.2)
    }

    /// `DCID D MID M to RID R - 4.1.0 - Unknown address error ('451', ['..']) []`.
    pub(super) fn outcome(self, dcid: Dcid, mid: Mid, rid: Rid, failure: &Failure) {
        let line = self.hop(dcid, mid).text("RID ").number(rid.0).text(" - ").status(failure.status);
        line.text(" - ")
            .text(phrase(failure.status))
            .text(" ")
            .reply(failure.code, &failure.text)
            .text(" []");
    }
}

pub(super) fn delivered(pen: &mut Pen<'_>, dcid: Dcid, mid: Mid, rids: &[Rid], reply: &str) {
    pen.info().text("Message done ").hop(dcid, mid).text("RID ").rids(rids);
    let line = pen.info().text("MID ").number(mid.0).text(" RID ").rids(rids);
    line.text(" Response ").quoted(response(reply));
}

/// Strips blanks and a leading `OK`, which says nothing behind `Message done`.
fn response(reply: &str) -> &str {
    let reply = reply.trim();
    match reply.split_at_checked(2) {
        Some((ok, rest)) if ok.eq_ignore_ascii_case("ok") && (rest.is_empty() || rest.starts_with(' ')) => {
            rest.trim_start()
        }
        Some(_) | None => reply,
    }
}

pub(super) fn bounced(
    pen: &mut Pen<'_>,
    dcid: Dcid,
    mid: Mid,
    rid: Rid,
    failure: &Failure,
    unreported: Option<Unreported>,
) {
    match unreported {
        None => pen.info().text("Bounced: ").outcome(dcid, mid, rid, failure),
        Some(Unreported::NullSender) => {
            let line = pen.info().text("Double bounce: MID ").number(mid.0).text(" to RID ").number(rid.0);
            let line = line.text(" - ").status(failure.status).text(" - ").text(phrase(failure.status));
            let line =
                if failure.code > 0 { line.text(" ").number(failure.code).text("-") } else { line.text(" ") };
            line.quoted(&failure.text.join(" / "));
        }
        Some(Unreported::NotRequested) => {
            pen.info().text("Bounced: ").outcome(dcid, mid, rid, failure);
            not_reported(pen, mid, rid, "its NOTIFY does not ask for one");
        }
        Some(Unreported::Profile) => {
            pen.info().text("Bounced: ").outcome(dcid, mid, rid, failure);
            not_reported(pen, mid, rid, "the bounce profile says so");
        }
    }
}

fn not_reported(pen: &mut Pen<'_>, mid: Mid, rid: Rid, why: &str) {
    let line = pen.info().text("MID ").number(mid.0).text(" RID ").rids(&[rid]);
    line.text(" gets no bounce message: ").text(why);
}

pub(super) fn deleted(pen: &mut Pen<'_>, mid: Mid, rid: Rid, by: &str) {
    let line = pen.info().text("MID ").number(mid.0).text(" RID ").rids(&[rid]);
    line.text(" removed by ").clean(by);
    pen.info().text("Deleted: MID ").number(mid.0).text(" to ").rids(&[rid]);
}

pub(super) fn archived(pen: &mut Pen<'_>, mid: Mid, rid: Rid, by: &str) {
    let line = pen.info().text("Archived: MID ").number(mid.0).text(" to ").rids(&[rid]);
    line.text(" by ").clean(by);
}

pub(super) fn redirected(pen: &mut Pen<'_>, mid: Mid, rid: Rid, from: &Host, to: &Host, by: &str) {
    let line = pen.info().text("Redirected: MID ").number(mid.0).text(" to ").rids(&[rid]);
    let line = line.text(" from ").clean(from.as_str()).text(" to ").clean(to.as_str());
    line.text(" by ").clean(by);
}

pub(super) fn corrupt(pen: &mut Pen<'_>, mid: Mid, recipients: u32, detail: &str) {
    let line = pen.critical().text("MID ").number(mid.0).text(" cannot be read back and was set apart with ");
    line.number(recipients).text(" recipients: ").clean(detail);
}
