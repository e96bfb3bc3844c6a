//! Disks that are full or lie: what was acknowledged stays, what cannot be kept is refused, and when the
//! disk is well again the gateway is, too, by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod world;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use world::disk::SmallDisk;
use world::places::{alerts, all_to, sink_at};
use world::{Gateway, PATIENCE, Talk, address, wait_until};

fn system_status(gateway: &Gateway) -> String {
    gateway.json("status")["system_status"].as_str().unwrap().to_owned()
}

fn send(gateway: &Gateway, number: usize) -> String {
    let mut talk = Talk::with(gateway.smtp);
    talk.say("EHLO client.test");
    let content = format!("Subject: number {number}\r\n\r\nnumber {number} of many\r\n");
    talk.send_mail("a@sender.test", &[&format!("box-number-{number}@example.com")], &content)
}

/// Where nobody answers yet.
fn next_hop() -> SocketAddr {
    SocketAddr::new(address(), 2525)
}

#[test]
fn below_low_mail_is_refused_and_what_waits_is_delivered() {
    let next = next_hop();
    let mut gateway = Gateway::start(&all_to(next));
    for number in 0..3 {
        assert!(send(&gateway, number).starts_with("250 "));
    }
    assert!(gateway.stop().success());
    gateway.configure(&format!("{}[queue]\nlow = \"1000 TiB\"\n", all_to(next)));
    let sink = sink_at(next);
    gateway.run();
    assert!(sink.wait_for(3, PATIENCE));
    let mut talk = Talk::with(gateway.smtp);
    talk.say("EHLO client.test");
    let reply = talk.say("MAIL FROM:<a@sender.test>");
    assert!(reply.starts_with("452 4.3.1 "), "{reply}");
    wait_until("the queue is empty", || gateway.active() == 0);
    assert_eq!(system_status(&gateway), "Receiving suspended (disk space)");
    wait_until("the alert", || alerts(&gateway).contains(&"spool-low".to_owned()));
    assert_eq!(sink.sums().messages, 3);
}

#[test]
fn a_disk_that_fills_stops_first_mail_then_delivery_and_recovers_by_itself() {
    let next = next_hop();
    let mut gateway = Gateway::prepare(&format!(
        "{}[queue]\nlow = \"60 MiB\"\nreserve = \"20 MiB\"\n[[bounce_profile]]\nname = \"default\"\n\
         initial = \"1s\"\nmax_interval = \"1s\"\n",
        all_to(next)
    ));
    let Some(disk) = SmallDisk::mount(&gateway.folder.path().join("data"), 200) else { return };
    gateway.run();
    for number in 0..5 {
        assert!(send(&gateway, number).starts_with("250 "));
    }

    disk.leave(40);
    wait_until("acceptance stops", || system_status(&gateway) == "Receiving suspended (disk space)");
    let mut talk = Talk::with(gateway.smtp);
    talk.say("EHLO client.test");
    let reply = talk.say("MAIL FROM:<a@sender.test>");
    assert!(reply.starts_with("452 4.3.1 "), "{reply}");
    wait_until("the alert", || alerts(&gateway).contains(&"spool-low".to_owned()));

    disk.leave(2);
    // The reserve is given back first; only when that is used up, too, delivery stops.
    wait_until("the reserve is given back", || {
        disk.leave(2);
        system_status(&gateway) == "Receiving and delivery suspended (disk space)"
    });
    wait_until("the alert", || alerts(&gateway).contains(&"spool-reserve".to_owned()));
    let sink = sink_at(next);
    wait_until("the reason is told", || {
        let listed = gateway.json("showrecipients all");
        let listed = listed["recipients"].as_array().unwrap();
        listed.len() == 5
            && listed.iter().all(|one| one["why"].as_str().is_some_and(|why| why.contains("disk")))
    });
    assert_eq!(sink.sums().messages, 0, "nothing goes out whose end could not be recorded");

    disk.clear();
    wait_until("all is well", || system_status(&gateway) == "Online");
    assert!(sink.wait_for(5, PATIENCE), "{} of 5", sink.sums().messages);
    assert!(send(&gateway, 5).starts_with("250 "));
    assert!(sink.wait_for(6, PATIENCE));
    wait_until("the queue is empty", || gateway.active() == 0);
    assert_eq!(sink.sums().messages, 6);
    assert!(alerts(&gateway).contains(&"spool-enough".to_owned()));
}

