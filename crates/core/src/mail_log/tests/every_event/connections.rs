//! Samples of what is told of connections.

use super::*;

pub(super) fn inbound() -> Vec<Event> {
    let icid = Icid(7);
    let judged = |action, group: &str, rule: &str| Event::PeerJudged {
        icid,
        peer: "198.51.100.9".parse().unwrap(),
        reverse: None,
        verified: false,
        lookup_us: None,
        action,
        group: group.into(),
        rule: rule.into(),
    };
    let closed = |why, messages| Event::ConnectionClosed {
        icid,
        peer: "198.51.100.9".parse().unwrap(),
        why,
        lasted_us: 1_230_000,
        messages,
    };
    let (listener, local, peer) = ("Incoming".into(), "192.0.2.1:25", "198.51.100.9:40000");
    vec![
        Event::ConnectionOpened {
            icid,
            listener,
            local: local.parse().unwrap(),
            peer: peer.parse().unwrap(),
        },
        Event::Greeted { icid, waited_us: 999_999 },
        Event::Greeted { icid, waited_us: 20_000_000 },
        judged(PeerAction::Accept, "UNKNOWNLIST", "ALL"),
        judged(PeerAction::Relay, "RELAYLIST", "10.0.0.0/8"),
        judged(PeerAction::Reject, "BLOCKED", "198.51.100.0/24"),
        Event::InboundTls { icid, result: success() },
        Event::InboundTls {
            icid,
            result: TlsResult::Failed { why: "no shared cipher".into(), clear: false },
        },
        Event::SenderRejected { icid, sender: "a@b.test".into(), reply: "550 5.7.1 not here".into() },
        Event::BadCommand { icid, text: "EHLO\r\n\0 DATA".into() },
        closed(CloseReason::Quit, 1),
        closed(CloseReason::Lost { before_commands: true, detail: "reset".into() }, 0),
        closed(CloseReason::Lost { before_commands: false, detail: "Connection reset by peer".into() }, 0),
        closed(CloseReason::Timeout { stage: "command".into() }, 0),
        closed(CloseReason::Timeout { stage: "command".into() }, 2),
        closed(CloseReason::Timeout { stage: "session".into() }, 2),
        closed(CloseReason::ByUs("too many errors".into()), 0),
    ]
}

pub(super) fn outbound() -> Vec<Event> {
    let (dcid, host) = (Dcid(3), host("example.com"));
    let address = "192.0.2.25:25".parse().unwrap();
    let failed = |failure| Event::ConnectFailed { dcid, host: host.clone(), address, failure };
    let changed =
        |status, reason, address| Event::HostChanged { host: host.clone(), status, reason, address };
    let tls = |result| Event::DeliveryTls { dcid, host: host.clone(), result };
    let clear = |clear| TlsResult::Failed { why: "STARTTLS unexpected response".into(), clear };
    let local = "192.0.2.1:40001".parse().unwrap();
    let closed = |why| Event::DeliveryClosed { dcid, host: host.clone(), why };
    let rejected =
        failure(Stage::Greeting, Cause::GreetingRejected, (4, 3, 2), 421, &["closing", "come back"]);
    let flapped = |host, reason, address| Event::HostFlapped {
        host,
        changes: 7,
        since: 0,
        status: HostStatus::Down,
        reason,
        address,
    };
    let facts =
        HostFacts { status: HostStatus::Down, proven: false, worked_at: None, way: HostWay::default() };
    let wordless = failure(Stage::StartTls, Cause::TlsHandshake, (4, 7, 5), 0, &[]);
    vec![
        Event::DeliveryOpened {
            dcid,
            host: host.clone(),
            local,
            peer: address,
            name: "mx.example.com".into(),
        },
        tls(success()),
        tls(clear(true)),
        tls(clear(false)),
        failed(refused()),
        failed(failure(Stage::Connect, Cause::ConnectTimeout, (4, 4, 1), 0, &["timed out"])),
        failed(rejected),
        failed(wordless),
        Event::LookupFailed { host: host.clone(), hard: true, detail: "NXDomain".into() },
        Event::LookupFailed { host: host.clone(), hard: false, detail: "ServFail".into() },
        changed(HostStatus::Down, Some(refused()), Some(address)),
        changed(HostStatus::Up, None, Some(address)),
        changed(HostStatus::Unknown, None, None),
        flapped(host.clone(), Some(refused()), Some(address)),
        Event::HostFacts { host: host.clone(), facts: Box::new(facts) },
        Event::DeliveryStarted { dcid, mid: Mid(12), rids: vec![Rid(0), Rid(1)] },
        closed(None),
        closed(Some(failure(Stage::Mail, Cause::ConnectionLost, (4, 4, 2), 0, &["closed"]))),
    ]
}

fn success() -> TlsResult {
    let (protocol, cipher) = ("TLSv1.3".into(), "TLS_AES_256_GCM_SHA384".into());
    TlsResult::Success { protocol, cipher, verified: true }
}
