//! What is told in different places is the same: numbers of attempts, whose attempt it was, how far it got, what probes
//! found, and whose order it is.

use mailreeve_lab::host::{Detail, Temper};
use mailreeve_lab::world::{Absent, Plight};
use serde_json::Value;

use crate::setting::{Setting, commands, one_screen, shown, whole, world};
use crate::world::{Gateway, Talk, wait_until};

/// The step of this key, if there is one.
fn step<'a>(answer: &'a Value, key: &str) -> Option<&'a Value> {
    answer["chain"].as_array().unwrap().iter().find(|step| step["key"] == key)
}

/// A try that an operator forces has a number as every other, and the same one wherever it is told.
#[test]
fn a_forced_try_has_one_number_everywhere() {
    let net = world();
    let domain = net.domain_name();
    net.settle(&domain, Temper::full()).unwrap();
    let setting = Setting::start(net, "");
    setting.send(&format!("b@{domain}"));
    let first = setting.explained(&format!("b@{domain}"), "queued", "mailbox-full");
    let mid = first["subject"]["mid"].as_u64().unwrap();
    assert_eq!(step(&first, "chain.reached").unwrap()["args"]["number"], 1, "{first:#}");
    let mut answer = Value::Null;
    for number in 2..4 {
        setting.gateway.text(&format!("delivernow {domain}"));
        wait_until("the forced try is over", || {
            answer = setting.explain(&mid.to_string());
            step(&answer, "chain.reached").is_some_and(|step| step["args"]["number"] == number)
        });
    }
    let attempts = setting.gateway.json(&format!("attempts {mid}"));
    let numbers: Vec<u64> =
        attempts["attempts"].as_array().unwrap().iter().map(|it| it["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3]);
    let mut told = String::new();
    wait_until("tracking has all three", || {
        told = setting.gateway.text(&format!("track mid {mid}"));
        let flat = told.split_whitespace().collect::<Vec<_>>().join(" ");
        (1..4).all(|number| flat.matches(&format!("That was attempt {number};")).count() == 1)
    });
    // RCPT was refused; that DATA had been sent ahead and was answered too is not how far it got.
    let reached = step(&answer, "chain.reached").unwrap();
    assert_eq!(reached["args"]["stage"], "stage.rcpt", "{answer:#}");
}

/// A message that was never tried is not told of the try of another one as its own.
#[test]
fn the_try_of_another_message_is_the_destinations() {
    let net = world();
    let domain = net.domain_name();
    net.establish(&domain, &Plight::Absent(Absent::Refusing), Detail::default()).unwrap();
    let setting = Setting::start(net, "");
    setting.send(&format!("first@{domain}"));
    setting.explained(&domain, "queued", "connect-refused");
    setting.send(&format!("second@{domain}"));
    let second = setting.explained(&format!("second@{domain}"), "queued", "connect-refused");
    assert!(step(&second, "chain.failed_again").is_none(), "{second:#}");
    assert!(step(&second, "chain.host_failed").is_some(), "{second:#}");
    let first = setting.explain(&format!("first@{domain}"));
    assert!(step(&first, "chain.failed_again").is_some(), "{first:#}");
    let of_host = setting.explain(&domain);
    assert!(of_host["subject"]["mid"].is_null() && step(&of_host, "chain.accepted").is_none(), "{of_host:#}");
    let text = of_host.to_string();
    assert!(!text.contains("os error") && !text.contains("  "), "{of_host:#}");
}

/// The gateway's own probe of a destination that went down is evidence, with its time and how far it came.
#[test]
fn what_a_probe_found_is_told() {
    let net = world();
    let domain = net.domain_name();
    net.establish(&domain, &Plight::Host(Temper::silent()), Detail::default()).unwrap();
    let setting = Setting::start(net, "");
    setting.send(&format!("b@{domain}"));
    setting.explained(&domain, "queued", "banner-timeout");
    for what in [domain.clone(), format!("b@{domain}")] {
        let mut answer = Value::Null;
        wait_until("the probe is told", || {
            answer = setting.explain(&what);
            shown(&answer, "probe", "")
        });
        let probe = step(&answer, "chain.probe_failed").unwrap();
        assert_eq!(probe["args"]["stage"], "stage.connect", "{answer:#}");
        assert!(probe["at"].is_string() && probe["args"]["code"] == "banner-timeout", "{answer:#}");
        one_screen(&setting.gateway.text(&format!("explain {what}")));
    }
}

/// An order for all is taken back for all, also where nothing waits.
#[test]
fn an_idle_destination_names_the_order_for_all() {
    let net = world();
    let domain = net.domain_name();
    let host = net.settle(&domain, Temper::healthy()).unwrap();
    let setting = Setting::start(net, "");
    setting.send(&format!("b@{domain}"));
    assert!(host.wait_for(1, crate::world::PATIENCE));
    setting.explained(&format!("b@{domain}"), "delivered", "delivered");
    setting.gateway.text("suspenddel ALL 1");
    let answer = setting.explained(&domain, "idle", "delivery-suspended");
    whole(&answer);
    assert_eq!(commands(&answer), ["resumedel ALL"]);
    setting.gateway.text(&commands(&answer)[0]);
    setting.explained(&domain, "idle", "nothing-waits");
}

/// The latest thing of a sender may be a refusal, over the connection by which a message came before.
#[test]
fn a_sender_that_is_refused_after_a_message_is_answered_for() {
    let gateway = Gateway::start(
        "[queue]\nmax_recipients = 1\n[accept]\nrelay_networks = [\"127.0.0.0/8\"]\n\
         [[route]]\ndomain = \"ALL\"\nto = [\"[127.255.255.255]:2525\"]\n",
    );
    let mut talk = Talk::with(gateway.smtp);
    talk.say("EHLO client.test");
    assert!(talk.send_mail("ann@both.test", &["b@far.test"], "Subject: x\r\n\r\nx").starts_with("250"));
    wait_until("the queue is full", || {
        let mut other = Talk::with(gateway.smtp);
        other.say("EHLO client.test");
        other.say("MAIL FROM:<x@other.test>").starts_with("452")
    });
    let refused = talk.say("MAIL FROM:<ann@both.test>");
    assert!(refused.starts_with("452"), "{refused}");
    let mut answer = Value::Null;
    wait_until("the refusal is the answer", || {
        answer = gateway.json("explain from ann@both.test");
        answer["state"] == "refused"
    });
    whole(&answer);
    assert_eq!(answer["verdict"]["cause"], "refused-queue-full", "{answer:#}");
    assert!(shown(&answer, "reply", "4.3.1"), "{answer:#}");
    assert_eq!(answer["others"][0]["state"], "queued", "the message is told of too: {answer:#}");
    let of_pair = gateway.json("explain from ann@both.test to b@far.test");
    assert_eq!(of_pair["state"], "queued", "{of_pair:#}");
}
