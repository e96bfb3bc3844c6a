//! What is told of what happens, in the words of the rules.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::event::SeenCertificate;

const ONE: u32 = 1;

fn host() -> Host {
    Host::new("a.example")
}

fn answers(names: &[&str]) -> Answers {
    let exchangers = names.iter().map(|name| (10, (*name).to_owned())).collect();
    Answers::Dns { exchangers, addresses: Vec::new(), left_out: 0 }
}

fn server(fingerprint: &str) -> MetServer {
    let certificate = SeenCertificate {
        fingerprint: fingerprint.to_owned(),
        subject: String::new(),
        issuer: String::new(),
        not_before: 0,
        not_after: 0,
    };
    MetServer { name: "mx".into(), protocol: Some("TLSv1.3".into()), certificate: Some(certificate) }
}

fn change(status: HostStatus) -> Change {
    Change { host: host(), status, reason: None, address: None }
}

fn turn(watch: &mut Watch, status: HostStatus, second: u64) -> Vec<Event> {
    watch.changed(change(status), Vec::new(), ONE, second * SECOND)
}

fn look(watch: &mut Watch, names: &[&str], second: u64) -> Option<Event> {
    watch.answered(&host(), answers(names), ONE, second * SECOND)
}

fn meet(watch: &mut Watch, fingerprint: &str, second: u64) -> Option<Event> {
    watch.met(&host(), server(fingerprint), Vec::new(), ONE, second * SECOND)
}

/// Exchangers and whether it worked, of an event that tells facts.
fn facts(event: &Event) -> Option<(Vec<String>, bool, Option<u64>)> {
    let Event::HostFacts { facts, .. } = event else { return None };
    let Answers::Dns { exchangers, .. } = &facts.way.answers else { return None };
    let names = exchangers.iter().map(|(_, name)| name.clone()).collect();
    Some((names, facts.proven, facts.worked_at.map(|at| at / SECOND)))
}

#[test]
fn facts_stand_beside_every_change() {
    let mut watch = Watch::default();
    assert_eq!(look(&mut watch, &["a"], 10), None, "nothing is known yet");
    assert_eq!(meet(&mut watch, "f", 11), None, "the change follows");
    let told = turn(&mut watch, HostStatus::Up, 11);
    assert!(matches!(told[0], Event::HostChanged { status: HostStatus::Up, .. }));
    assert_eq!(facts(&told[1]), Some((vec!["a".into()], true, Some(11))));
    look(&mut watch, &["b"], 20);
    let told = turn(&mut watch, HostStatus::Down, 21);
    assert!(matches!(told[0], Event::HostChanged { status: HostStatus::Down, .. }));
    assert_eq!(facts(&told[1]), Some((vec!["b".into()], false, Some(11))));
}

#[test]
fn the_way_on_which_it_worked_last_is_told_before_it_leaves_up() {
    let mut watch = Watch::default();
    look(&mut watch, &["a"], 10);
    meet(&mut watch, "f", 10);
    turn(&mut watch, HostStatus::Up, 10);
    look(&mut watch, &["b"], 20);
    assert_eq!(meet(&mut watch, "f", 21), None, "within the hour");
    look(&mut watch, &["c"], 30);
    let told = turn(&mut watch, HostStatus::Down, 31);
    assert_eq!(told.len(), 3);
    assert_eq!(facts(&told[0]), Some((vec!["b".into()], true, Some(21))));
    assert_eq!(facts(&told[2]), Some((vec!["c".into()], false, Some(21))));
}

#[test]
fn other_facts_are_told_once_an_hour_and_the_same_once_a_day() {
    let mut watch = Watch::default();
    look(&mut watch, &["a"], 10);
    meet(&mut watch, "f", 10);
    turn(&mut watch, HostStatus::Up, 10);
    let told = (1..=48 * 60).filter(|minute| {
        look(&mut watch, &[if minute % 2 == 0 { "a" } else { "b" }], 10 + minute * 60);
        meet(&mut watch, "f", 10 + minute * 60).is_some()
    });
    let told = told.count();
    assert!((24..=48).contains(&told), "a pool that turns every minute for two days: {told}");
    let mut watch = Watch::default();
    look(&mut watch, &["a"], 10);
    turn(&mut watch, HostStatus::Up, 10);
    meet(&mut watch, "f", 10);
    let told = (1..=48).filter(|hour| meet(&mut watch, "f", 10 + hour * 3_600).is_some()).count();
    // The certificate at once after an hour, then a day later.
    assert_eq!(told, 2);
}

