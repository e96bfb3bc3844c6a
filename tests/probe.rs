//! `probe`, `smtpping`, `tlsverify`: the way of delivery to hosts of every temper, gone without handing anything over.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use mailreeve_lab::host::{Host, Stage, Temper, TlsTemper};
use mailreeve_lab::world::{Absent, World};
use serde_json::Value;
use world::places::{by_dns, mail_to, settle, trusting};
use world::{Gateway, PATIENCE, address as address_of_ours, wait_until};

struct Setting {
    net: World,
    gateway: Gateway,
}

impl Setting {
    /// A gateway that trusts the lab's authority alone and waits two seconds for a banner; `delivery` goes on in that
    /// section, `more` behind it.
    fn start(delivery: &str, more: &str) -> Self {
        let net = World::start(41).unwrap();
        let mut gateway = Gateway::prepare(&format!(
            "{}[delivery.timeouts]\ngreeting = \"2s\"\n{more}",
            by_dns(&net, &format!("refused_networks = []\n{delivery}"))
        ));
        trusting(&mut gateway, &net);
        gateway.run();
        Self { net, gateway }
    }

    fn settle(&self, domain: &str, temper: Temper) -> Host {
        settle(&self.net, domain, temper)
    }

    fn probe(&self, words: &str) -> Value {
        let (reply, came_about) = self.gateway.tried_json(&format!("probe {words}"));
        assert_eq!(reply["verdict"]["usable"], came_about, "{reply}");
        reply
    }
}

fn stages(address: &Value) -> Vec<&str> {
    let steps = address["steps"].as_array().unwrap();
    steps.iter().map(|step| step["stage"].as_str().unwrap()).collect()
}

fn demand(domain: &str, tls: &str) -> String {
    format!("[[destination]]\ndomain = \"{domain}\"\ntls = \"{tls}\"\n")
}

#[test]
fn every_step_to_a_good_host_is_told_and_nothing_is_handed_over() {
    let setting = Setting::start("", "");
    let host = setting.settle("good.test", Temper::healthy().tls(TlsTemper::Good));
    let reply = setting.probe("good.test");
    assert_eq!((&reply["way"]["by"], &reply["way"]["tls"]), (&"MX".into(), &"Preferred".into()), "{reply}");
    let exchanger = reply["way"]["exchangers"][0]["name"].as_str().unwrap().to_owned();
    assert_eq!(reply["way"]["exchangers"][0]["addresses"].as_array().unwrap().len(), 1);
    let address = &reply["addresses"][0];
    assert_eq!(stages(address), ["connect", "banner", "EHLO", "STARTTLS", "TLS", "EHLO", "QUIT"], "{reply}");
    for step in address["steps"].as_array().unwrap() {
        assert!(step["problem"].is_null() && step["took_us"].is_u64(), "{step}");
    }
    assert!(address["steps"][1]["reply"][0].as_str().unwrap().starts_with("220 "));
    let tls = &address["tls"];
    assert_eq!((&tls["protocol"], &tls["verified"]), (&"TLSv1.3".into(), &true.into()), "{tls}");
    assert_eq!(tls["chain"][0]["names"], serde_json::json!([exchanger]));
    assert!(tls["chain"][0]["subject"].as_str().unwrap().contains(&exchanger), "{tls}");
    assert_eq!(address["verdict"]["text"], "ready for mail, under TLS");
    assert_eq!((&reply["verdict"]["usable"], &reply["verdict"]["code"]), (&true.into(), &"ok".into()));

    let reply = setting.probe("good.test b@good.test --from a@sender.test");
    let address = &reply["addresses"][0];
    assert_eq!(stages(address)[6..], ["MAIL", "RCPT", "RSET", "QUIT"], "{reply}");
    assert!(address["steps"][6]["said"].as_str().unwrap().starts_with("MAIL FROM:<a@sender.test>"));
    assert_eq!(address["verdict"]["text"], "takes the recipient, under TLS");

    let text = setting.gateway.text("probe good.test");
    assert!(text.starts_with("Probe of good.test\nWay: MX, TLS: Preferred (0."), "{text}");
    assert!(text.contains("  => ok: ready for mail, under TLS [ok]\n"), "{text}");
    assert!(text.contains("\ngood.test: its address takes mail [ok] (0."), "{text}");
    assert!(host.deliveries().is_empty() && host.complaints().is_empty(), "{:?}", host.complaints());
    let status = setting.gateway.json("status");
    assert_eq!(status["lifetime"]["delivered_recips"], 0);
    wait_until("it is on record", || setting.gateway.log().contains("Info: Probe of good.test by "));
}

