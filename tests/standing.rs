//! Standing orders: each acts, holds over kill -9 and over an orderly restart, is undone by its resume, and loses
//! nothing.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::mem::MaybeUninit;
use std::path::Path;
use std::time::{Duration, Instant};

use mailreeve_lab::host::{Act, Detail, Ending, HostPlan, Stage, Temper};
use mailreeve_lab::sink::Sink;
use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use world::places::{alerts, all_to, mail_to, mailreeve, sink};
use world::restarts::RESTARTS;
use world::{Gateway, Talk, address, banner, wait_until};

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
    let done = "Mail delivery suspended.\nOnly for: one.test, two.test\n";
    let empty = "No mail waits for delivery there now: one.test, two.test\n";
    assert!(text.ends_with(&format!("{done}{empty}")), "{text}");
    mail_to(&gateway, &["a@one.test", "b@two.test", "c@three.test"]);
    wait_until("the third is delivered", || sink.deliveries().len() == 1);
    assert_eq!(state(&gateway), "Online");
    for restart in RESTARTS {
        restart(&mut gateway);
        wait_until("two wait", || gateway.active() == 2);
    }
    wait_until("the queue is read", || gateway.json("deliverystatus")["recovering"].is_null());
    let text = gateway.text("suspenddel one.test 1");
    assert!(text.ends_with("Mail delivery suspended.\nOnly for: one.test\n"), "{text}");
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

/// How often the record of orders is replaced in a folder while something is done.
fn replacements(folder: &Path, act: impl FnOnce()) -> usize {
    let watch = inotify::init(CreateFlags::NONBLOCK).unwrap();
    inotify::add_watch(&watch, folder, WatchFlags::MOVED_TO).unwrap();
    act();
    let mut room = [MaybeUninit::uninit(); 4096];
    let mut reader = Reader::new(&watch, &mut room);
    let mut count = 0;
    while let Ok(event) = reader.next() {
        count += usize::from(event.file_name().is_some_and(|name| name.to_bytes() == b"standing"));
    }
    count
}

#[test]
fn suspend_is_one_order_of_which_no_half_can_stand() {
    let sink = sink();
    let mut gateway = Gateway::start(&all_to(sink.address()));
    let data = gateway.folder.path().join("data");
    assert_eq!(replacements(&data, || drop(gateway.text("suspend 1"))), 1);
    assert_eq!(state(&gateway), "Offline");
    // One half was ordered before: it stands as it was, and the other joins it in one change.
    gateway.text("resume");
    gateway.text("suspenddel");
    assert_eq!(replacements(&data, || drop(gateway.text("suspend 1"))), 1);
    assert_eq!(replacements(&data, || drop(gateway.text("resume"))), 1);
    assert_eq!(state(&gateway), "Online");
    gateway.kill();
    gateway.run();
    assert_eq!(state(&gateway), "Online");
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
