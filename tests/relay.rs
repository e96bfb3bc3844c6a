//! The main job: mail comes in, is durable, and reaches the next hop as it was.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::net::SocketAddr;
use std::time::Duration;

use mailreeve_lab::client::{self, Body, Ended, Load, Quota, Transfer};
use mailreeve_lab::host::{Detail, HostPlan, Temper};
use mailreeve_lab::sink::Sink;
use mailreeve_lab::verify::Comparison;
use world::{Gateway, Talk, address, wait_until};

fn sink() -> Sink {
    Sink::start(SocketAddr::new(address(), 2525), Detail::default()).unwrap()
}

fn routed_to(sink: &Sink) -> String {
    format!(
        "[accept]\nrelay_networks = [\"127.0.0.0/8\"]\n[[route]]\ndomain = \"ALL\"\nto = [\"[{}]:{}\"]\n",
        sink.address().ip(),
        sink.address().port()
    )
}

#[test]
fn one_message_is_relayed_and_told() {
    let sink = sink();
    let gateway = Gateway::start(&routed_to(&sink));
    let mut talk = Talk::with(gateway.smtp);
    talk.say("EHLO client.test");
    let reply = talk.send_mail("a@sender.test", &["b@example.com"], "Subject: one\r\n\r\nhello\r\n.dot");
    assert!(reply.starts_with("250 2.0.0 "), "{reply}");
    assert!(sink.wait_for(1, Duration::from_secs(10)));
    let delivery = &sink.deliveries()[0];
    assert_eq!(
        (delivery.mail.as_str(), delivery.rcpts[0].address.as_str()),
        ("a@sender.test", "b@example.com")
    );
    wait_until("the queue is empty", || gateway.active() == 0);
    wait_until("the log tells the end", || gateway.log().contains("Message finished MID 1 done"));
    let log = gateway.log();
    for line in [
        "Start MID 1 ICID",
        "MID 1 ICID 2 From: <a@sender.test>",
        "MID 1 ICID 2 RID 0 To: <b@example.com>",
        "MID 1 Subject 'one'",
        "MID 1 queued for delivery",
        "Delivery start DCID 1 MID 1 to RID [0]",
        "Message done DCID 1 MID 1 to RID [0]",
    ] {
        assert!(log.contains(line), "{line} is not in\n{log}");
    }
}

#[test]
fn every_kind_of_content_arrives_as_it_was() {
    for transfer in [Transfer::Data, Transfer::Bdat(1000), Transfer::Bdat(usize::MAX)] {
        let sink = sink();
        let gateway = Gateway::start(&routed_to(&sink));
        let report = client::run(Load {
            target: gateway.smtp,
            sessions: 4,
            quota: Quota::Total(200),
            size: 9_000,
            recipients: 3,
            recipient_domains: vec!["one.test".into(), "two.test".into()],
            body: Body::Torture,
            transfer,
            keep: true,
            seed: 11,
            ..Load::default()
        })
        .unwrap();
        assert_eq!(report.ended, Ended::Done, "{report}");
        wait_until("the queue is empty", || gateway.active() == 0);
        let mut comparison = Comparison::default();
        report.records.iter().cloned().for_each(|acked| comparison.acked(acked));
        sink.deliveries().iter().for_each(|delivery| comparison.delivered(delivery));
        let verdict = comparison.verdict();
        assert!(verdict.is_good() && verdict.duplicates == 0, "{transfer:?} {verdict}");
        assert_eq!(verdict.acked, 600, "{verdict}");
        assert_eq!(sink.complaints(), Vec::<String>::new());
    }
}

#[test]
fn messages_larger_than_memory_allows_go_through_files() {
    let sink = sink();
    let gateway = Gateway::start(&routed_to(&sink));
    let report = client::run(Load {
        target: gateway.smtp,
        sessions: 2,
        quota: Quota::Total(6),
        size: 5_000_000,
        keep: true,
        ..Load::default()
    })
    .unwrap();
    assert_eq!(report.ended, Ended::Done, "{report}");
    assert!(sink.wait_for(6, Duration::from_secs(30)));
    let mut comparison = Comparison::default();
    report.records.iter().cloned().for_each(|acked| comparison.acked(acked));
    sink.deliveries().iter().for_each(|delivery| comparison.delivered(delivery));
    let verdict = comparison.verdict();
    assert!(verdict.is_good(), "{verdict}");
}

#[test]
fn a_next_hop_without_extensions_is_served() {
    let plan = HostPlan::new(
        SocketAddr::new(address(), 2525),
        Temper::healthy().offers(mailreeve_lab::host::Offers::bare()),
    );
    let sink = Sink::plan(plan).unwrap();
    let gateway = Gateway::start(&routed_to(&sink));
    let report =
        client::run(Load { target: gateway.smtp, quota: Quota::Total(20), ..Load::default() }).unwrap();
    assert_eq!(report.ended, Ended::Done, "{report}");
    assert!(sink.wait_for(20, Duration::from_secs(10)));
    assert_eq!(sink.complaints(), Vec::<String>::new());
}

#[test]
fn a_stop_loses_and_repeats_nothing() {
    let sink = sink();
    let mut gateway = Gateway::start(&routed_to(&sink));
    let running = client::start(Load {
        target: gateway.smtp,
        sessions: 10,
        quota: Quota::Total(3_000),
        reconnect: Some(Duration::from_secs(20)),
        persist: true,
        keep: true,
        deadline: Duration::from_secs(60),
        ..Load::default()
    })
    .unwrap();
    for _ in 0..3 {
        wait_until("some mail has passed", || running.progress().acked > 0);
        assert!(gateway.stop().success());
        gateway.run();
    }
    let report = running.join().unwrap();
    assert_eq!(report.ended, Ended::Done, "{report}");
    wait_until("the queue is empty", || gateway.active() == 0);
    let mut comparison = Comparison::default();
    report.records.iter().cloned().for_each(|acked| comparison.acked(acked));
    sink.deliveries().iter().for_each(|delivery| comparison.delivered(delivery));
    let verdict = comparison.verdict();
    assert!(verdict.is_good() && verdict.duplicates == 0, "{verdict}");
}
