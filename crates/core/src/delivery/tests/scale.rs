//! Work is done in slices, however much an input sets off.

use super::world::*;
use crate::delivery::io::{Input, Resolution, Scope};
use crate::event::{Cause, Stage};

/// The most effects that one call may have: a slice, and a little around it.
const BOUND: usize = 1_200;

fn fill(world: &mut World, messages: u64, name: &str) {
    for first in (0..messages).step_by(1_000) {
        let now = world.now.0;
        let batch =
            (first..messages.min(first + 1_000)).map(|mid| waiting(1_000 + mid, 0, name, now)).collect();
        world.input(Input::Enqueue(batch));
    }
}

/// Calls until nothing is left over; returns how many calls it took.
fn slices(world: &mut World) -> usize {
    let mut calls = 0;
    loop {
        assert!(world.effects().len() <= BOUND);
        if world.delivery.deadline().is_none_or(|at| at > world.now) {
            return calls;
        }
        calls += 1;
        world.input(Input::Tick);
    }
}

#[test]
fn a_domain_that_does_not_exist_bounces_its_queue_in_slices() {
    let mut world = World::new();
    fill(&mut world, 20_000, "a.example");
    world.effects();
    world.unresolved("a.example", Resolution::Hard(failure(Stage::Dns, Cause::DnsNxdomain, 0)));
    assert!(slices(&mut world) >= 19);
    assert_eq!(world.delivery.gauges().active, 0);
}

#[test]
fn retry_now_of_a_deep_queue_goes_in_slices_and_tells_the_sum() {
    let mut world = World::new();
    world.make_down("a.example", 1);
    fill(&mut world, 20_000, "a.example");
    world.heard();
    world.deliver_now(Scope::All);
    let mut told = None;
    let mut calls = 0;
    while told.is_none() {
        told = world.heard().into_iter().find(|line| line.starts_with("retried"));
        assert!(
            world.why(1_005, 0).starts_with("backoff") || told.is_some(),
            "nobody starts before all are marked"
        );
        calls += 1;
        world.input(Input::Tick);
    }
    assert_eq!(told.unwrap(), "retried 20001 of 20001 at 1");
    assert!(calls >= 20);
}

#[test]
fn a_crowd_that_expires_or_becomes_due_together_goes_in_slices() {
    let mut world = World::new();
    world.suspend(None);
    fill(&mut world, 20_000, "a.example");
    world.effects();
    world.pass(259_199);
    world.effects();
    world.now = crate::Instant(world.now.0 + 1_000_000);
    world.input(Input::Tick);
    assert!(slices(&mut world) >= 19);
    assert_eq!(world.delivery.gauges().active, 0);
}

#[test]
fn resuming_many_destinations_goes_in_slices() {
    let mut world = World::new();
    world.suspend(None);
    for mid in 0..5_000 {
        world.enqueue(mid, 1, &format!("d{mid}.example"));
    }
    world.effects();
    world.resume(None);
    assert!(slices(&mut world) >= 4);
    assert_eq!(world.why(4_999, 0), "resolving since +0s");
}

#[test]
fn a_destination_that_nobody_uses_is_forgotten_after_a_day() {
    let mut world = World::new();
    world.make_up("a.example", 1);
    world.pass(6);
    world.closed(1);
    assert_eq!(world.delivery.gauges().destinations, 5);
    world.pass(86_390);
    assert_eq!(world.delivery.gauges().destinations, 5);
    world.pass(20);
    assert_eq!(world.delivery.gauges().destinations, 4);
    assert!(world.delivery.destination(&host("a.example"), world.now).is_none());
    assert_eq!(world.delivery.deadline(), None, "nothing ages any more");
    world.make_up("a.example", 1);
    assert_eq!(world.delivery.gauges().destinations, 5);
}
