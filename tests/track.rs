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
    let (long, short) = (gateway.json("prove 2001-01-01"), gateway.text("prove 2001-01-01"));
    assert!(long["asked_from_us"].as_u64() < long["reach_us"].as_u64(), "{long}");
    assert!(short.contains("the ledger reaches back to "), "{short}");
    let before = gateway.command("prove 2001-01-01 2001-01-02");
    let told = String::from_utf8_lossy(&before.stderr).into_owned();
    assert!(!before.status.success() && told.contains("it reaches back to "), "{told}");
}

/// Whatever is asked, the answer says what was found and how far the records reach.
#[test]
fn what_cannot_be_answered_is_told_with_how_far_the_records_reach() {
    let sink = sink();
    let gateway = Gateway::start(&all_to(sink.address()));
    letter(&gateway, "ann@letter.test", "bob@one.test", "one and the same");
    letter(&gateway, "ann@letter.test", "bob@two.test", "one and the same");
    wait_until("both are found", || track(&gateway, &["subject", "and the same"])["total"] == 2);
    for words in [
        &["track", "sender", ""][..],
        &["track", "subject", "^"],
        &["track", "recipient", "@"],
        &["track", "subject", "one and the same"],
        &["track", "from", "2001-01-01"],
    ] {
        let told = said(&gateway, words);
        let all = ["MID 1 ", "MID 2 ", " records fit.", "Records reach from "];
        assert!(all.iter().all(|part| told.contains(part)), "{words:?}: {told}");
    }
    for words in [
        &["track", "to", "2001-01-01"][..],
        &["track", "icid", "4711"],
        &["track", "mid", "4711", "state", "queued"],
        &["track", "message-id", ""],
        &["track", "subject", "\u{7f}nothing"],
    ] {
        let told = said(&gateway, words);
        let reach = told.contains("Records reach from ") && told.contains("Records are kept for 30 days");
        assert!(told.starts_with("Nothing fits") && reach, "{words:?}: {told}");
    }
    let wrong = mailreeve(&gateway.config(), &["track", "from", "1h", "to", "2h"]);
    let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(!wrong.status.success() && told.contains("ends before it begins"), "{told}");
}

fn said(gateway: &Gateway, words: &[&str]) -> String {
    let output = mailreeve(&gateway.config(), words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The records are bounded, a message may wait for longer: the queue has it, so it is found.
#[test]
fn a_message_that_waits_for_longer_than_the_records_reach_is_found() {
    // Nobody listens there.
    let nobody = std::net::SocketAddr::new(world::address(), 2525);
    let mut gateway = Gateway::start(&all_to(nobody));
    letter(&gateway, "ann@letter.test", "bob@one.test", "an old letter");
    wait_until("it was tried", || track(&gateway, &["event", "deferred"])["total"] == 1);
    gateway.stop();
    for records in ["data/ledger", "data/tracking"] {
        std::fs::remove_dir_all(gateway.folder.path().join(records)).unwrap();
    }
    gateway.run();
    wait_until("the queue is read back", || gateway.active() == 1);
    let searches: [&[&str]; 5] =
        [&["mid", "1"], &["sender", "ann@"], &["subject", "old letter"], &["recipient", "@one.test"], &[]];
    let found_by = |searches: [&[&str]; 5]| {
        for words in searches {
            let found = track(&gateway, words);
            let mails: Vec<&Value> =
                found["rows"].as_array().unwrap().iter().filter(|row| !row["mid"].is_null()).collect();
            assert_eq!(mails.len(), 1, "{words:?}: {found}");
            assert_eq!(
                (&mails[0]["mid"], &mails[0]["older"]),
                (&1.into(), &true.into()),
                "{words:?}: {found}"
            );
            assert_eq!(mails[0]["states"], serde_json::json!(["queued"]), "{words:?}: {found}");
        }
    };
    found_by(searches);
    let told = gateway.text("track 1");
    for part in ["It is older than the records", "Subject: an old letter", "[0] bob@one.test: queued"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // What happens to it now is in the records, its beginning still is not.
    gateway.text("delivernow all");
    wait_until("it was tried again", || {
        gateway.json("attempts 1")["attempts"].as_array().is_some_and(|attempts| attempts.len() > 1)
    });
    found_by(searches);
    assert!(gateway.text("track 1").contains("Subject: an old letter"));
}

/// As a power cut may leave it: what was told last is torn off the ledger, and the queue tells it again.
#[test]
fn a_torn_ledger_hides_no_message_that_was_taken() {
    let sink = sink();
    let mut gateway = Gateway::start(&all_to(sink.address()));
    for round in 1..=3 {
        mail_to(&gateway, &["a@one.test", "b@two.test"]);
        wait_until("both arrived", || sink.deliveries().len() >= round * 2);
        gateway.kill();
        tear_newest(&gateway.folder.path().join("data/ledger"));
        gateway.run();
        wait_until("the queue is empty", || gateway.active() == 0);
        for mid in sent_mids(&gateway) {
            wait_until("it is found in its state", || {
                let found = track(&gateway, &["mid", &mid]);
                found["total"] == 1 && found["rows"][0]["states"] == serde_json::json!(["delivered"])
            });
        }
    }
    assert!(sent_mids(&gateway).len() >= 6);
}

/// The MIDs that the log says were taken.
fn sent_mids(gateway: &Gateway) -> std::collections::BTreeSet<String> {
    let log = gateway.log();
    let taken = log.lines().filter_map(|line| line.split_once(" queued for delivery"));
    taken.filter_map(|(front, _)| front.rsplit_once("MID ")).map(|(_, mid)| mid.to_owned()).collect()
}

/// Tears a few octets off the newest segment.
fn tear_newest(ledger: &std::path::Path) {
    let files = std::fs::read_dir(ledger).unwrap().map(|file| file.unwrap().path());
    let newest = files.filter(|path| path.extension().is_some_and(|part| part == "ledger")).max().unwrap();
    let file = std::fs::File::options().write(true).open(newest).unwrap();
    file.set_len(file.metadata().unwrap().len() - 9).unwrap();
}

#[test]
fn tracking_that_is_off_says_so_and_reads_what_it_missed_when_it_is_on_again() {
    let sink = sink();
    let mut gateway = Gateway::start(&format!("{}[tracking]\nenabled = false\n", all_to(sink.address())));
    letter(&gateway, "ann@letter.test", "bob@one.test", "unseen");
    wait_until("it arrived", || sink.deliveries().len() == 1);
    let refused = gateway.command("track sender ann@");
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("message tracking is off"), "{told}");
    gateway.stop();
    gateway.configure(&all_to(sink.address()));
    gateway.run();
    wait_until("it is found", || track(&gateway, &["sender", "ann@", "state", "delivered"])["total"] == 1);
}
