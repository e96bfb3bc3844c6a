//! A paused work queue: new mail is ours and waits, over every kind of restart, and leaves in order when it is resumed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::net::SocketAddr;

use mailreeve_lab::client::{self, Ended, Load, Quota};
use mailreeve_lab::host::{Detail, HostPlan, Reply, Temper};
use mailreeve_lab::sink::Sink;
use mailreeve_lab::verify::Comparison;
use world::places::{all_to, mail_to, sink};
use world::restarts::{RESTARTS, killed};
use world::{Gateway, address, wait_until};

fn in_work_queue(gateway: &Gateway) -> u64 {
    gateway.json("status")["gauges"]["msgs_in_work_queue"].as_u64().unwrap()
}

/// MIDs in the order in which the log tells that they were queued for delivery.
fn queued(gateway: &Gateway) -> Vec<u64> {
    let log = gateway.log();
    let lines = log.lines().filter(|line| line.ends_with(" queued for delivery"));
    let mut mids: Vec<u64> = lines.map(|line| line.rsplit(' ').nth(3).unwrap().parse().unwrap()).collect();
    // A kill may have a line written twice.
    mids.dedup();
    mids
}

#[test]
fn a_paused_work_queue_keeps_new_mail_and_hands_it_over_in_order() {
    let sink = sink();
    let mut gateway = Gateway::start(&all_to(sink.address()));
    assert!(gateway.text("workqueue").contains("Status:        Operational\nMessages:      0\n"));
    mail_to(&gateway, &["before@one.test"]);
    wait_until("what came before goes out", || sink.deliveries().len() == 1);
    let text = gateway.text("workqueue pause checking");
    assert!(text.contains("Status:        Paused by ") && text.contains(": checking\n"), "{text}");
    let mut held = 0;
    for restart in RESTARTS {
        mail_to(&gateway, &["a@one.test", "b@two.test"]);
        held += 2;
        restart(&mut gateway);
        wait_until("what waited waits again", || in_work_queue(&gateway) == held);
        assert!(gateway.text("workqueue status").contains(": checking\n"));
        let status = gateway.text("status");
        assert!(
            status.contains("Work queue paused by ") && status.contains(": checking, since "),
            "{status}"
        );
        assert!(!status.contains("Oldest Message:                No Messages"), "{status}");
    }
    assert_eq!((gateway.active(), sink.deliveries().len()), (0, 1));
    let waiting = gateway.json("showrecipients all");
    let rows = waiting["recipients"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    assert!(rows[0]["why"].as_str().unwrap().starts_with("The work queue was paused by "), "{waiting}");
    assert_eq!(gateway.json("showrecipients host two.test")["recipients"].as_array().unwrap().len(), 2);
    let wrong = gateway.command("delivernow all");
    let text = String::from_utf8(wrong.stderr).unwrap();
    assert!(text.contains("4 messages wait in the work queue"), "{text}");
    let wrong = gateway.command("workqueue pause again");
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("paused by"));
    assert_eq!(queued(&gateway).len(), 1, "accepted, not queued");
    gateway.text("workqueue resume");
    wait_until("all is delivered", || sink.deliveries().len() == 5);
    mail_to(&gateway, &["after@one.test"]);
    wait_until("what comes now passes", || sink.deliveries().len() == 6);
    wait_until("nothing is left", || gateway.active() == 0 && in_work_queue(&gateway) == 0);
    wait_until("the log is written", || queued(&gateway).len() == 6);
    assert!(queued(&gateway).is_sorted(), "{:?}", queued(&gateway));
    let record = gateway.folder.path().join("data/standing");
    wait_until("nothing is held any more", || {
        std::fs::read_to_string(&record).unwrap().contains("\"spans\": []")
    });
    killed(&mut gateway);
    mail_to(&gateway, &["last@one.test"]);
    wait_until("the last is delivered", || sink.deliveries().len() == 7);
}

#[test]
fn what_is_queued_already_and_reports_pass_a_paused_work_queue() {
    let place = SocketAddr::new(address(), 2525);
    let never = Reply::new(550).enhanced("5.1.1").text("no such box");
    let mut plan = HostPlan::new(place, Temper::healthy().recipient("nobody@*", never));
    plan.detail = Detail::Records { memory: true, content: false, file: None };
    let sink = Sink::plan(plan).unwrap();
    let mut gateway = Gateway::start(&all_to(sink.address()));
    gateway.text("suspenddel ALL 5");
    mail_to(&gateway, &["nobody@one.test"]);
    gateway.text("workqueue pause");
    mail_to(&gateway, &["held@one.test"]);
    for restart in RESTARTS {
        restart(&mut gateway);
        wait_until("one waits in each place", || gateway.active() == 1 && in_work_queue(&gateway) == 1);
    }
    gateway.text("resumedel");
    wait_until("the report is delivered", || sink.deliveries().len() == 1);
    assert_eq!(sink.deliveries()[0].mail, "");
    wait_until("only the held one is left", || gateway.active() == 0 && in_work_queue(&gateway) == 1);
    gateway.text("workqueue resume");
    wait_until("what waited is delivered", || sink.deliveries().len() == 2);
}

#[test]
fn a_kill_while_it_empties_loses_nothing() {
    let sink = Sink::start(SocketAddr::new(address(), 2525), Detail::default()).unwrap();
    let mut gateway = Gateway::start(&all_to(sink.address()));
    gateway.text("workqueue pause");
    let report = client::run(Load {
        target: gateway.smtp,
        sessions: 8,
        quota: Quota::Total(2_000),
        recipients: 2,
        keep: true,
        ..Load::default()
    })
    .unwrap();
    assert_eq!(report.ended, Ended::Done, "{report}");
    assert_eq!(in_work_queue(&gateway), 2_000);
    gateway.text("workqueue resume");
    wait_until("it empties", || in_work_queue(&gateway) < 2_000);
    killed(&mut gateway);
    let line = gateway.text("workqueue rate 1 --count 1");
    assert!(line.starts_with("Time          Pending        In       Out\n"), "{line}");
    wait_until("all is delivered", || {
        let status = gateway.json("status");
        let gauges = &status["gauges"];
        status["recovering"].is_null() && gauges["active_recips"] == 0 && gauges["msgs_in_work_queue"] == 0
    });
    let mut comparison = Comparison::default();
    report.records.iter().cloned().for_each(|acked| comparison.acked(acked));
    sink.deliveries().iter().for_each(|delivery| comparison.delivered(delivery));
    let verdict = comparison.verdict();
    assert!(verdict.is_good(), "{verdict}");
    assert_eq!(verdict.acked, 4_000, "{verdict}");
}
