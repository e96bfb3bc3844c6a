//! Histories as text: what happened, a line each, and what is read from it.
//!
//! ```text
//!   10 up                      the verdict becomes up at second 10
//!   10 facts a,b config 1      the way of that time: exchangers a and b, configuration 1; it worked when it was up
//!   20 down refused            a failure with these words
//!   30 suspend x | resume x | suspend all x | resume all x | start | stop | config 2 | settings 1 2 limits.hops
//!   40 flap 7 down refused
//! ```

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write as _;

use super::*;
use crate::event::{Answers, Cause, HostWay, Stage};
use crate::history::Shares;
use crate::ids::Host;

const SECOND: u64 = 1_000_000;

fn failure(text: &str) -> Failure {
    Failure {
        stage: Stage::Connect,
        cause: Cause::ConnectRefused,
        status: (4, 4, 1),
        code: 0,
        text: vec![text.to_owned()],
        address: None,
        at: 0,
    }
}

fn status(word: &str) -> HostStatus {
    match word {
        "up" => HostStatus::Up,
        "down" => HostStatus::Down,
        "unknown" => HostStatus::Unknown,
        other => panic!("{other} is no status"),
    }
}

/// Reads the events; `verdict` is what facts are told beside.
fn events(text: &str) -> Vec<Stamped> {
    let host = Host::new("a.example");
    let mut verdict = HostStatus::Unknown;
    let mut worked_at = None;
    let mut all = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split(' ').collect();
        let at = words[0].parse::<u64>().unwrap() * SECOND;
        let reason = |from: usize| words.get(from).map(|_| failure(&words[from..].join(" ")));
        let host = host.clone();
        let event = match words[1..] {
            ["up" | "down" | "unknown", ..] => {
                verdict = status(words[1]);
                worked_at = if verdict == HostStatus::Up { Some(at) } else { worked_at };
                Event::HostChanged { host, status: verdict, reason: reason(2), address: None }
            }
            ["facts", names, "config", configuration] => {
                let exchangers = names.split(',').map(|name| (10, name.to_owned())).collect();
                let answers = Answers::Dns { exchangers, addresses: Vec::new(), left_out: 0 };
                let configuration = configuration.parse().unwrap();
                let way = HostWay { answers, configuration, ..HostWay::default() };
                let proven = verdict == HostStatus::Up;
                Event::HostFacts {
                    host,
                    facts: Box::new(HostFacts { status: verdict, proven, worked_at, way }),
                }
            }
            ["flap", changes, word, ..] => {
                let (changes, status) = (changes.parse().unwrap(), status(word));
                verdict = status;
                Event::HostFlapped { host, changes, since: at, status, reason: reason(4), address: None }
            }
            ["suspend", "all", by] => Event::DeliverySuspended { host: None, by: by.into() },
            ["suspend", by] => Event::DeliverySuspended { host: Some(host), by: by.into() },
            ["resume", "all", by] => Event::DeliveryResumed { host: None, by: by.into() },
            ["resume", by] => Event::DeliveryResumed { host: Some(host), by: by.into() },
            ["start"] => Event::Started { version: "1".into(), node: "n".into() },
            ["stop"] => Event::Stopped,
            ["config", checksum] => {
                Event::Configured { checksum: checksum.parse().unwrap(), source: "f".into() }
            }
            ["settings", from, to, names] => Event::SettingsChanged {
                from: from.parse().unwrap(),
                to: to.parse().unwrap(),
                settings: names.split(',').map(str::to_owned).collect(),
                more: 0,
            },
            _ => panic!("{line} is not understood"),
        };
        all.push(Stamped { at, event });
    }
    all
}

/// Every step in a line: when, what, how it stands, why, and what changed.
fn told(text: &str) -> String {
    let timeline = Timeline::of(&events(text));
    let mut out = String::new();
    for step in timeline.steps() {
        let state = &step.state;
        let what = match &step.what {
            What::Verdict => "verdict".to_owned(),
            What::Flapped { changes, .. } => format!("flapped {changes}"),
            What::Way(differences) => format!("way {}", named(differences)),
            What::Suspended(order) => format!("suspended by {}", order.by),
            What::Resumed { by, .. } => format!("resumed by {by}"),
            What::Stopped => "stopped".to_owned(),
            What::Started => "started".to_owned(),
            What::Configured { from, to, settings } => {
                format!("configured {from} to {to}: {}", settings.names.join(","))
            }
        };
        let _ =
            write!(out, "{} {what}; {:?} since {}", step.at / SECOND, state.standing, state.since / SECOND);
        let flags = [(state.or_earlier, "or earlier"), (state.carried, "carried")];
        for (_, flag) in flags.iter().filter(|(is_so, _)| *is_so) {
            let _ = write!(out, ", {flag}");
        }
        if let Some(cause) = &state.cause {
            let _ = write!(out, ": {}", cause.text.join(" "));
        }
        if let Some(changed) = &state.changed {
            let _ = write!(out, "; since {} {}", changed.worked_at / SECOND, named(&changed.differences));
            if !changed.settings.names.is_empty() {
                let _ = write!(out, " ({})", changed.settings.names.join(","));
            }
        }
        out.push('\n');
    }
    out
}

