//! Connections and rates: what may be open at once, and who waits for whom.

use super::world::*;
use crate::delivery::io::{Input, PeerFacts};
use crate::delivery::settings::{Control, Pattern};

#[test]
fn connections_double_with_each_answer_and_never_exceed_the_need() {
    let mut world = World::new();
    for mid in 1..=6 {
        world.enqueue(mid, 1, "a.example");
    }
    world.resolved("a.example", &[target(1, 10)]);
    assert_eq!((world.view("a.example").current, world.view("a.example").pending), (0, 1));
    world.ready(1, 1);
    assert_eq!((world.view("a.example").current, world.view("a.example").pending), (1, 1));
    world.ready(2, 1);
    assert_eq!((world.view("a.example").current, world.view("a.example").pending), (2, 2));
    world.ready(3, 1);
    world.ready(4, 1);
    assert_eq!(
        (world.view("a.example").current, world.view("a.example").pending),
        (4, 2),
        "two wait: two open"
    );
    assert_eq!(world.why(6, 0), "connecting 5");
}

#[test]
fn the_controls_concurrency_holds() {
    let mut world = World::with(|settings| settings.default_control.concurrency = 2);
    for mid in 1..=4 {
        world.enqueue(mid, 1, "a.example");
    }
    world.resolved("a.example", &[target(1, 10)]);
    world.ready(1, 1);
    world.ready(2, 1);
    assert_eq!(world.why(4, 0), "limit 2 of a.example");
    assert_eq!(world.delivery.gauges().connections, 2);
}

#[test]
fn a_connection_carries_as_many_messages_as_the_control_or_the_peer_says() {
    for (of_control, of_peer, carried) in [(2, None, 2), (50, Some(1), 1), (1, Some(9), 1)] {
        let mut world = World::with(|settings| {
            settings.default_control.messages_per_connection = of_control;
            settings.default_control.concurrency = 1;
        });
        for mid in 1..=4 {
            world.enqueue(mid, 1, "a.example");
        }
        world.resolved("a.example", &[target(1, 10)]);
        world.ready_with(1, 1, PeerFacts { transactions_max: of_peer, ..peer() });
        for mid in 1..=carried {
            world.heard();
            world.delivered(1, mid);
        }
        assert_eq!(world.heard().last().unwrap(), "quit 1");
        assert_eq!(
            world.why(4, 0),
            "limit 1 of a.example",
            "the slot comes back with the end of the connection"
        );
        world.closed(1);
        world.hears(&["# closed 1", "connect 2 slot 0 a.example 192.0.2.1"]);
    }
}

#[test]
fn slots_of_the_gateway_go_round_in_the_order_of_asking() {
    let mut world = World::with(|settings| {
        settings.connections = 1;
        settings.default_control.messages_per_connection = 1;
    });
    for (mid, name) in (1..).zip(["a.example", "b.example", "c.example"]) {
        world.enqueue(mid, 1, name);
    }
    for mid in 4..=8 {
        world.enqueue(mid, 1, "a.example");
    }
    world.resolved("a.example", &[target(1, 10)]);
    let mut order = Vec::new();
    for dcid in 1..=8 {
        let opened = world.delivery.connections().next().unwrap();
        order.push(opened.host.to_string());
        assert_eq!(opened.dcid.0, dcid);
        world.ready(dcid, 1);
        let mid = match world.delivery.connections().next().unwrap().state {
            crate::delivery::views::ConnectionState::Busy(mid) => mid.0,
            other => unreachable!("{other:?}"),
        };
        world.delivered(dcid, mid);
        world.closed(dcid);
        for name in ["b.example", "c.example"] {
            world.resolved(name, &[target(1, 10)]);
        }
    }
    // The second turn of the first serves while the names of the others are looked up.
    assert_eq!(order[..5], ["a.example", "a.example", "b.example", "c.example", "a.example"]);
    assert_eq!(world.delivery.gauges().active, 0);
}

