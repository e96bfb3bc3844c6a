//! What operators read.

use super::world::*;
use crate::delivery::io::{After, Input, PeerFacts, RecipientResult, Scope};
use crate::delivery::views::{ConnectionState, Cursor};
use crate::delivery::why::Why;
use crate::event::{HostStatus, TlsResult};

fn page_through(world: &World, scope: &Scope, limit: usize) -> Vec<u64> {
    let mut seen = Vec::new();
    let mut cursor: Option<Cursor> = None;
    loop {
        let page = world.delivery.recipients(scope, cursor, limit, world.now);
        assert!(page.recipients.len() <= limit);
        seen.extend(page.recipients.iter().map(|one| one.mid.0));
        cursor = page.next;
        if cursor.is_none() {
            return seen;
        }
    }
}

#[test]
fn pages_hold_everybody_once_in_order() {
    let mut world = World::new();
    let now = world.now.0;
    for mid in 1..=10 {
        let name = if mid % 2 == 0 { "even.example" } else { "odd.example" };
        let one = waiting(mid, 0, name, now - mid * 1_000_000);
        world.input(Input::Enqueue(vec![one]));
    }
    world.enqueue(11, 3, "even.example");
    for limit in [1, 3, 100] {
        assert_eq!(page_through(&world, &Scope::All, limit), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 11]);
        let oldest_first = [10, 8, 6, 4, 2, 11, 11, 11];
        assert_eq!(page_through(&world, &Scope::Host(host("even.example")), limit), oldest_first);
        assert_eq!(page_through(&world, &Scope::Message(crate::ids::Mid(11)), limit), [11, 11, 11]);
    }
}

#[test]
fn a_page_goes_on_where_it_stopped_though_the_queue_changes() {
    let mut world = World::new();
    for mid in 1..=6 {
        world.enqueue(mid, 1, "a.example");
        world.pass(1);
    }
    for scope in [Scope::All, Scope::Host(host("a.example"))] {
        let first = world.delivery.recipients(&scope, None, 2, world.now);
        let last = first.recipients.last().unwrap().mid.0;
        world.delete(last);
        let second = world.delivery.recipients(&scope, first.next, 2, world.now);
        assert_eq!(second.recipients[0].mid.0, last + 1, "{scope:?}");
    }
}

#[test]
fn a_destination_tells_all_that_is_known() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    world.enqueue(1, 2, "a.example");
    let failed = TlsResult::Failed { why: "handshake failure".into(), clear: true };
    world.enqueue(2, 1, "a.example");
    world.ready_with(2, 1, PeerFacts { tls: Some(failed), ..peer() });
    world.pass(3);
    let view = world.view("a.example");
    assert_eq!((view.status, view.active, view.unattempted), (HostStatus::Up, 3, 3));
    assert_eq!((view.current, view.pending), (2, 0));
    assert_eq!(view.oldest, Some(world.now.0 - 3_000_000));
    assert_eq!(view.last_tls.unwrap().text, "handshake failure");
    assert_eq!(view.exchangers, [(10, 3_600, "mx1.example".to_owned())]);
    assert_eq!(view.expires, Some(world.now.0 - 3_000_000 + 86_400_000_000));
    assert_eq!(view.last_activity, Some(world.now.0 - 3_000_000));
    assert!(view.backoff.is_none() && view.route.is_none() && view.suspended.is_none());
    world.suspend(Some("a.example"));
    assert_eq!(world.view("a.example").suspended.unwrap().0, "ann");
}

#[test]
fn gauges_are_sums_and_attempted_is_who_was_tried() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    world.enqueue(1, 3, "a.example");
    world.outcome(
        1,
        1,
        &[taken(), crate::delivery::io::RecipientResult::Soft(greylisted()), taken()],
        crate::delivery::io::After::Usable,
    );
    world.enqueue(2, 1, "b.example");
    world.restore(3, "b.example", |state| state.due_at += 1_000_000);
    let gauges = world.delivery.gauges();
    assert_eq!((gauges.active, gauges.unattempted, gauges.attempted), (3, 1, 2));
    assert_eq!((gauges.connections, gauges.destinations), (1, 6));
}

#[test]
fn cells_tell_what_waits_by_name() {
    let mut world = World::new();
    for (mid, name, recipients) in [(1, "b.example", 2), (2, "c.example", 5), (3, "a.example", 2)] {
        world.enqueue(mid, recipients, name);
    }
    let cells: Vec<String> =
        world.delivery.cells().map(|cell| format!("{} {}", cell.host, cell.active)).collect();
    assert_eq!(cells[..3], ["a.example 2", "b.example 2", "c.example 5"]);
    assert_eq!(cells.len(), 7, "special queues are listed at 0");
}

#[test]
fn connections_tell_their_state() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    let state = |world: &World| world.delivery.connections().next().unwrap().state;
    assert_eq!(state(&world), ConnectionState::Idle);
    world.enqueue(1, 1, "a.example");
    assert_eq!(state(&world), ConnectionState::Busy(crate::ids::Mid(1)));
    world.delivered(1, 1);
    world.pass(5);
    assert_eq!(state(&world), ConnectionState::Closing);
    let view = world.delivery.connections().next().unwrap();
    assert_eq!((view.slot.0, view.dcid.0, view.address), (0, 1, Some(address(1))));
}

#[test]
fn a_row_tells_why_each_group_waits_and_since_when() {
    let mut world = World::new();
    let start = world.now.0;
    world.make_up("a.example", 1);
    world.enqueue(1, 3, "a.example");
    let soft = || RecipientResult::Soft(greylisted());
    world.outcome(1, 1, &[soft(), taken(), soft()], After::Usable);
    world.make_down("b.example", 2);
    world.enqueue(9, 4, "b.example");
    world.suspend(Some("c.example"));
    world.enqueue(3, 1, "c.example");
    let rows = world.delivery.rows(None, 100, world.now);
    let row = |name: &str| rows.iter().find(|row| row.host == host(name)).unwrap();

    let [greylisting] = &row("a.example").cohorts[..] else { unreachable!() };
    assert_eq!(greylisting.recipients, 2);
    let until = world.now.0 + 60_000_000;
    assert_eq!(greylisting.why, Why::WaitingForRetry { until, cause: Some(greylisted()) });

    let down = row("b.example");
    assert_eq!((down.status, down.active), (HostStatus::Down, down.cohorts[0].recipients));
    assert!(
        matches!(&down.cohorts[0].why, Why::HostBackoff { until, .. } if Some(*until) == down.next_attempt)
    );
    assert!(down.cohorts[0].since >= Some(start));

    let suspended = row("c.example");
    assert!(matches!(&suspended.cohorts[..], [one] if matches!(one.why, Why::Suspended { .. })));
    assert_eq!(suspended.suspended.as_ref().unwrap().0, "ann");
    assert_eq!(row("the.cpq.host").cohorts, []);
}

#[test]
fn an_idle_destination_tells_what_it_was() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    world.pass(10);
    world.closed(1);
    world.pass(2 * 3_600);
    let row = |world: &World| {
        let all = world.delivery.rows(None, 1, world.now);
        (all[0].host.clone(), all[0].status, all[0].was)
    };
    assert_eq!(row(&world), (host("a.example"), HostStatus::Unknown, Some(HostStatus::Up)));
    let after = world.delivery.rows(Some(&host("a.example")), 1, world.now);
    assert_eq!(after[0].host, host("the.cpq.host"));
}