fn named(differences: &[Difference]) -> String {
    let one = |difference: &Difference| match difference {
        Difference::ExchangerAdded { name, .. } => format!("+{name}"),
        Difference::ExchangerRemoved { name, .. } => format!("-{name}"),
        Difference::ConfigurationChanged { from, to } => format!("config {from} to {to}"),
        other => format!("{other:?}"),
    };
    match differences {
        [] => "nothing".to_owned(),
        all => all.iter().map(one).collect::<Vec<_>>().join(" "),
    }
}

#[track_caller]
fn case(happened: &str, expected: &str) {
    let expected: String = expected.lines().map(|line| format!("{}\n", line.trim())).skip(1).collect();
    assert_eq!(told(happened).trim(), expected.trim());
}

#[test]
fn what_changed_between_working_and_not_is_named() {
    case(
        "0 config 1
         10 up
         10 facts a,b config 1
         100 down refused
         100 facts a,c config 1",
        "
         10 verdict; Up since 10
         100 verdict; Down since 100: refused; since 10 -b +c",
    );
}

#[test]
fn nothing_changed_is_told_as_such_and_never_while_it_works_or_never_worked() {
    case(
        "10 down refused
         10 facts a config 1
         20 up
         20 facts a config 1
         30 down refused
         30 facts a config 1",
        "
         10 verdict; Down since 10: refused
         20 verdict; Up since 20
         30 verdict; Down since 30: refused; since 20 nothing",
    );
}

#[test]
fn our_own_configuration_is_named_with_its_settings() {
    case(
        "0 config 1
         10 up
         10 facts a config 1
         20 config 2
         20 settings 1 2 delivery.port
         30 config 3
         30 settings 2 3 limits.hops,delivery.port
         40 down refused
         40 facts a config 3",
        "
         10 verdict; Up since 10
         20 configured 1 to 2: delivery.port; Up since 10
         30 configured 2 to 3: limits.hops,delivery.port; Up since 10
         40 verdict; Down since 40: refused; since 10 config 1 to 3 (delivery.port,limits.hops)",
    );
}

#[test]
fn a_restart_in_the_middle_forgets_what_was_up_and_not_what_changed() {
    case(
        "10 up
         10 facts a config 1
         20 stop
         30 start
         30 config 1
         40 down refused
         40 facts b config 1
         50 start
         60 up
         60 facts b config 1",
        "
         10 verdict; Up since 10
         20 stopped; NotRunning since 10
         30 started; Unknown since 30
         40 verdict; Down since 40: refused; since 10 -a +b
         50 started; Down since 40, carried: refused; since 10 -a +b
         60 verdict; Up since 60",
    );
}

#[test]
fn idle_is_no_failure_and_a_way_that_changes_is_told() {
    case(
        "10 up
         10 facts a config 1
         20 facts b config 1
         30 facts b config 1
         40 unknown
         40 facts b config 1",
        "
         10 verdict; Up since 10
         20 way -a +b; Up since 10
         40 verdict; Unknown since 40",
    );
}

#[test]
fn orders_and_flapping_are_steps() {
    case(
        "5 suspend all x
         10 up
         20 suspend y
         30 resume y
         40 resume all x
         50 flap 7 down refused",
        "
         10 verdict; Up since 10
         20 suspended by y; Up since 10
         30 resumed by y; Up since 10
         40 resumed by x; Up since 10
         50 flapped 7; Down since 50: refused",
    );
    let timeline =
        Timeline::of(&events("5 suspend all x\n10 up\n20 suspend y\n30 resume y\n40 resume all x"));
    let suspended = |at: u64| {
        let state = timeline.at(at * SECOND).unwrap();
        (state.suspended.is_some(), state.all_suspended.is_some())
    };
    assert_eq!(
        [suspended(15), suspended(25), suspended(35), suspended(45)],
        [(false, true), (true, true), (false, true), (false, false)]
    );
}

#[test]
fn records_that_begin_in_the_middle_say_so() {
    let mut all = events("10 up\n20 facts a config 1\n30 down refused");
    all.remove(0);
    let timeline = Timeline::of(&all);
    assert!(timeline.at(19 * SECOND).is_none());
    let state = timeline.at(25 * SECOND).unwrap();
    assert_eq!((state.standing, state.or_earlier), (Standing::Up, true));
    assert!(!timeline.at(30 * SECOND).unwrap().or_earlier);
}

#[test]
fn shares_add_up_to_the_whole_time() {
    let timeline = Timeline::of(&events("10 up\n40 down refused\n50 stop\n60 start\n70 up\n80 unknown"));
    let shares = timeline.shares(0, 100 * SECOND);
    let seconds = |shares: Shares| {
        [shares.before, shares.up, shares.down, shares.not_running, shares.unknown].map(|us| us / SECOND)
    };
    assert_eq!(seconds(shares), [10, 40, 20, 10, 20]);
    assert_eq!(seconds(timeline.shares(45 * SECOND, 75 * SECOND)), [0, 5, 15, 10, 0]);
    assert_eq!(seconds(timeline.shares(0, 5 * SECOND)), [5, 0, 0, 0, 0]);
    assert_eq!(seconds(Timeline::default().shares(0, 5 * SECOND)), [5, 0, 0, 0, 0]);
}
