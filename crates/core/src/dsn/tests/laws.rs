//! What holds for every report: it parses back, returns what it may, and nobody's words get out of place.

use mail_parser::{Message, MessageParser, MimeHeaders, PartType};
use proptest::prelude::*;

use super::*;

fn parsed(built: &Built) -> Message<'_> {
    MessageParser::new().parse(&built.content).unwrap()
}

/// The three parts below the root: media type and content.
fn parts(message: &Message<'_>) -> Vec<(String, Vec<u8>)> {
    let PartType::Multipart(ids) = &message.parts[0].body else { unreachable!("not a multipart") };
    let part = |id: &u32| {
        let part = &message.parts[*id as usize];
        let kind = part.content_type().unwrap();
        let media = format!("{}/{}", kind.ctype(), kind.subtype().unwrap());
        let raw = message.raw_message.get(part.offset_body as usize..part.offset_end as usize).unwrap();
        (media, raw.to_vec())
    };
    ids.iter().map(part).collect()
}

fn media(built: &Built) -> Vec<String> {
    parts(&parsed(built)).into_iter().map(|(media, _)| media).collect()
}

#[test]
fn a_report_parses_back() {
    let envelope = envelope("alice@sender.test", &["bob@example.com"], MESSAGE.as_bytes());
    let failure = no_such_user();
    let built = built(&envelope, &[failed(0, &failure)], MESSAGE.as_bytes());
    let message = parsed(&built);
    assert_eq!(message.subject(), Some("Your message could not be delivered"));
    assert_eq!(message.to().unwrap().first().unwrap().address(), Some("alice@sender.test"));
    assert_eq!(message.message_id(), Some("5002.00000000feedbeef@gw.test"));
    assert_eq!(message.header_raw("Auto-Submitted").map(str::trim), Some("auto-replied"));
    let kind = message.content_type().unwrap();
    assert_eq!((kind.ctype(), kind.subtype()), ("multipart", Some("report")));
    assert_eq!(kind.attribute("report-type"), Some("delivery-status"));
    let parts = parts(&message);
    let media: Vec<&str> = parts.iter().map(|(media, _)| media.as_str()).collect();
    assert_eq!(media, ["text/plain", "message/delivery-status", "message/rfc822"]);
    let status = String::from_utf8(parts[1].1.clone()).unwrap();
    assert!(
        status
            .contains("\r\nFinal-Recipient: rfc822; bob@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n")
    );
    assert_eq!(parts[2].1, MESSAGE.as_bytes());
}

#[test]
fn how_much_is_returned() {
    let header = "Subject: x\r\nX-Long: ".to_owned() + &"y".repeat(100) + "\r\n\r\n";
    let big = header.clone() + &"body\r\n".repeat(RETURNED / 6);
    let returned = |content: &str, change: &dyn Fn(&mut Envelope)| {
        let mut envelope = envelope("alice@sender.test", &["bob@example.com"], content.as_bytes());
        change(&mut envelope);
        let failure = no_such_user();
        let built = built(&envelope, &[failed(0, &failure)], content.as_bytes());
        parts(&parsed(&built)).pop().unwrap()
    };
    let same = |_: &mut Envelope| {};
    assert_eq!(returned(MESSAGE, &same).0, "message/rfc822");
    assert_eq!(returned(MESSAGE, &|e| e.params.ret = Some(Return::Full)).0, "message/rfc822");
    assert_eq!(returned(MESSAGE, &|e| e.params.ret = Some(Return::Headers)).0, "text/rfc822-headers");
    let (media, body) = returned(&big, &same);
    assert_eq!((media.as_str(), body), ("text/rfc822-headers", header.clone().into_bytes()));
    // Only the beginning of the message is at hand.
    assert_eq!(returned(MESSAGE, &|e| e.size += 1).0, "text/rfc822-headers");
    let long = "X-Line: 0123456789012345678901234567890123456789\r\n".repeat(400) + "\r\nbody";
    let (_, body) = returned(&long, &same);
    assert!(
        body.len() <= RETURNED && body.ends_with(b"9\r\n") && body.len() > RETURNED - 60,
        "{}",
        body.len()
    );
}

#[test]
fn a_whole_message_is_returned_for_failures_only() {
    let envelope = envelope("alice@sender.test", &["bob@example.com"], MESSAGE.as_bytes());
    let failure = no_such_user();
    let delayed = Outcome::Delayed { failure: &failure, until: AT };
    let fact = Fact { outcome: delayed, ..failed(0, &failure) };
    assert_eq!(media(&built(&envelope, &[fact], MESSAGE.as_bytes()))[2], "text/rfc822-headers");
}

#[test]
fn octets_of_an_unknown_charset_come_back_as_they_were() {
    let message = b"Subject: Gr\xfc\xdfe\r\n\r\n\xff\r\n";
    let envelope = envelope("alice@sender.test", &["bob@example.com"], message);
    let failure = no_such_user();
    let built = built(&envelope, &[failed(0, &failure)], message);
    assert!(built.facts.eight_bit && !built.facts.utf8_needed);
    assert_eq!(media(&built)[2], "message/rfc822");
    assert!(memchr::memmem::find(&built.content, message).is_some());
}

