//! Remedies that are ours, carried out as they are told: the mail moves.
//!
//! The others are where their faults are: `waiting` (orders, retries), `house` (name servers, disk, work queue).

use std::fs;

use mailreeve_lab::host::{Detail, Host, Temper};
use mailreeve_lab::words::{Dice, fresh_seed};
use mailreeve_lab::world::Plight;
use serde_json::Value;

use crate::setting::{Setting, commands, whole, world};
use crate::world::{PATIENCE, wait_until};

/// A setting of the destination's section in other words, reloaded.
fn change(setting: &Setting, from: &str, to: &str) {
    let text = fs::read_to_string(setting.gateway.config()).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(setting.gateway.config(), text.replace(from, to)).unwrap();
    setting.gateway.signal("HUP");
    wait_until("the change is in force", || setting.gateway.log().matches(" in force from ").count() == 2);
}

fn start(control: &str, temper: Temper) -> (Setting, String, Host) {
    let net = world();
    let domain = net.domain_name();
    let settled = net.establish(&domain, &Plight::Host(temper), Detail::default()).unwrap();
    let section = format!("[[destination]]\ndomain = \"{domain}\"\n{control}\n");
    let section = if control.is_empty() { String::new() } else { section };
    (Setting::start(net, &section), domain, settled.host.unwrap())
}

fn remedy(answer: &Value) -> &str {
    answer["remedy"][0]["do"].as_str().unwrap()
}

/// O15: the rule that demands TLS is changed as the remedy says.
#[test]
fn a_rule_that_demands_tls_is_changed() {
    let (setting, domain, host) = start("tls = \"required\"", Temper::healthy());
    setting.send(&format!("b@{domain}"));
    let answer = setting.explained(&domain, "queued", "tls-not-offered");
    whole(&answer);
    assert!(remedy(&answer).contains("`tls = \"preferred\"`"), "{answer:#}");
    assert!(remedy(&answer).contains(&domain), "{answer:#}");
    change(&setting, "tls = \"required\"", "tls = \"preferred\"");
    let again = commands(&answer).into_iter().find(|command| command.starts_with("delivernow")).unwrap();
    setting.gateway.text(&again);
    assert!(host.wait_for(1, PATIENCE), "`{again}` moved nothing");
}

/// O20: the limit is raised as the remedy says.
#[test]
fn a_limit_of_ours_is_raised() {
    let (setting, domain, host) = start("recipients = 1\nminutes = 60", Temper::healthy());
    for number in 0..5 {
        setting.send(&format!("b{number}@{domain}"));
    }
    let answer = setting.explained(&domain, "queued", "destination-limit");
    whole(&answer);
    assert!(remedy(&answer).contains("`recipients`"), "{answer:#}");
    change(&setting, "recipients = 1\n", "recipients = 100\n");
    assert!(host.wait_for(5, PATIENCE), "a higher limit moved nothing: {:#}", setting.explain(&domain));
}

/// O13: our address is taken off the list; what is sent again arrives.
#[test]
fn an_address_is_taken_off_the_list() {
    let list = Dice::new(fresh_seed()).list_name();
    let (setting, domain, host) = start("", Temper::blocklisting(&list));
    setting.send(&format!("b@{domain}"));
    let answer = setting.explained(&format!("b@{domain}"), "bounced", "ip-blocklisted");
    whole(&answer);
    assert_eq!(answer["remedy"][0]["who"], "us");
    assert!(remedy(&answer).contains(&list), "{answer:#}");
    host.change(Temper::healthy());
    // The connection that is kept knows nothing of it.
    setting.settled();
    setting.send(&format!("b@{domain}"));
    assert!(host.wait_for(1, PATIENCE));
    setting.explained(&format!("b@{domain}"), "delivered", "delivered");
}
