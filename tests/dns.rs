//! What the name service says and does not say, and what becomes of the mail: answers from a real name server,
//! hosts at real sockets, and the reason as operators see it.
//!
//! Not run here: the part of case D5 about MAIL FROM (sender checks are not built yet).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::net::{IpAddr, TcpListener};
use std::time::Duration;

use mailreeve_lab::dns::{Behaviour, RecordType, Zone};
use mailreeve_lab::host::{Detail, Host, Stage, Temper};
use mailreeve_lab::world::World;
use serde_json::Value;
use world::places::{by_dns, mail_to};
use world::{Gateway, PATIENCE, wait_until};

const LOOPBACK: &str = "refused_networks = []";

struct Setting {
    net: World,
    gateway: Gateway,
    /// Where reports go.
    sender: Host,
}

impl Setting {
    fn start(delivery: &str, more: &str) -> Self {
        let net = World::start(7).unwrap();
        let detail = Detail::Records { memory: true, content: true, file: None };
        let sender = net.settle_with("sender.test", Temper::healthy(), detail).unwrap();
        // Reports must get home whatever networks are refused.
        let home = format!(
            "[[route]]\ndomain = \"sender.test\"\nto = [\"[{}]:{}\"]\n",
            sender.address().ip(),
            net.port()
        );
        let gateway = Gateway::start(&format!("{}{home}{more}", by_dns(&net, delivery)));
        Self { net, gateway, sender }
    }

    fn put(&self, zone: &Zone) {
        self.net.dns().put(zone).unwrap();
    }

    fn host(&self) -> Host {
        self.net.host("hosts.test", Temper::healthy(), Detail::default()).unwrap()
    }

    fn send(&self, domain: &str) {
        mail_to(&self.gateway, &[&format!("b@{domain}")]);
    }

    fn status(&self, domain: &str) -> Value {
        self.gateway.json(&format!("hoststatus {domain}"))
    }

    /// Waits until the first try has failed for now; returns the reason that `hoststatus` gives.
    fn deferred(&self, domain: &str) -> String {
        let mut reason = String::new();
        wait_until(&format!("the reason why mail to {domain} waits"), || {
            let status = self.status(domain);
            reason = status["reason"].as_str().unwrap_or_default().to_owned();
            let waits =
                status["unattempted_recips"].as_u64().unwrap() + status["attempted_recips"].as_u64().unwrap();
            !reason.is_empty() && waits == 1
        });
        let status = self.status(domain);
        assert!(status["next_attempt_us"].as_u64().is_some(), "{status:#}");
        reason
    }

    /// Waits until a recipient waits for another try; returns why.
    fn waiting_after_a_try(&self, domain: &str) -> String {
        let mut why = String::new();
        wait_until(&format!("mail to {domain} has been tried"), || {
            let listed = self.gateway.json(&format!("showrecipients host {domain}"));
            let first = &listed["recipients"][0];
            why = first["why"].as_str().unwrap_or_default().to_owned();
            first["attempts"].as_u64().unwrap_or_default() > 0 && first["next_us"].is_u64()
        });
        why
    }