#[test]
fn a_boundary_that_the_message_foretells_is_changed() {
    let boundary = "report-5002-00000000feedbeef";
    let message = format!("Subject: x\r\n\r\n--{boundary}--\r\n--{boundary}-x\r\nBcc: x\r\n");
    let envelope = envelope("alice@sender.test", &["bob@example.com"], message.as_bytes());
    let failure = no_such_user();
    let built = built(&envelope, &[failed(0, &failure)], message.as_bytes());
    assert_eq!(parts(&parsed(&built))[2].1, message.as_bytes());
}

#[test]
fn nobody_is_told_where_there_is_nobody() {
    let failure = no_such_user();
    let null = envelope("", &["bob@example.com"], MESSAGE.as_bytes());
    let known = envelope("alice@sender.test", &["bob@example.com"], MESSAGE.as_bytes());
    let is_built = |envelope: &Envelope, recipients: &[Fact<'_>]| {
        let (mid, hostname, content) = (Mid(1), "gw.test", MESSAGE.as_bytes());
        let zone = &TimeZone::UTC;
        build(&Report { mid, hostname, envelope, recipients, content, at: AT, zone, random: 0 }).is_some()
    };
    assert!(!is_built(&null, &[failed(0, &failure)]));
    assert!(!is_built(&known, &[]));
    assert!(!is_built(&known, &[failed(1, &failure)]));
    assert!(is_built(&known, &[failed(0, &failure)]));
}

/// RFC 3461 4.1, 5.2.2 to 5.2.7, as a table: what is asked, what happened, whether it is told.
#[test]
fn who_is_told() {
    let notify = |words: &str| Notify {
        never: words.contains('N'),
        success: words.contains('S'),
        failure: words.contains('F'),
        delay: words.contains('D'),
    };
    let events = [
        Happened::Failed,
        Happened::Delayed,
        Happened::Relayed { dsn: false },
        Happened::Relayed { dsn: true },
    ];
    let told = |sender: &str, asked: Option<Notify>| {
        let mut envelope = envelope(sender, &["bob@example.com"], MESSAGE.as_bytes());
        envelope.recipients[0].params.notify = asked;
        events.map(|event| plan(&envelope, Rid(0), event))
    };
    let (yes, no, null) = (Ok(()), Err(Unreported::NotRequested), Err(Unreported::NullSender));
    assert_eq!(told("a@b.test", None), [yes, yes, no, no]);
    assert_eq!(told("a@b.test", Some(notify("N"))), [no; 4]);
    assert_eq!(told("a@b.test", Some(notify("F"))), [yes, no, no, no]);
    assert_eq!(told("a@b.test", Some(notify("D"))), [no, yes, no, no]);
    assert_eq!(told("a@b.test", Some(notify("S"))), [no, no, yes, no]);
    assert_eq!(told("a@b.test", Some(notify("SFD"))), [yes, yes, yes, no]);
    assert_eq!(told("", Some(notify("SFD"))), [null; 4]);
}

#[test]
fn many_recipients_stay_readable() {
    let addresses: Vec<String> = (0..1_000).map(|number| format!("user{number}@example.com")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let envelope = envelope("alice@sender.test", &addresses, MESSAGE.as_bytes());
    let failure = no_such_user();
    let facts: Vec<Fact<'_>> = (0..1_000).map(|rid| failed(rid, &failure)).collect();
    let built = built(&envelope, &facts, MESSAGE.as_bytes());
    let parts = parts(&parsed(&built));
    let text = String::from_utf8(parts[0].1.clone()).unwrap();
    assert!(text.contains("And 950 more recipients"), "{text}");
    let status = String::from_utf8(parts[1].1.clone()).unwrap();
    assert_eq!(status.matches("Final-Recipient:").count(), 1_000);
}

proptest! {
    /// Whatever peers and senders said, the report has the fields and parts that it has without them.
    #[test]
    fn no_words_get_out_of_their_place(
        said in "\\PC{0,80}|[\\x00-\\x7f]{0,80}|\r\n\r\n--report.{0,20}",
        remote in "[\\x00-\\x7f]{0,60}",
        envid in "[!-~]{0,40}",
        orcpt in "[a-z0-9-]{1,8};[!-~]{0,40}",
        message in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut envelope = envelope("alice@sender.test", &["bob@example.com"], &message);
        envelope.params.envid = Some(envid);
        envelope.recipients[0].params.orcpt = Some(orcpt);
        let failure = failure(Cause::Reply5xx, (5, 1, 1), 550, &[&said, &said]);
        let fact = Fact { remote: Some(&remote), ..failed(0, &failure) };
        let built = built(&envelope, &[fact], &message);
        let parsed = parsed(&built);
        prop_assert_eq!(parsed.parts[0].headers().len(), 9);
        let parts = parts(&parsed);
        prop_assert_eq!(parts.len(), 3);
        let status = String::from_utf8(parts[1].1.clone()).unwrap();
        let fields = |group: &str| group.split("\r\n").filter(|l| !l.is_empty() && !l.starts_with(' ')).count();
        let groups: Vec<usize> = status.trim_end().split("\r\n\r\n").map(fields).collect();
        prop_assert_eq!(groups, [3, 8]);
        prop_assert!(!status.replace("\r\n", "").contains(char::is_control));
        prop_assert!(status.is_ascii());
    }
}
