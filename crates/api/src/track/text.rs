//! What was found, for a person.

use std::fmt::Write as _;

use super::{Kept, TrackDetails, TrackReply, TrackRow};
use crate::command::Text;
use crate::format::{AsOf, thousands};

impl Text for TrackReply {
    fn text(&self) -> String {
        let mut out = String::new();
        for row in &self.rows {
            row_text(&mut out, row, &self.as_of);
        }
        if let Some(details) = &self.details {
            details_text(&mut out, details, &self.as_of);
        }
        if !self.rows.is_empty() {
            out.push('\n');
        }
        let _ = writeln!(out, "{}", self.found());
        let _ = writeln!(out, "{}", self.reach());
        if let Some(kept) = self.kept.filter(|_| self.total == 0) {
            let _ = writeln!(out, "{}", kept.text());
        }
        if let Some(next) = &self.next {
            let _ = writeln!(out, "More follow: give the same search with `page {next}`.");
        }
        out
    }
}

impl Kept {
    /// Why records reach no farther back.
    fn text(self) -> String {
        let mib = |octets: u64| format!("{} MiB", thousands(octets >> 20));
        format!(
            "Records are kept for {} days, in {} of ledger and {} of index at most; the oldest go first.",
            self.for_s / 86_400,
            mib(self.ledger_bytes),
            mib(self.index_bytes)
        )
    }
}

impl TrackReply {
    fn found(&self) -> String {
        match (self.total, self.rows.len()) {
            (0, _) => "Nothing fits: no message, and no connection that became none.".to_owned(),
            (1, 1) => "1 record fits.".to_owned(),
            (total, shown) if total == shown as u64 => format!("{} records fit.", thousands(total)),
            (total, shown) => {
                format!("{} records fit; {} are shown.", thousands(total), thousands(shown as u64))
            }
        }
    }

    /// Over which time nothing found means that nothing was there.
    fn reach(&self) -> String {
        let (from, to) = (self.as_of.show(self.from_us), self.as_of.show(self.to_us));
        match self.to_us {
            0 => "The records are being read; none is there yet.".to_owned(),
            _ => format!("Records reach from {from} to {to}."),
        }
    }
}

fn row_text(out: &mut String, row: &TrackRow, as_of: &AsOf) {
    let what = match (row.mid, row.icid) {
        (Some(mid), _) => format!("MID {mid}"),
        (None, Some(icid)) => format!("ICID {icid}"),
        (None, None) => String::new(),
    };
    let _ = writeln!(out, "{}  {what:<16} {}", as_of.show_plain(row.began_us), row.states.join(", "));
    if row.sender.is_some() || row.recipient_count > 0 {
        let sender = row.sender.as_deref().map_or("?".to_owned(), |sender| format!("<{sender}>"));
        let more = row.recipient_count - row.recipients.len().min(row.recipient_count);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = writeln!(out, "    {sender} to {}{more}", or_nobody(&row.recipients.join(", ")));
    }
    if let Some(subject) = &row.subject {
        let _ = writeln!(out, "    Subject: {subject}");
    }
    match (&row.ip, row.parent) {
        (Some(ip), _) => {
            let icid = row.icid.map_or(String::new(), |icid| format!(", ICID {icid}"));
            let host = row.host.as_deref().unwrap_or("no name");
            let _ = writeln!(out, "    From host {ip} ({host}){icid}");
        }
        (None, Some(parent)) => {
            let _ = writeln!(out, "    Made by the gateway for MID {parent}");
        }
        (None, None) => {}
    }
    if row.older {
        let _ = writeln!(out, "    It is older than the records: this is what the queue knows of it.");
    }
}

fn or_nobody(recipients: &str) -> &str {
    if recipients.is_empty() { "nobody" } else { recipients }
}