    /// Waits for the report that mail to `domain` bounced; returns it.
    fn bounced(&self, domain: &str) -> String {
        let mut report = None;
        wait_until(&format!("the report about {domain}"), || {
            let arrived = self.sender.deliveries();
            let about = format!("Final-Recipient: rfc822;b@{domain}");
            let contents =
                arrived.iter().filter(|one| one.mail.is_empty()).filter_map(|one| one.content.clone());
            report = contents
                .map(|content| String::from_utf8(content).unwrap())
                .find(|text| text.replace("; ", ";").contains(&about));
            report.is_some()
        });
        report.unwrap()
    }
}

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
    let before = setting.gateway.json("status")["gauges"]["ram_kbytes"].as_u64().unwrap();
    setting.send("thousand.test");
    setting.send("healthy.test");
    assert!(healthy.wait_for(1, PATIENCE));
    let why = setting.waiting_after_a_try("thousand.test");
    assert!(why.contains("421"), "{why}");
    let tried: u64 = busy.iter().map(Host::connections).sum();
    assert!((1..=10).contains(&tried), "{tried} addresses were tried");
    let shown = setting.status("thousand.test");
    assert!(shown["exchangers"].as_array().unwrap().len() <= 1000);
    let after = setting.gateway.json("status")["gauges"]["ram_kbytes"].as_u64().unwrap();
    assert!(after < before + (16 << 10), "{before} KiB grew to {after} KiB");
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
fn addresses_of_our_own_insides_are_never_connected_to_on_the_word_of_dns() {
    let setting = Setting::start("", "");
    let port = setting.net.port();
    let inside =
        TcpListener::bind(("0.0.0.0", port)).or_else(|_| TcpListener::bind(("127.0.0.1", port))).unwrap();
    inside.set_nonblocking(true).unwrap();
    let forbidden = [
        "127.0.0.1",
        "0.0.0.0",
        "::1",
        "::ffff:127.0.0.1",
        "169.254.169.254",
        "10.1.2.3",
        "172.16.1.1",
        "192.168.1.1",
        "fd00::1",
    ];
    for (number, address) in forbidden.iter().enumerate() {
        let domain = format!("inside{number}.test");
        let address: IpAddr = address.parse().unwrap();
        let mx = format!("mx.{domain}");
        setting.put(&Zone::new(&domain).mx(10, &mx).address(&mx, address));
        setting.send(&domain);
        let reason = setting.deferred(&domain);
        assert!(reason.contains("refused_networks"), "{address}: {reason}");
    }
    setting.put(&Zone::new("localhost").address("localhost", "127.0.0.1".parse::<IpAddr>().unwrap()));
    setting.put(&Zone::new("by-name.test").mx(10, "localhost"));
    setting.send("by-name.test");
    assert!(setting.deferred("by-name.test").contains("refused_networks"));
    assert!(inside.accept().is_err(), "somebody came");
}

#[test]
fn an_address_inside_is_reached_when_the_operator_routes_to_it() {
    let net = World::start(8).unwrap();
    let host = net.host("hosts.test", Temper::healthy(), Detail::default()).unwrap();
    net.dns().put(&Zone::new("hosts.test").address(host.name(), host.address().ip())).unwrap();
    let route = format!("[[route]]\ndomain = \"routed.test\"\nto = [\"{}:{}\"]\n", host.name(), net.port());
    let gateway = Gateway::start(&format!("{}{route}", by_dns(&net, "")));
    mail_to(&gateway, &["b@routed.test"]);
    assert!(host.wait_for(1, PATIENCE));
}

#[test]
fn mail_that_leads_back_to_us_bounces_as_a_loop() {
    let net = World::start(9).unwrap();
    let detail = Detail::Records { memory: true, content: true, file: None };
    let sender = net.settle_with("sender.test", Temper::healthy(), detail).unwrap();
    let mut gateway = Gateway::prepare("");
    let own = gateway.smtp;
    // Ordinary delivery goes to our own port here, so that our own address is really our own.
    let settings =
        by_dns(&net, LOOPBACK).replace(&format!("port = {}", net.port()), &format!("port = {}", own.port()));
    let home = format!(
        "[[route]]\ndomain = \"sender.test\"\nto = [\"[{}]:{}\"]\n",
        sender.address().ip(),
        net.port()
    );
    gateway.configure(&format!("{settings}{home}"));
    gateway.run();
    net.dns().put(&Zone::new("self.test").mx(10, "mx.self.test").address("mx.self.test", own.ip())).unwrap();
    net.dns().put(&Zone::new("name.test").mx(10, "gw.test")).unwrap();
    let setting = Setting { net, gateway, sender };
    for domain in ["self.test", "name.test"] {
        setting.send(domain);
        let report = setting.bounced(domain);
        assert!(report.contains("Status: 5.4.6"), "{report}");
    }
    wait_until("nothing waits", || setting.gateway.active() == 0);
}

#[test]
fn a_backup_delivers_to_better_exchangers_only() {
    let setting = Setting::start(LOOPBACK, "");
    let (first, last) = (setting.host(), setting.host());
    let zone = Zone::new("backup.test")
        .mx(10, "a.backup.test")
        .mx(20, "gw.test")
        .mx(20, "b.backup.test")
        .mx(30, "c.backup.test");
    setting.put(
        &zone
            .address("a.backup.test", first.address().ip())
            .address("b.backup.test", last.address().ip())
            .address("c.backup.test", last.address().ip()),
    );
    setting.send("backup.test");
    assert!(first.wait_for(1, PATIENCE));
    first.change(Temper::refusing(Stage::Banner, 421));
    wait_until("the kept connection is closed", || first.open_connections() == 0);
    setting.send("backup.test");
    setting.waiting_after_a_try("backup.test");
    assert_eq!(last.connections(), 0, "an exchanger behind ourselves was used");
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
            status["completion"]["delivered_recips"].as_u64() == Some(1)
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