#[test]
fn what_goes_wrong_is_told_with_the_cause_that_delivery_would_go_by() {
    let setting = Setting::start("", "");
    setting.net.settle_absent("refusing.test", Absent::Refusing).unwrap();
    setting.settle("silent.test", Temper::silent());
    setting.settle("banner.test", Temper::refusing(Stage::Banner, 554));
    setting.settle("ehlo.test", Temper::refusing(Stage::Helo, 421));
    setting.settle("unknown.test", Temper::healthy().recipient("*", 550));
    setting.settle("later.test", Temper::greylisting(9));
    setting.settle("mail.test", Temper::refusing(Stage::Mail, 451));
    let dns = setting.net.dns();
    dns.put(&mailreeve_lab::dns::Zone::new("never.test").null_mx()).unwrap();
    for (words, code, last) in [
        ("refusing.test", "connect-refused", "connect"),
        ("silent.test", "banner-timeout", "banner"),
        ("banner.test", "greeting-rejected", "QUIT"),
        ("ehlo.test", "hello-rejected", "EHLO"),
        ("unknown.test b@unknown.test", "reply-5xx", "QUIT"),
        ("later.test b@later.test", "reply-4xx", "QUIT"),
        ("mail.test b@mail.test", "reply-4xx", "QUIT"),
    ] {
        let reply = setting.probe(words);
        assert_eq!(reply["verdict"]["code"], code, "{reply}");
        assert_eq!(reply["verdict"]["usable"], false);
        assert_eq!(stages(&reply["addresses"][0]).last(), Some(&last), "{reply}");
    }
    // Without a recipient nobody is refused.
    assert_eq!(setting.probe("unknown.test")["verdict"]["code"], "ok");
    for (words, code) in [("never.test", "null-mx"), ("none.never.test", "dns-nxdomain")] {
        let reply = setting.probe(words);
        assert_eq!(reply["verdict"]["code"], code, "{reply}");
        assert_eq!(reply["addresses"].as_array().unwrap().len(), 0);
    }
}

