//! Whole conversations, as an operator reads them.

use insta::assert_snapshot;
use jiff::tz::TimeZoneDatabase;

use super::*;
use crate::event::{CloseReason, PeerAction, TlsResult};
use crate::ids::{Dcid, Icid, Mid, Rid};

fn opened(icid: u64) -> Event {
    let (local, peer) = ("192.0.2.1:25".parse().unwrap(), "198.51.100.9:40000".parse().unwrap());
    Event::ConnectionOpened { icid: Icid(icid), listener: "Incoming".into(), local, peer }
}

fn judged(icid: u64, reverse: Option<&str>) -> Event {
    Event::PeerJudged {
        icid: Icid(icid),
        peer: "198.51.100.9".parse().unwrap(),
        reverse: reverse.map(str::to_owned),
        verified: reverse.is_some(),
        lookup_us: Some(2_500_000),
        action: PeerAction::Relay,
        group: "RELAYLIST".into(),
        rule: "198.51.100.0/24".into(),
    }
}

fn tls(icid: u64) -> Event {
    let (protocol, cipher) = ("TLSv1.3".into(), "TLS_AES_256_GCM_SHA384".into());
    Event::InboundTls { icid: Icid(icid), result: TlsResult::Success { protocol, cipher, verified: false } }
}

fn closed(icid: u64, why: CloseReason) -> Event {
    let peer = "198.51.100.9".parse().unwrap();
    Event::ConnectionClosed { icid: Icid(icid), peer, why, lasted_us: 61_500_000, messages: 1 }
}

/// The hot path: one message for one recipient, in and out.
fn relayed(icid: u64, mid: u64, dcid: u64) -> Vec<(u64, Event)> {
    let (icid, mid, dcid, host) = (Icid(icid), Mid(mid), Dcid(dcid), host("example.com"));
    let sender = || "alice@sender.test".to_owned();
    let (local, peer) = ("192.0.2.1:40001".parse().unwrap(), "203.0.113.5:25".parse().unwrap());
    vec![
        (0, opened(icid.0)),
        (0, judged(icid.0, Some("out.sender.test"))),
        (0, Event::MessageStarted { mid, icid, sender: sender() }),
        (0, Event::RecipientAccepted { mid, icid, rid: Rid(0), address: "bob@example.com".into() }),
        (
            1,
            Event::Accepted {
                mid,
                icid,
                size: 4_201,
                sender: sender(),
                message_id: Some("20200813.1@sender.test".into()),
                subject: Some("Lunch?".into()),
                recipients: 1,
            },
        ),
        (1, Event::Queued { mid, destinations: vec![(host.clone(), vec![Rid(0)])] }),
        (1, closed(icid.0, CloseReason::Quit)),
        (1, Event::DeliveryOpened { dcid, host: host.clone(), local, peer, name: "mx.example.com".into() }),
        (1, Event::DeliveryStarted { dcid, mid, rids: vec![Rid(0)] }),
        (
            2,
            Event::Delivered {
                dcid,
                mid,
                rids: vec![Rid(0)],
                host: host.clone(),
                reply: "ok queued as 7".into(),
            },
        ),
        (2, Event::Finished { mid }),
        (7, Event::DeliveryClosed { dcid, host, why: None }),
    ]
}

#[test]
fn a_message_relayed() {
    assert_snapshot!(render(relayed(101, 5_001, 77)));
}

#[test]
fn a_file_opens_with_version_and_offset_and_closes() {
    let zone = TimeZoneDatabase::bundled().get("America/Chicago").unwrap();
    let (mut log, mut out) = (MailLog::new(zone), Vec::new());
    log.begin(T0, "0.1.0", "gw.test", &mut out);
    log.end(T0 + 3_600 * SECOND, &mut out);
    assert_snapshot!(checked(out));
}

/// What happens before the peer is judged is written behind the first line, with the time of writing.
#[test]
fn lines_wait_until_the_peer_is_judged() {
    let events = vec![
        (0, opened(1)),
        (0, opened(2)),
        (1, Event::Greeted { icid: Icid(1), waited_us: 1_000_000 }),
        (2, tls(1)),
        (3, Event::BadCommand { icid: Icid(2), text: "HELP ME".into() }),
        (4, judged(1, Some("out.sender.test"))),
        (5, tls(2)),
        (6, judged(2, None)),
        (7, Event::BadCommand { icid: Icid(2), text: "HELP".into() }),
    ];
    assert_snapshot!(render(events));
}

#[test]
fn lines_do_not_wait_forever() {
    let events = vec![
        (0, opened(1)),
        (5, tls(1)),
        (29, Event::Finished { mid: Mid(1) }),
        (30, Event::Finished { mid: Mid(2) }),
        (40, judged(1, Some("out.sender.test"))),
    ];
    assert_snapshot!(render(events));
}

