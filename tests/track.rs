//! Message tracking from outside: mail is found by what is known of it, soon, whole, and over restarts.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::time::{Duration, Instant};

use serde_json::Value;
use world::places::{all_to, mail_to, mailreeve, sink};
use world::{Gateway, Talk, wait_until};

/// What happened is found so soon after it happened.
const SOON: Duration = Duration::from_secs(2);

fn track(gateway: &Gateway, words: &[&str]) -> Value {
    let output = mailreeve(&gateway.config(), &[&["track"], words, &["--json"]].concat());
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn letter(gateway: &Gateway, sender: &str, recipient: &str, subject: &str) {
    let mut talk = Talk::with(gateway.smtp);
    talk.say("EHLO letter.test");
    let content = format!("Subject: {subject}\r\nMessage-ID: <one@letter.test>\r\n\r\nbody");
    let told = talk.send_mail(sender, &[recipient], &content);
    assert!(told.starts_with("250 "), "{told}");
    talk.say("QUIT");
}

#[test]
fn mail_is_found_by_what_is_known_of_it_and_its_way_is_told() {
    let sink = sink();
    let mut gateway = Gateway::start(&all_to(sink.address()));
    let sent = Instant::now();
    letter(&gateway, "Ann@letter.test", "bob@one.test", "=?UTF-8?B?6KuL5rGC5pu444Gu44GU5qGI5YaF?=");
    wait_until("it is found", || track(&gateway, &["subject", "請求"])["total"] == 1);
    assert!(sent.elapsed() < SOON + Duration::from_secs(1), "{:?}", sent.elapsed());
    wait_until("it is delivered", || track(&gateway, &["state", "delivered"])["total"] == 1);
    let icid = track(&gateway, &["mid", "1"])["rows"][0]["icid"].to_string();
    let searches: [&[&str]; 8] = [
        &["sender", "ann@"],
        &["sender", "=ANN@letter.test"],
        &["recipient", "@one.test"],
        &["message-id", "<one@letter.test>"],
        &["event", "received", "from", "1h"],
        &["host", "one.test"],
        &["ip", &sink.address().ip().to_string()],
        &["icid", &icid],
    ];
    for words in searches {
        let found = track(&gateway, words);
        assert_eq!(
            (found["total"].as_u64(), &found["rows"][0]["mid"]),
            (Some(1), &Value::from(1)),
            "{words:?}: {found}"
        );
    }
    let none = gateway.text("track sender nobody@nowhere.test");
    assert!(none.starts_with("Nothing fits") && none.contains("Records reach from "), "{none}");
    let told = gateway.text("track 1");
    for part in [
        "Message 1 from <Ann@letter.test> was begun over ICID ",
        "Recipient 0, <bob@one.test>, was accepted.",
        "Message 1 was queued for delivery to one.test.",
        "Recipients 0 were delivered to one.test over DCID ",
        "Message 1 is finished",
        "[0] bob@one.test: delivered",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let unknown = gateway.command("track 4711");
    let errors = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(
        !unknown.status.success() && errors.contains("MID 4711 is not known: records reach from "),
        "{errors}"
    );
    gateway.stop();
    gateway.run();
    wait_until("it is found after a restart", || track(&gateway, &["mid", "1"])["total"] == 1);
    gateway.text("track rebuild");
    wait_until("it is found after a rebuild", || {
        track(&gateway, &["recipient", "bob@one.test"])["total"] == 1
    });
    assert_eq!(gateway.text("track 1").lines().count(), told.lines().count());
}

#[test]
fn connections_that_became_no_message_are_found_too() {
    let gateway = Gateway::start("");
    let mut talk = Talk::with(gateway.smtp);
    talk.say("EHLO refused.test");
    talk.say("MAIL FROM:<ann@refused.test>");
    assert!(talk.say("RCPT TO:<bob@elsewhere.test>").starts_with("550 "));
    wait_until("it is found while it is open", || track(&gateway, &["state", "connected"])["total"] == 1);
    talk.say("QUIT");
    wait_until("it is found when it has ended", || {
        let found = track(&gateway, &["recipient", "bob@elsewhere", "state", "no-message"]);
        found["total"] == 1 && found["rows"][0]["mid"].is_null()
    });
    let refused = track(&gateway, &["recipient", "bob@elsewhere", "event", "refused"]);
    assert_eq!(refused["total"], 2, "the message and its connection: {refused}");
}

#[test]
fn the_books_prove_themselves() {
    let sink = sink();
    let gateway = Gateway::start(&all_to(sink.address()));
    mail_to(&gateway, &["a@one.test", "b@two.test", "c@one.test"]);
    wait_until("all are delivered", || sink.deliveries().len() >= 2 && gateway.active() == 0);
    wait_until("the proof holds", || {
        let proof = gateway.json("prove");
        let delivered =
            proof["went"].as_array().unwrap().iter().find(|term| term["name"] == "delivered").cloned();
        proof["difference"] == 0
            && proof["disagreeing_segments"] == 0
            && proof["without_next_event"] == 0
            && delivered.is_some_and(|term| term["recipients"] == 3)
    });
    assert!(gateway.text("prove 1h").ends_with("Nothing is missing.\n"));
    let before = gateway.command("prove 2001-01-01 2001-01-02");
    assert!(!before.status.success());
}