#[test]
fn tls_of_every_quality_is_told_as_delivery_would_have_it() {
    let required = ["refuse", "garbage", "close", "version", "clear"].map(|kind| format!("{kind}-r.test"));
    let more: String = required.iter().map(|domain| demand(domain, "required")).collect();
    let setting = Setting::start("", &(more + &demand("self-v.test", "verify")));
    for (name, tls, protocol, verified) in [
        ("good", TlsTemper::Good, "TLSv1.3", true),
        ("old", TlsTemper::OnlyTls12, "TLSv1.2", true),
        ("self", TlsTemper::SelfSigned, "TLSv1.3", false),
        ("expired", TlsTemper::Expired, "TLSv1.3", false),
        ("wrong", TlsTemper::WrongName("other.test".into()), "TLSv1.3", false),
    ] {
        let domain = format!("{name}.test");
        setting.settle(&domain, Temper::healthy().tls(tls));
        let reply = setting.probe(&domain);
        let tls = &reply["addresses"][0]["tls"];
        assert_eq!((&tls["protocol"], &tls["verified"]), (&protocol.into(), &verified.into()), "{reply}");
        assert_eq!(tls["problem"].is_null(), verified, "{tls}");
        let code = match name {
            "self" => "tls-certificate-untrusted".into(),
            "expired" => "tls-certificate-expired".into(),
            "wrong" => "tls-name-mismatch".into(),
            _ => Value::Null,
        };
        assert_eq!(tls["problem_code"], code, "{tls}");
        assert_eq!(tls["chain"][0]["fingerprint"].as_str().map(str::len), Some(64), "{tls}");
        assert_eq!(reply["verdict"]["code"], "ok", "opportunistic TLS takes any certificate");
        let (text, came_about) = setting.gateway.tried(&format!("tlsverify {domain}"));
        assert_eq!(came_about, verified, "{text}");
        let told = if verified { "TLS certificate verified.\n" } else { "not verified: " };
        assert!(text.contains(told), "{text}");
        let end = if verified { "1 of 1 addresses.\n" } else { "0 of 1 addresses.\n" };
        assert!(text.ends_with(&format!("TLS verification completed: {end}")), "{text}");
    }
    let broken = [
        ("refuse", Some(TlsTemper::Refuse), "tls-not-offered"),
        ("garbage", Some(TlsTemper::Garbage), "tls-handshake"),
        ("close", Some(TlsTemper::Close), "tls-handshake"),
        ("version", Some(TlsTemper::NoCommonVersion), "tls-handshake"),
        ("clear", None, "tls-not-offered"),
    ];
    for (name, tls, code) in broken {
        let temper = || tls.clone().map_or_else(Temper::healthy, |tls| Temper::healthy().tls(tls));
        setting.settle(&format!("{name}-p.test"), temper());
        setting.settle(&format!("{name}-r.test"), temper());
        let preferred = setting.probe(&format!("{name}-p.test"));
        let verdict = &preferred["addresses"][0]["verdict"];
        assert_eq!(verdict["usable"], true, "delivery goes on in clear: {preferred}");
        assert!(verdict["text"].as_str().unwrap().contains(", in clear"), "{verdict}");
        let required = setting.probe(&format!("{name}-r.test"));
        let verdict = &required["addresses"][0]["verdict"];
        assert_eq!((&verdict["usable"], &verdict["code"]), (&false.into(), &code.into()), "{required}");
    }
    setting.settle("self-v.test", Temper::healthy().tls(TlsTemper::SelfSigned));
    let verify = setting.probe("self-v.test");
    assert_eq!(verify["verdict"]["code"], "tls-certificate-untrusted", "{verify}");
    assert_eq!(verify["addresses"][0]["tls"]["chain"].as_array().unwrap().len(), 1, "{verify}");
}

#[test]
fn each_source_address_is_tried_and_a_host_by_itself() {
    let sources = [address_of_ours(), address_of_ours()];
    let setting =
        Setting::start(&format!("source_addresses = [\"{}\", \"{}\"]\n", sources[0], sources[1]), "");
    setting.settle("good.test", Temper::healthy());
    let reply = setting.probe("good.test");
    let addresses = reply["addresses"].as_array().unwrap();
    assert_eq!(addresses.len(), 2, "{reply}");
    for (address, source) in addresses.iter().zip(sources) {
        assert_eq!(address["source"], source.to_string());
        assert!(address["local"].as_str().unwrap().starts_with(&format!("{source}:")), "{address}");
    }
    assert_eq!(reply["verdict"]["text"], "all 2 addresses take mail");
    let at = reply["addresses"][0]["address"].as_str().unwrap().to_owned();
    let host = setting.probe(&at);
    assert_eq!((&host["way"]["by"], &host["verdict"]["usable"]), (&"host".into(), &true.into()), "{host}");
    assert_eq!(setting.gateway.log().matches("Info: Probe of ").count(), 1, "a host is no destination");
}