#[test]
fn silent_hosts_leave_half_of_the_slots_to_those_that_answer() {
    let mut world = World::with(|settings| settings.connections = 4);
    world.make_up("good.example", 1);
    world.closed(1);
    for number in 0..10 {
        let name = format!("sick{number}.example");
        world.enqueue(100 + number, 1, &name);
        world.resolved(&name, &[target(10 + number as u8, 10)]);
    }
    assert_eq!(world.delivery.gauges().connections, 2, "half of four");
    assert_eq!(world.why(109, 0), "resolving since +0s".replace("resolving since +0s", &world.why(109, 0)));
    assert_eq!(world.why(102, 0), "limit 2 of gateway");
    world.enqueue(1, 1, "good.example");
    assert!(world.why(1, 0).starts_with("connecting"), "{}", world.why(1, 0));
}

#[test]
fn an_idle_connection_gives_its_slot_to_who_needs_one() {
    let mut world = World::with(|settings| settings.connections = 2);
    world.make_up("a.example", 1);
    world.make_up("b.example", 2);
    world.enqueue(1, 1, "c.example");
    assert_eq!(world.why(1, 0), "limit 2 of gateway");
    world.hears(&["quit 1"]);
    world.closed(1);
    world.hears(&["# closed 1", "resolve c.example"]);
}

#[test]
fn connections_to_one_address_are_limited_over_all_destinations() {
    let mut world = World::with(|settings| settings.connections_per_address = 1);
    world.make_up("a.example", 1);
    world.enqueue(1, 1, "a.example");
    world.enqueue(2, 1, "b.example");
    world.resolved("b.example", &[target(1, 10), target(2, 20)]);
    assert_eq!(world.why(2, 0), "limit 1 of 192.0.2.1", "a backup is not for a server that is busy");
    world.heard();
    world.delivered(1, 1);
    world.hears(&["end 1.0 delivered 1 last", "# start 1 mid 2", "transact 1 mid 2 [0]"]);
}

#[test]
fn an_idle_connection_that_is_in_the_way_at_an_address_is_closed() {
    let control = Control { tls: crate::delivery::io::TlsMode::Required, ..Control::default() };
    let mut world = World::with(|settings| {
        settings.connections_per_address = 1;
        settings.controls = vec![(Pattern::Exact("b.example".into()), control)];
    });
    world.make_up("a.example", 1);
    world.enqueue(1, 1, "b.example");
    world.resolved("b.example", &[target(1, 10)]);
    world.hears(&["resolve b.example", "quit 1"]);
    world.closed(1);
    world.hears(&["# closed 1", "connect 2 slot 0 b.example 192.0.2.1"]);
}

#[test]
fn the_rate_of_a_destination_is_counted_in_windows() {
    let mut world = World::with(|settings| {
        settings.default_control.recipients = Some(3);
        settings.default_control.recipient_minutes = 1;
        settings.default_control.concurrency = 1;
    });
    world.enqueue(1, 2, "a.example");
    world.enqueue(2, 4, "a.example");
    world.resolved("a.example", &[target(1, 10)]);
    world.ready(1, 1);
    assert_eq!(world.heard().last().unwrap(), "transact 1 mid 1 [0, 1]");
    world.pass(10);
    world.outcome(1, 1, &[taken(), taken()], crate::delivery::io::After::Usable);
    assert_eq!(world.heard().last().unwrap(), "transact 1 mid 2 [0]", "only as many as the window allows");
    world.delivered(1, 2);
    assert_eq!(world.why(2, 1), "rate of a.example +50s");
    world.closed(1);
    world.heard();
    world.pass(50);
    world.hears(&["connect 2 slot 0 a.example 192.0.2.1"]);
    world.ready(2, 1);
    assert_eq!(world.heard().last().unwrap(), "transact 2 mid 2 [1, 2, 3]");
}

