//! What the name service says and does not say, and what becomes of the mail: answers from a real name server,
//! hosts at real sockets, and the reason as operators see it.
//!
//! Cases D7 and D8 are in `exchangers.rs`. Not run: the part of case D5 about MAIL FROM (sender checks are not
//! built yet).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::net::IpAddr;
use std::time::Duration;

use mailreeve_lab::dns::{Behaviour, RecordType, Zone};
use mailreeve_lab::host::{Detail, Host, Stage, Temper};
use world::correspondence::{LOOPBACK, Setting};
use world::{PATIENCE, wait_until};

#[test]
fn aliases_in_a_ring_and_without_end_are_told_and_waited_for() {
    let setting = Setting::start(LOOPBACK, "");
    let host = setting.host();
    setting.put(
        &Zone::new("cname.test")
            .mx(10, "a.cname.test")
            .cname("a.cname.test", "b.cname.test")
            .cname("b.cname.test", "a.cname.test"),
    );
    setting.put(&Zone::new("ring.test").cname_loop("ring.test", 3));
    setting.put(
        &Zone::new("chain.test")
            .mx(10, "start.chain.test")
            .cname_chain("start.chain.test", 64, "end.chain.test")
            .address("end.chain.test", host.address().ip()),
    );
    for domain in ["cname.test", "ring.test", "chain.test"] {
        setting.send(domain);
        let reason = setting.deferred(domain);
        assert!(reason.contains("DNS") && reason.contains("CNAME"), "{domain}: {reason}");
        assert_eq!(setting.status(domain)["status"], "unknown");
        let questions = setting.net.dns().questions();
        let asked = questions.iter().filter(|question| question.name.ends_with(domain)).count();
        assert!(asked <= 100, "{domain}: {asked} questions");
    }
    assert_eq!(host.connections(), 0);
    let log = setting.gateway.log();
    assert!(log.contains("4.4.3"), "{log}");
}

#[test]
fn an_exchanger_that_is_an_alias_is_delivered_to() {
    let setting = Setting::start(LOOPBACK, "");
    let host = setting.host();
    setting.put(
        &Zone::new("alias.test")
            .mx(10, "mx.alias.test")
            .cname("mx.alias.test", "real.alias.test")
            .address("real.alias.test", host.address().ip()),
    );
    setting.send("alias.test");
    assert!(host.wait_for(1, PATIENCE));
}

#[test]
fn a_thousand_exchangers_get_a_few_tries_and_harm_nobody() {
    let setting = Setting::start(LOOPBACK, "");
    let temper = Temper::refusing(Stage::Banner, 421);
    let busy: Vec<Host> =
        (0..50).map(|_| setting.net.host("busy.test", temper.clone(), Detail::default()).unwrap()).collect();
    let addresses: Vec<IpAddr> = busy.iter().map(|host| host.address().ip()).collect();
    setting.put(&Zone::new("thousand.test").many_mx(1000, &addresses));
    let healthy = setting.net.settle("healthy.test", Temper::healthy()).unwrap();
    // What the first message makes the gateway set up for itself is not the exchangers' doing.
    setting.send("healthy.test");
    assert!(healthy.wait_for(1, PATIENCE));
    let before = setting.gateway.json("status")["gauges"]["ram_kbytes"].as_u64().unwrap();
    setting.send("thousand.test");
    setting.send("healthy.test");
    assert!(healthy.wait_for(2, PATIENCE));
    let why = setting.waiting_after_a_try("thousand.test");
    assert!(why.contains("421"), "{why}");
    let tried: u64 = busy.iter().map(Host::connections).sum();
    assert!((1..=10).contains(&tried), "{tried} addresses were tried");
    let shown = setting.status("thousand.test");
    assert!(shown["exchangers"].as_array().unwrap().len() <= 1000);
    let after = setting.gateway.json("status")["gauges"]["ram_kbytes"].as_u64().unwrap();
    assert!(after < before + (32 << 10), "{before} KiB grew to {after} KiB");
}

#[test]
fn a_null_mx_bounces_at_once_and_one_beside_another_is_none() {
    let setting = Setting::start(LOOPBACK, "");
    let host = setting.host();
    // An address that must not be used in its place.
    setting.put(&Zone::new("null.test").null_mx().address("null.test", host.address().ip()));
    setting.send("null.test");
    let report = setting.bounced("null.test");
    assert!(report.contains("Status: 5.1.10"), "{report}");
    assert_eq!(setting.net.dns().asked("null.test", RecordType::A), 0);
    assert_eq!(host.connections(), 0);
    wait_until("nothing waits", || setting.gateway.active() == 0);

    let zone = Zone::new("both.test").null_mx().mx(10, "mx.both.test");
    setting.put(&zone.address("mx.both.test", host.address().ip()));
    setting.send("both.test");
    assert!(host.wait_for(1, PATIENCE));
}

#[test]
fn what_the_name_service_fails_to_say_is_never_taken_for_a_no() {
    let setting = Setting::start(LOOPBACK, "");
    let host = setting.host();
    for (domain, behaviour, word) in [
        ("servfail.test", Behaviour::ServFail, "SERVFAIL"),
        ("refused.test", Behaviour::Refused, "REFUSED"),
        ("silent.test", Behaviour::Silent, "timeout"),
        ("garbage.test", Behaviour::Garbage, ""),
        ("truncated.test", Behaviour::TruncatedForEver, ""),
    ] {
        setting.put(&Zone::new(domain).address(domain, host.address().ip()));
        setting.net.dns().behave_for(domain, RecordType::MX, behaviour).unwrap();
        setting.send(domain);
        let reason = setting.deferred(domain);
        assert!(
            reason.contains("DNS Soft Error") && reason.to_lowercase().contains(&word.to_lowercase()),
            "{domain}: {reason}"
        );
        assert_eq!(setting.net.dns().asked(domain, RecordType::A), 0, "{domain}: its address was asked for");
        assert_eq!(setting.status(domain)["status"], "unknown");
    }
    assert_eq!(host.connections(), 0);
    assert_eq!(setting.gateway.active(), 5);

    // The mail of all of them goes out when the answers come back.
    for domain in ["servfail.test", "refused.test", "silent.test", "garbage.test", "truncated.test"] {
        setting.net.dns().calm(domain);
        // Behaviours of a type are calmed with their name.
        wait_until("it goes out", || {
            let _ = setting.gateway.command(&format!("delivernow {domain}"));
            let status = setting.status(domain);
            status["delivered_recips"].as_u64() == Some(1)
        });
    }
    assert!(host.wait_for(5, Duration::from_secs(30)));
}

#[test]
fn a_name_that_does_not_exist_bounces_and_one_without_mx_is_its_own() {
    let setting = Setting::start(LOOPBACK, "");
    setting.send("nowhere.test");
    let report = setting.bounced("nowhere.test");
    assert!(report.contains("Status: 5.1.2"), "{report}");
    let host = setting.host();
    setting.put(&Zone::new("implicit.test").address("implicit.test", host.address().ip()));
    setting.send("implicit.test");
    assert!(host.wait_for(1, PATIENCE));
    wait_until("nothing waits", || setting.gateway.active() == 0);
}
