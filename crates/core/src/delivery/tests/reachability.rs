//! Up, down, unknown; trials; what a failed connection means.

use super::world::*;
use crate::delivery::io::{After, RecipientResult, Resolution};
use crate::event::{Cause, Failure, HostStatus, Stage};

fn banner(code: u16) -> Failure {
    failure(Stage::Greeting, Cause::GreetingRejected, code)
}

fn silent_syn() -> Failure {
    failure(Stage::Connect, Cause::ConnectTimeout, 0)
}

#[test]
fn the_verdict_after_a_connection_that_failed() {
    let connect = |cause| failure(Stage::Connect, cause, 0);
    let (up, down, unknown) = (HostStatus::Up, HostStatus::Down, HostStatus::Unknown);
    let table: [(&[Failure], HostStatus); 14] = [
        (&[refused()], down),
        (&[connect(Cause::NoRoute)], down),
        (&[failure(Stage::Greeting, Cause::BannerTimeout, 0)], down),
        (&[failure(Stage::Ehlo, Cause::SmtpTimeout, 0)], down),
        (&[failure(Stage::Greeting, Cause::ConnectionLost, 0)], down),
        (&[failure(Stage::Ehlo, Cause::ConnectionLost, 0)], up),
        (&[banner(421)], up),
        (&[banner(554)], up),
        (&[failure(Stage::StartTls, Cause::TlsNotOffered, 0)], up),
        (&[silent_syn()], unknown),
        (&[silent_syn(), silent_syn()], unknown),
        (&[silent_syn(), refused()], down),
        (&[refused(), banner(421)], up),
        (&[connect(Cause::ConnectError)], unknown),
    ];
    for (failures, expected) in table {
        let mut world = World::new();
        world.enqueue(1, 1, "a.example");
        world.resolved("a.example", &[target(1, 10), target(2, 20)]);
        let failed: Vec<_> = (1..).zip(failures.iter().cloned()).collect();
        world.unusable(1, &failed);
        let view = world.view("a.example");
        assert_eq!(view.status, expected, "{failures:?}");
        assert_eq!(view.backoff.unwrap().next_attempt, world.now.0 + 60_000_000, "{failures:?}");
        assert!(world.why(1, 0).starts_with("backoff +60s"), "{failures:?}");
    }
}

#[test]
fn a_host_that_rejects_every_recipient_is_up() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    for mid in 1..4 {
        world.enqueue(mid, 1, "a.example");
        world.outcome(1, mid, &[RecipientResult::Hard(unknown_user())], After::Usable);
    }
    assert_eq!(world.view("a.example").status, HostStatus::Up);
}

#[test]
fn a_greeting_with_521_bounces_who_tries_and_no_one_else() {
    let mut world = World::new();
    world.enqueue(1, 1, "a.example");
    world.enqueue(2, 1, "a.example");
    world.resolved("a.example", &[target(1, 10)]);
    world.heard();
    world.unusable(1, &[(1, banner(521))]);
    world.hears(&[
        "# failed 1 192.0.2.1 GreetingRejected",
        "# a.example Up Some(GreetingRejected)",
        "end 1.0 bounced 0 FiveXx GreetingRejected last",
        "connect 2 slot 0 a.example 192.0.2.1",
    ]);
    world.unusable(2, &[(1, banner(521)), (2, refused())]);
    assert!(world.why(2, 0).starts_with("backoff +60s"), "one server refused: wait for it");
}

#[test]
fn silence_inside_a_transaction_is_down_unless_another_connection_stands() {
    for others in [false, true] {
        let mut world = World::new();
        world.make_up("a.example", 1);
        world.enqueue(1, 1, "a.example");
        if others {
            world.enqueue(2, 1, "a.example");
            world.ready(2, 1);
        }
        let silence = failure(Stage::Data, Cause::SmtpTimeout, 0);
        world.outcome(1, 1, &[RecipientResult::Soft(silence.clone())], After::Gone(Some(silence)));
        let expected = if others { HostStatus::Up } else { HostStatus::Down };
        assert_eq!(world.view("a.example").status, expected);
        assert_eq!(
            world.why(1, 0),
            "retry +60s Some(SmtpTimeout)",
            "the one who was tried has its own clock"
        );
    }
}

