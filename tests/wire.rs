//! Connections as operators read of them afterwards: handshakes that failed, certificates that were turned down, and a
//! test message on its way.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use mailreeve_lab::host::{Host, Stage, Temper, TlsTemper};
use mailreeve_lab::world::World;
use serde_json::Value;
use world::places::{by_dns, mail_to, settle, trusting};
use world::{Gateway, PATIENCE, Talk, wait_until};

struct Setting {
    net: World,
    gateway: Gateway,
}

impl Setting {
    /// A gateway that trusts the lab's authority alone.
    fn start(more: &str) -> Self {
        let net = World::start(43).unwrap();
        let mut gateway = Gateway::prepare(&format!("{}{more}", by_dns(&net, "refused_networks = []")));
        trusting(&mut gateway, &net);
        gateway.run();
        Self { net, gateway }
    }

    fn settle(&self, domain: &str, temper: Temper) -> Host {
        settle(&self.net, domain, temper)
    }
}

fn verified(domain: &str) -> String {
    format!("[[destination]]\ndomain = \"{domain}\"\ntls = \"verify\"\n")
}

fn texts(reply: &Value) -> Vec<String> {
    let conversations = reply["conversations"].as_array().unwrap();
    let lines = conversations.iter().flat_map(|conversation| conversation["lines"].as_array().unwrap());
    lines.map(|line| line["text"].as_str().unwrap().to_owned()).collect()
}

/// What is known of an inbound connection.
fn inbound(gateway: &Gateway, icid: u64) -> Option<Value> {
    let output = gateway.command(&format!("transcript icid {icid} --json"));
    output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
}

/// The number of the connection that greets as `client.test`: those who only looked for the banner have others.
fn icid_of_the_client(gateway: &Gateway) -> Option<u64> {
    let greets = |told: Value| texts(&told).iter().any(|line| line == "EHLO client.test");
    (1..6).find(|icid| inbound(gateway, *icid).is_some_and(greets))
}

#[test]
fn a_handshake_that_fails_on_the_way_in_is_told_with_the_end_of_its_connection() {
    let gateway = Gateway::start("");
    let mut talk = Talk::with(gateway.smtp);
    talk.say("EHLO client.test");
    assert!(talk.say("STARTTLS").starts_with("220"));
    talk.send(b"this is no handshake\r\n");
    let mut told = Value::Null;
    wait_until("it is told", || {
        let found = icid_of_the_client(&gateway).and_then(|icid| inbound(&gateway, icid));
        told = found.map_or(Value::Null, |mut found| found["conversations"][0].take());
        !told["tcp"].is_null()
    });
    assert_eq!(
        (&told["tcp"]["closed_first"], &told["tcp"]["sent_again"]),
        (&"we".into(), &0.into()),
        "{told}"
    );
    let lines = told["lines"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap());
    let lines: Vec<&str> = lines.collect();
    assert!(lines.iter().any(|line| line.starts_with("TLS failed: ")), "{lines:#?}");
    assert!(lines.last().unwrap().starts_with("TCP: "), "{lines:#?}");
}

