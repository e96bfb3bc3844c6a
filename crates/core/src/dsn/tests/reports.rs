//! Whole reports, as they travel.

use insta::assert_snapshot;

use super::*;

#[test]
fn a_refused_recipient() {
    let mut envelope = envelope("alice@sender.test", &["bob@example.com"], MESSAGE.as_bytes());
    envelope.params.envid = Some("QQ314159+3D1".into());
    envelope.recipients[0].params.orcpt = Some("rfc822;bob+2Blunch@example.com".into());
    let failure = no_such_user();
    let built = built(&envelope, &[failed(0, &failure)], MESSAGE.as_bytes());
    assert_eq!((built.kind, built.recipient.as_str()), (GeneratedKind::Bounce, "alice@sender.test"));
    let facts = built.facts;
    assert_eq!((facts.eight_bit, facts.dots, facts.utf8_needed), (false, true, false));
    assert_eq!(&built.content[facts.header_bytes as usize - 4..][..4], b"\r\n\r\n");
    assert_snapshot!(text(built));
}

#[test]
fn a_delay() {
    let envelope = envelope("alice@sender.test", &["a@example.com", "bob@example.com"], MESSAGE.as_bytes());
    let failure = failure(Cause::Reply4xx, (4, 2, 2), 452, &["mailbox full"]);
    let until = AT + std::time::Duration::from_hours(68);
    let outcome = Outcome::Delayed { failure: &failure, until };
    let fact = Fact { rid: Rid(1), outcome, remote: Some("mx.example.com"), last_attempt: Some(AT) };
    assert_snapshot!(text(built(&envelope, &[fact], MESSAGE.as_bytes())));
}

#[test]
fn a_success_that_the_next_host_will_not_report() {
    let envelope = envelope("alice@sender.test", &["bob@example.com"], MESSAGE.as_bytes());
    let outcome = Outcome::Relayed { reply: "2.0.0 Ok: queued as 42" };
    let fact = Fact { rid: Rid(0), outcome, remote: Some("mx.example.com"), last_attempt: Some(AT) };
    let built = built(&envelope, &[fact], MESSAGE.as_bytes());
    assert_eq!(built.kind, GeneratedKind::Success);
    assert_snapshot!(text(built));
}

/// RFC 6533: the second and third part have UTF-8 sisters, and only a sender's own address needs SMTPUTF8.
#[test]
fn international_addresses() {
    let message = "From: <jürgen@sender.test>\r\nSubject: Grüße\r\n\r\nHallo.\r\n";
    let mut envelope =
        envelope("jürgen@sender.test", &["bücher@bücher.example", "bob@example.com"], message.as_bytes());
    envelope.recipients[0].params.orcpt = Some("utf-8;b+C3+BCcher@bücher.example".into());
    let refused = failure(Cause::Reply5xx, (5, 2, 1), 550, &["Postfach geschlossen für immer"]);
    let gone = failure(Cause::DnsNxdomain, (5, 1, 2), 0, &["10.0.0.53 says NXDOMAIN"]);
    let built = built(&envelope, &[failed(0, &refused), failed(1, &gone)], message.as_bytes());
    assert!(built.facts.eight_bit && built.facts.utf8_needed);
    assert_snapshot!(text(built));
}

#[test]
fn what_the_gravest_outcome_is_decides_the_subject() {
    let envelope = envelope("alice@sender.test", &["a@example.com", "b@example.com"], MESSAGE.as_bytes());
    let failure = no_such_user();
    let relayed = Outcome::Relayed { reply: "ok" };
    let relayed = Fact { rid: Rid(1), outcome: relayed, remote: None, last_attempt: None };
    let built = built(&envelope, &[relayed, failed(0, &failure)], MESSAGE.as_bytes());
    assert_eq!(built.kind, GeneratedKind::Bounce);
    let text = text(built);
    assert!(text.contains("Subject: Your message could not be delivered\n"), "{text}");
    assert!(text.contains("Action: relayed\n") && text.contains("Action: failed\n"), "{text}");
}

/// Every cause has words for the sender, and none of them tells of our house.
#[test]
fn the_words_for_every_cause() {
    const CAUSES: [Cause; 34] = [
        Cause::ConnectRefused,
        Cause::ConnectTimeout,
        Cause::NoRoute,
        Cause::ConnectError,
        Cause::BannerTimeout,
        Cause::SmtpTimeout,
        Cause::GreetingRejected,
        Cause::HelloRejected,
        Cause::ConnectionLost,
        Cause::LostAfterData,
        Cause::ProtocolError,
        Cause::TlsNotOffered,
        Cause::TlsHandshake,
        Cause::TlsCertificate,
        Cause::TlsCertificateExpired,
        Cause::TlsNameMismatch,
        Cause::TlsCertificateUntrusted,
        Cause::AuthFailed,
        Cause::DnsNxdomain,
        Cause::DnsServfail,
        Cause::DnsTimeout,
        Cause::ResolverUnreachable,
        Cause::NullMx,
        Cause::MxNoAddress,
        Cause::CnameLoop,
        Cause::RefusedNetwork,
        Cause::MailLoop,
        Cause::Utf8NotOffered,
        Cause::TooBigForPeer,
        Cause::EightBitNotOffered,
        Cause::Expired,
        Cause::Operator,
        Cause::RecordCorrupt,
        Cause::Reply4xx,
    ];
    let statuses = [
        (5, 1, 1),
        (5, 1, 7),
        (5, 2, 1),
        (5, 2, 2),
        (5, 2, 3),
        (5, 3, 4),
        (5, 3, 0),
        (5, 4, 6),
        (5, 6, 0),
        (5, 7, 1),
        (5, 5, 0),
        (5, 0, 0),
    ];
    let envelope = envelope("alice@sender.test", &["bob@example.com"], MESSAGE.as_bytes());
    let mut shown = String::new();
    let causes = CAUSES.iter().map(|cause| failure(*cause, (5, 0, 0), 0, &["secret route 10.1.1.1"]));
    let replies = statuses.iter().map(|status| failure(Cause::Reply5xx, *status, 550, &["said"]));
    for failure in causes.chain(replies) {
        let text = text(built(&envelope, &[failed(0, &failure)], MESSAGE.as_bytes()));
        assert!(!text.contains("10.1.1.1") && !text.contains("10.9.8.7"), "{text}");
        let told = text.split_once("  Failed:").unwrap().1.split_once("\n\n").unwrap().0;
        shown.push_str(&format!("{:?} {:?}\n  Failed:{told}\n\n", failure.cause, failure.status));
    }
    assert_snapshot!(shown);
}