fn details_text(out: &mut String, details: &TrackDetails, as_of: &AsOf) {
    if !details.recipients.is_empty() {
        out.push_str("\nRecipients:\n");
    }
    for recipient in &details.recipients {
        let address = recipient.address.as_deref().unwrap_or("(its record is lost)");
        let state = recipient.state.as_deref().unwrap_or("unknown");
        let _ = writeln!(out, "  [{}] {address}: {state}", recipient.rid);
    }
    out.push_str("\nWhat happened:\n");
    for step in &details.steps {
        let _ = writeln!(out, "{}  {}", as_of.show_plain(step.at_us), step.text);
    }
    if details.left_out > 0 {
        let _ = writeln!(
            out,
            "{} steps in the middle are left out; the log has them.",
            thousands(details.left_out)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::{TrackRecipient, TrackStep};
    use super::*;

    fn row(mid: Option<u64>) -> TrackRow {
        TrackRow {
            mid,
            icid: Some(7),
            began_us: 1_597_343_000_000_000,
            last_us: 1_597_343_100_000_000,
            states: vec!["delivered".into(), "bounced".into()],
            sender: Some("ann@example.com".into()),
            recipients: vec!["bob@b.example".into()],
            recipient_count: 3,
            subject: Some("Minutes".into()),
            message_id: None,
            ip: Some("192.0.2.9".into()),
            host: None,
            size: 900,
            parent: None,
            older: false,
        }
    }

    fn reply(rows: Vec<TrackRow>, total: u64) -> TrackReply {
        let as_of = AsOf { at_us: 1_597_343_382_000_000, zone: "UTC".into() };
        let (from_us, to_us) = (1_595_000_000_000_000, 1_597_343_382_000_000);
        TrackReply { as_of, from_us, to_us, total, rows, next: None, details: None, kept: None }
    }

    #[test]
    fn an_empty_answer_says_how_far_the_records_reach() {
        let kept = Kept { for_s: 30 * 86_400, ledger_bytes: 10 << 30, index_bytes: 1 << 30 };
        insta::assert_snapshot!(TrackReply { kept: Some(kept), ..reply(Vec::new(), 0) }.text(), @"
        Nothing fits: no message, and no connection that became none.
        Records reach from Fri Jul 17 15:33:20 2020 UTC to Thu Aug 13 18:29:42 2020 UTC.
        Records are kept for 30 days, in 10,240 MiB of ledger and 1,024 MiB of index at most; the oldest go first.
        ");
    }

    #[test]
    fn a_page_says_what_follows() {
        let connection = TrackRow {
            states: vec!["no-message".into()],
            sender: None,
            recipients: Vec::new(),
            recipient_count: 0,
            subject: None,
            older: true,
            ..row(None)
        };
        let page = TrackReply { next: Some("1-m2".into()), ..reply(vec![row(Some(153)), connection], 4_000) };
        insta::assert_snapshot!(page.text(), @"
        Thu Aug 13 18:23:20 2020  MID 153          delivered, bounced
            <ann@example.com> to bob@b.example and 2 more
            Subject: Minutes
            From host 192.0.2.9 (no name), ICID 7
        Thu Aug 13 18:23:20 2020  ICID 7           no-message
            From host 192.0.2.9 (no name), ICID 7
            It is older than the records: this is what the queue knows of it.

        4,000 records fit; 2 are shown.
        Records reach from Fri Jul 17 15:33:20 2020 UTC to Thu Aug 13 18:29:42 2020 UTC.
        More follow: give the same search with `page 1-m2`.
        ");
    }

    #[test]
    fn details_tell_the_whole_way() {
        let recipient = TrackRecipient {
            rid: 0,
            address: Some("bob@b.example".into()),
            host: Some("b.example".into()),
            state: Some("delivered".into()),
        };
        let step = TrackStep {
            at_us: 1_597_343_050_000_000,
            key: "track.finished".into(),
            arguments: serde_json::json!({ "mid": 153 }),
            text: "Message 153 is finished.".into(),
        };
        let details = TrackDetails { recipients: vec![recipient], steps: vec![step], left_out: 2 };
        let page = TrackReply { details: Some(details), ..reply(vec![row(Some(153))], 1) };
        insta::assert_snapshot!(page.text(), @"
        Thu Aug 13 18:23:20 2020  MID 153          delivered, bounced
            <ann@example.com> to bob@b.example and 2 more
            Subject: Minutes
            From host 192.0.2.9 (no name), ICID 7

        Recipients:
          [0] bob@b.example: delivered

        What happened:
        Thu Aug 13 18:24:10 2020  Message 153 is finished.
        2 steps in the middle are left out; the log has them.

        1 record fits.
        Records reach from Fri Jul 17 15:33:20 2020 UTC to Thu Aug 13 18:29:42 2020 UTC.
        ");
    }
}
