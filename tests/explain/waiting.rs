//! "Why is it still queued?": faults for which mail waits.

use std::time::Duration;

use mailreeve_lab::dns::Behaviour;
use mailreeve_lab::host::{Act, Detail, Reply, Rule, Span, Stage, Temper, TlsTemper};
use mailreeve_lab::world::{Absent, Plight, World};
use serde_json::Value;

use crate::setting::{Setting, commands, one_screen, shown, whole, world};
use crate::world::wait_until;

/// A fault for which mail waits until the domain is healed.
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) plight: Plight,
    pub(crate) cause: &'static str,
    pub(crate) owner: &'static str,
    /// What shows it: kind, and a part of its words.
    evidence: (&'static str, &'static str),
    /// Settings of the destination.
    pub(crate) control: &'static str,
}

fn row(
    id: &'static str,
    plight: Plight,
    cause: &'static str,
    owner: &'static str,
    evidence: (&'static str, &'static str),
) -> Row {
    Row { id, plight, cause, owner, evidence, control: "" }
}

pub(crate) fn rows() -> Vec<Row> {
    let host = |temper: Temper| Plight::Host(temper);
    let tls = |tls: TlsTemper| Plight::Host(Temper::healthy().tls(tls));
    let required = |id, plight, cause, owner, evidence| Row {
        control: "tls = \"required\"",
        ..row(id, plight, cause, owner, evidence)
    };
    let verify = |id, plight, cause, owner, evidence| Row {
        control: "tls = \"verify\"",
        ..row(id, plight, cause, owner, evidence)
    };
    vec![
        row("O1", Plight::Absent(Absent::Refusing), "connect-refused", "destination", ("socket", "refused")),
        row("O2", Plight::Absent(Absent::Swallowing), "connect-timeout", "network", ("socket", "")),
        row("O3", Plight::Absent(Absent::Unrouted), "no-route", "network", ("socket", "unreachable")),
        row("O4", host(Temper::silent()), "banner-timeout", "destination", ("socket", "timeout")),
        row("O5a", host(Temper::busy()), "greeting-rejected", "destination", ("reply", "421")),
        row("O5b", host(Temper::unwelcoming()), "greeting-rejected", "destination", ("reply", "554")),
        row(
            "O7a",
            Plight::Lookup(Behaviour::ServFail),
            "dns-servfail",
            "dns-of-destination",
            ("dns", "SERVFAIL"),
        ),
        row(
            "O7b",
            Plight::Lookup(Behaviour::Silent),
            "dns-timeout",
            "dns-of-destination",
            ("dns", "timeout"),
        ),
        row("O9", Plight::NoAddress, "mx-no-address", "dns-of-destination", ("dns", "")),
        row(
            "O10",
            host(Temper::greylisting_for(Duration::from_secs(60))),
            "greylisted",
            "nobody",
            ("reply", "451"),
        ),
        row("O12", host(Temper::full()), "mailbox-full", "destination", ("reply", "452")),
        required("O15", host(Temper::healthy()), "tls-not-offered", "us-policy", ("socket", "")),
        verify(
            "O16a",
            tls(TlsTemper::Expired),
            "tls-certificate-expired",
            "destination",
            ("socket", "xpired"),
        ),
        verify(
            "O16b",
            tls(TlsTemper::WrongName("elsewhere.test".to_owned())),
            "tls-name-mismatch",
            "destination",
            ("socket", ""),
        ),
        verify(
            "O16c",
            tls(TlsTemper::SelfSigned),
            "tls-certificate-untrusted",
            "destination",
            ("socket", ""),
        ),
        row("O17", host(Temper::losing_after_data()), "lost-after-data", "destination", ("socket", "")),
    ]
}

#[test]
fn every_fault_for_which_mail_waits_is_named_with_its_owner_and_its_remedy_moves_the_mail() {
    let net = world();
    let named: Vec<(String, Row)> = rows().into_iter().map(|row| (net.domain_name(), row)).collect();
    let controls: String = named
        .iter()
        .filter(|(_, row)| !row.control.is_empty())
        .map(|(domain, row)| format!("[[destination]]\ndomain = \"{domain}\"\n{}\n", row.control))
        .collect();
    for (domain, row) in &named {
        net.establish(domain, &row.plight, Detail::default()).unwrap();
    }
    let setting = Setting::start(net, &controls);
    for (domain, _) in &named {
        setting.send(&format!("b@{domain}"));
    }
    for (domain, row) in &named {
        eprintln!("{}: {domain}", row.id);
        let answer = setting.explained(domain, "queued", row.cause);
        holds(&answer, row);
        let of_mailbox = setting.explained(&format!("b@{domain}"), "queued", row.cause);
        holds(&of_mailbox, row);
        assert_eq!(of_mailbox["subject"]["recipient"], format!("b@{domain}"));
        let mid = of_mailbox["subject"]["mid"].as_u64().unwrap();
        assert_eq!(setting.explain(&mid.to_string())["verdict"]["cause"], row.cause);
        one_screen(&setting.gateway.text(&format!("explain {domain}")));
    }
    setting.settled();
    for (domain, row) in &named {
        let answer = setting.explain(domain);
        let host = setting.heal(domain);
        let again = commands(&answer).into_iter().find(|command| command.starts_with("delivernow"));
        let again = again.unwrap_or_else(|| format!("delivernow {domain}"));
        setting.gateway.text(&again);
        assert!(host.wait_for(1, crate::world::PATIENCE), "{}: `{again}` moved nothing", row.id);
        setting.explained(&format!("b@{domain}"), "delivered", "delivered");
    }
}

