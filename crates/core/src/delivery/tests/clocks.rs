//! Expiry, clocks across restarts, delay reports, and a wall clock that jumps.

use super::world::*;
use crate::delivery::io::{After, Effect, End, Input};
use crate::event::{BounceKind, Cause, Event, Stage, Unreported};

const THREE_DAYS: u64 = 259_200;

/// Where a recipient may wait when its time is over.
type Situation = (&'static str, fn(&mut World));

#[test]
fn a_recipient_expires_at_its_age_whatever_keeps_it() {
    let situations: [Situation; 5] = [
        ("own clock", |world| {
            world.make_up("a.example", 1);
            world.enqueue(1, 1, "a.example");
            world.soft(1, 1);
            world.suspend(None);
        }),
        ("destination's clock", |world| {
            world.make_down("a.example", 1);
            world.enqueue(1, 1, "a.example");
            world.suspend(Some("a.example"));
        }),
        ("suspended", |world| {
            world.suspend(None);
            world.enqueue(1, 1, "a.example");
        }),
        ("a look-up without an answer", |world| world.enqueue(1, 1, "a.example")),
        ("a special queue without a route", |world| world.enqueue(1, 1, "the.euq.queue")),
    ];
    for (situation, arrange) in situations {
        let mut world = World::new();
        arrange(&mut world);
        world.pass(THREE_DAYS - 1);
        assert_ne!(world.why(1, 0), "gone", "{situation}: not a second early");
        world.heard();
        world.pass(1);
        let heard = world.heard();
        let ended = |line: &String| line.starts_with("end 1.0 bounced 0 Expired Expired");
        assert!(heard.iter().any(ended), "{situation}: {heard:?}");
    }
}

#[test]
fn expiry_waits_while_the_disk_cannot_record_it() {
    let mut world = World::new();
    world.suspend(None);
    world.enqueue(1, 1, "a.example");
    world.input(Input::SpoolSpace { exhausted: true });
    world.pass(THREE_DAYS + 100);
    assert_eq!(world.why(1, 0), format!("spool since -{}s", THREE_DAYS + 100));
    world.heard();
    world.input(Input::SpoolSpace { exhausted: false });
    world.hears(&["end 1.0 bounced 0 Expired Expired last"]);
}

#[test]
fn the_limit_of_attempts_ends_a_recipient_with_its_last_failure_told() {
    let mut world = World::with(|settings| settings.profiles[0].attempts = 2);
    world.make_up("a.example", 1);
    world.enqueue(1, 1, "a.example");
    world.soft(1, 1);
    world.closed(1);
    world.pass(60);
    world.ready(2, 1);
    world.heard();
    world.soft(2, 1);
    let Effect::End { end: End::Bounced { kind, failure, .. }, .. } = world.effects().remove(0) else {
        unreachable!("the second failure ends it");
    };
    assert_eq!((kind, failure.cause, failure.status), (BounceKind::Expired, Cause::Expired, (5, 4, 7)));
    assert_eq!(failure.text, ["Not delivered in 2 attempts", "The last reply was 451:", "words"]);
}

#[test]
fn one_that_waited_for_its_host_expires_with_the_hosts_failure_told() {
    let mut world = World::new();
    world.make_down("a.example", 1);
    world.enqueue(1, 1, "a.example");
    world.suspend(None);
    world.pass(THREE_DAYS);
    let failure = world.effects().into_iter().find_map(|effect| match effect {
        Effect::End { mid, end: End::Bounced { failure, .. }, .. } if mid.0 == 1 => Some(failure),
        _ => None,
    });
    assert_eq!(
        failure.unwrap().text,
        ["Not delivered within 259200 seconds", "The last failure was:", "words"]
    );
}

#[test]
fn who_is_told_of_a_bounce() {
    // null sender, failure wanted, profile sends, why not
    let table = [
        (false, true, true, None),
        (true, true, true, Some(Unreported::NullSender)),
        (false, false, true, Some(Unreported::NotRequested)),
        (false, true, false, Some(Unreported::Profile)),
        (true, false, false, Some(Unreported::NullSender)),
    ];
    for (null_sender, notify_failure, send_bounces, expected) in table {
        let mut world = World::with(|settings| settings.profiles[0].send_bounces = send_bounces);
        world.make_up("a.example", 1);
        let one = waiting(1, 0, "a.example", world.now.0);
        let one = crate::delivery::io::Waiting { null_sender, notify_failure, ..one };
        world.input(Input::Enqueue(vec![one]));
        world.heard();
        world.outcome(1, 1, &[crate::delivery::io::RecipientResult::Hard(unknown_user())], After::Usable);
        let effects = world.effects();
        let Effect::End { end: End::Bounced { unreported, .. }, .. } = &effects[0] else { unreachable!() };
        assert_eq!(*unreported, expected);
    }
}

#[test]
fn a_delay_is_reported_once_with_the_first_failure_after_its_time() {
    let mut world = World::with(|settings| settings.profiles[0].delay_report_seconds = Some(100));
    world.make_up("a.example", 1);
    let one = waiting(1, 0, "a.example", world.now.0);
    world.input(Input::Enqueue(vec![crate::delivery::io::Waiting { notify_delay: true, ..one }]));
    let mut told = Vec::new();
    for dcid in 1..5 {
        world.heard();
        world.soft(dcid, 1);
        let line = world.heard().remove(0);
        told.push(line.ends_with("report"));
        world.closed(dcid);
        world.pass(240);
        world.ready(dcid + 1, 1);
    }
    assert_eq!(told, [false, true, false, false]);
}

#[test]
fn clocks_survive_a_restart() {
    let mut world = World::new();
    world.restore(1, "a.example", |state| state.due_at += 40_000_000);
    assert_eq!(world.why(1, 0), "retry +40s Some(Reply4xx)");
    world.hears(&[]);
    world.pass(40);
    world.hears(&["resolve a.example"]);
    world.restore(2, "b.example", |state| state.due_at -= 40_000_000);
    world.hears(&["resolve b.example"]);
}

#[test]
fn a_destinations_clock_survives_a_restart_with_the_one_who_tried() {
    let mut world = World::new();
    let now = world.now.0;
    world.restore(1, "a.example", |state| {
        state.due_at = now + 90_000_000;
        state.last = Some(crate::event::Failure { at: now - 30_000_000, ..refused() });
    });
    world.enqueue(2, 1, "a.example");
    for mid in [1, 2] {
        assert_eq!(world.why(mid, 0), "backoff +90s since -30s ConnectRefused");
    }
    world.hears(&[]);
    world.pass(90);
    world.hears(&["resolve a.example"]);
    world.resolved("a.example", &[target(1, 10)]);
    world.unusable(1, &[(1, refused())]);
    assert_eq!(world.why(2, 0), "backoff +240s since -120s ConnectRefused", "the clock of 120 s doubled");
}

#[test]
fn nobody_waits_longer_than_its_clock_after_the_wall_was_turned_back() {
    let mut world = World::new();
    let ten_years = 10 * 365 * 86_400_000_000;
    world.restore(1, "a.example", |state| (state.due_at, state.interval_s) = (state.due_at + ten_years, 240));
    assert_eq!(world.why(1, 0), "retry +240s Some(Reply4xx)");
    world.restore(2, "a.example", |state| (state.due_at, state.interval_s) = (state.due_at + ten_years, 0));
    assert_eq!(world.why(2, 0), "retry +3600s Some(Reply4xx)");
}

#[test]
fn a_jump_of_the_wall_clock_moves_plans_and_expires_nobody() {
    const HOUR: i64 = 3_600;
    for jump in [HOUR, -HOUR, 24 * HOUR, -24 * HOUR, 10 * 365 * 24 * HOUR] {
        let mut world = World::new();
        world.make_up("a.example", 1);
        world.enqueue(1, 1, "a.example");
        world.soft(1, 1);
        world.enqueue(2, 1, "b.example");
        world.heard();
        world.pass(30);
        world.input(Input::Tick);
        world.jump(jump);
        world.input(Input::Tick);
        assert_eq!(world.why(1, 0), "retry +30s Some(Reply4xx)", "jump of {jump} s");
        let heard = world.heard();
        assert!(heard.iter().all(|line| !line.starts_with("end")), "{heard:?}");
        world.closed(1);
        world.pass(29);
        assert_eq!(world.why(1, 0), "retry +1s Some(Reply4xx)");
        world.pass(1);
        assert!(world.why(1, 0).starts_with("connecting"), "{}", world.why(1, 0));
        world.pass(THREE_DAYS - 62);
        assert_ne!(world.why(2, 0), "gone");
        world.pass(2);
        assert_eq!(world.why(2, 0), "gone");
    }
}

#[test]
fn a_deferral_says_what_the_clock_says() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    world.enqueue(1, 1, "a.example");
    world.heard();
    world.soft(1, 1);
    let Effect::Defer { state, event, .. } = world.effects().remove(0) else { unreachable!() };
    let Event::Deferred { dcid, next_at, attempts, failure, .. } = event else { unreachable!() };
    assert_eq!((dcid.0, next_at, attempts), (1, world.now.0 + 60_000_000, 1));
    assert_eq!((state.due_at, state.interval_s, state.host), (next_at, 60, None));
    assert_eq!((failure.stage, state.last), (Stage::Rcpt, Some(greylisted())));
}

#[test]
fn a_redirected_recipient_stays_redirected() {
    let mut world = World::new();
    world.make_up("b.example", 1);
    world.restore(1, "a.example", |state| state.host = Some(host("b.example")));
    world.hears(&["# start 1 mid 1", "transact 1 mid 1 [0]"]);
    world.soft(1, 1);
    let Effect::Defer { state, .. } = world.effects().remove(0) else { unreachable!() };
    assert_eq!(state.host, Some(host("b.example")));
}
