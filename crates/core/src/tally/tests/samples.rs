//! Single stories whose figures can be checked by eye.

use super::*;

fn story() -> Vec<Stamped> {
    vec![
        at(0, Event::Started { version: "0.1.0".into(), node: "gw".into() }),
        at(1, accepted(1, 3)),
        at(1, rejected(1)),
        at(2, deferred(1, 0, "a.test")),
        at(3, delivered(1, &[1, 2], "b.test")),
        at(4, bounced(1, 0, "a.test", BounceKind::FiveXx)),
        at(4, generated(2, 1, GeneratedKind::Bounce, 1)),
        at(5, accepted(3, 2)),
        at(6, deleted(3, 0, "a.test")),
        at(7, generated(4, 3, GeneratedKind::Delay, 1)),
    ]
}

#[test]
fn each_end_is_counted_where_it_belongs() {
    let tally = fold(&story());
    let counters = tally.counters(Column::Lifetime);
    assert_eq!((counters.messages_received, counters.recipients_received), (2, 5));
    assert_eq!((counters.rejected_recipients, counters.soft_bounced_events), (1, 1));
    assert_eq!((counters.generated.bounces, counters.generated.all()), (1, 2));
    assert_eq!((counters.ends.delivered, counters.ends.deleted, counters.ends.hard.five_xx), (2, 1, 1));
    assert_eq!(counters.ends.completed(), 4);
    assert_eq!(tally.open_recipients(), 3);
    let a = tally.destination_counters("a.test").unwrap();
    assert_eq!((a.soft_bounced_events, a.ends.hard.all(), a.ends.deleted, a.ends.delivered), (1, 1, 1, 0));
    assert_eq!(a.last_activity, T0 + 6_000_000);
    assert_eq!(tally.destination_counters("c.test"), None);
    assert_eq!(tally.ids(), CurrentIds { mid: Mid(4), icid: Icid(0), dcid: Dcid(0) });
}

#[test]
fn the_columns_are_three_views_of_one_count() {
    let mut tally = fold(&story());
    tally.apply(&at(8, Event::CountersReset));
    tally.apply(&at(9, delivered(3, &[1], "a.test")));
    tally.apply(&at(10, Event::Started { version: "0.1.0".into(), node: "gw".into() }));
    tally.apply(&at(11, delivered(2, &[0], "b.test")));
    let delivered = |column| tally.counters(column).ends.delivered;
    assert_eq!([Column::Reset, Column::Uptime, Column::Lifetime].map(delivered), [2, 1, 4]);
    assert_eq!((tally.reset_at(), tally.started_at()), (Some(T0 + 8_000_000), Some(T0 + 10_000_000)));
    let a = tally.destination_counters("a.test").unwrap();
    assert_eq!((a.soft_bounced_events, a.ends.delivered, a.ends.completed()), (0, 1, 1));
    tally.begin_uptime();
    assert_eq!(tally.counters(Column::Uptime), Counters::default());
}

#[test]
fn rates_are_extrapolated_to_an_hour() {
    let tally = fold(&story());
    let [one, five, fifteen] = tally.rates(T0 + 30_000_000);
    assert_eq!((one.messages_received, one.recipients_received, one.completed), (120, 300, 240));
    assert_eq!((five.soft_bounced_events, five.hard_bounced, five.delivered), (12, 12, 24));
    assert_eq!(fifteen.completed, 16);
    assert_eq!(tally.rates(T0 + 3_600_000_000), [Rate::default(); 3]);
}

#[test]
fn connections_open_and_close_and_a_start_forgets_them() {
    let opened = |icid| {
        let (local, peer) = ("192.0.2.1:25".parse().unwrap(), "192.0.2.2:4000".parse().unwrap());
        Event::ConnectionOpened { icid: Icid(icid), listener: "Incoming".into(), local, peer }
    };
    let closed = Event::ConnectionClosed {
        icid: Icid(1),
        peer: "192.0.2.2".parse().unwrap(),
        why: crate::event::CloseReason::Quit,
        lasted_us: 1,
        messages: 0,
    };
    let out = Event::DeliveryClosed { dcid: Dcid(9), host: host("a.test"), why: None };
    let mut tally = fold(&[at(0, opened(1)), at(0, opened(2)), at(1, closed), at(1, out)]);
    assert_eq!(tally.connections(), Connections { inbound: 1, outbound: 0 });
    assert_eq!(tally.ids().icid, Icid(2));
    tally.apply(&at(2, Event::Started { version: "0.1.0".into(), node: "gw".into() }));
    assert_eq!(tally.connections(), Connections::default());
}

#[test]
fn the_identity_says_both_sides_and_the_difference() {
    let tally = fold(&story());
    insta::assert_snapshot!(format!("{}\n{}\n", tally.identity(3), tally.identity(4)));
    assert!(tally.identity(3).holds());
    assert_eq!((tally.identity(4).difference(), tally.identity(1).difference()), (-1, 2));
    let counted = tally.counters(Column::Reset);
    assert!(Identity::over(7, &counted, 10).holds());
}

#[test]
fn idle_destinations_go_and_come_back() {
    let mut tally = fold(&story());
    let before = kept(&tally);
    let idle = tally.take_idle(T0 + 5_000_000);
    assert_eq!(idle.iter().map(|(host, _)| host.as_str()).collect::<Vec<_>>(), ["b.test"]);
    assert_eq!(tally.destinations().count(), 1);
    for (host, counters) in idle {
        tally.put_back(host, counters);
    }
    assert_eq!(kept(&tally), before);
    tally.apply(&at(20, delivered(9, &[0], "c.test")));
    tally.put_back(host("c.test"), Destination { soft_bounced_events: 5, ..Destination::default() });
    let c = tally.destination_counters("c.test").unwrap();
    assert_eq!((c.soft_bounced_events, c.ends.delivered, c.last_activity), (5, 1, T0 + 20_000_000));
}

#[test]
fn what_is_no_tally_is_told() {
    assert_eq!(kept(&Tally::from_bytes(&[]).unwrap()), kept(&Tally::default()));
    assert_eq!(Tally::from_bytes(&[2, 0, 0]).unwrap_err(), Unreadable::Newer(2));
    assert_eq!(Tally::from_bytes(&[1, 0, 0]).unwrap_err(), Unreadable::Damaged);
    let octets = fold(&story()).to_bytes();
    for end in 1..octets.len() {
        assert_eq!(Tally::from_bytes(&octets[..end]).unwrap_err(), Unreadable::Damaged, "{end}");
    }
}

/// The format is on disks: this fixture must stay readable.
#[test]
fn counters_of_the_first_format_are_read() {
    const FIRST: &[u8] = include_bytes!("first-format.bin");
    assert_eq!(kept(&Tally::from_bytes(FIRST).unwrap()), kept(&fold(&story())));
    assert_eq!(fold(&story()).to_bytes(), FIRST, "the same counters are the same octets");
}

#[test]
fn many_destinations_stay_small() {
    let mut tally = Tally::default();
    for number in 0..100_000_u64 {
        tally.apply(&at(number, delivered(number, &[0], &format!("host{number}.test"))));
    }
    assert_eq!(tally.destinations().count(), 100_000);
    assert!(size_of::<(Host, Destination)>() <= 96);
    let octets = tally.to_bytes();
    assert!(octets.len() < 100_000 * 40, "{}", octets.len());
    assert_eq!(kept(&Tally::from_bytes(&octets).unwrap()), kept(&tally));
}
