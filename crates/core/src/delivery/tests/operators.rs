//! Retry-now, suspension, routes, reload, disk space, damaged records.

use std::sync::Arc;

use super::world::*;
use crate::delivery::io::{Input, Scope};
use crate::delivery::settings::{Hop, HopHost, Pattern, Route, Settings};
use crate::event::{Cause, HostStatus, Stage};
use crate::ids::{Dcid, Mid};

#[test]
fn retry_now_makes_due_what_waits_for_a_clock_and_says_how_many() {
    // scope, how it is told, recipients that became due, all that wait there, destinations
    let table = [
        (Scope::All, "all", 4, 5, 2),
        (Scope::Host(host("down.example")), "down.example", 2, 2, 1),
        (Scope::Host(host("up.example")), "up.example", 2, 3, 1),
        (Scope::Host(host("nobody.example")), "nobody.example", 0, 0, 0),
        (Scope::Message(Mid(5)), "MID 5", 2, 2, 2),
        (Scope::Message(Mid(7)), "MID 7", 0, 1, 0),
    ];
    for (scope, told, recipients, of, destinations) in table {
        let mut world = World::new();
        world.make_down("down.example", 1);
        world.make_up("up.example", 2);
        let mixed =
            vec![waiting(5, 0, "down.example", world.now.0), waiting(5, 1, "up.example", world.now.0)];
        world.input(Input::Enqueue(mixed));
        let results = vec![(crate::ids::Rid(1), crate::delivery::io::RecipientResult::Soft(greylisted()))];
        let after = crate::delivery::io::After::Usable;
        world.input(Input::Outcome { dcid: Dcid(2), mid: Mid(5), results, after });
        world.enqueue(6, 1, "up.example");
        world.soft(2, 6);
        // One that is being tried becomes due by nobody's command.
        world.enqueue(7, 1, "up.example");
        world.heard();
        world.deliver_now(scope.clone());
        let heard = world.heard();
        let lines = [
            format!("# delivernow {told} {recipients} by ann"),
            format!("retried {recipients} of {of} at {destinations}"),
        ];
        assert!(heard.windows(2).any(|pair| pair == lines), "{scope:?}: {heard:?}");
    }
}

#[test]
fn forced_tries_do_not_count() {
    let mut world = World::with(|settings| settings.profiles[0].attempts = 3);
    world.make_up("a.example", 1);
    world.enqueue(1, 1, "a.example");
    world.heard();
    world.soft(1, 1);
    world.hears(&["defer 1.0 attempts 1 +60s"]);
    for _ in 0..10 {
        world.deliver_now(Scope::All);
        world.pass(0);
        world.resolved("a.example", &[target(1, 10)]);
        world.heard();
        world.soft(1, 1);
        assert!(world.heard()[0].starts_with("defer 1.0 attempts 1 "));
    }
}

#[test]
fn forced_tries_of_a_host_that_is_down_do_not_count_either() {
    let mut world = World::new();
    world.make_down("a.example", 1);
    world.enqueue(1, 1, "a.example");
    for dcid in 2..6 {
        world.deliver_now(Scope::Host(host("a.example")));
        world.resolved("a.example", &[target(1, 10)]);
        world.heard();
        world.unusable(dcid, &[(1, refused())]);
        let deferred: Vec<_> = world.heard().into_iter().filter(|line| line.starts_with("defer")).collect();
        assert_eq!(deferred.len(), 1, "{deferred:?}");
        let attempts = if deferred[0].starts_with("defer 901") { "attempts 1" } else { "attempts 0" };
        assert!(deferred[0].contains(attempts), "{deferred:?}");
        assert!(deferred[0].ends_with("+60s"), "the clock begins anew: {deferred:?}");
    }
}

#[test]
fn retry_now_forgets_what_is_held_against_a_host() {
    let mut world = World::with(|settings| settings.default_control.recipients = Some(1));
    world.make_down("a.example", 1);
    world.deliver_now(Scope::All);
    world.hears(&["# delivernow all 1 by ann", "retried 1 of 1 at 1", "resolve a.example"]);
    let view = world.view("a.example");
    assert_eq!((view.status, view.backoff, view.trying), (HostStatus::Down, None, true));
    world.resolved("a.example", &[target(1, 10)]);
    assert!(world.view("a.example").targets[0].verdict.is_none());
    world.ready(2, 1);
    world.enqueue(1, 1, "a.example");
    assert_eq!(world.why(1, 0), "rate of a.example +3600s");
    world.heard();
    world.deliver_now(Scope::Host(host("a.example")));
    world.hears(&["# delivernow a.example 1 by ann", "retried 1 of 2 at 1", "resolve a.example"]);
}

