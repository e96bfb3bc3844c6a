//! Operators' orders over many recipients: whom they concern, what they wait for, how they go on.

use super::world::*;
use crate::delivery::io::{After, Effect, Input, Order, OrderId, RecipientResult, Whom};
use crate::event::{Deed, Event};
use crate::ids::Mid;

/// Two messages to a.example, which is down since MID 901, one to both, one to b.example.
fn queue() -> World {
    let mut world = World::new();
    world.make_down("a.example", 1);
    world.enqueue(1, 1, "a.example");
    world.enqueue(2, 1, "a.example");
    let mixed = vec![waiting(3, 0, "a.example", world.now.0), waiting(3, 1, "b.example", world.now.0)];
    world.input(Input::Enqueue(mixed));
    world.enqueue(4, 1, "b.example");
    world.heard();
    world
}

#[test]
fn an_order_ends_whom_it_concerns_and_nobody_else() {
    let table: [(Whom, &[&str]); 4] = [
        (
            Whom::All,
            &[
                "end 1.0 deleted by ann last",
                "end 2.0 deleted by ann last",
                "end 3.0 deleted by ann",
                "end 3.1 deleted by ann last",
                "end 4.0 deleted by ann last",
                "slice 7 done 5 seen 6 awaited 0 of 6",
            ],
        ),
        (
            Whom::Host(host("b.example")),
            &[
                "end 3.1 deleted by ann",
                "end 4.0 deleted by ann last",
                "slice 7 done 2 seen 2 awaited 0 of 2",
            ],
        ),
        (
            Whom::Messages(vec![Mid(3), Mid(77), Mid(1), Mid(3)]),
            &[
                "end 3.0 deleted by ann",
                "end 3.1 deleted by ann last",
                "end 1.0 deleted by ann last",
                "slice 7 done 3 seen 3 awaited 0 of 3",
            ],
        ),
        (Whom::Host(host("nobody.example")), &["slice 7 done 0 seen 0 awaited 0 of 0"]),
    ];
    for (whom, told) in table {
        let mut world = queue();
        let before = world.delivery.gauges().active;
        // The message that made the host down has a number from 900 on: it came later.
        let order = Order { id: OrderId(7), whom, upto: Mid(900), deed: Deed::Delete, by: "ann".into() };
        world.input(Input::Order(order));
        let mut heard = world.heard();
        heard.sort_by_key(|line| line.starts_with("slice"));
        let mut expected: Vec<&str> = told.to_vec();
        let ends = |line: &&str| line.starts_with("end");
        assert_eq!(heard.last(), expected.last().map(|line| (*line).to_owned()).as_ref());
        let done = expected.iter().copied().filter(ends).count();
        heard.sort();
        expected.sort_unstable();
        assert_eq!(heard, expected);
        world.go_on(7);
        assert!(world.heard()[0].starts_with("over 7"), "nothing is left to do");
        assert_eq!(world.delivery.gauges().active, before - done);
        assert_eq!(world.why(901, 0), "backoff +60s since +0s ConnectRefused");
    }
}

#[test]
fn deeds_tell_the_sender_or_not() {
    let table = [
        (Deed::Delete, "end 4.0 deleted by ann last"),
        (Deed::Archive, "end 4.0 archived by ann last"),
        (Deed::Bounce, "end 4.0 bounced 0 Other Operator last"),
    ];
    for (deed, end) in table {
        let mut world = queue();
        world.order(1, Whom::Messages(vec![Mid(4)]), deed);
        world.hears(&[end, "slice 1 done 1 seen 1 awaited 0 of 1"]);
    }
}

#[test]
fn who_is_in_a_transaction_is_awaited() {
    // What comes of the transaction, what is heard of it, what was done in the end.
    let soft = || RecipientResult::Soft(greylisted());
    let table: [(Vec<RecipientResult>, &[&str], &str); 3] = [
        (
            vec![soft(), soft()],
            &[
                "defer 1.0 attempts 1 +60s",
                "defer 1.1 attempts 1 +60s",
                "end 1.0 deleted by ann",
                "end 1.1 deleted by ann last",
            ],
            "over 5 done 2 seen 2 awaited 0 of 2",
        ),
        (
            vec![taken(), soft()],
            &["end 1.0 delivered 1", "defer 1.1 attempts 1 +60s", "end 1.1 deleted by ann last"],
            "over 5 done 1 seen 2 awaited 0 of 2",
        ),
        (
            vec![taken(), taken()],
            &["end 1.0 delivered 1", "end 1.1 delivered 1 last"],
            "over 5 done 0 seen 2 awaited 0 of 2",
        ),
    ];
    for (results, told, over) in table {
        let mut world = World::new();
        world.make_up("a.example", 1);
        world.enqueue(1, 2, "a.example");
        world.heard();
        world.order(5, Whom::Host(host("a.example")), Deed::Delete);
        world.hears(&["slice 5 done 0 seen 2 awaited 2 of 2"]);
        world.go_on(5);
        world.pass(30);
        world.hears(&[]);
        world.outcome(1, 1, &results, After::Usable);
        let mut expected = told.to_vec();
        expected.push(over);
        let heard: Vec<_> = world.heard().into_iter().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(heard, expected);
    }
}