#[test]
fn another_certificate_and_another_configuration_are_other_facts() {
    let mut watch = Watch::default();
    meet(&mut watch, "f", 10);
    turn(&mut watch, HostStatus::Up, 10);
    assert_eq!(meet(&mut watch, "f", 4_000), None);
    assert!(meet(&mut watch, "g", 4_001).is_some());
    assert_eq!(meet(&mut watch, "g", 8_000), None);
    assert!(watch.met(&host(), server("g"), Vec::new(), 2, 8_001 * SECOND).is_some());
}

#[test]
fn a_host_that_turns_every_second_does_not_flood_the_ledger() {
    let mut watch = Watch::default();
    let mut told = Vec::new();
    for second in 0..86_400_u64 {
        let status = if second % 2 == 0 { HostStatus::Up } else { HostStatus::Down };
        told.extend(turn(&mut watch, status, second));
        told.extend(watch.due(second * SECOND));
    }
    told.extend(watch.due(u64::MAX));
    assert!(watch.counting.is_empty());
    let windows = 86_400 / 600 + 1;
    assert!(told.len() <= windows * (2 * TOLD as usize + 2), "{} events a day", told.len());
    let changes: u32 = told
        .iter()
        .map(|event| match event {
            Event::HostChanged { .. } => 1,
            Event::HostFlapped { changes, .. } => *changes,
            _ => 0,
        })
        .sum();
    assert_eq!(changes, 86_400, "none is lost");
    let last = told.iter().rev().find_map(|event| match event {
        Event::HostChanged { status, .. } | Event::HostFlapped { status, .. } => Some(*status),
        _ => None,
    });
    assert_eq!(last, Some(HostStatus::Down), "the end is told");
}

#[test]
fn a_certificate_that_was_turned_down_stands_beside_the_verdict() {
    let mut watch = Watch::default();
    meet(&mut watch, "f", 10);
    turn(&mut watch, HostStatus::Up, 10);
    watch.turned_down(&host(), MetServer { protocol: None, ..server("g") }, 20 * SECOND);
    let told = turn(&mut watch, HostStatus::Down, 20);
    let Event::HostFacts { facts, .. } = &told[1] else { unreachable!("{told:?}") };
    let shown = facts.way.servers[0].certificate.as_ref().map(|shown| shown.fingerprint.as_str());
    assert_eq!((shown, facts.way.servers[0].protocol.is_some()), (Some("g"), true));
}

#[test]
fn memory_is_bounded_and_keeps_what_is_used() {
    let mut watch = Watch::default();
    for number in 0..3 * HOSTS as u64 {
        let host = Host::new(&format!("{number}.example"));
        watch.answered(&host, answers(&["a"]), ONE, number * SECOND);
        if number % 1_000 == 0 {
            look(&mut watch, &["a"], number);
        }
        assert!(watch.hosts.len() <= HOSTS);
    }
    assert!(watch.hosts.contains_key(&host()));
}

#[test]
fn what_was_down_before_the_start_tells_its_facts_at_the_next_look() {
    let mut watch = Watch::default();
    watch.take_up(&host(), HostStatus::Down);
    let told = watch.answered(&host(), answers(&["a"]), ONE, 1_800_000_000 * SECOND);
    assert!(told.is_some());
}

#[test]
fn addresses_of_ours_are_kept_by_family() {
    let mut watch = Watch::default();
    let from = |watch: &mut Watch, source: &str| {
        watch.met(&host(), server("f"), vec![source.parse().unwrap()], ONE, SECOND);
        watch.hosts[&host()].way.sources.iter().map(IpAddr::to_string).collect::<Vec<_>>()
    };
    assert_eq!(from(&mut watch, "192.0.2.1"), ["192.0.2.1"]);
    assert_eq!(from(&mut watch, "2001:db8::1"), ["192.0.2.1", "2001:db8::1"]);
    assert_eq!(from(&mut watch, "192.0.2.2"), ["192.0.2.2", "2001:db8::1"]);
}
