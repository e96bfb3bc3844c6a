//! Standing orders: each acts, holds over kill -9 and over an orderly restart, is undone by its resume, and loses
//! nothing.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::time::{Duration, Instant};

use mailreeve_lab::client::{self, Ended, Load, Quota};
use mailreeve_lab::host::{Act, Detail, Ending, HostPlan, Reply, Stage, Temper};
use mailreeve_lab::sink::Sink;
use mailreeve_lab::verify::Comparison;
use world::places::{alerts, all_to, mail_to, mailreeve, sink};
use world::{Gateway, Talk, address, banner, wait_until};

/// Both kinds of restart.
const RESTARTS: [fn(&mut Gateway); 2] = [killed, stopped];

fn killed(gateway: &mut Gateway) {
    gateway.kill();
    start(gateway);
}

fn stopped(gateway: &mut Gateway) {
    assert!(gateway.stop().success());
    start(gateway);
}

/// Starts it and waits until it answers commands: its banner may be a 421.
fn start(gateway: &mut Gateway) {
    gateway.spawn();
    wait_until("the gateway answers", || gateway.command("status").status.success());
}

fn greeting(gateway: &Gateway) -> String {
    banner(gateway.smtp).unwrap_or_default()
}

fn state(gateway: &Gateway) -> String {
    gateway.json("status")["system_status"].as_str().unwrap().to_owned()
}

#[test]
fn a_suspended_listener_sends_everybody_away_until_it_is_resumed() {
    let sink = sink();
    let mut gateway = Gateway::start(&all_to(sink.address()));
    mail_to(&gateway, &["before@one.test"]);
    let mut inside = Talk::with(gateway.smtp);
    inside.say("EHLO client.test");
    let text = gateway.text("suspendlistener Incoming 5");
    assert!(text.starts_with("Waiting for listeners to exit...\nReceiving suspended.\n"), "{text}");
    assert!(!text.contains("closed abruptly"), "an idle session leaves by itself: {text}");
    assert!(inside.reply().starts_with("421 4.3.2 "), "who is inside is asked to leave");
    for restart in RESTARTS {
        assert!(greeting(&gateway).starts_with("421 4.3.2 "), "{}", greeting(&gateway));
        assert_eq!(state(&gateway), "Receiving suspended");
        let status = gateway.text("status");
        assert!(
            status.contains("Standing order:                Receiving on Incoming suspended by "),
            "{status}"
        );
        restart(&mut gateway);
        assert!(alerts(&gateway).contains(&"orders-stand".to_owned()));
    }
    assert!(greeting(&gateway).starts_with("421 "));
    assert_eq!(gateway.text("resumelistener"), "Receiving resumed.\n");
    assert_eq!(state(&gateway), "Online");
    mail_to(&gateway, &["after@one.test"]);
    wait_until("both are delivered", || sink.deliveries().len() == 2);
    wait_until("the log tells who did it", || {
        let log = gateway.log();
        log.contains("Receiving on Incoming suspended by ")
            && log.contains("Receiving on Incoming resumed by ")
    });
    gateway.kill();
    gateway.run();
}

#[test]
fn a_transaction_under_way_has_the_seconds_given_and_no_more() {
    let sink = sink();
    let gateway = Gateway::start(&all_to(sink.address()));
    let mut talk = Talk::with(gateway.smtp);
    talk.say("EHLO client.test");
    talk.say("MAIL FROM:<a@sender.test>");
    talk.say("RCPT TO:<b@one.test>");
    assert!(talk.say("DATA").starts_with("354 "));
    let began = Instant::now();
    let text = gateway.text("suspendlistener ALL 1");
    assert!(text.contains("One connection was closed abruptly."), "{text}");
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(talk.reply(), "", "no 250");
    gateway.text("resumelistener ALL");
    mail_to(&gateway, &["b@one.test"]);
    wait_until("what was sent again is delivered", || sink.deliveries().len() == 1);
}

#[test]
fn content_on_its_way_is_taken_when_it_ends_in_time() {
    let sink = sink();
    let gateway = Gateway::start(&all_to(sink.address()));
    let mut talk = Talk::with(gateway.smtp);
    talk.say("EHLO client.test");
    talk.say("MAIL FROM:<a@sender.test>");
    talk.say("RCPT TO:<b@one.test>");
    talk.say("DATA");
    std::thread::scope(|scope| {
        let order = scope.spawn(|| gateway.text("suspendlistener ALL 20"));
        wait_until("the order is in force", || greeting(&gateway).starts_with("421 "));
        assert!(talk.say("Subject: late\r\n\r\nhello\r\n.").starts_with("250 "));
        let text = order.join().unwrap();
        assert!(!text.contains("abruptly"), "{text}");
    });
    wait_until("it is delivered", || sink.deliveries().len() == 1);
}

