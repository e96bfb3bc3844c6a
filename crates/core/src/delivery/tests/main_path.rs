//! Enqueue, resolve, connect, transact, end; and both retry clocks.

use super::world::*;
use crate::delivery::io::{After, RecipientResult, Resolution};
use crate::event::{Cause, Stage};

#[test]
fn one_message_goes_out() {
    let mut world = World::new();
    world.enqueue(1, 1, "a.example");
    world.hears(&["resolve a.example"]);
    assert_eq!(world.why(1, 0), "resolving since +0s");
    world.resolved("a.example", &[target(1, 10)]);
    world.hears(&["connect 1 slot 0 a.example 192.0.2.1"]);
    assert_eq!(world.why(1, 0), "connecting 1");
    world.ready(1, 1);
    world.hears(&["# a.example Up None", "# start 1 mid 1", "transact 1 mid 1 [0]"]);
    assert_eq!(world.why(1, 0), "attempting 1");
    world.delivered(1, 1);
    world.hears(&["end 1.0 delivered 1 last"]);
    assert_eq!(world.why(1, 0), "gone");
    world.pass(5);
    world.hears(&["quit 1"]);
    assert_eq!(world.delivery.gauges().connections, 1, "the slot is lent until the connection is closed");
    world.closed(1);
    world.hears(&["# closed 1"]);
    assert_eq!(world.delivery.gauges().connections, 0);
}

#[test]
fn the_next_message_follows_at_once_on_the_same_connection() {
    let mut world = World::with(|settings| settings.default_control.concurrency = 1);
    world.make_up("a.example", 1);
    world.enqueue(1, 1, "a.example");
    world.enqueue(2, 1, "a.example");
    world.enqueue(3, 1, "a.example");
    world.hears(&["# start 1 mid 1", "transact 1 mid 1 [0]"]);
    assert_eq!(world.why(2, 0), "limit 1 of a.example");
    world.delivered(1, 1);
    world.hears(&["end 1.0 delivered 1 last", "# start 1 mid 2", "transact 1 mid 2 [0]"]);
    world.delivered(1, 2);
    world.hears(&["end 2.0 delivered 1 last", "# start 1 mid 3", "transact 1 mid 3 [0]"]);
}

#[test]
fn recipients_of_a_message_travel_together_up_to_both_limits() {
    for (of_peer, of_settings, sizes) in [(100, 100, vec![7]), (3, 100, vec![3, 3, 1]), (100, 4, vec![4, 3])]
    {
        let mut world = World::with(|settings| {
            settings.recipients_per_transaction = of_settings;
            settings.default_control.concurrency = 1;
        });
        world.enqueue(1, 7, "a.example");
        world.resolved("a.example", &[target(1, 10)]);
        world.ready_with(1, 1, crate::delivery::io::PeerFacts { recipients_max: of_peer, ..peer() });
        let mut heard = world.heard();
        let mut from = 0;
        for size in sizes {
            let rids: Vec<u32> = (from..from + size).collect();
            assert_eq!(heard.last().unwrap(), &format!("transact 1 mid 1 {rids:?}"));
            let results = rids.iter().map(|rid| (crate::ids::Rid(*rid), taken())).collect();
            let (dcid, mid) = (crate::ids::Dcid(1), crate::ids::Mid(1));
            world.input(crate::delivery::io::Input::Outcome { dcid, mid, results, after: After::Usable });
            from += size;
            heard = world.heard();
        }
        assert_eq!(heard.last().unwrap(), "end 1.6 delivered 1 last");
        assert_eq!(heard.iter().filter(|line| line.ends_with("last")).count(), 1);
    }
}

#[test]
fn a_recipients_clock_doubles_from_60_to_3600() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    world.enqueue(1, 1, "a.example");
    let waits = [60, 120, 240, 480, 960, 1_920, 3_600, 3_600];
    for (attempts, wait) in (1..).zip(waits) {
        let heard = world.heard();
        let dcid: u64 = heard.last().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        if heard.last().unwrap().starts_with("connect") {
            world.ready(dcid, 1);
        }
        world.heard();
        world.soft(dcid, 1);
        world.hears(&[&format!("defer 1.0 attempts {attempts} +{wait}s")]);
        assert_eq!(world.why(1, 0), format!("retry +{wait}s Some(Reply4xx)"));
        world.pass(wait - 1);
        assert_eq!(world.why(1, 0), "retry +1s Some(Reply4xx)", "not early");
        for line in world.heard() {
            if let Some(dcid) = line.strip_prefix("quit ") {
                world.closed(dcid.parse().unwrap());
            }
        }
        world.heard();
        world.pass(1);
        if world.why(1, 0).starts_with("resolving") {
            world.resolved("a.example", &[target(1, 10)]);
        }
    }
}

