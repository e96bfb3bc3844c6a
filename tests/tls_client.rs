//! TLS towards next hops of every quality: encrypted where it can be, in clear with the reason kept where it
//! may be, not at all where it must not.
//!
//! Not run: C2 and C4, whose policies (DANE, MTA-STS, REQUIRETLS) are not built yet.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::time::Duration;

use mailreeve_lab::host::{Act, Ending, Host, Rule, Span, Stage, Temper, TlsTemper};
use mailreeve_lab::world::World;
use world::places::{by_dns, mail_to, settle, trusting};
use world::{Gateway, PATIENCE, wait_until};

struct Setting {
    net: World,
    gateway: Gateway,
}

impl Setting {
    fn start(more: &str) -> Self {
        let net = World::start(11).unwrap();
        let mut gateway = Gateway::prepare(&format!(
            "{}{more}\n[[bounce_profile]]\nname = \"default\"\ninitial = \"1s\"\nmax_interval = \"1s\"\n",
            by_dns(&net, "refused_networks = []")
        ));
        trusting(&mut gateway, &net);
        gateway.run();
        Self { net, gateway }
    }

    fn settle(&self, domain: &str, temper: Temper) -> Host {
        settle(&self.net, domain, temper)
    }

    fn send(&self, domain: &str) {
        mail_to(&self.gateway, &[&format!("b@{domain}")]);
    }

    /// Waits until mail to `domain` was tried and waits again; returns the reason.
    fn waits(&self, domain: &str) -> String {
        let mut why = String::new();
        wait_until(&format!("mail to {domain} was tried"), || {
            let listed = self.gateway.json(&format!("showrecipients host {domain}"));
            let first = &listed["recipients"][0];
            why = first["why"].as_str().unwrap_or_default().to_owned();
            first["attempts"].as_u64().unwrap_or_default() > 0 && first["next_us"].is_u64()
        });
        why
    }
}

/// The address of a host is also its one policy here.
fn demand(domain: &str, tls: &str) -> String {
    format!("[[destination]]\ndomain = \"{domain}\"\ntls = \"{tls}\"\n")
}

#[test]
fn whoever_offers_tls_gets_it_whatever_the_certificate() {
    let setting = Setting::start("");
    for (domain, tls) in [
        ("good.test", TlsTemper::Good),
        ("old.test", TlsTemper::OnlyTls12),
        ("self-signed.test", TlsTemper::SelfSigned),
        ("expired.test", TlsTemper::Expired),
        ("wrong.test", TlsTemper::WrongName("other.test".into())),
    ] {
        let host = setting.settle(domain, Temper::healthy().tls(tls));
        setting.send(domain);
        assert!(host.wait_for(1, PATIENCE), "{domain}");
        assert!(host.deliveries()[0].tls, "{domain} was delivered to in clear");
    }
    let log = setting.gateway.log();
    assert!(
        log.contains("TLS success protocol TLSv1.3") && log.contains("TLS success protocol TLSv1.2"),
        "{log}"
    );
}

/// C3 where it may be in clear, and every other way to break the handshake.
#[test]
fn broken_tls_falls_back_to_clear_text_and_the_reason_is_kept() {
    let setting = Setting::start("");
    for (domain, tls) in [
        ("refuse.test", TlsTemper::Refuse),
        ("garbage.test", TlsTemper::Garbage),
        ("close.test", TlsTemper::Close),
        ("version.test", TlsTemper::NoCommonVersion),
    ] {
        let host = setting.settle(domain, Temper::healthy().tls(tls.clone()));
        setting.send(domain);
        assert!(host.wait_for(1, PATIENCE), "{domain}");
        assert!(!host.deliveries()[0].tls);
        let tries = host.connections();
        assert!(tries <= 2, "{domain}: {tries} connections for one message");
        let mut last = String::new();
        wait_until(&format!("the last TLS error of {domain}"), || {
            let status = setting.gateway.json(&format!("hoststatus {domain}"));
            last = status["last_tls"]["text"].as_str().unwrap_or_default().to_owned();
            !last.is_empty()
        });
        assert!(setting.gateway.text(&format!("hoststatus {domain}")).contains("Last TLS Error"), "{domain}");
        assert!(setting.gateway.log().contains("TLS failed"), "{}", setting.gateway.log());
        if tls != TlsTemper::Refuse {
            // Remembered: the next message goes in clear at once.
            wait_until("the connection is closed", || host.open_connections() == 0);
            setting.send(domain);
            assert!(host.wait_for(2, PATIENCE));
            assert_eq!(host.connections(), tries + 1, "{domain}: TLS was tried again");
        }
    }
}