fn holds(answer: &Value, row: &Row) {
    whole(answer);
    assert_eq!(answer["verdict"]["owner"], row.owner, "{}: {answer:#}", row.id);
    assert!(shown(answer, row.evidence.0, row.evidence.1), "{}: {answer:#}", row.id);
    assert!(answer["next"]["at"].is_string(), "{}: {answer:#}", row.id);
    assert!(answer["verdict"]["since"].is_string(), "{}: {answer:#}", row.id);
}

/// O14: the peer takes five messages on a connection, then asks for patience.
#[test]
fn a_peer_that_limits_us_is_told_from_one_that_is_busy() {
    let net = world();
    let domain = net.domain_name();
    let control = format!("[[destination]]\ndomain = \"{domain}\"\nconcurrency = 1\n");
    net.settle(&domain, Temper::throttling(5)).unwrap();
    let setting = Setting::start(net, &control);
    for number in 0..8 {
        setting.send(&format!("b{number}@{domain}"));
    }
    let answer = setting.explained(&domain, "queued", "peer-rate-limit");
    whole(&answer);
    assert_eq!(answer["verdict"]["owner"], "destination");
    assert!(shown(&answer, "reply", "421"), "{answer:#}");
}

/// O19: an operator's order is named with who gave it, and its remedy takes it back.
#[test]
fn a_suspended_destination_is_resumed_by_the_command_that_is_told() {
    let net = world();
    let domain = net.domain_name();
    let host = net.settle(&domain, Temper::healthy()).unwrap();
    let setting = Setting::start(net, "");
    for (order, whose) in
        [(format!("suspenddel {domain} 1"), domain.as_str()), ("suspenddel ALL 1".to_owned(), "ALL")]
    {
        let before = host.sums().messages;
        setting.gateway.text(&order);
        setting.send(&format!("b@{domain}"));
        let answer = setting.explained(&domain, "queued", "delivery-suspended");
        whole(&answer);
        assert_eq!(answer["verdict"]["owner"], "us");
        assert!(shown(&answer, "order", "suspended by"), "{answer:#}");
        assert!(answer["next"]["at"].is_null(), "{answer:#}");
        assert_eq!(commands(&answer), [format!("resumedel {whose}")]);
        setting.gateway.text(&commands(&answer)[0]);
        assert!(host.wait_for(before + 1, crate::world::PATIENCE));
    }
}

/// O20: a rule of ours does what it says.
#[test]
fn a_limit_of_ours_is_named_as_ours() {
    let net = world();
    let domain = net.domain_name();
    net.settle(&domain, Temper::healthy()).unwrap();
    let control =
        format!("[[destination]]\ndomain = \"{domain}\"\nconcurrency = 1\nrecipients = 1\nminutes = 1\n");
    let setting = Setting::start(net, &control);
    for number in 0..50 {
        setting.send(&format!("b{number}@{domain}"));
    }
    let answer = setting.explained(&domain, "queued", "destination-limit");
    whole(&answer);
    assert_eq!(answer["verdict"]["owner"], "us-policy");
    assert!(shown(&answer, "config", ""), "{answer:#}");
    wait_until("the window is used up", || setting.explain(&domain)["next"]["at"].is_string());
    let waits = setting.explain(&domain)["subject"]["recipients"].as_u64().unwrap();
    assert!((45..50).contains(&waits), "{waits} recipients wait");
}

/// O21: what made it wait is over, and it waits for its time.
#[test]
fn mail_that_waits_for_a_host_that_works_again_goes_at_once_when_asked() {
    let net = world();
    let domain = net.domain_name();
    let broken = Rule::new(Stage::Rcpt, Act::Reply(Reply::new(451).enhanced("4.3.0")));
    let temper = Temper::healthy().rule(broken.address("late@*").span(Span::First(1)));
    let host = net.settle(&domain, temper).unwrap();
    let setting = Setting::start(net, "");
    setting.send(&format!("late@{domain}"));
    let before = setting.explained(&format!("late@{domain}"), "queued", "peer-fault");
    assert_eq!(before["verdict"]["owner"], "destination");
    setting.send(&format!("other@{domain}"));
    let answer = setting.explained(&format!("late@{domain}"), "queued", "waiting-for-retry");
    whole(&answer);
    assert_eq!(answer["verdict"]["owner"], "nobody");
    assert!(answer["next"]["at"].is_string());
    assert_eq!(commands(&answer), [format!("delivernow {domain}")]);
    setting.gateway.text(&commands(&answer)[0]);
    assert!(host.wait_for(2, crate::world::PATIENCE));
}

/// Recipients of many destinations that wait for one address are one case.
#[test]
fn one_dead_address_behind_many_domains_is_one_cause() {
    let net: World = world();
    let domains: Vec<String> = (0..4).map(|number| format!("n{number}.{}", net.domain_name())).collect();
    let address = net.absent(Absent::Refusing).unwrap();
    for domain in &domains {
        let mx = format!("mx.{domain}");
        let zone = mailreeve_lab::dns::Zone::new(domain).mx(10, &mx).address(&mx, address.ip());
        net.dns().put(&zone).unwrap();
    }
    let setting = Setting::start(net, "");
    for domain in &domains {
        setting.send(&format!("b@{domain}"));
        setting.explained(domain, "queued", "connect-refused");
    }
    for asked in [domains[0].clone(), address.ip().to_string(), format!("mx.{}", domains[1])] {
        let answer = setting.explained(&asked, "queued", "connect-refused");
        assert_eq!(answer["subject"]["destinations"], 4, "{answer:#}");
        assert_eq!(answer["subject"]["recipients"], 4, "{answer:#}");
        assert!(commands(&answer).contains(&"delivernow all".to_owned()), "{answer:#}");
    }
}
