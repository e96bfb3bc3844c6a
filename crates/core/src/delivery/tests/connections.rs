//! Reuse of connections, and what becomes of them.

use super::world::*;
use crate::delivery::io::{Effect, Input, Target, TlsMode};
use crate::delivery::settings::{Control, Hop, HopHost, Pattern, Route};

#[test]
fn an_idle_connection_serves_another_destination_at_the_same_server() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    world.enqueue(1, 1, "b.example");
    world.resolved("b.example", &[target(1, 10)]);
    world.hears(&["resolve b.example", "# start 1 mid 1", "transact 1 mid 1 [0]"]);
    assert_eq!(world.view("b.example").current, 1);
    assert_eq!(world.view("a.example").current, 0);
    world.delivered(1, 1);
    world.hears(&["# b.example Up None", "end 1.0 delivered 1 last"]);
    assert_eq!(world.delivery.gauges().connections, 1);
}

#[test]
fn only_like_connections_are_shared() {
    let verify = |name: &str| {
        let control = Control { tls: TlsMode::Verify, ..Control::default() };
        (Pattern::Exact(name.into()), control)
    };
    // controls, name of the server as the second destination knows it, shared
    let table = [
        (vec![], "mx1.example", true),
        (vec![], "other.example", true),
        (vec![verify("b.example")], "mx1.example", false),
        (vec![verify("a.example"), verify("b.example")], "mx1.example", true),
        (vec![verify("a.example"), verify("b.example")], "other.example", false),
    ];
    for (controls, name, shared) in table {
        let mut world = World::with(|settings| settings.controls = controls.clone());
        world.make_up("a.example", 1);
        world.enqueue(1, 1, "b.example");
        world.heard();
        world.resolved("b.example", &[Target { name: name.into(), ..target(1, 10) }]);
        let expected = if shared { "transact 1 mid 1 [0]" } else { "connect 2 slot 1 b.example 192.0.2.1" };
        assert_eq!(world.heard().last().unwrap(), expected, "{controls:?} {name}");
    }
}

#[test]
fn credentials_keep_connections_apart() {
    let hop = Hop { host: HopHost::Address(address(1)), port: 25, priority: 10 };
    let route = Route::Hops { hops: vec![hop], credentials: Some("relay".into()), implicit_tls: true };
    let mut world =
        World::with(|settings| settings.routes = vec![(Pattern::Exact("b.example".into()), route)]);
    world.make_up("a.example", 1);
    world.enqueue(1, 1, "b.example");
    let effects = world.effects();
    let Some(Effect::Connect { credentials, implicit_tls, targets, .. }) = effects.last() else {
        unreachable!("{effects:?}")
    };
    assert_eq!((credentials.as_deref(), *implicit_tls), (Some("relay"), true));
    assert_eq!((targets[0].address, targets[0].name.as_str()), (address(1), "[192.0.2.1]"));
}

#[test]
fn an_idle_connection_is_used_again_and_closed_when_its_time_is_over() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    world.pass(4);
    world.enqueue(1, 1, "a.example");
    world.hears(&["# start 1 mid 1", "transact 1 mid 1 [0]"]);
    world.pass(100);
    world.hears(&[]);
    world.delivered(1, 1);
    world.heard();
    world.pass(4);
    world.hears(&[]);
    world.pass(1);
    world.hears(&["quit 1"]);
}

#[test]
fn a_connection_closed_by_the_peer_is_gone_and_the_next_message_opens_another() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    world.input(Input::Closed { dcid: crate::ids::Dcid(1), why: Some(refused()) });
    world.hears(&["# closed 1"]);
    world.enqueue(1, 1, "a.example");
    world.hears(&["connect 2 slot 0 a.example 192.0.2.1"]);
}

#[test]
fn exchangers_of_equal_preference_share_the_load() {
    let mut firsts = std::collections::BTreeSet::new();
    let mut world = World::new();
    for mid in 1..40 {
        let name = format!("d{mid}.example");
        world.enqueue(mid, 1, &name);
        world.resolved(&name, &[target(1, 10), target(2, 10), target(3, 20)]);
        for effect in world.effects() {
            if let Effect::Connect { targets, .. } = effect {
                assert_eq!(targets.last().unwrap().preference, 20, "the backup comes last");
                firsts.insert(targets[0].name.clone());
            }
        }
    }
    assert_eq!(firsts.len(), 2);
}