#[test]
fn a_lost_connection_brings_the_awaited_back() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    world.enqueue(1, 1, "a.example");
    world.order(5, Whom::All, Deed::Delete);
    world.go_on(5);
    world.heard();
    world.closed(1);
    world.hears(&["# closed 1", "end 1.0 deleted by ann last", "over 5 done 1 seen 1 awaited 0 of 1"]);
}

#[test]
fn redirection_moves_recipients_which_are_due_there() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    world.make_up("b.example", 2);
    world.enqueue(1, 1, "a.example");
    world.soft(1, 1);
    world.make_down("c.example", 3);
    world.enqueue(2, 1, "c.example");
    world.heard();
    world.order(1, Whom::Host(host("a.example")), Deed::Redirect { to: host("b.example") });
    let effects = world.effects();
    let Effect::Redirect { state, event } = &effects[0] else { unreachable!("{effects:?}") };
    assert_eq!((state.attempts, state.interval_s, state.due_at), (1, 0, world.now.0));
    assert_eq!((state.host.clone(), state.last.is_some()), (Some(host("b.example")), true));
    let told = Event::Redirected {
        mid: Mid(1),
        rid: crate::ids::Rid(0),
        from: host("a.example"),
        to: host("b.example"),
        by: "ann".into(),
    };
    assert_eq!(*event, told);
    assert_eq!(world.why(1, 0), "attempting 2", "it goes out on the idle connection there");
    assert_eq!((world.view("a.example").active, world.view("b.example").active), (0, 1));
    world.soft(2, 1);
    let state = world.effects().into_iter().find_map(|effect| match effect {
        Effect::Defer { state, .. } => Some(state),
        _ => None,
    });
    let state = state.unwrap();
    assert_eq!((state.attempts, state.host), (2, Some(host("b.example"))), "the move is kept");
    world.order(2, Whom::All, Deed::Redirect { to: host("c.example") });
    let heard = world.heard();
    assert!(heard.contains(&"redirect 1.0 to c.example attempts 2 +0s".to_owned()), "{heard:?}");
    assert!(heard.contains(&"slice 2 done 1 seen 3 awaited 0 of 3".to_owned()), "{heard:?}");
    assert_eq!(world.why(1, 0), "backoff +60s since +0s ConnectRefused");
    let gauges = world.delivery.gauges();
    assert_eq!((gauges.active, gauges.unattempted, world.view("c.example").unattempted), (3, 1, 1));
}

#[test]
fn an_order_goes_on_when_it_is_told_and_leaves_room_for_other_mail() {
    let mut world = World::with(|settings| settings.default_control.concurrency = 1);
    world.make_down("a.example", 1);
    world.make_up("b.example", 2);
    let now = world.now.0;
    for from in [1, 601] {
        world
            .input(Input::Enqueue((from..from + 600).map(|mid| waiting(mid, 0, "a.example", now)).collect()));
    }
    world.enqueue(2_000, 1, "b.example");
    world.enqueue(2_001, 1, "b.example");
    world.heard();
    let mut done = 0;
    for expected in [500, 500, 200] {
        match done {
            0 => world.order(1, Whom::Host(host("a.example")), Deed::Delete),
            _ => world.go_on(1),
        }
        if done == 500 {
            world.delivered(2, 2_000);
        }
        world.pass(1);
        let heard = world.heard();
        let ends = heard.iter().filter(|line| line.contains("deleted")).count();
        assert_eq!(ends, expected);
        if done == 500 {
            let started = heard.iter().any(|line| line.starts_with("transact 2 mid 2001"));
            assert!(started, "other mail goes out meanwhile");
        }
        done += ends;
    }
    world.go_on(1);
    world.hears(&["over 1 done 1200 seen 1200 awaited 0 of 1200"]);
}

#[test]
fn an_order_rests_while_ends_cannot_be_recorded_and_while_the_daemon_stops() {
    let mut world = queue();
    world.input(Input::SpoolSpace { exhausted: true });
    world.order(1, Whom::All, Deed::Delete);
    world.pass(5);
    world.hears(&[]);
    world.input(Input::SpoolSpace { exhausted: false });
    assert_eq!(world.heard().iter().filter(|line| line.contains("deleted")).count(), 6);
    let mut world = queue();
    world.input(Input::Shutdown);
    world.order(1, Whom::All, Deed::Delete);
    world.pass(5);
    assert!(world.heard().iter().all(|line| !line.contains("deleted")));
}

#[test]
fn orders_of_the_same_number_are_one_and_others_do_not_disturb_it() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    world.enqueue(1, 1, "a.example");
    world.heard();
    world.order(1, Whom::All, Deed::Redirect { to: host("b.example") });
    world.order(1, Whom::All, Deed::Delete);
    world.order(2, Whom::Host(host("a.example")), Deed::Delete);
    world.order(3, Whom::All, Deed::Bounce);
    for id in 1..=4 {
        world.go_on(id);
    }
    world.heard();
    world.soft(1, 1);
    world.hears(&[
        "defer 1.0 attempts 1 +60s",
        "redirect 1.0 to b.example attempts 1 +0s",
        "end 1.0 bounced 0 Other Operator last",
        "over 1 done 1 seen 1 awaited 0 of 1",
        "over 2 done 0 seen 1 awaited 0 of 1",
        "over 3 done 1 seen 1 awaited 0 of 1",
    ]);
}
