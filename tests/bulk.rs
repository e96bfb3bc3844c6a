//! Operators' orders over many recipients: each does what it says and nothing else, one that was killed in the
//! middle goes on after the start, and the counters agree all the while.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod world;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use mailreeve_lab::client::{self, Load, Quota};
use serde_json::{Value, json};
use world::places::{sink, sink_at};
use world::{Gateway, Talk, address, wait_until};

/// A gateway whose mail to `down.test` and `stay.test` waits, for hosts where nobody listens; all else goes to
/// `next`.
fn gateway(next: SocketAddr) -> Gateway {
    let mut more = String::from(
        "[accept]\nrelay_networks = [\"127.0.0.0/8\"]\n[queue]\nmax_recipients = 1000000\n\
         [log]\nrollover = \"10 GB\"\n",
    );
    for domain in ["down.test", "stay.test"] {
        more += &format!("[[route]]\ndomain = \"{domain}\"\nto = [\"[{}]:2525\"]\n", address());
    }
    more += &format!("[[route]]\ndomain = \"ALL\"\nto = [\"[{}]:{}\"]\n", next.ip(), next.port());
    Gateway::start(&more)
}

fn mail(gateway: &Gateway, sender: &str, recipients: &[&str]) {
    let mut talk = Talk::with(gateway.smtp);
    talk.say("EHLO client.test");
    let reply = talk.send_mail(sender, recipients, "Subject: a letter\r\n\r\nFrom here\r\nhello");
    assert!(reply.starts_with("250 "), "{reply}");
}

/// Hands over many messages, one recipient each.
fn load(gateway: &Gateway, domains: &[&str], count: u64) {
    let load = Load {
        target: gateway.smtp,
        sessions: 10,
        quota: Quota::Total(count),
        size: 1_000,
        per_connection: Some(500),
        reconnect: Some(Duration::from_secs(60)),
        recipient_domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
        persist: true,
        deadline: Duration::from_secs(1_800),
        ..Load::default()
    };
    let report = client::start(load).unwrap().join().unwrap();
    assert!(report.refused.is_empty(), "{report}");
}

/// One call over the socket: faster than a process for it.
fn call(gateway: &Gateway, command: &str, args: &Value) -> Value {
    let stream = UnixStream::connect(gateway.folder.path().join("socket")).unwrap();
    let call = json!({ "v": 1, "command": command, "args": args });
    (&stream).write_all(format!("{call}\n").as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line).unwrap();
    let answer: Value = serde_json::from_str(&line).unwrap();
    assert!(answer["error"].is_null(), "{command}: {answer}");
    answer["ok"].clone()
}

fn waiting_for(gateway: &Gateway, host: &str) -> u64 {
    let shown = call(gateway, "tophosts", &json!({ "key": "active_rcpts" }));
    let hosts = shown["hosts"].as_array().unwrap();
    let line = hosts.iter().find(|line| line["host"] == host);
    line.map_or(0, |line| line["active_recips"].as_u64().unwrap())
}

/// Every recipient that the log says was deleted, once.
fn deleted_in_log(gateway: &Gateway) -> BTreeSet<String> {
    let log = gateway.log();
    let deleted =
        log.lines().filter_map(|line| line.split_once("Deleted: MID ").map(|(_, what)| what.to_owned()));
    deleted.collect()
}

/// Received and made = ended and waiting (law 6).
fn counters_agree(gateway: &Gateway) {
    wait_until("counters agree", || {
        let status = call(gateway, "status detail", &json!({}));
        let (counters, number) = (&status["lifetime"], |value: &Value| value.as_u64().unwrap());
        let hard: u64 = ["dns", "5xx", "filter", "expired", "other"]
            .iter()
            .map(|kind| number(&counters[format!("{kind}_hard_bounced_recips")]))
            .sum();
        let ended = hard
            + number(&counters["delivered_recips"])
            + number(&counters["deleted_recips"])
            + number(&counters["archived_recips"]);
        let came = number(&counters["inj_recips"]) + number(&counters["gen_bounce_recips"]);
        came == ended + number(&status["gauges"]["active_recips"])
    });
}

fn refused(gateway: &Gateway, words: &str, told: &str) {
    let output = gateway.command(words);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{words}: {text}");
    assert!(text.contains(told) && text.contains("hint:"), "{words}: {text}");
}

