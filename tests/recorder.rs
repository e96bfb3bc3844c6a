//! What was tried and what was said, as operators read it, over restarts and kills.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use mailreeve_lab::host::{Temper, TlsTemper};
use mailreeve_lab::world::World;
use serde_json::Value;
use world::places::{all_to, by_dns, mail_to, mailreeve, sink};
use world::scripted::{host, say};
use world::{Gateway, PATIENCE, Talk, address, wait_until};

fn texts(reply: &Value) -> Vec<String> {
    let conversations = reply["conversations"].as_array().unwrap();
    let lines = conversations.iter().flat_map(|conversation| conversation["lines"].as_array().unwrap());
    lines.map(|line| line["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn attempts_tell_how_far_each_try_got_and_conversations_what_was_said() {
    let at = host("220 mx.test", &[("RCPT", "450 4.2.1 mailbox busy")]);
    let mut gateway = Gateway::start(&all_to(at));
    mail_to(&gateway, &["b@example.com"]);
    wait_until("it was tried", || gateway.json("status")["gauges"]["attempted_recips"] == 1);
    gateway.text("delivernow all");
    let attempts = |gateway: &Gateway| gateway.json("attempts 1")["attempts"].as_array().unwrap().clone();
    wait_until("it was tried again", || attempts(&gateway).len() == 2);
    let first = attempts(&gateway)[0].clone();
    assert_eq!(first["outcome"], "deferred");
    assert_eq!(first["peer"], at.to_string());
    assert_eq!(
        (&first["failure"]["stage"], &first["failure"]["cause"]),
        (&"rcpt".into(), &"reply-4xx".into())
    );
    assert_eq!((&first["failure"]["code"], &first["reply"][0]), (&450.into(), &"4.2.1 mailbox busy".into()));
    let stages: Vec<&str> =
        first["stages"].as_array().unwrap().iter().map(|line| line["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["connect", "greeting", "ehlo", "mail", "rcpt"]);
    assert!(first["local"].as_str().is_some_and(|local| local.starts_with("127.")));

    let dcid = first["dcid"].as_u64().unwrap();
    let said = texts(&gateway.json(&format!("transcript dcid {dcid}")));
    for wanted in ["220 mx.test", "EHLO gw.test", "RCPT TO:<b@example.com>", "450 4.2.1 mailbox busy"] {
        assert!(said.iter().any(|line| line == wanted), "{wanted} is not in {said:#?}");
    }
    // About the message there is what was said on its way in, too.
    let about = gateway.text("transcript mid 1");
    assert!(about.contains("ICID ") && about.contains(&format!("DCID {dcid}")), "{about}");
    assert!(about.contains("> 220 gw.test") && about.contains("octets of content]"), "{about}");

    // After a kill all of it is there.
    gateway.kill();
    gateway.run();
    // The connection that it was made over may have ended meanwhile, and says how.
    let but_its_end = |mut attempt: Value| {
        attempt["tcp"].take();
        attempt
    };
    assert_eq!(but_its_end(attempts(&gateway)[0].clone()), but_its_end(first));
    // The connection may have said goodbye meanwhile.
    assert!(texts(&gateway.json(&format!("transcript dcid {dcid}"))).starts_with(&said));
    let nothing = gateway.command("transcript dcid 999999");
    assert_eq!(nothing.status.code(), gateway.command("attempts 999999").status.code());
    assert!(!nothing.status.success());
    let told = String::from_utf8(nothing.stderr).unwrap();
    assert!(told.contains("nothing of DCID 999999 is kept") && told.contains("reach back to"), "{told}");
}

#[test]
fn a_host_that_refuses_connections_is_an_attempt_of_whom_it_was_tried_for() {
    let gateway = Gateway::start(&all_to(SocketAddr::new(address(), 2525)));
    mail_to(&gateway, &["b@example.com"]);
    wait_until("it was tried", || gateway.command("attempts 1 0").status.success());
    let attempt = gateway.json("attempts 1 0")["attempts"][0].clone();
    assert_eq!(attempt["failure"]["cause"], "connect-refused");
    assert_eq!(attempt["peer"], Value::Null);
    assert!(gateway.text("attempts 1").contains("connect (connect-refused)"));
}

#[test]
fn look_ups_exchangers_and_certificates_are_told() {
    let net = World::start(23).unwrap();
    let gateway = Gateway::start(&by_dns(&net, "refused_networks = []"));
    let host = net.settle("good.test", Temper::healthy().tls(TlsTemper::Expired)).unwrap();
    mail_to(&gateway, &["b@good.test", "b@nowhere.invalid.test"]);
    let told = |mid: u32| gateway.command(&format!("attempts {mid}")).status.success();
    wait_until("both were tried", || told(1) && told(2));
    let attempt = gateway.json("attempts 1")["attempts"][0].clone();
    let stages: Vec<&str> =
        attempt["stages"].as_array().unwrap().iter().map(|line| line["stage"].as_str().unwrap()).collect();
    assert_eq!(stages[..5], ["dns", "connect", "greeting", "ehlo", "starttls"]);
    assert_eq!(stages.last(), Some(&"final"));
    assert_eq!((&attempt["outcome"], &attempt["exchanger"]), (&"delivered".into(), &host.name().into()));
    assert!(
        attempt["tls"].as_str().is_some_and(|tls| tls.contains("TLSv1.3") && tls.contains("not verified"))
    );
    // The lab's certificate ended in 2020.
    assert!(attempt["certificate"]["not_after"].as_i64().is_some_and(|until| until < 1_620_000_000));
    assert!(gateway.text("transcript mid 1").contains("- TLS: TLSv1.3"));

    let unknown = gateway.json("attempts 2")["attempts"][0].clone();
    assert_eq!((&unknown["dcid"], &unknown["failure"]["stage"]), (&0.into(), &"dns".into()));
}

/// A mail host that takes one message and then does this with the connection.
fn host_that_ends(ends: fn(&mut BufReader<std::net::TcpStream>)) -> SocketAddr {
    let listener = TcpListener::bind(SocketAddr::new(address(), 2525)).unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let _ = say(&mut reader, "220 mx.test");
            ends(&mut reader);
        }
    });
    at
}

fn hear(reader: &mut BufReader<std::net::TcpStream>) -> String {
    let mut line = String::new();
    let _ = reader.read_line(&mut line);
    line
}

/// What the kernel knew of the connection of the only attempt of MID 1.
fn tcp_of_the_attempt(gateway: &Gateway) -> Value {
    let mut tcp = Value::Null;
    wait_until("the end of the connection is told", || {
        if gateway.command("attempts 1").status.success() {
            tcp = gateway.json("attempts 1")["attempts"][0]["tcp"].take();
        }
        !tcp.is_null()
    });
    tcp
}

#[test]
fn who_ended_a_connection_and_how_its_path_was_is_told() {
    for (ends, closed_first) in [
        // It says goodbye to the greeting, in order.
        ((|reader| drop(hear(reader))) as fn(&mut BufReader<std::net::TcpStream>), "they"),
        // What it never reads makes the kernel reset the connection.
        (|reader| assert!(reader.get_mut().peek(&mut [0]).is_ok()), "reset"),
        // It says nothing any more, until the gateway has given up.
        (
            |reader| {
                hear(reader);
                hear(reader);
            },
            "timeout",
        ),
    ] {
        let at = host_that_ends(ends);
        let gateway = Gateway::start(&format!("{}[delivery.timeouts]\nhelo = \"1s\"\n", all_to(at)));
        mail_to(&gateway, &["b@example.com"]);
        let tcp = tcp_of_the_attempt(&gateway);
        assert_eq!(tcp["closed_first"], closed_first, "{tcp}");
        assert!(tcp["rtt_us"].as_u64().unwrap() > 0 && tcp["segments"].as_u64().unwrap() >= 2, "{tcp}");
        assert_eq!((&tcp["sent_again"], &tcp["lost_packets"]), (&0.into(), &false.into()), "{tcp}");
        assert!(gateway.text("attempts 1").contains("    TCP:      round trip "));
        let dcid = gateway.json("attempts 1")["attempts"][0]["dcid"].take();
        let said = gateway.json(&format!("transcript dcid {dcid}"));
        assert_eq!(said["conversations"][0]["tcp"], tcp, "{said}");
        assert!(texts(&said).last().unwrap().starts_with("TCP: round trip "), "{said}");
    }
}

#[test]
fn the_end_of_a_connection_that_carried_mail_is_told_with_its_attempts() {
    let sink = sink();
    let gateway = Gateway::start(&all_to(sink.address()));
    mail_to(&gateway, &["b@example.com"]);
    assert!(sink.wait_for(1, PATIENCE));
    // The attempt was over before the connection: its end is found in what was said.
    assert_eq!(tcp_of_the_attempt(&gateway)["closed_first"], "we");
    let about = gateway.json("transcript mid 1");
    let inbound = about["conversations"].as_array().unwrap().iter().find(|told| told["kind"] == "ICID");
    assert_eq!(inbound.unwrap()["tcp"]["closed_first"], "they", "{about}");
}

#[test]
fn what_was_said_is_found_while_the_conversation_goes_on() {
    let gateway = Gateway::start("");
    let mut talk = Talk::with(gateway.smtp);
    talk.say("EHLO client.test");
    let found = |icid: u64| {
        let output = gateway.command(&format!("transcript icid {icid}"));
        output.status.success().then(|| gateway.json(&format!("transcript icid {icid}")))
    };
    let began = Instant::now();
    let mut icid = 0;
    // Those who only looked for the banner have other numbers.
    wait_until("it is found", || {
        let greets = |told: Value| texts(&told).iter().any(|line| line == "EHLO client.test");
        icid = (1..6).find(|icid| found(*icid).is_some_and(greets)).unwrap_or_default();
        icid > 0
    });
    // Two seconds, and what the commands themselves take on a busy machine.
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let conversation = || found(icid);
    talk.say("NOOP");
    wait_until("more of it is found", || {
        conversation().is_some_and(|told| texts(&told).iter().any(|line| line == "NOOP"))
    });
    let told = conversation().unwrap();
    assert_eq!(
        (&told["conversations"][0]["ended"], &told["conversations"][0]["tcp"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(texts(&told).iter().filter(|line| *line == "EHLO client.test").count(), 1);
    drop(talk);
    wait_until("its end is told", || {
        conversation().is_some_and(|told| told["conversations"][0]["tcp"]["closed_first"] == "they")
    });
    let whole = texts(&conversation().unwrap());
    assert_eq!(whole.iter().filter(|line| *line == "EHLO client.test").count(), 1, "{whole:#?}");
    assert!(whole.iter().any(|line| line.starts_with("lost: ")), "{whole:#?}");
}

#[test]
fn a_first_try_that_goes_well_is_an_attempt_too() {
    let sink = sink();
    let gateway = Gateway::start(&all_to(sink.address()));
    mail_to(&gateway, &["b@example.com"]);
    assert!(sink.wait_for(1, PATIENCE));
    wait_until("it is told", || gateway.command("attempts 1").status.success());
    let attempt = gateway.json("attempts 1")["attempts"][0].clone();
    assert_eq!(attempt["outcome"], "delivered");
    assert!(attempt["stages"].as_array().unwrap().iter().any(|line| line["stage"] == "final"));
}

#[test]
fn a_recorder_that_is_off_keeps_nothing_and_says_so() {
    let sink = sink();
    let gateway = Gateway::start(&format!("{}[recorder]\nenabled = false\n", all_to(sink.address())));
    mail_to(&gateway, &["b@example.com"]);
    assert!(sink.wait_for(1, PATIENCE));
    assert!(!gateway.folder.path().join("data/recorder").exists());
    let refused = gateway.command("transcript icid 1");
    assert!(!refused.status.success());
    assert!(String::from_utf8(refused.stderr).unwrap().contains("the recorder is off"));
    assert!(gateway.text("status").contains("Recorder:                      off"));
    let checked = mailreeve(&gateway.config(), &["status"]);
    assert!(checked.status.success());
}