/// Changes every place below `folder` where `text` is written; returns how many there were.
fn damage(folder: &Path, text: &[u8]) -> usize {
    let mut places = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            places += damage(&path, text);
            continue;
        }
        let mut octets = fs::read(&path).unwrap();
        let found: Vec<usize> = octets
            .windows(text.len())
            .enumerate()
            .filter_map(|(at, window)| (window == text).then_some(at))
            .collect();
        for at in &found {
            octets[*at] ^= 0x20;
        }
        if !found.is_empty() {
            places += found.len();
            fs::write(&path, octets).unwrap();
        }
    }
    places
}

/// Five messages wait, one of them is damaged where `text` says, the rest must arrive.
fn one_of_five_is_damaged(text: &str) {
    let next = next_hop();
    let mut gateway = Gateway::start(&all_to(next));
    for number in 0..5 {
        assert!(send(&gateway, number).starts_with("250 "));
    }
    assert!(gateway.stop().success());
    let spool = gateway.folder.path().join("data/spool");
    assert!(damage(&spool, text.as_bytes()) > 0, "{text:?} is nowhere in the spool");
    let sink = sink_at(next);
    gateway.run();
    assert!(sink.wait_for(4, PATIENCE), "{} of 4 arrived", sink.sums().messages);
    wait_until("the queue is empty", || gateway.active() == 0);
    let mut arrived: Vec<_> = sink.deliveries().iter().map(|one| one.rcpts[0].address.clone()).collect();
    arrived.sort();
    assert_eq!(arrived, [0, 1, 3, 4].map(|number| format!("box-number-{number}@example.com")));
    let reply = gateway.json("displayalerts");
    let shown = reply["alerts"].to_string();
    assert!(shown.contains("MID 3") || shown.contains("message 3"), "{reply:#}");
    // It stays set apart: the next start neither delivers it nor stumbles over it.
    assert!(gateway.stop().success());
    gateway.run();
    assert!(send(&gateway, 7).starts_with("250 "));
    assert!(sink.wait_for(5, PATIENCE));
    wait_until("the queue is empty", || gateway.active() == 0);
    assert_eq!(sink.sums().messages, 5);
}

#[test]
fn a_message_with_damaged_content_is_set_apart_and_the_rest_is_delivered() {
    one_of_five_is_damaged("number 2 of many");
}

#[test]
fn a_message_with_a_damaged_envelope_is_set_apart_and_the_rest_is_delivered() {
    one_of_five_is_damaged("box-number-2");
}

#[test]
fn damaged_content_in_a_segment_is_set_apart_too() {
    let next = next_hop();
    let mut gateway = Gateway::start(&all_to(next));
    let mut talk = Talk::with(gateway.smtp);
    talk.say("EHLO client.test");
    for number in 0..3 {
        let line = format!("large number {number} goes on and on and on\r\n");
        let content = format!("Subject: large\r\n\r\n{}", line.repeat(2_000));
        let reply = talk.send_mail("a@sender.test", &[&format!("b{number}@example.com")], &content);
        assert!(reply.starts_with("250 "), "{reply}");
    }
    drop(talk);
    assert!(gateway.stop().success());
    assert!(damage(&gateway.folder.path().join("data/spool"), b"large number 1 goes") > 0);
    let sink = sink_at(next);
    gateway.run();
    assert!(sink.wait_for(2, PATIENCE));
    wait_until("the queue is empty", || gateway.active() == 0);
    let mut arrived: Vec<_> = sink.deliveries().iter().map(|one| one.rcpts[0].address.clone()).collect();
    arrived.sort();
    assert_eq!(arrived, ["b0@example.com", "b2@example.com"]);
    assert!(!alerts(&gateway).is_empty());
}

#[test]
fn what_a_damaged_log_of_the_database_takes_with_it_is_told() {
    let next = next_hop();
    let mut gateway = Gateway::start(&all_to(next));
    for number in 0..5 {
        assert!(send(&gateway, number).starts_with("250 "));
    }
    wait_until("the ledger has them all", || gateway.log().contains("MID 5 queued for delivery"));
    // After a crash the database's own log still holds everything, and ends where it cannot be believed.
    gateway.kill();
    assert!(damage(&gateway.folder.path().join("data/spool"), b"number 2 of many") > 0);
    let sink = sink_at(next);
    gateway.run();
    assert!(sink.wait_for(2, PATIENCE));
    assert!(alerts(&gateway).contains(&"spool-behind".to_owned()), "{:?}", alerts(&gateway));
    let arrived = sink.deliveries();
    assert!(arrived.iter().all(|one| !one.rcpts[0].address.contains("number-2")), "{arrived:?}");
    // It goes on, with numbers that were never used before.
    assert!(send(&gateway, 9).starts_with("250 "));
    assert!(sink.wait_for(3, PATIENCE));
}