#[test]
fn an_address_behind_several_exchangers_is_tried_once_at_its_best_preference() {
    let named = |name: &str, last, preference| Target { name: name.into(), ..target(last, preference) };
    let answer = [
        named("late.example", 1, 30),
        named("second.example", 2, 20),
        named("first.example", 1, 10),
        named("equal.example", 2, 20),
    ];
    let mut world = World::new();
    world.enqueue(1, 1, "a.example");
    world.resolved("a.example", &answer);
    world.hears(&["resolve a.example", "connect 1 slot 0 a.example 192.0.2.1 192.0.2.2"]);
    let view = world.view("a.example");
    let told: Vec<_> =
        view.targets.iter().map(|one| (one.target.name.as_str(), one.target.preference)).collect();
    assert_eq!(told, [("first.example", 10), ("second.example", 20)]);
    assert_eq!(view.exchangers.len(), 4, "people see every exchanger");
    world.unusable(1, &[(1, refused()), (2, refused())]);
    assert_eq!(world.heard().iter().filter(|line| line.starts_with("# failed")).count(), 2);
}

#[test]
fn an_address_that_a_route_names_twice_is_tried_once() {
    let hop = |last, priority| Hop { host: HopHost::Address(address(last)), port: 25, priority };
    let hops = vec![hop(1, 20), hop(2, 10), hop(1, 5)];
    let route = Route::Hops { hops, credentials: None, implicit_tls: false };
    let mut world = World::with(|settings| settings.routes = vec![(Pattern::All, route)]);
    world.enqueue(1, 1, "a.example");
    world.hears(&["connect 1 slot 0 a.example 192.0.2.1 192.0.2.2"]);
}

#[test]
fn shutdown_lets_transactions_end_and_starts_nothing() {
    let mut world = World::with(|settings| settings.default_control.concurrency = 2);
    world.make_up("a.example", 1);
    world.make_up("b.example", 2);
    for mid in 1..=3 {
        world.enqueue(mid, 1, "a.example");
    }
    world.heard();
    world.input(Input::Shutdown);
    world.hears(&["quit 2"]);
    assert_eq!(world.why(3, 0), "shutting down");
    assert_eq!(world.why(1, 0), "attempting 1");
    world.delivered(1, 1);
    world.hears(&["end 1.0 delivered 1 last", "quit 1"]);
    world.ready(3, 1);
    assert_eq!(world.heard().last().unwrap(), "quit 3", "one that was being opened is closed at once");
    for dcid in 1..=3 {
        world.closed(dcid);
    }
    world.enqueue(4, 1, "c.example");
    assert_eq!(world.why(4, 0), "shutting down");
    assert_eq!(world.delivery.gauges().connections, 0);
    world.pass(7_200);
    let heard = world.heard();
    assert!(heard.iter().all(|line| line.starts_with('#')), "{heard:?}");
}

#[test]
fn inputs_about_unknown_things_change_nothing() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    world.ready(77, 1);
    world.unusable(77, &[]);
    world.delivered(77, 1);
    world.delivered(1, 5);
    world.closed(77);
    world.resolved("nowhere.example", &[target(1, 10)]);
    world.resolved("a.example", &[target(3, 10)]);
    world.hears(&[]);
    assert_eq!(world.delivery.gauges().connections, 1);
}

#[test]
fn the_same_inputs_give_the_same_effects() {
    let run = || {
        let mut world = World::new();
        let mut told = Vec::new();
        for mid in 1..30 {
            let name = format!("d{}.example", mid % 7);
            world.enqueue(mid, 3, &name);
            world.resolved(&name, &[target(1, 10), target(2, 10), target(3, 10)]);
            told.extend(world.heard());
        }
        told
    };
    assert_eq!(run(), run());
}
