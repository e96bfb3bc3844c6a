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
use world::{Gateway, Talk, address, wait_until};

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
    let last = |gateway: &Gateway| gateway.json("status")["current_ids"][0].as_u64().unwrap();
    let before = last(&gateway);
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
    assert_eq!(rows[0]["mid"], before + 1, "the order to pause takes no number: {waiting}");
    // In no row of a destination, so it is told on top of every view.
    for view in ["status", "deliverystatus", "tophosts"] {
        let text = gateway.text(view);
        let told = "4 messages wait in the work queue, paused by ";
        assert!(text.contains(told) && text.contains("`workqueue resume` lets it go on."), "{text}");
        assert!(!text.contains("No mail waits."), "{text}");
        let held = &gateway.json(view)["work_queue"];
        assert_eq!((held["messages"].as_u64(), held["recipients"].as_u64()), (Some(4), Some(4)), "{held}");
        assert!(held["since_us"].as_u64().is_some() && held["reason"] == "checking", "{held}");
    }
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
    let before = last(&gateway);
    mail_to(&gateway, &["after@one.test"]);
    wait_until("what comes now passes", || sink.deliveries().len() == 6);
    wait_until("it is counted", || last(&gateway) > before);
    assert_eq!(last(&gateway), before + 1, "nor does the order to resume");
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

fn held(gateway: &Gateway, scope: &str) -> usize {
    gateway.json(&format!("showrecipients {scope}"))["recipients"].as_array().unwrap().len()
}

#[test]
fn orders_reach_who_waits_in_the_work_queue_and_nobody_else() {
    let sink = sink();
    let mut gateway = Gateway::start(&all_to(sink.address()));
    gateway.text("workqueue pause");
    mail_to_all(&gateway, &["a@one.test", "b@two.test"]);
    mail_to(&gateway, &["c@one.test", "d@three.test", "e@five.test", "f@five.test"]);
    let told = gateway.text("deleterecipients host one.test y");
    assert_eq!(told, "Deleting messages, please wait.\n2 messages deleted.\n");
    let told = gateway.text("redirectrecipients host two.test four.test y");
    assert_eq!(told, "Redirecting messages, please wait.\n1 recipient redirected.\n");
    let told = gateway.text("removemessage 4 y");
    assert!(told.ends_with("MID 4 has been removed from the queue.\n"), "{told}");
    assert!(gateway.text("archivemessage 5").contains("MID 5 has been saved in file"));
    for restart in RESTARTS {
        restart(&mut gateway);
        wait_until("who is left waits", || in_work_queue(&gateway) == 2);
        assert_eq!((held(&gateway, "all"), held(&gateway, "host one.test")), (2, 0));
        assert_eq!((held(&gateway, "host two.test"), held(&gateway, "host four.test")), (0, 1));
    }
    assert!(sink.deliveries().is_empty());
    let told = gateway.text("bouncerecipients from a@sender.test y");
    assert_eq!(told, "Bouncing messages, please wait.\n2 messages bounced.\n");
    wait_until("their sender is told", || sink.deliveries().len() == 2);
    assert!(sink.deliveries().iter().all(|delivery| delivery.mail.is_empty()));
    assert_eq!(in_work_queue(&gateway), 0);
    gateway.text("workqueue resume");
    wait_until("each end is on record", || {
        let life = gateway.json("status")["lifetime"].clone();
        let (deleted, archived) = (&life["deleted_recips"], &life["archived_recips"]);
        *deleted == 3 && *archived == 1 && life["other_hard_bounced_recips"] == 2
    });
    assert!(gateway.log().contains("from two.test to four.test by"), "{}", gateway.log());
}

/// Hands one message over to several recipients.
fn mail_to_all(gateway: &Gateway, recipients: &[&str]) {
    let mut talk = Talk::with(gateway.smtp);
    talk.say("EHLO client.test");
    let reply = talk.send_mail("a@sender.test", recipients, "Subject: a letter\r\n\r\nhello");
    assert!(reply.starts_with("250 "), "{reply}");
}

#[test]
fn a_kill_in_the_middle_of_an_order_over_the_work_queue_is_made_good() {
    let sink = Sink::start(SocketAddr::new(address(), 2525), Detail::default()).unwrap();
    let mut gateway = Gateway::start(&all_to(sink.address()));
    gateway.text("workqueue pause");
    let report = client::run(Load {
        target: gateway.smtp,
        sessions: 8,
        quota: Quota::Total(4_000),
        recipients: 1,
        recipient_domains: vec!["one.test".to_owned(), "two.test".to_owned()],
        ..Load::default()
    })
    .unwrap();
    assert_eq!(report.ended, Ended::Done, "{report}");
    std::thread::scope(|scope| {
        let order = scope.spawn(|| gateway.command("deleterecipients host one.test y"));
        wait_until("it goes on", || in_work_queue(&gateway) < 4_000);
        gateway.signal("KILL");
        assert_ne!(order.join().unwrap().status.code(), Some(0), "the kill came too late");
    });
    killed(&mut gateway);
    wait_until("it is done", || gateway.json("jobs")["jobs"][0]["state"] == "done");
    assert_eq!(
        (in_work_queue(&gateway), gateway.json("workqueue")["messages"].as_u64()),
        (2_000, Some(2_000))
    );
    wait_until("each end is told once", || gateway.json("status")["lifetime"]["deleted_recips"] == 2_000);
    gateway.text("workqueue resume");
    wait_until("the others are delivered", || sink.sums().messages == 2_000);
}
