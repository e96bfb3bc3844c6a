//! Destinations over time: how one stood, what happened to it, and what changed when it stopped working.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use mailreeve_lab::dns::Zone;
use mailreeve_lab::host::{Detail, Temper, TlsTemper};
use mailreeve_lab::world::Absent;
use serde_json::Value;
use world::correspondence::{LOOPBACK, Setting};
use world::places::mailreeve;
use world::{Gateway, PATIENCE, wait_until};

fn history(gateway: &Gateway, words: &str) -> Value {
    gateway.json(&format!("hoststatus {words}"))["history"].take()
}

/// What happened to a destination within the last hour, one word each.
fn steps(gateway: &Gateway, host: &str) -> Vec<String> {
    let told = history(gateway, &format!("{host} since 1h"));
    let steps = told["over"]["steps"].as_array().unwrap().clone();
    let word = |step: &Value| match step["what"].as_str().unwrap() {
        "status" => step["state"]["status"].as_str().unwrap().to_owned(),
        other => other.to_owned(),
    };
    steps.iter().map(word).collect()
}

fn at_of(gateway: &Gateway, host: &str, word: &str) -> u64 {
    let told = history(gateway, &format!("{host} since 1h"));
    let steps = told["over"]["steps"].as_array().unwrap().clone();
    let step = steps.iter().rev().find(|step| step["what"] == "status" && step["state"]["status"] == word);
    step.unwrap()["at_us"].as_u64().unwrap()
}

/// An instant as operators write it, to the second after it, when that has come.
fn written(at_us: u64) -> String {
    wait_until("the second is over", || {
        jiff::Timestamp::now().as_second() > i64::try_from(at_us / 1_000_000).unwrap()
    });
    let at = jiff::Timestamp::from_second(i64::try_from(at_us / 1_000_000 + 1).unwrap()).unwrap();
    at.to_string()
}

fn kinds(change: &Value) -> Vec<&str> {
    let all = change["differences"].as_array().unwrap();
    all.iter().map(|one| one["kind"].as_str().unwrap()).collect()
}

#[test]
fn a_host_that_stops_working_names_what_changed_over_a_restart_and_a_rebuild() {
    let mut setting = Setting::start(LOOPBACK, "");
    let host = setting
        .net
        .settle_with("moves.test", Temper::healthy().tls(TlsTemper::Good), Detail::default())
        .unwrap();
    setting.send("moves.test");
    assert!(host.wait_for(1, PATIENCE));
    wait_until("it was up", || steps(&setting.gateway, "moves.test") == ["up"]);
    let up = history(&setting.gateway, "moves.test at now")["then"]["state"].take();
    assert_eq!((&up["status"], &up["answers"]), (&"up".into(), &"dns".into()), "{up:#}");
    assert_eq!(up["exchangers"][0]["name"], host.name());
    assert_eq!(up["servers"][0]["certificate"]["fingerprint"].as_str().unwrap().len(), 64, "{up:#}");
    assert!(up["changed"].is_null() && up["configuration"].is_string(), "{up:#}");

    // The MX set changes while the gateway does not run: to a host that refuses, beside one that is gone.
    assert!(setting.gateway.stop().success());
    let refusing = setting.net.absent(Absent::Refusing).unwrap();
    setting.put(&Zone::new("moves.test").mx(20, "new.moves.test").address("new.moves.test", refusing.ip()));
    setting.gateway.run();
    setting.send("moves.test");
    wait_until("it is down", || {
        steps(&setting.gateway, "moves.test") == ["up", "stopped", "started", "down"]
    });
    let down = at_of(&setting.gateway, "moves.test", "down");
    let then = history(&setting.gateway, &format!("moves.test --at {}", written(down)));
    let state = &then["then"]["state"];
    assert_eq!((&state["status"], &state["failure"]["cause"]), (&"down".into(), &"connect-refused".into()));
    assert_eq!(state["exchangers"][0]["name"], "new.moves.test");
    assert_eq!(kinds(&state["changed"]), ["mx-removed", "mx-added"], "{state:#}");
    let text = setting.gateway.text("hoststatus moves.test");
    let line = text.lines().find(|line| line.starts_with("What changed:")).unwrap_or_default();
    assert!(line.contains(host.name()) && line.contains("MX new.moves.test (20) is new"), "{text}");
    let told = setting.gateway.text("hoststatus moves.test since 1h");
    for part in ["onnection refused", "DNS answers then: MX 20 new.moves.test", "What changed: ", "4 steps."]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    let explained = setting.gateway.json("explain moves.test");
    let chain = explained["chain"].as_array().unwrap();
    assert!(chain.iter().any(|link| link["key"] == "chain.new_mx"), "{explained:#}");

    // The same after a kill, and from the ledger alone.
    let before = history(&setting.gateway, &format!("moves.test since {}", written(down - 3_600_000_000)));
    setting.gateway.kill();
    setting.gateway.run();
    let again = |gateway: &Gateway| {
        let steps = history(gateway, &format!("moves.test since {}", written(down - 3_600_000_000)));
        steps["over"]["steps"].as_array().unwrap().iter().take(3).cloned().collect::<Vec<_>>()
    };
    wait_until("it is read again", || again(&setting.gateway).len() == 3);
    assert_eq!(again(&setting.gateway), before["over"]["steps"].as_array().unwrap()[..3]);
    setting.gateway.text("track rebuild");
    wait_until("it is made again", || {
        again(&setting.gateway) == before["over"]["steps"].as_array().unwrap()[..3]
    });
}