#[test]
fn a_connection_that_ends_unjudged_is_told_whole() {
    let lost = CloseReason::Lost { before_commands: true, detail: "Connection reset by peer".into() };
    let after = CloseReason::Lost { before_commands: false, detail: "Connection reset by peer".into() };
    let events = vec![
        (0, opened(1)),
        (0, opened(2)),
        (9, closed(1, lost.clone())),
        (9, judged(2, None)),
        (9, closed(2, lost)),
        (10, opened(3)),
        (10, judged(3, None)),
        (11, closed(3, after)),
    ];
    assert_snapshot!(render(events));
}

/// A message before the verdict does not happen (MAIL waits for it); if it does, no line is lost.
#[test]
fn a_message_does_not_overtake_its_connection() {
    let start = Event::MessageStarted { mid: Mid(9), icid: Icid(1), sender: "a@b.test".into() };
    let text = render(vec![(0, opened(1)), (0, tls(1)), (1, start)]);
    let words: Vec<&str> = text.lines().map(|line| &line[31..39]).collect();
    assert_eq!(words, ["New SMTP", "ICID 1 T", "Start MI", "MID 9 IC"]);
}

#[test]
fn waiting_lines_are_bounded() {
    let noise = |_| (1, Event::BadCommand { icid: Icid(1), text: "x".repeat(500) });
    let mut events = vec![(0, opened(1))];
    events.extend((0..20).map(noise));
    let text = render(events);
    assert!(text.starts_with("Thu Aug 13 14:29:43 2020 Info: New SMTP ICID 1 interface Incoming"), "{text}");
    assert_eq!(text.lines().count(), 21);
}

#[test]
fn a_restart_forgets_connections() {
    let started = Event::Started { version: "0.1.0".into(), node: "gw.test".into() };
    let events = vec![(0, opened(1)), (1, started), (40, closed(1, CloseReason::Quit))];
    let text = render(events);
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn a_delivery_connection_that_breaks_shows_both_ends() {
    let (dcid, host) = (Dcid(5), host("example.com"));
    let (local, peer) = ("192.0.2.1:40001".parse().unwrap(), "203.0.113.5:25".parse().unwrap());
    let mut lost = failure(Stage::Mail, Cause::ConnectionLost, (4, 4, 2), 0, &["closed"]);
    lost.address = None;
    let clear = TlsResult::Failed { why: "handshake".into(), clear: false };
    let text = render(vec![
        (0, Event::DeliveryOpened { dcid, host: host.clone(), local, peer, name: "mx.example.com".into() }),
        (0, Event::DeliveryTls { dcid, host: host.clone(), result: clear }),
        (1, Event::DeliveryClosed { dcid, host, why: Some(lost) }),
    ]);
    assert_snapshot!(text);
}

#[test]
fn lines_that_waited_are_written_without_another_event() {
    let (mut log, mut out) = (log(), Vec::new());
    log.render(&Stamped { at: T0, event: opened(1) }, &mut out);
    log.tick(T0 + 29 * SECOND, &mut out);
    assert_eq!(checked(out.clone()), "");
    log.tick(T0 + 30 * SECOND, &mut out);
    log.tick(T0 + 99 * SECOND, &mut out);
    assert_eq!(checked(out).lines().count(), 1);
}

#[test]
fn the_lines_of_the_hot_path_are_written_in_place() {
    let events = relayed(1, 1, 1);
    let (mut log, mut out) = (log(), Vec::with_capacity(4_096));
    let room = out.as_ptr();
    for (seconds, event) in events {
        log.render(&Stamped { at: T0 + seconds * SECOND, event }, &mut out);
    }
    assert_eq!(room, out.as_ptr());
    assert_eq!(checked(out).lines().count(), 16);
}

/// Nobody may take a message that was set apart for one that was delivered.
#[test]
fn a_message_set_apart_is_not_told_to_be_done() {
    let corrupt = |mid| Event::Corrupt { mid: Mid(mid), recipients: 1, detail: "checksum differs".into() };
    let delivered = |mid| {
        let (dcid, rids, host) = (Dcid(3), vec![Rid(1)], host("example.com"));
        Event::Delivered { dcid, mid: Mid(mid), rids, host, reply: "ok".into() }
    };
    let finished = |mid| Event::Finished { mid: Mid(mid) };
    let events = [corrupt(1), corrupt(1), finished(1), corrupt(2), delivered(2), finished(2), finished(1)];
    let text = render(events.into_iter().map(|event| (0, event)).collect());
    let last: Vec<&str> =
        text.lines().filter_map(|line| line.split_once("Message finished ")).map(|s| s.1).collect();
    assert_eq!(last, ["MID 1 set apart, not delivered", "MID 2 done", "MID 1 done"]);
}
