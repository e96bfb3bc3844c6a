//! "What became of it?": mail that ended, and mail that was never here.

use mailreeve_lab::host::{Detail, Temper};
use mailreeve_lab::words::{Dice, fresh_seed};
use mailreeve_lab::world::{Absent, Plight};

use crate::setting::{Setting, one_screen, shown, whole, world};
use crate::world::{Talk, wait_until};

/// A fault for which mail goes back.
struct Row {
    id: &'static str,
    plight: Plight,
    cause: &'static str,
    owner: &'static str,
    evidence: (&'static str, String),
}

#[test]
fn every_fault_for_which_mail_goes_back_is_named_with_its_owner() {
    let list = Dice::new(fresh_seed()).list_name();
    let host = |temper: Temper| Plight::Host(temper);
    let row = |id, plight, cause, owner, kind, text: &str| Row {
        id,
        plight,
        cause,
        owner,
        evidence: (kind, text.to_owned()),
    };
    let rows = [
        row("O5c", host(Temper::without_mail()), "greeting-rejected", "destination", "reply", "521"),
        row("O6", Plight::Missing, "dns-nxdomain", "sender", "dns", ""),
        row("O8", Plight::NullMx, "null-mx", "destination", "dns", ""),
        row("O11", host(Temper::knowing_nobody()), "unknown-recipient", "sender", "reply", "550"),
        row("O13", host(Temper::blocklisting(&list)), "ip-blocklisted", "us", "reply", &list),
    ];
    let net = world();
    let named: Vec<(String, Row)> = rows.into_iter().map(|row| (net.domain_name(), row)).collect();
    for (domain, row) in &named {
        net.establish(domain, &row.plight, Detail::default()).unwrap();
    }
    let setting = Setting::start(net, "");
    for (domain, _) in &named {
        setting.send(&format!("b@{domain}"));
    }
    for (domain, row) in &named {
        eprintln!("{}: {domain}", row.id);
        for what in [format!("b@{domain}"), format!("from a@sender.test to {domain}"), domain.clone()] {
            let answer = setting.explained(&what, "bounced", row.cause);
            whole(&answer);
            assert_eq!(answer["verdict"]["owner"], row.owner, "{}: {answer:#}", row.id);
            assert!(shown(&answer, row.evidence.0, &row.evidence.1), "{}: {answer:#}", row.id);
            assert!(answer["next"]["at"].is_null());
        }
        let told = setting.explain(&format!("b@{domain}"));
        assert_eq!(told["next"]["key"], "next.reported", "the sender was told: {told:#}");
        one_screen(&setting.gateway.text(&format!("explain b@{domain}")));
    }
    let listed = setting.explain(&format!("b@{}", named[4].0));
    assert!(listed["summary"].as_str().unwrap().contains(&list), "{listed:#}");
    wait_until("the sender has a report of each", || setting.sender.sums().messages >= 5);
}

/// O18: mail arrives, and the destination has a dead exchanger nobody may have noticed.
#[test]
fn a_dead_exchanger_is_named_although_mail_arrives() {
    let net = world();
    let domain = net.domain_name();
    let settled = net
        .establish(&domain, &Plight::Backup(Absent::Refusing, Temper::healthy()), Detail::default())
        .unwrap();
    let setting = Setting::start(net, "");
    setting.send(&format!("b@{domain}"));
    let answer = setting.explained(&domain, "delivered", "backup-mx-used");
    whole(&answer);
    assert_eq!(answer["verdict"]["owner"], "destination");
    assert!(answer["summary"].as_str().unwrap().contains(&settled.exchangers[0]), "{answer:#}");
    assert!(shown(&answer, "socket", "refused"), "{answer:#}");
    assert!(answer["next"]["at"].is_string());
    let of_message = setting.explained(&format!("b@{domain}"), "delivered", "delivered");
    assert!(of_message["summary"].as_str().unwrap().contains(&settled.exchangers[1]), "{of_message:#}");
    assert!(
        shown(&of_message, "socket", "refused"),
        "the dead one is told of the message too: {of_message:#}"
    );
    assert!(shown(&of_message, "transcript", "transcript dcid"), "{of_message:#}");
}

/// O22: the end is told together with what it waited for.
#[test]
fn what_expired_tells_what_it_waited_for() {
    let net = world();
    let domain = net.domain_name();
    net.establish(&domain, &Plight::Absent(Absent::Refusing), Detail::default()).unwrap();
    let short =
        "[[bounce_profile]]\nname = \"short\"\nmax_queue = \"2s\"\ninitial = \"1s\"\nmax_interval = \"1s\"\n";
    let control = format!("{short}[[destination]]\ndomain = \"{domain}\"\nbounce_profile = \"short\"\n");
    let setting = Setting::start(net, &control);
    setting.send(&format!("b@{domain}"));
    let answer = setting.explained(&format!("b@{domain}"), "expired", "expired");
    whole(&answer);
    assert_eq!(answer["verdict"]["owner"], "destination");
    assert!(answer["summary"].as_str().unwrap().contains("connect-refused"), "{answer:#}");
    assert!(shown(&answer, "socket", "refused"), "{answer:#}");
}

#[test]
fn a_message_is_found_by_everything_that_names_it() {
    let net = world();
    let domain = net.domain_name();
    net.settle(&domain, Temper::healthy()).unwrap();
    let setting = Setting::start(net, "");
    let mut talk = Talk::with(setting.gateway.smtp);
    talk.say("EHLO client.test");
    let content = "Message-ID: <7.x@client.test>\r\nSubject: a letter\r\n\r\nhello";
    assert!(talk.send_mail("a@sender.test", &[&format!("b@{domain}")], content).starts_with("250 "));
    let answer = setting.explained(&format!("b@{domain}"), "delivered", "delivered");
    whole(&answer);
    let (mid, dcid) =
        (answer["subject"]["mid"].as_u64().unwrap(), answer["subject"]["dcid"].as_u64().unwrap());
    for what in [
        mid.to_string(),
        format!("dcid {dcid}"),
        "<7.x@client.test>".to_owned(),
        "7.x@client.test".to_owned(),
        format!("--from a@sender.test --to b@{domain}"),
        format!("from sender.test to {domain}"),
    ] {
        let other = setting.explained(&what, "delivered", "delivered");
        assert_eq!(other["subject"]["mid"], mid, "{what}: {other:#}");
        assert_eq!(other["subject"]["message_id"], "7.x@client.test", "{what}: {other:#}");
    }
    let deleted = setting.net.domain_name();
    setting.net.settle_absent(&deleted, Absent::Refusing).unwrap();
    setting.send(&format!("b@{deleted}"));
    let waits = setting.explained(&format!("b@{deleted}"), "queued", "connect-refused");
    setting.gateway.text(&format!("removemessage {} y", waits["subject"]["mid"]));
    let gone = setting.explained(&format!("b@{deleted}"), "deleted", "deleted-by-operator");
    assert_eq!(gone["verdict"]["owner"], "us");
}

#[test]
fn what_is_not_known_is_answered_with_how_far_the_records_reach() {
    let setting = Setting::start(world(), "");
    let unknown = [
        "4711",
        "dcid 4711",
        "nobody.test",
        "x@nobody.test",
        "<no.such@id.test>",
        "from a@b.test to c@d.test",
        "192.0.2.77",
    ];
    for what in unknown {
        let answer = setting.explain(what);
        whole(&answer);
        assert_eq!(
            (answer["state"].as_str(), answer["verdict"]["cause"].as_str()),
            (Some("unknown"), Some("not-in-records")),
            "{what}"
        );
        assert!(answer["records_since"].is_string(), "{answer:#}");
        one_screen(&setting.gateway.text(&format!("explain {what}")));
    }
    let refused = setting.gateway.command("explain what is this");
    assert_eq!(refused.status.code(), Some(2));
}