#[test]
fn orders_and_our_own_configuration_are_in_the_history() {
    let setting = Setting::start(LOOPBACK, "");
    let host = setting.net.settle("ours.test", Temper::healthy()).unwrap();
    setting.send("ours.test");
    assert!(host.wait_for(1, PATIENCE));
    wait_until("it was up", || steps(&setting.gateway, "ours.test") == ["up"]);
    setting.gateway.text("suspenddel ours.test");
    wait_until("it is suspended", || steps(&setting.gateway, "ours.test") == ["up", "suspended"]);
    let state = history(&setting.gateway, "ours.test at now")["then"]["state"].take();
    assert!(state["suspended"][0].is_string() && state["status"] == "up", "{state:#}");
    setting.gateway.text("resumedel ours.test");

    // A route of ours leads where nobody listens.
    let refusing = setting.net.absent(Absent::Refusing).unwrap();
    let route =
        format!("[[route]]\ndomain = \"ours.test\"\nto = [\"[{}]:{}\"]\n", refusing.ip(), refusing.port());
    let config = std::fs::read_to_string(setting.gateway.config()).unwrap();
    std::fs::write(setting.gateway.config(), format!("{config}\n{route}")).unwrap();
    setting.gateway.signal("HUP");
    let wanted = ["up", "suspended", "resumed", "configured"];
    wait_until("the configuration is in force", || steps(&setting.gateway, "ours.test") == wanted);
    setting.send("ours.test");
    wait_until("it is down", || {
        steps(&setting.gateway, "ours.test").last().is_some_and(|last| last == "down")
    });
    let told = setting.gateway.json("hoststatus ours.test");
    let changed = &told["history"]["changed"];
    assert_eq!(kinds(changed), ["route", "configuration"], "{changed:#}");
    assert_eq!(
        changed["differences"][1]["settings"],
        serde_json::json!(["route[ours.test].domain", "route[ours.test].to"])
    );
}

#[test]
fn a_host_that_fails_alone_says_that_nothing_changed() {
    let mut setting = Setting::start(LOOPBACK, "[delivery.timeouts]\ngreeting = \"1s\"\n");
    let host = setting.net.settle("falls.test", Temper::healthy()).unwrap();
    setting.send("falls.test");
    assert!(host.wait_for(1, PATIENCE));
    wait_until("it was up", || steps(&setting.gateway, "falls.test") == ["up"]);
    assert!(setting.gateway.stop().success());
    host.change(Temper::silent());
    setting.gateway.run();
    setting.send("falls.test");
    wait_until("it is down", || {
        steps(&setting.gateway, "falls.test").last().is_some_and(|last| last == "down")
    });
    let text = setting.gateway.text("hoststatus falls.test");
    assert!(
        text.contains("What changed:         nothing we can see changed since it worked last, "),
        "{text}"
    );
}

#[test]
fn times_that_are_none_and_times_without_records_are_answered() {
    let gateway = Gateway::start("[log]\ntimezone = \"Europe/Berlin\"\n");
    let refused = |words: &[&str]| {
        let output = mailreeve(&gateway.config(), &[&["hoststatus", "a.test"], words].concat());
        assert!(!output.status.success(), "{words:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let twice = refused(&["at", "2026-10-25 02:30"]);
    assert!(
        twice.contains("Europe/Berlin were set back") && twice.contains("2026-10-25T02:30:00+01:00"),
        "{twice}"
    );
    let never = refused(&["--at", "2026-03-29", "02:30"]);
    assert!(never.contains("Europe/Berlin were set forward"), "{never}");
    assert!(refused(&["at", "noon"]).contains("`noon` is not a time"));
    assert!(refused(&["at", "2999-01-01"]).contains("has not come yet"));
    assert!(refused(&["since", "1h", "page", "x"]).contains("`x` is no place in the records"));
    wait_until("records are there", || {
        refused(&["at", "-2h"]).contains("on record of `a.test`: records reach from ")
    });
}
