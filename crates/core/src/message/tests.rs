#![allow(clippy::unwrap_used)]

use insta::assert_snapshot;
use jiff::tz::TimeZoneDatabase;
use mail_parser::MessageParser;
use proptest::prelude::*;

use super::*;

/// Thu, 13 Aug 2020 14:29:42 UTC.
const AT: Instant = Instant::from_secs(1_597_328_982);

fn facts(message: &str) -> HeaderFacts {
    header_facts(message.as_bytes())
}

fn subject(message: &str) -> Option<String> {
    facts(message).subject
}

#[test]
fn the_first_of_each_field_counts() {
    let found = facts(
        "Received: from x\r\n\tby y\r\nmessage-ID: <1@a.test>\r\nSUBJECT: One\r\nSubject: Two\r\n\
         Message-ID: <2@a.test>\r\n\r\nSubject: body\r\n",
    );
    assert_eq!((found.message_id.as_deref(), found.subject.as_deref()), (Some("1@a.test"), Some("One")));
    assert!(!found.non_ascii);
}

#[test]
fn the_body_is_not_read() {
    assert_eq!(facts("\r\nSubject: body\r\n"), HeaderFacts::default());
    assert_eq!(facts(""), HeaderFacts::default());
    assert_eq!(facts("From: a\n\nSubject: body\n"), HeaderFacts::default());
    assert!(!facts("From: a\r\n\r\nü").non_ascii);
    assert!(facts("From: ü\r\n\r\n").non_ascii);
    assert!(facts("From: ü").non_ascii);
}

#[test]
fn folds_are_unfolded() {
    assert_eq!(subject("Subject: a\r\n b\r\n\tc\r\nX: y\r\n").as_deref(), Some("a b c"));
    assert_eq!(subject("Subject:\r\n late\r\n\r\n").as_deref(), Some("late"));
    assert_eq!(facts("Message-ID:\r\n <1@a.test>\r\n\r\n").message_id.as_deref(), Some("1@a.test"));
}

#[test]
fn encoded_words_are_decoded() {
    let decoded = |text: &str| subject(&format!("Subject: {text}\r\n\r\n")).unwrap();
    assert_eq!(decoded("=?UTF-8?Q?Gr=C3=BC=C3=9Fe?= und mehr"), "Grüße und mehr");
    assert_eq!(decoded("=?iso-2022-jp?B?GyRCRnxLXDhsGyhC?="), "日本語");
    assert_eq!(decoded("=?utf-8?B?5rGJ?=\r\n =?utf-8?B?5a2X?="), "汉字");
    assert_eq!(decoded("=?utf-8?Q?a=0D=0ABcc:_x?="), "a  Bcc: x".replace("  ", ""));
    assert_eq!(decoded("what =? is this"), "what =? is this");
    assert_eq!(decoded("=?x?="), "=?x?=");
    assert_eq!(decoded("raw \u{fc} text"), "raw ü text");
}

#[test]
fn odd_lines_do_no_harm() {
    assert_eq!(
        subject("no colon\r\n: no name\r\n\tSubject: folded away\r\nSubject : old\r\n").as_deref(),
        Some("old")
    );
    assert_eq!(facts("Message-ID: <>\r\n\r\n").message_id, None);
    assert_eq!(
        facts("Message-ID: bare@a.test (why)\r\n\r\n").message_id.as_deref(),
        Some("bare@a.test (why)")
    );
    assert_eq!(facts("Message-ID: <open@a.test\r\n\r\n").message_id.as_deref(), Some("open@a.test"));
    assert_eq!(header_facts(b"Subject: \xff\xfe\x1b[2J\r\n\r\n").subject.unwrap(), "\u{fffd}\u{fffd} [2J");
    let long = format!("Subject: {}\r\n\r\n", "ü".repeat(20_000));
    assert_eq!(subject(&long).unwrap().len(), KEPT);
}

fn chicago() -> TimeZone {
    TimeZoneDatabase::bundled().get("America/Chicago").unwrap()
}

fn trace(zone: &TimeZone) -> Trace<'_> {
    Trace {
        helo: "out.sender.test",
        reverse: Some("out-1.sender.test"),
        peer: "198.51.100.9".parse().unwrap(),
        by: "gw.test",
        esmtp: true,
        utf8: false,
        tls: None,
        mid: Mid(5_001),
        recipient: None,
        at: AT,
        zone,
    }
}

fn received(trace: &Trace<'_>) -> String {
    let mut out = Vec::new();
    write_received(trace, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn received_fields() {
    let zone = chicago();
    let plain = trace(&zone);
    let bob = Mailbox::parse("bob@example.com").unwrap();
    let foreign = Mailbox::parse("bücher@bücher.example").unwrap();
    let (to_bob, to_foreign) = (Some(&bob), Some(&foreign));
    let (tls, helo) = (Some(("TLSv1.3", "TLS_AES_256_GCM_SHA384")), "bücher.example");
    let (v6, mapped) = ("2001:db8::9".parse().unwrap(), "::ffff:198.51.100.9".parse().unwrap());
    let evil = Some("evil)\r\nBcc: a@b.test\r\n(x");
    let shown = [
        plain,
        Trace { recipient: to_bob, ..plain },
        Trace { recipient: to_bob, tls, ..plain },
        Trace { recipient: to_foreign, tls, utf8: true, helo, ..plain },
        Trace { recipient: to_foreign, helo, ..plain },
        Trace { reverse: None, esmtp: false, helo: "", ..plain },
        Trace { peer: v6, tls, ..plain },
        Trace { peer: mapped, ..plain },
        Trace { helo: "[192.0.2.1]", reverse: evil, ..plain },
    ]
    .map(|trace| received(&trace));
    assert_snapshot!(shown.concat().replace('\r', ""));
}

#[test]
fn dates_are_those_of_their_zone() {
    let date = |zone: &str, second| {
        let mut out = Vec::new();
        date::write(Instant::from_secs(second), &TimeZoneDatabase::bundled().get(zone).unwrap(), &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(date("UTC", 0), "Thu, 01 Jan 1970 00:00:00 +0000");
    assert_eq!(date("Asia/Kolkata", 1_597_328_982), "Thu, 13 Aug 2020 19:59:42 +0530");
    assert_eq!(date("America/St_Johns", 1_607_328_982), "Mon, 07 Dec 2020 04:46:22 -0330");
}

proptest! {
    /// Whatever a peer calls itself, its words stay in one field, and the field can be read back.
    #[test]
    fn no_name_breaks_the_field(helo in "\\PC{0,40}|[\\x00-\\x7f]{0,40}", reverse in "[\\x00-\\xff]{0,300}", utf8: bool) {
        let zone = chicago();
        let mut text = received(&Trace { helo: &helo, reverse: Some(&reverse), utf8, ..trace(&zone) });
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        prop_assert_eq!(lines.len(), 3);
        prop_assert!(lines[1..].iter().all(|line| line.starts_with('\t')));
        prop_assert!(!text.replace("\r\n\t", "").trim_end().contains(char::is_control));
        text.push_str("\r\nbody");
        let message = MessageParser::new().parse(&text).unwrap();
        prop_assert_eq!(message.headers().len(), 1);
        prop_assert_eq!(message.received().unwrap().id.as_deref(), Some("5001"));
    }

    #[test]
    fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        let facts = header_facts(&octets);
        prop_assert!(facts.subject.is_none_or(|subject| !subject.contains(char::is_control)));
        let mut field = b"Subject: ".to_vec();
        field.extend_from_slice(&octets);
        prop_assert!(header_facts(&field).subject.is_some());
    }
}