#[test]
fn a_host_that_fails_again_after_a_retry_now_is_down_since_the_first_time() {
    let mut world = World::new();
    let first = world.now.0;
    world.make_down("a.example", 1);
    for dcid in 2..5 {
        world.pass(10);
        world.deliver_now(Scope::Host(host("a.example")));
        let view = world.view("a.example");
        assert_eq!((view.status, view.since, view.trying), (HostStatus::Down, Some(first), true));
        assert_eq!(view.reason.unwrap().cause, Cause::ConnectRefused);
        world.resolved("a.example", &[target(1, 10)]);
        world.unusable(dcid, &[(1, refused())]);
        let view = world.view("a.example");
        assert_eq!((view.status, view.since, view.trying), (HostStatus::Down, Some(first), false));
        assert_eq!(view.backoff.unwrap().since, first);
    }
    // Up for a moment: the next failure is a new one.
    world.deliver_now(Scope::Host(host("a.example")));
    world.resolved("a.example", &[target(1, 10)]);
    world.ready(5, 1);
    world.delivered(5, 901);
    world.closed(5);
    world.pass(10);
    let second = world.now.0;
    world.enqueue(1, 1, "a.example");
    world.unusable(6, &[(1, refused())]);
    let view = world.view("a.example");
    assert_eq!((view.status, view.since), (HostStatus::Down, Some(second)));
    assert_eq!(view.backoff.unwrap().since, second);
}

#[test]
fn a_host_that_is_up_and_holds_its_mail_stays_up_since_when_it_was() {
    let mut world = World::new();
    let first = world.now.0;
    let busy = failure(Stage::Greeting, Cause::GreetingRejected, 421);
    world.enqueue(1, 1, "a.example");
    world.resolved("a.example", &[target(1, 10)]);
    world.unusable(1, &[(1, busy)]);
    world.pass(10);
    world.heard();
    world.deliver_now(Scope::All);
    world.hears(&["# delivernow all 1 by ann", "retried 1 of 1 at 1", "resolve a.example"]);
    let view = world.view("a.example");
    assert_eq!((view.status, view.since, view.backoff), (HostStatus::Up, Some(first), None));
}

#[test]
fn a_message_that_is_forced_goes_first() {
    let mut world = World::new();
    world.make_down("a.example", 1);
    for mid in 1..=3 {
        world.enqueue(mid, 1, "a.example");
    }
    world.deliver_now(Scope::Message(Mid(2)));
    world.resolved("a.example", &[target(1, 10)]);
    assert_eq!(world.why(2, 0), "connecting 2");
    world.ready(2, 1);
    assert_eq!(world.why(2, 0), "attempting 2");
}

#[test]
fn suspension_lets_transactions_end_and_says_who_and_since() {
    for name in [None, Some("a.example")] {
        let mut world = World::with(|settings| settings.default_control.concurrency = 1);
        world.make_up("a.example", 1);
        world.enqueue(1, 1, "a.example");
        world.suspend(name);
        world.enqueue(2, 1, "a.example");
        world.enqueue(3, 1, "b.example");
        world.pass(3);
        assert_eq!(world.why(2, 0), format!("suspended by ann since -3s {}", name.unwrap_or("all")));
        assert_eq!(world.why(3, 0).starts_with("suspended"), name.is_none());
        world.heard();
        world.delivered(1, 1);
        world.hears(&["end 1.0 delivered 1 last"]);
        world.resume(name);
        let heard = world.heard();
        assert!(heard.contains(&"transact 1 mid 2 [0]".to_owned()), "{heard:?}");
        assert_eq!(heard.contains(&"resolve b.example".to_owned()), name.is_none());
    }
}

fn route_all(route: Route) -> Settings {
    Settings { routes: vec![(Pattern::All, route)], ..Settings::default() }
}

fn smarthost(last: u8) -> Route {
    let hop = Hop { host: HopHost::Address(address(last)), port: 25, priority: 10 };
    Route::Hops { hops: vec![hop], credentials: None, implicit_tls: false }
}