#[test]
fn required_tls_is_never_done_without() {
    let setting = Setting::start(
        &[
            demand("clear.test", "required"),
            demand("refuse.test", "required"),
            demand("garbage.test", "required"),
            demand("self-signed.test", "required"),
        ]
        .concat(),
    );
    let refusing = [
        setting.settle("clear.test", Temper::healthy()),
        setting.settle("refuse.test", Temper::healthy().tls(TlsTemper::Refuse)),
        setting.settle("garbage.test", Temper::healthy().tls(TlsTemper::Garbage)),
    ];
    for domain in ["clear.test", "refuse.test", "garbage.test"] {
        setting.send(domain);
        let why = setting.waits(domain);
        assert!(why.to_uppercase().contains("TLS"), "{domain}: {why}");
    }
    assert!(refusing.iter().all(|host| host.deliveries().is_empty()));
    let trusting = setting.settle("self-signed.test", Temper::healthy().tls(TlsTemper::SelfSigned));
    setting.send("self-signed.test");
    assert!(trusting.wait_for(1, PATIENCE) && trusting.deliveries()[0].tls);
    // The peer mends it and the mail goes out.
    refusing[0].change(Temper::healthy().tls(TlsTemper::Good));
    let _ = setting.gateway.text("delivernow clear.test");
    assert!(refusing[0].wait_for(1, PATIENCE) && refusing[0].deliveries()[0].tls);
}

#[test]
fn verified_tls_wants_a_certificate_of_that_name_from_an_authority_in_its_time() {
    let domains = ["good.test", "self-signed.test", "expired.test", "wrong.test"];
    let setting = Setting::start(&domains.map(|domain| demand(domain, "verify")).concat());
    let good = setting.settle("good.test", Temper::healthy().tls(TlsTemper::Good));
    setting.send("good.test");
    assert!(good.wait_for(1, PATIENCE), "{}", setting.gateway.log());
    assert!(good.deliveries()[0].tls);
    for (domain, tls) in [
        ("self-signed.test", TlsTemper::SelfSigned),
        ("expired.test", TlsTemper::Expired),
        ("wrong.test", TlsTemper::WrongName("other.test".into())),
    ] {
        let host = setting.settle(domain, Temper::healthy().tls(tls));
        setting.send(domain);
        let why = setting.waits(domain).to_lowercase();
        assert!(why.contains("certificate"), "{domain}: {why}");
        assert!(host.deliveries().is_empty(), "{domain}");
    }
}

/// An authority that nobody here trusts, and nothing else wrong.
#[test]
fn a_certificate_of_an_unknown_authority_is_told_as_that() {
    let net = World::start(12).unwrap();
    let gateway =
        Gateway::start(&format!("{}{}", by_dns(&net, "refused_networks = []"), demand("a.test", "verify")));
    net.settle("a.test", Temper::healthy().tls(TlsTemper::Good)).unwrap();
    mail_to(&gateway, &["b@a.test"]);
    wait_until("it was tried", || gateway.command("attempts 1").status.success());
    let attempt = gateway.json("attempts 1")["attempts"][0].clone();
    let certificate = &attempt["certificate"];
    assert_eq!(certificate["problem_code"], "tls-certificate-untrusted", "{attempt}");
    let problem = certificate["problem"].as_str().unwrap();
    assert!(problem.contains("authority that is not trusted here: CN=Lab root"), "{problem}");
}

/// A peer that says more in clear where TLS must begin.
fn injecting() -> Temper {
    let injected = "250-injected.test\r\n250-AUTH PLAIN\r\n250 SIZE 1\r\n".to_owned();
    Temper::healthy().tls(TlsTemper::Inject(injected))
}

/// C1 where TLS must be: it fails closed.
#[test]
fn whoever_speaks_in_clear_where_required_tls_must_begin_gets_no_mail() {
    let demands = demand("required.test", "required") + &demand("verify.test", "verify");
    let setting = Setting::start(&demands);
    for domain in ["required.test", "verify.test"] {
        let host = setting.settle(domain, injecting());
        setting.send(domain);
        let why = setting.waits(domain);
        assert!(why.contains("where TLS must begin"), "{domain}: {why}");
        assert!(host.deliveries().is_empty(), "{domain}");
        host.change(Temper::healthy().tls(TlsTemper::Good));
        let _ = setting.gateway.text(&format!("delivernow {domain}"));
        assert!(host.wait_for(1, PATIENCE), "{}", setting.gateway.log());
        assert!(host.deliveries()[0].tls, "{domain}");
    }
}