#[test]
fn the_destinations_clock_doubles_and_one_recipient_at_a_time_tries_it() {
    let mut world = World::new();
    for mid in 1..=3 {
        world.enqueue(mid, 1, "a.example");
    }
    world.resolved("a.example", &[target(1, 10)]);
    world.hears(&["resolve a.example", "connect 1 slot 0 a.example 192.0.2.1"]);
    assert_eq!(world.why(2, 0), "trial 1");
    world.unusable(1, &[(1, refused())]);
    world.hears(&[
        "# failed 1 192.0.2.1 ConnectRefused",
        "# a.example Down Some(ConnectRefused)",
        "defer 1.0 attempts 1 +60s",
    ]);
    for mid in 1..=3 {
        assert_eq!(world.why(mid, 0), "backoff +60s since +0s ConnectRefused");
    }
    let (mut dcid, mut before) = (1, 60);
    for (mid, wait, attempts) in
        [(2, 120, 1), (3, 240, 1), (1, 480, 2), (2, 960, 2), (3, 1_920, 2), (1, 3_600, 3)]
    {
        world.pass(before);
        (dcid, before) = (dcid + 1, wait);
        world.hears(&[&format!("connect {dcid} slot 0 a.example 192.0.2.1")]);
        world.unusable(dcid, &[(1, refused())]);
        let failed = format!("# failed {dcid} 192.0.2.1 ConnectRefused");
        world.hears(&[&failed, &format!("defer {mid}.0 attempts {attempts} +{wait}s")]);
    }
}

#[test]
fn on_the_way_up_those_who_waited_for_the_destination_go_and_the_others_keep_their_clock() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    world.enqueue(1, 1, "a.example");
    world.soft(1, 1);
    world.closed(1);
    world.enqueue(2, 1, "a.example");
    world.enqueue(3, 1, "a.example");
    world.unusable(2, &[(1, refused())]);
    world.heard();
    world.pass(30);
    assert_eq!(world.why(1, 0), "retry +30s Some(Reply4xx)");
    assert_eq!(world.why(3, 0), "backoff +30s since -30s ConnectRefused");
    world.pass(30);
    world.heard();
    world.ready(3, 1);
    world.heard();
    assert_eq!(world.why(3, 0), "attempting 3");
    assert_eq!(world.why(2, 0), "connecting 4");
}

#[test]
fn a_soft_look_up_failure_is_the_destinations() {
    let mut world = World::new();
    world.enqueue(1, 1, "a.example");
    world.enqueue(2, 1, "a.example");
    world.heard();
    world.unresolved("a.example", Resolution::Soft(failure(Stage::Dns, Cause::DnsServfail, 0)));
    world.hears(&["# lookup a.example hard false", "defer 1.0 attempts 1 +60s"]);
    assert_eq!(world.why(2, 0), "backoff +60s since +0s DnsServfail");
    world.pass(60);
    world.hears(&["resolve a.example"]);
    world.unresolved("a.example", Resolution::Soft(failure(Stage::Dns, Cause::DnsTimeout, 0)));
    world.hears(&["# lookup a.example hard false", "defer 2.0 attempts 1 +120s"]);
}

#[test]
fn a_hard_look_up_failure_bounces_all_who_wait() {
    for (cause, kind) in [(Cause::DnsNxdomain, "Dns"), (Cause::NullMx, "Dns"), (Cause::MailLoop, "Other")] {
        let mut world = World::new();
        world.enqueue(1, 2, "a.example");
        world.restore(2, "a.example", |state| state.due_at += 30_000_000);
        world.heard();
        world.unresolved("a.example", Resolution::Hard(failure(Stage::Dns, cause, 0)));
        world.hears(&[
            "# lookup a.example hard true",
            &format!("end 1.0 bounced 0 {kind} {cause:?}"),
            &format!("end 1.1 bounced 0 {kind} {cause:?} last"),
            &format!("end 2.0 bounced 0 {kind} {cause:?} last"),
        ]);
        world.enqueue(3, 1, "a.example");
        world.hears(&["resolve a.example"]);
    }
}

#[test]
fn each_recipient_of_a_transaction_has_its_own_result() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    world.enqueue(1, 3, "a.example");
    world.heard();
    let results = [RecipientResult::Soft(greylisted()), taken(), RecipientResult::Hard(unknown_user())];
    world.outcome(1, 1, &results, After::Usable);
    world.hears(&["defer 1.0 attempts 1 +60s", "end 1.1 delivered 1", "end 1.2 bounced 1 FiveXx Reply5xx"]);
    assert_eq!(world.view("a.example").last_5xx.unwrap().code, 550);
}