/// What operators read of each way in which TLS comes to nothing, where it has to verify: who is at fault can be seen
/// from the cause alone, and of a certificate that is turned down everything that it said.
#[test]
fn a_certificate_that_is_turned_down_is_told_with_all_that_it_says() {
    let rows = [
        ("self-signed.test", TlsTemper::SelfSigned, "tls-certificate-untrusted", "self-signed"),
        ("expired.test", TlsTemper::Expired, "tls-certificate-expired", "the certificate expired "),
        (
            "wrong.test",
            TlsTemper::WrongName("other.test".into()),
            "tls-name-mismatch",
            "is for other.test, not for ",
        ),
        ("version.test", TlsTemper::NoCommonVersion, "tls-handshake", ""),
        ("garbage.test", TlsTemper::Garbage, "tls-handshake", ""),
        ("close.test", TlsTemper::Close, "tls-handshake", ""),
        ("refuse.test", TlsTemper::Refuse, "tls-not-offered", ""),
    ];
    let codes = ["tls-certificate-untrusted", "tls-certificate-expired", "tls-name-mismatch"];
    let setting = Setting::start(&rows.clone().map(|(domain, ..)| verified(domain)).concat());
    for (number, (domain, tls, cause, words)) in rows.into_iter().enumerate() {
        let host = setting.settle(domain, Temper::healthy().tls(tls));
        mail_to(&setting.gateway, &[&format!("b@{domain}")]);
        let attempts = format!("attempts {}", number + 1);
        wait_until("the attempt is recorded", || setting.gateway.command(&attempts).status.success());
        let attempt = setting.gateway.json(&attempts)["attempts"][0].clone();
        assert_eq!(attempt["failure"]["cause"], cause, "{attempt}");
        let text = attempt["failure"]["text"][0].as_str().unwrap();
        assert!(text.contains(words), "{text}");
        assert!(attempt["tcp"]["closed_first"].is_string(), "{attempt}");
        let said = setting.gateway.text(&format!("transcript dcid {}", attempt["dcid"]));
        let certificate = &attempt["certificate"];
        if words.is_empty() {
            assert!(certificate.is_null(), "{attempt}");
            continue;
        }
        assert_eq!(
            (&certificate["verified"], &certificate["problem_code"]),
            (&false.into(), &codes[number].into())
        );
        assert!(text.ends_with(certificate["problem"].as_str().unwrap()), "{attempt}");
        let named = if domain == "wrong.test" { "other.test" } else { host.name() };
        assert_eq!(certificate["names"], serde_json::json!([named]));
        let fingerprint = certificate["fingerprint"].as_str().unwrap();
        assert_eq!(fingerprint.len(), 64);
        assert!(said.contains("- TLS certificate: ") && said.contains(fingerprint), "{said}");
        assert!(setting.gateway.text(&attempts).contains(&format!("[{}]", codes[number])));
    }
}

#[test]
fn a_test_message_is_ordinary_mail_and_followed_to_its_end() {
    let setting = Setting::start("");
    let host = setting.settle("good.test", Temper::healthy().tls(TlsTemper::Good));
    let reply = setting.gateway.json("smtpping good.test b@good.test a@sender.test");
    assert_eq!(
        (&reply["verdict"]["usable"], &reply["sent"]["ended"]),
        (&true.into(), &true.into()),
        "{reply}"
    );
    assert_eq!(reply["sent"]["state"], "delivered", "{reply}");
    let steps: Vec<&str> = reply["sent"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["text"].as_str().unwrap())
        .collect();
    assert!(steps.len() >= 3 && steps.iter().any(|step| step.contains("elivered")), "{steps:#?}");
    assert!(host.wait_for(1, PATIENCE));
    assert!(host.deliveries()[0].tls);
    // It is in the counters, in the log, and found by its number.
    let mid = reply["sent"]["mid"].as_u64().unwrap();
    wait_until("it is counted", || setting.gateway.json("status")["lifetime"]["delivered_recips"] == 1);
    let track = setting.gateway.json(&format!("track {mid}"));
    assert_eq!(
        (&track["rows"][0]["sender"], &track["total"]),
        (&"a@sender.test".into(), &1.into()),
        "{track}"
    );
    assert!(setting.gateway.log().contains(&format!("Start MID {mid} ICID 0")), "{}", setting.gateway.log());
    assert!(setting.gateway.command("attempts 1").status.success());
}

#[test]
fn a_test_message_that_nobody_would_take_is_not_sent_and_one_that_fails_waits() {
    let setting = Setting::start("");
    setting.settle("unknown.test", Temper::healthy().recipient("*", 550));
    let output = setting.gateway.command("smtpping unknown.test b@unknown.test --json");
    let reply: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(reply["sent"].is_null(), "{reply}");
    assert_eq!(setting.gateway.json("status")["gauges"]["active_recips"], 0);

    // The host changes its mind at the end of the content: the message ends as any other would.
    let refusing = setting.settle("full.test", Temper::refusing(Stage::Final, 552));
    let output = setting.gateway.command("smtpping full.test b@full.test --json");
    let reply: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&reply["verdict"]["usable"], &reply["sent"]["ended"]),
        (&false.into(), &true.into()),
        "{reply}"
    );
    assert_eq!(reply["sent"]["state"], "bounced", "{reply}");
    assert!(refusing.deliveries().is_empty());
    assert!(!setting.gateway.command("smtpping full.test:2525 b@full.test").status.success());
}