#[test]
fn each_order_does_what_it_says_and_nothing_else() {
    let next = sink();
    let gateway = gateway(next.address());
    mail(&gateway, "a@sender.test", &["one@down.test", "two@down.test", "three@stay.test"]);
    mail(&gateway, "a@sender.test", &["four@down.test"]);
    mail(&gateway, "b@sender.test", &["five@stay.test"]);
    wait_until("all wait", || gateway.active() == 5);

    refused(&gateway, "deleterecipients host down.test", "nobody is at a terminal to be asked");
    refused(&gateway, "deleterecipients host nobody.test y", "no message waits for delivery to nobody.test");
    refused(&gateway, "bouncerecipients from c@sender.test", "no message from c@sender.test waits");
    assert_eq!(gateway.active(), 5, "nothing was done");
    assert_eq!(
        gateway.text("deleterecipients host down.test y"),
        "Deleting messages, please wait.\n3 messages deleted.\n"
    );
    assert_eq!((waiting_for(&gateway, "down.test"), waiting_for(&gateway, "stay.test")), (0, 2));
    wait_until("the log tells who and how many", || {
        let log = gateway.log();
        log.contains("Deleted: MID 1 to [0]\n")
            && log.contains("Deleted: MID 1 to [1]\n")
            && log.contains("is done: 3 recipients deleted (down.test)")
    });

    assert_eq!(
        gateway.text("bouncerecipients from A@sender.test --yes"),
        "Bouncing messages, please wait.\n1 message bounced.\n"
    );
    wait_until("the sender is told", || next.deliveries().iter().any(|one| one.mail.is_empty()));
    assert_eq!(waiting_for(&gateway, "stay.test"), 1);

    let told = gateway.text("redirectrecipients host stay.test other.test y");
    assert_eq!(told, "Redirecting messages, please wait.\n1 recipient redirected.\n");
    wait_until("it was delivered there", || gateway.active() == 0);
    assert!(gateway.log().contains("from stay.test to other.test by"), "{}", gateway.log());
    refused(&gateway, "redirectrecipients host a.test a.test y", "goes to a.test already");
    let wrong = gateway.command("redirectrecipients host a.test [b.test] y");
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("names no host"));
    counters_agree(&gateway);
    assert_eq!(gateway.json("jobs")["jobs"].as_array().unwrap().len(), 3);
    refused(&gateway, "job 99", "there is no job 99");
}

#[test]
fn one_message_is_shown_removed_and_archived() {
    let next = sink();
    let gateway = gateway(next.address());
    for name in ["one", "two", "three"] {
        mail(&gateway, "a@sender.test", &[&format!("{name}@down.test")]);
    }
    wait_until("all wait", || gateway.active() == 3);
    let shown = gateway.text("showmessage 2");
    let (title, content) = shown.split_once("\n\n").unwrap();
    assert!(title.starts_with("MID 2: ") && title.ends_with(" old"), "{title}");
    assert!(content.contains("Subject: a letter\n\nFrom here\nhello\n"), "{content}");
    let oldest = gateway.text("oldmessage");
    assert!(oldest.starts_with("MID 1: ") && oldest.contains("Subject: a letter"), "{oldest}");
    assert!(!oldest.contains("hello"), "the header alone: {oldest}");

    let told = gateway.text("archivemessage 2");
    let folder = gateway.folder.path().join("data/archive");
    let expected = format!(
        "Archiving the message, please wait.\nMID 2 has been saved in file oldmessage_2.mbox in the directory {}\n",
        folder.display()
    );
    assert_eq!(told, expected);
    let file = folder.join("oldmessage_2.mbox");
    let saved = fs::read_to_string(&file).unwrap();
    assert!(saved.starts_with("From a@sender.test "), "{saved}");
    assert!(saved.ends_with("Subject: a letter\n\n>From here\nhello\n\n"), "{saved}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(gateway.active(), 2);

    refused(&gateway, "removemessage 3", "nobody is at a terminal to be asked");
    let told = gateway.text("removemessage 3 y");
    assert_eq!(told, "Deleting messages, please wait.\nMID 3 has been removed from the queue.\n");
    assert_eq!(gateway.active(), 1);
    for words in ["showmessage 3", "showmessage 999", "removemessage 3 y", "archivemessage 2"] {
        let told =
            if words.starts_with("show") { "is not in the queue" } else { "does not wait for delivery" };
        refused(&gateway, words, told);
    }
    wait_until("the log tells of the archive", || gateway.log().contains("Archived: MID 2 to [0] by "));
    counters_agree(&gateway);
}

/// A message every 20 ms, to where mail is taken.
fn other_mail(gateway: &Gateway) -> Load {
    Load {
        target: gateway.smtp,
        sessions: 1,
        quota: Quota::Endless,
        rate: Some(50.0),
        recipient_domains: vec!["up.test".to_owned()],
        reconnect: Some(Duration::from_secs(60)),
        persist: true,
        deadline: Duration::from_secs(1_800),
        ..Load::default()
    }
}

/// The most memory that it ever took, MiB.
fn peak(gateway: &Gateway) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", gateway.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
}