#[test]
fn a_route_of_addresses_asks_no_name_service() {
    let mut world = World::with(|settings| *settings = route_all(smarthost(9)));
    world.enqueue(1, 1, "a.example");
    world.hears(&["connect 1 slot 0 a.example 192.0.2.9"]);
    let named = Hop { host: HopHost::Name("smart.example".into()), port: 25, priority: 10 };
    let route = Route::Hops { hops: vec![named], credentials: None, implicit_tls: false };
    let mut world = World::with(|settings| *settings = route_all(route));
    world.enqueue(1, 1, "a.example");
    world.hears(&["resolve a.example"]);
}

#[test]
fn a_discarding_route_ends_everything() {
    let mut world = World::with(|settings| *settings = route_all(Route::Discard));
    world.enqueue(1, 2, "a.example");
    world.hears(&["end 1.0 deleted by route", "end 1.1 deleted by route last"]);
}

#[test]
fn special_destinations_exist_always_and_wait_for_a_route() {
    let mut world = World::new();
    let names: Vec<String> = world.delivery.cells().map(|cell| cell.host.to_string()).collect();
    assert_eq!(names, crate::delivery::SPECIAL);
    world.enqueue(1, 1, "the.euq.queue");
    world.hears(&["defer 1.0 attempts 1 +60s"]);
    let reason = world.view("the.euq.queue").reason.unwrap();
    assert_eq!(reason.text, ["No SMTP route is configured for the.euq.queue"]);
    world.input(Input::Reconfigure(Arc::new(route_all(smarthost(9)))));
    world.pass(60);
    world.hears(&["connect 1 slot 0 the.euq.queue 192.0.2.9"]);
    world.pass(7 * 86_400);
    assert!(world.delivery.cells().any(|cell| cell.host == host("the.cpq.host")), "never forgotten");
}

#[test]
fn a_new_route_lets_go_of_old_connections_and_answers() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    world.enqueue(1, 1, "b.example");
    world.enqueue(2, 1, "a.example");
    world.heard();
    world.input(Input::Reconfigure(Arc::new(route_all(smarthost(9)))));
    world.settle();
    world.hears(&[]);
    world.resolved("b.example", &[target(5, 10)]);
    world.hears(&["connect 2 slot 1 b.example 192.0.2.9"]);
    world.delivered(1, 2);
    world.hears(&["end 2.0 delivered 1 last", "quit 1"]);
}

#[test]
fn without_disk_space_nothing_starts() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    world.input(Input::SpoolSpace { exhausted: true });
    world.enqueue(1, 1, "a.example");
    world.pass(2);
    assert_eq!(world.why(1, 0), "spool since -2s");
    world.hears(&[]);
    world.input(Input::SpoolSpace { exhausted: false });
    world.hears(&["# start 1 mid 1", "transact 1 mid 1 [0]"]);
}

#[test]
fn a_damaged_record_ends_its_recipients_and_the_connection_goes_on() {
    let mut world = World::with(|settings| settings.default_control.concurrency = 1);
    world.make_up("a.example", 1);
    let now = world.now.0;
    let both = vec![waiting(1, 0, "a.example", now), waiting(1, 1, "b.example", now)];
    world.input(Input::Enqueue(both));
    world.enqueue(2, 1, "a.example");
    world.heard();
    world.input(Input::RecordCorrupt { dcid: Dcid(1), mid: Mid(1), detail: "checksum".into() });
    world.hears(&["end 1.0 corrupt", "end 1.1 corrupt last", "# start 1 mid 2", "transact 1 mid 2 [0]"]);
}

#[test]
fn a_damaged_record_is_no_attempt_at_its_destination() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    let tried = world.now.0;
    world.pass(3);
    world.enqueue(1, 1, "a.example");
    world.input(Input::RecordCorrupt { dcid: Dcid(1), mid: Mid(1), detail: "checksum".into() });
    assert_eq!(world.view("a.example").last_activity, Some(tried), "nothing was said to the host");
    world.pass(6);
    world.closed(1);
    world.pass(3_600 - 10);
    assert_eq!(world.view("a.example").status, HostStatus::Up);
    world.pass(1);
    assert_eq!(world.view("a.example").status, HostStatus::Unknown, "an hour after the last attempt");
}