#[test]
fn a_lost_connection_is_the_recipients_and_the_host_stays_up() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    world.enqueue(1, 1, "a.example");
    world.heard();
    let lost = failure(Stage::Final, Cause::LostAfterData, 0);
    world.outcome(1, 1, &[RecipientResult::Soft(lost.clone())], After::Gone(Some(lost)));
    world.hears(&["defer 1.0 attempts 1 +60s", "# closed 1"]);
    assert_eq!(world.view("a.example").status, HostStatus::Up);
    assert_eq!(world.delivery.gauges().connections, 0);
}

#[test]
fn a_verdict_ages_after_an_hour_without_attempt_and_keeps_its_reason() {
    let mut world = World::new();
    world.make_down("a.example", 1);
    assert_eq!(world.view("a.example").since, Some(world.now.0));
    world.suspend(None);
    world.heard();
    world.pass(3_599);
    assert_eq!(world.view("a.example").status, HostStatus::Down);
    world.hears(&[]);
    world.pass(1);
    world.hears(&["# a.example Unknown None"]);
    let view = world.view("a.example");
    assert_eq!((view.status, view.since), (HostStatus::Unknown, Some(world.now.0)));
    assert_eq!(view.reason.unwrap().cause, Cause::ConnectRefused);
}

#[test]
fn a_verdict_is_carried_over_a_restart_until_the_first_try() {
    let mut before = World::new();
    before.make_down("a.example", 1);
    before.make_up("b.example", 2);
    let since = before.now.0;
    before.pass(600);
    let carried = before.delivery.failing(10);
    let names: Vec<&str> = carried.iter().map(|one| one.host.as_str()).collect();
    assert_eq!(names, ["a.example"], "who is up tells so at the first try");

    let mut world = World::new();
    world.now = before.now;
    world.delivery.restore_verdict(&carried[0], world.now);
    assert_eq!(world.delivery.failing(10), carried, "a second restart carries the same");
    world.pass(1);
    world.hears(&[]);
    let view = world.view("a.example");
    assert_eq!((view.status, view.since, view.carried), (HostStatus::Down, Some(since), true));
    assert_eq!(view.reason.unwrap().cause, Cause::ConnectRefused);
    assert!(view.backoff.is_none(), "it holds nobody");
    // New mail is tried at once.
    world.enqueue(1, 1, "a.example");
    world.hears(&["resolve a.example"]);
    world.resolved("a.example", &[target(1, 10)]);
    world.heard();
    world.unusable(1, &[(1, refused())]);
    assert!(!world.heard().iter().any(|line| line.starts_with("# a.example")), "it was down before");
    let view = world.view("a.example");
    assert_eq!((view.status, view.since, view.carried), (HostStatus::Down, Some(since), false));
    assert_eq!(view.backoff.unwrap().since, since);
}

#[test]
fn a_carried_verdict_ages_like_any_other_and_proves_nothing() {
    let mut before = World::new();
    before.make_down("a.example", 1);
    let carried = before.delivery.failing(10);
    let mut world = World::new();
    world.now = before.now;
    world.delivery.restore_verdict(&carried[0], world.now);
    world.enqueue(1, 1, "other.example");
    world.suspend(None);
    world.heard();
    world.pass(3_600);
    world.hears(&["# a.example Unknown None"]);
    assert!(!world.view("a.example").carried && world.delivery.failing(10).is_empty());
    let up = crate::delivery::CarriedVerdict { status: HostStatus::Up, ..carried[0].clone() };
    world.delivery.restore_verdict(&up, world.now);
    assert_eq!(world.view("a.example").status, HostStatus::Unknown);
}