/// Deletes `count` of `2 * count` waiting recipients while other mail flows, with a kill in the middle.
fn deletes_over_a_kill(count: u64) -> String {
    let next = sink_at(SocketAddr::new(address(), 2525));
    let mut gateway = gateway(next.address());
    let began = Instant::now();
    load(&gateway, &["down.test", "stay.test"], 2 * count);
    let loading = began.elapsed();
    wait_until("all wait", || gateway.active() == 2 * count);
    // Each sender takes the domains in turn: about half of all goes to each.
    let (count, staying) = (waiting_for(&gateway, "down.test"), waiting_for(&gateway, "stay.test"));
    let flow = client::start(other_mail(&gateway)).unwrap();
    let before = next.sums().messages;
    wait_until("other mail flows", || next.sums().messages > before);
    let mut talk = Talk::with(gateway.smtp);
    talk.say("EHLO client.test");
    let scope = json!({ "scope": { "host": "down.test" }, "confirmed": true });
    let began = Instant::now();
    let job = call(&gateway, "deleterecipients", &scope)["begun"].clone();
    assert_eq!(job["state"], "waiting", "{job}");
    assert!(talk.send_mail("a@sender.test", &["later@down.test"], "later").starts_with("250 "));
    let id = json!({ "id": job["id"] });
    let mut seen = Vec::new();
    let at_kill = loop {
        let job = call(&gateway, "job", &id)["jobs"][0].clone();
        let done = job["done"].as_u64().unwrap();
        seen.push(done);
        if done > count / 3 {
            break done;
        }
    };
    let flown = next.sums().messages - before;
    let memory = peak(&gateway);
    gateway.kill();
    let until_kill = began.elapsed();
    assert!(at_kill < count, "the kill came too late: {at_kill}");
    assert!(seen.is_sorted(), "progress is told: {seen:?}");

    let again = Instant::now();
    gateway.run();
    let starting = again.elapsed();
    let deadline = Instant::now() + Duration::from_secs(300);
    while call(&gateway, "job", &id)["jobs"][0]["state"] != "done" {
        assert!(Instant::now() < deadline, "{}", call(&gateway, "jobs", &json!({})));
        std::thread::sleep(Duration::from_millis(20));
    }
    let finishing = again.elapsed();
    let after = next.sums().messages;
    wait_until("other mail flows on", || next.sums().messages > after);
    flow.stop();
    flow.join().unwrap();
    assert_eq!(waiting_for(&gateway, "down.test"), 1, "what came later is not touched");
    assert_eq!(waiting_for(&gateway, "stay.test"), staying, "nothing else was deleted");
    wait_until("the log is written", || deleted_in_log(&gateway).len() as u64 == count);
    counters_agree(&gateway);
    wait_until("its end is told once more", || gateway.log().contains("recipients deleted (down.test)"));
    let memory_again = peak(&gateway);
    gateway.stop();
    gateway.run();
    assert_eq!(call(&gateway, "jobs", &json!({}))["jobs"], json!([]), "what is done is off the record");
    format!(
        "{count} of {}: loaded in {loading:.1?}; {at_kill} were deleted when it was killed after {until_kill:.2?}, \
         told in {} steps, {flown} other messages delivered meanwhile, {memory} MiB at most; answered {starting:.2?} \
         after the start, done after {finishing:.2?}, {memory_again} MiB at most",
        count + staying,
        seen.windows(2).filter(|pair| pair[0] < pair[1]).count(),
    )
}

#[test]
fn a_job_that_was_killed_goes_on_after_the_start() {
    println!("{}", deletes_over_a_kill(8_000));
}

/// `BULK_COUNT` recipients of twice as many, 100,000 without.
#[test]
#[ignore = "takes minutes: cargo test --test bulk -- --ignored --nocapture"]
fn a_hundred_thousand_are_deleted_over_a_kill() {
    let count = std::env::var("BULK_COUNT").ok().map_or(100_000, |text| text.parse().unwrap());
    println!("{}", deletes_over_a_kill(count));
}