#[test]
fn limits_by_address_count_each_address() {
    let mut world = World::with(|settings| {
        settings.default_control.per_address = true;
        settings.default_control.concurrency = 1;
        settings.default_control.recipients = Some(1);
        settings.default_control.recipient_minutes = 5;
    });
    for mid in 1..=3 {
        world.enqueue(mid, 1, "a.example");
    }
    world.resolved("a.example", &[target(1, 10), target(2, 10)]);
    let first = if world.heard()[1].ends_with("192.0.2.1 192.0.2.2") { 1 } else { 2 };
    let second = 3 - first;
    world.ready(1, first);
    assert_eq!(world.heard().last().unwrap(), &format!("connect 2 slot 1 a.example 192.0.2.{second}"));
    world.ready(2, second);
    assert_eq!(world.why(3, 0), "limit 1 of 192.0.2.1");
    world.delivered(1, 1);
    world.delivered(2, 2);
    let why = world.why(3, 0);
    assert!(why.starts_with("limit 1 of") || why.starts_with("rate of 192.0.2."), "{why}");
    world.closed(1);
    world.closed(2);
    assert_eq!(world.why(3, 0), "rate of 192.0.2.1 +300s");
    world.heard();
    world.pass(300);
    assert!(world.heard().iter().any(|line| line.starts_with("connect 3 ")));
}

#[test]
fn a_free_connection_is_used_when_its_rate_ends_whatever_else_is_awaited() {
    let mut world = World::with(|settings| {
        settings.default_control.per_address = true;
        settings.default_control.recipients = Some(1);
        settings.default_control.recipient_minutes = 1;
        settings.idle = std::time::Duration::from_secs(300);
    });
    for mid in 1..=2 {
        world.enqueue(mid, 1, "a.example");
    }
    world.resolved("a.example", &[target(1, 10), target(2, 10)]);
    let first = if world.heard()[1].ends_with("192.0.2.1 192.0.2.2") { 1 } else { 2 };
    world.ready(1, first);
    world.delivered(1, 1);
    // The second connection leads to the other address, which neither answers nor refuses.
    let second = format!("connect 2 slot 1 a.example 192.0.2.{}", 3 - first);
    assert!(world.heard().contains(&second));
    world.pass(59);
    assert_eq!(world.why(2, 0), "connecting 2");
    world.heard();
    world.pass(1);
    world.hears(&["# start 1 mid 2", "transact 1 mid 2 [0]"]);
}

#[test]
fn a_peer_that_refuses_one_more_connection_is_left_with_those_it_has() {
    let mut world = World::new();
    for mid in 1..=5 {
        world.enqueue(mid, 1, "a.example");
    }
    world.resolved("a.example", &[target(1, 10)]);
    world.ready(1, 1);
    world.heard();
    world.unusable(2, &[(1, refused())]);
    world.hears(&["# failed 2 192.0.2.1 ConnectRefused", "defer 2.0 attempts 1 +60s"]);
    assert_eq!(world.why(3, 0), "limit 1 of a.example");
    assert_eq!(world.view("a.example").status, crate::event::HostStatus::Up);
    world.delivered(1, 1);
    world.hears(&["end 1.0 delivered 1 last", "# start 1 mid 3", "transact 1 mid 3 [0]"]);
    world.pass(60);
    world.hears(&["connect 3 slot 1 a.example 192.0.2.1"]);
}

#[test]
fn every_slot_comes_back() {
    let mut world = World::with(|settings| settings.default_control.messages_per_connection = 1);
    for mid in 1..=20 {
        world.enqueue(mid, 1, "a.example");
    }
    world.resolved("a.example", &[target(1, 10)]);
    let mut dcid = 1;
    while world.delivery.gauges().active > 0 {
        let opening: Vec<_> =
            world.delivery.connections().map(|one| one.dcid.0).filter(|one| *one >= dcid).collect();
        for one in opening {
            world.ready(one, 1);
            dcid = dcid.max(one + 1);
        }
        let busy: Vec<_> = world.delivery.connections().collect();
        for one in busy {
            if let crate::delivery::views::ConnectionState::Busy(mid) = one.state {
                world.delivered(one.dcid.0, mid.0);
                world.closed(one.dcid.0);
            }
        }
    }
    let left: Vec<u64> = world.delivery.connections().map(|one| one.dcid.0).collect();
    for dcid in left {
        world.unusable(dcid, &[(1, refused())]);
    }
    assert_eq!(world.delivery.gauges().connections, 0);
    world.input(Input::Tick);
    assert_eq!(world.delivery.connections().count(), 0);
}