#[test]
fn failed_look_ups_are_unknown() {
    let mut world = World::new();
    world.make_down("a.example", 1);
    world.deliver_now(crate::delivery::io::Scope::All);
    world.hears(&["# delivernow all 1 by ann", "retried 1 of 1 at 1", "resolve a.example"]);
    world.unresolved("a.example", Resolution::Soft(failure(Stage::Dns, Cause::DnsTimeout, 0)));
    assert_eq!(world.view("a.example").status, HostStatus::Unknown);
    assert_eq!(world.view("a.example").reason.unwrap().cause, Cause::DnsTimeout);
}

#[test]
fn a_failed_try_is_charged_to_nobody_when_the_one_who_tried_is_gone() {
    let mut world = World::new();
    world.enqueue(1, 1, "a.example");
    world.enqueue(2, 1, "a.example");
    world.resolved("a.example", &[target(1, 10)]);
    world.delete(1);
    world.heard();
    world.unusable(1, &[(1, refused())]);
    world.hears(&["# failed 1 192.0.2.1 ConnectRefused", "# a.example Down Some(ConnectRefused)"]);
    assert_eq!(world.delivery.gauges().unattempted, 1);
}

#[test]
fn a_backup_that_answers_makes_the_host_up_and_the_dead_server_is_left_out_for_a_minute() {
    let mut world = World::new();
    world.enqueue(1, 1, "a.example");
    world.resolved("a.example", &[target(1, 10), target(2, 20)]);
    world.hears(&["resolve a.example", "connect 1 slot 0 a.example 192.0.2.1 192.0.2.2"]);
    let failed = vec![crate::delivery::io::AddressTry { target: target(1, 10), failure: refused() }];
    let (dcid, target) = (crate::ids::Dcid(1), target(2, 20));
    world.input(crate::delivery::io::Input::Ready { dcid, target, peer: peer(), failed });
    world.hears(&[
        "# failed 1 192.0.2.1 ConnectRefused",
        "# a.example Up None",
        "# start 1 mid 1",
        "transact 1 mid 1 [0]",
    ]);
    world.enqueue(2, 1, "a.example");
    world.hears(&["connect 2 slot 1 a.example 192.0.2.2"]);
    let view = world.view("a.example");
    assert_eq!(view.targets[0].verdict.as_ref().unwrap().1.cause, Cause::ConnectRefused);
    assert!(view.targets[1].verdict.is_none());
    world.ready(2, 2);
    world.delivered(2, 2);
    world.pass(60);
    world.enqueue(3, 1, "a.example");
    assert_eq!(world.heard().last().unwrap(), "connect 3 slot 2 a.example 192.0.2.1 192.0.2.2");
}

#[test]
fn an_answer_is_used_until_it_expires() {
    let mut world = World::new();
    world.enqueue(1, 1, "a.example");
    let resolution = Resolution::Addresses {
        targets: vec![target(1, 10)],
        exchangers: vec![(10, 30, "mx1.example".into())],
        expires_at: world.now.0 + 30_000_000,
    };
    world.unresolved("a.example", resolution);
    world.ready(1, 1);
    world.delivered(1, 1);
    world.closed(1);
    world.pass(29);
    world.heard();
    world.enqueue(2, 1, "a.example");
    world.hears(&["connect 2 slot 0 a.example 192.0.2.1"]);
    world.ready(2, 1);
    world.delivered(2, 2);
    world.closed(2);
    world.pass(1);
    world.heard();
    world.enqueue(3, 1, "a.example");
    world.hears(&["resolve a.example"]);
}

#[test]
fn an_answer_without_addresses_is_waited_out() {
    let mut world = World::new();
    world.enqueue(1, 1, "a.example");
    world.resolved("a.example", &[]);
    assert!(world.why(1, 0).starts_with("backoff +60s"), "{}", world.why(1, 0));
}
