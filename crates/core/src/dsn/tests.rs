#![allow(clippy::unwrap_used)]

mod laws;
mod reports;

use jiff::tz::TimeZoneDatabase;
use mailreeve_smtp::params::{MailParams, Notify, RcptParams};

use super::*;
use crate::envelope::Recipient;
use crate::event::{Cause, Stage};
use crate::ids::{Host, Icid};

/// Thu, 13 Aug 2020 14:29:42 UTC.
const AT: Instant = Instant::from_secs(1_597_328_982);

const MESSAGE: &str = "Received: from sender.test\r\n\tby gw.test;\r\n\tThu, 13 Aug 2020 13:00:00 +0000\r\n\
                       From: <alice@sender.test>\r\nTo: <bob@example.com>\r\nSubject: Lunch?\r\n\r\n\
                       At noon.\r\n.dot\r\n";

fn zone() -> TimeZone {
    TimeZoneDatabase::bundled().get("Europe/Amsterdam").unwrap()
}

fn envelope(sender: &str, recipients: &[&str], content: &[u8]) -> Envelope {
    let recipient = |address: &&str| Recipient {
        mailbox: Mailbox::parse(address).unwrap(),
        params: RcptParams::default(),
        host: Host::new("example.com"),
    };
    let header = memchr::memmem::find(content, b"\r\n\r\n").map_or(content.len(), |at| at + 4);
    Envelope {
        mid: Mid(5_001),
        icid: Icid(7),
        accepted_at: AT.0 - 3_600_000_000,
        sender: match sender {
            "" => ReversePath::Null,
            sender => ReversePath::Mailbox(Mailbox::parse(sender).unwrap()),
        },
        params: MailParams::default(),
        size: content.len() as u64,
        content: ContentFacts { header_bytes: u32::try_from(header).unwrap(), ..ContentFacts::default() },
        recipients: recipients.iter().map(recipient).collect(),
    }
}

fn failure(cause: Cause, status: (u8, u16, u16), code: u16, text: &[&str]) -> Failure {
    let text = text.iter().map(|line| (*line).to_owned()).collect();
    let address = Some("10.9.8.7:25".parse().unwrap());
    Failure { stage: Stage::Rcpt, cause, status, code, text, address, at: AT.0 }
}

fn no_such_user() -> Failure {
    failure(Cause::Reply5xx, (5, 1, 1), 550, &["no such user", "ask postmaster@example.com"])
}

fn failed(rid: u32, failure: &Failure) -> Fact<'_> {
    let (outcome, remote) = (Outcome::Failed(failure), (failure.code > 0).then_some("mx.example.com"));
    Fact { rid: Rid(rid), outcome, remote, last_attempt: Some(AT) }
}

fn built(envelope: &Envelope, recipients: &[Fact<'_>], content: &[u8]) -> Built {
    let (mid, hostname, random) = (Mid(5_002), "gw.test", 0xfeed_beef);
    build(&Report { mid, hostname, envelope, recipients, content, at: AT, zone: &zone(), random }).unwrap()
}

fn text(built: Built) -> String {
    String::from_utf8(built.content).unwrap().replace("\r\n", "\n")
}