/// C1 where TLS is only preferred: that line is left at once, another goes on in clear, as after any broken handshake.
#[test]
fn whoever_speaks_in_clear_where_preferred_tls_must_begin_is_one_whose_tls_is_broken() {
    let setting = Setting::start("");
    let host = setting.settle("inject.test", injecting());
    setting.send("inject.test");
    assert!(host.wait_for(1, PATIENCE), "{}", setting.gateway.log());
    // What was injected is not believed: not its SIZE, not its extensions.
    assert!(!host.deliveries()[0].tls);
    assert_eq!(host.connections(), 2, "one line was left, another used");
    let mut last = String::new();
    wait_until("the reason is kept", || {
        let status = setting.gateway.json("hoststatus inject.test");
        last = status["last_tls"]["text"].as_str().unwrap_or_default().to_owned();
        !last.is_empty()
    });
    assert!(last.contains("where TLS must begin"), "{last}");
    assert!(setting.gateway.log().contains("TLS failed: bytes in clear"), "{}", setting.gateway.log());
    wait_until("the connection is closed", || host.open_connections() == 0);
    setting.send("inject.test");
    assert!(host.wait_for(2, PATIENCE));
    assert_eq!(host.connections(), 3, "TLS was tried again");
}

/// C5.
#[test]
fn replies_without_measure_cost_no_memory_and_no_mail() {
    let setting = Setting::start("");
    let before = setting.gateway.json("status")["gauges"]["ram_kbytes"].as_u64().unwrap();
    for (domain, octets, times) in [
        ("lines.test", b"250-and so on\r\n".to_vec(), 1_000_000),
        ("long.test", vec![b'2'; 1000], 1000),
        ("endless.test", b"250 no end of this line".to_vec(), 1_000_000),
        ("mixed.test", b"250-one\r\n550 other\r\n".to_vec(), 1),
        ("nul.test", b"250-gw.test\r\n250 SIZE\0\r\n".to_vec(), 1),
    ] {
        let rule = Rule::new(Stage::Helo, Act::Raw(octets, times)).span(Span::Always);
        let host = setting.settle(domain, Temper::healthy().rule(rule));
        setting.send(domain);
        let why = setting.waits(domain);
        assert!(!why.is_empty(), "{domain}");
        assert!(host.deliveries().is_empty());
        host.change(Temper::healthy());
        let _ = setting.gateway.text(&format!("delivernow {domain}"));
        assert!(host.wait_for(1, PATIENCE), "{domain} is lost");
    }
    // Other octets that are no text are shown as spaces and change nothing.
    let rule = Rule::new(Stage::Banner, Act::Raw(b"220 \x01\x1b[2J\x7f\r\n".to_vec(), 1));
    let host = setting.settle("control.test", Temper::healthy().rule(rule));
    setting.send("control.test");
    assert!(host.wait_for(1, PATIENCE));
    assert!(!setting.gateway.log().contains(['\0', '\x01', '\x1b']));
    let after = setting.gateway.json("status")["gauges"]["ram_kbytes"].as_u64().unwrap();
    assert!(after < before + (32 << 10), "{before} KiB grew to {after} KiB");
}

/// C6.
#[test]
fn slow_and_broken_ends_are_waited_for_no_longer_than_told_and_tried_again() {
    let times = "[delivery.timeouts]\ngreeting = \"2s\"\ndata_end = \"2s\"\n";
    let setting = Setting::start(times);
    for (domain, temper) in [
        (
            "dribble.test",
            Temper::healthy().rule(Rule::new(Stage::Banner, Act::Proceed).pace(Duration::from_secs(1))),
        ),
        ("no-end.test", Temper::healthy().at(Stage::Final, Act::End(Ending::Hang))),
        ("half.test", Temper::healthy().at(Stage::Final, Act::Raw(b"250 2.0".to_vec(), 1))),
        ("swallow.test", Temper::healthy().at(Stage::Final, Act::SwallowReply)),
    ] {
        let host = setting.settle(domain, temper);
        setting.send(domain);
        setting.waits(domain);
        let taken = host.sums().messages;
        host.change(Temper::healthy());
        let _ = setting.gateway.command(&format!("delivernow {domain}"));
        // A second copy is allowed where the first one's fate was not told; none at all is not.
        assert!(host.wait_for(taken + 1, PATIENCE), "{domain} is lost");
        wait_until("it is done", || {
            let status = setting.gateway.json(&format!("hoststatus {domain}"));
            status["delivered_recips"].as_u64() == Some(1)
        });
    }
}