#[test]
fn suspended_delivery_keeps_mail_and_says_who_did_it() {
    let sink = sink();
    let mut gateway = Gateway::start(&all_to(sink.address()));
    let text = gateway.text("suspenddel");
    assert_eq!(text, "Waiting for outgoing deliveries to finish...\nMail delivery suspended.\n");
    mail_to(&gateway, &["one@one.test", "two@two.test"]);
    let since = gateway.json("status")["orders"][0]["since_us"].as_u64().unwrap();
    for restart in RESTARTS {
        assert_eq!(state(&gateway), "Delivery suspended");
        wait_until("both wait", || gateway.active() == 2);
        let waiting = gateway.json("showrecipients all");
        let why = waiting["recipients"][0]["why"].as_str().unwrap();
        assert!(why.starts_with("Delivery was suspended by ") && why.contains(", "), "{why}");
        assert_eq!(
            gateway.json("hoststatus one.test")["suspended"][1].as_u64().unwrap() / 1_000_000,
            since / 1_000_000
        );
        restart(&mut gateway);
        assert_eq!(gateway.json("status")["orders"][0]["since_us"], since, "since when does not change");
    }
    assert_eq!(sink.deliveries().len(), 0, "nothing goes out");
    assert!(gateway.log().contains("Deliveries are currently suspended"));
    assert_eq!(gateway.text("resumedel ALL"), "Mail delivery resumed.\n");
    wait_until("both are delivered", || sink.deliveries().len() == 2);
    wait_until("nothing waits", || gateway.active() == 0);
}

#[test]
fn one_destination_is_suspended_and_the_others_are_served() {
    let sink = sink();
    let mut gateway = Gateway::start(&all_to(sink.address()));
    let text = gateway.text("suspenddel one.test,TWO.test. 1");
    assert!(text.ends_with("Mail delivery suspended.\nOnly for: one.test, two.test\n"), "{text}");
    mail_to(&gateway, &["a@one.test", "b@two.test", "c@three.test"]);
    wait_until("the third is delivered", || sink.deliveries().len() == 1);
    assert_eq!(state(&gateway), "Online");
    for restart in RESTARTS {
        restart(&mut gateway);
        wait_until("two wait", || gateway.active() == 2);
    }
    let text = gateway.text("resumedel one.test");
    assert_eq!(text, "Mail delivery resumed.\nOnly for: one.test\nStill suspended: two.test\n");
    wait_until("its mail is delivered", || sink.deliveries().len() == 2);
    let wrong = gateway.command("resumedel three.test");
    let text = String::from_utf8(wrong.stderr).unwrap();
    assert!(text.contains("is not suspended by name") && text.contains("suspended are: two.test"), "{text}");
    gateway.text("resumedel");
    wait_until("all is delivered", || sink.deliveries().len() == 3);
}

#[test]
fn a_transaction_to_a_slow_host_is_cut_off_after_the_seconds_given() {
    let place = std::net::SocketAddr::new(address(), 2525);
    let slow =
        Sink::plan(HostPlan::new(place, Temper::healthy().at(Stage::Final, Act::End(Ending::Hang)))).unwrap();
    let gateway = Gateway::start(&all_to(slow.address()));
    mail_to(&gateway, &["a@one.test"]);
    wait_until("a transaction is under way", || {
        let why = gateway.json("showrecipients all")["recipients"][0]["why"].clone();
        why.as_str().is_some_and(|why| why.starts_with("Being delivered"))
    });
    let text = gateway.text("suspenddel ALL 1");
    assert!(text.contains("One connection was closed abruptly."), "{text}");
    assert_eq!(gateway.active(), 1, "it waits");
    wait_until("the log says why", || {
        gateway.log().contains("cut off: delivery was suspended by an operator")
    });
}

#[test]
fn suspend_stops_both_and_resume_starts_both() {
    let sink = Sink::start(std::net::SocketAddr::new(address(), 2525), Detail::default()).unwrap();
    let mut gateway = Gateway::start(&all_to(sink.address()));
    assert_eq!(
        gateway.text("suspend 1"),
        "Waiting for listeners to exit...\nReceiving suspended.\n\
         Waiting for outgoing deliveries to finish...\nMail delivery suspended.\n"
    );
    for restart in RESTARTS {
        assert_eq!(state(&gateway), "Offline");
        assert!(greeting(&gateway).starts_with("421 "));
        restart(&mut gateway);
    }
    assert_eq!(gateway.text("resume"), "Receiving resumed.\nMail delivery resumed.\n");
    assert_eq!(state(&gateway), "Online");
    mail_to(&gateway, &["a@one.test"]);
    assert!(sink.wait_for(1, world::PATIENCE));
}

#[test]
fn orders_that_cannot_be_read_or_kept_are_errors() {
    let gateway = Gateway::prepare("");
    let data = gateway.folder.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("standing"), "mailreeve-standing 1 00000000\n{}\n").unwrap();
    let output = mailreeve(&gateway.config(), &["serve"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && text.contains("give the orders again"), "{text}");
    std::fs::remove_file(data.join("standing")).unwrap();
    let mut gateway = gateway;
    gateway.run();
    // A folder where the new file has to be written: the order cannot be kept, so it is not carried out.
    std::fs::create_dir_all(data.join("standing.new/in the way")).unwrap();
    let output = gateway.command("suspend 0");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("the order was not carried out"), "{text}");
    assert!(greeting(&gateway).starts_with("220 "));
    assert_eq!(state(&gateway), "Online");
}

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
    let place = std::net::SocketAddr::new(address(), 2525);
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
    let sink = Sink::start(std::net::SocketAddr::new(address(), 2525), Detail::default()).unwrap();
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