#[test]
fn a_destination_that_goes_down_is_probed_and_one_that_answers_is_tried_at_once() {
    let setting = Setting::start("", "");
    let host = setting.settle("sleeps.test", Temper::silent());
    mail_to(&setting.gateway, &["b@sleeps.test"]);
    let status = || setting.gateway.json("hoststatus sleeps.test")["status"].take();
    wait_until("it is down", || status() == "down");
    let probed = "Info: Probe of sleeps.test by gateway: 0 of 1 address takes mail (banner-timeout: ";
    wait_until("the gateway has probed it", || setting.gateway.log().contains(probed));
    let waiting = || setting.gateway.json("showrecipients host sleeps.test")["recipients"][0].take();
    assert_eq!(waiting()["attempts"], 1, "a probe is no attempt");
    assert_eq!(setting.probe("sleeps.test")["verdict"]["usable"], false);
    assert_eq!((status(), waiting()["attempts"].take()), ("down".into(), 1.into()));

    // Its clock has most of a minute to go, and a probe that is answered ends it.
    host.change(Temper::healthy());
    assert_eq!(setting.probe("sleeps.test")["verdict"]["usable"], true);
    assert!(host.wait_for(1, PATIENCE), "{}", setting.gateway.log());
    wait_until("it is up", || status() == "up");
}

/// Everything that counts, but instants and what the process takes of the machine.
fn counters(gateway: &Gateway) -> [Value; 3] {
    let status = gateway.json("status");
    let host = gateway.json("hoststatus sleeps.test");
    let counts = ["soft_bounced_evts", "completion", "unattempted_recips", "attempted_recips"];
    let host = counts.iter().map(|name| (*name, host[name].clone())).collect();
    [status["lifetime"].clone(), status["uptime"].clone(), host]
}

#[test]
fn probes_of_its_own_can_be_switched_off_and_no_probe_moves_a_counter() {
    let setting = Setting::start("", "[probe]\nautomatic = false\n");
    setting.settle("sleeps.test", Temper::silent());
    mail_to(&setting.gateway, &["b@sleeps.test"]);
    wait_until("it is down", || setting.gateway.json("hoststatus sleeps.test")["status"] == "down");
    let before = counters(&setting.gateway);
    for words in ["probe sleeps.test", "probe sleeps.test b@sleeps.test", "tlsverify sleeps.test"] {
        let _ = setting.gateway.command(words);
    }
    assert_eq!(counters(&setting.gateway), before);
    let log = setting.gateway.log();
    assert!(log.contains("Probe of sleeps.test by ") && !log.contains("by gateway"), "{log}");
}

#[test]
fn what_cannot_be_probed_is_told() {
    let gateway = Gateway::start("");
    for (words, message) in [
        ("probe", "probe needs a destination or a host"),
        ("probe a.test nobody", "`nobody` is not a mailbox"),
        ("probe a.test:0", "`a.test:0` is neither a destination nor a host with a port"),
        ("smtpping a.test", "smtpping needs a recipient"),
        ("tlsverify", "tlsverify needs a destination"),
    ] {
        let output = gateway.command(words);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(text.contains(message) && text.contains("hint:"), "{words}: {text}");
    }
}

#[test]
fn a_destination_that_fails_for_long_is_alerted_once_and_so_is_its_end() {
    let setting = Setting::start("outage_alert = \"1s\"", "");
    let host = setting.settle("sleeps.test", Temper::silent());
    mail_to(&setting.gateway, &["b@sleeps.test"]);
    let alerts = |code: &str| {
        let told = setting.gateway.json("displayalerts")["alerts"].take();
        let of = |alert: &&Value| alert["code"] == code;
        told.as_array().unwrap().iter().filter(of).map(|alert| alert["text"].to_string()).collect::<Vec<_>>()
    };
    wait_until("it is alerted", || !alerts("destination-down").is_empty());
    let text = alerts("destination-down").remove(0);
    assert!(text.contains("sleeps.test has not been reached for "), "{text}");
    assert!(text.contains("no greeting: timeout") && text.contains("1 recipient waits"), "{text}");
    host.change(Temper::healthy());
    setting.gateway.text("delivernow all");
    wait_until("its end is told", || alerts("destination-recovered") == ["\"sleeps.test is reached again\""]);
    assert_eq!(alerts("destination-down").len(), 1);
}
