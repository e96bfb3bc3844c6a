//! What an answered probe changes, and what it does not.

use super::world::*;
use crate::delivery::io::Input;
use crate::event::{Cause, Failure, HostStatus, Stage};

fn banner(code: u16) -> Failure {
    failure(Stage::Greeting, Cause::GreetingRejected, code)
}

fn probe(world: &mut World, by_itself: bool) {
    let address = target(1, 10).address;
    world.input(Input::Probed { host: host("a.example"), address, by_itself });
}

#[test]
fn a_probe_that_is_answered_ends_the_wait_of_a_destination_that_was_down() {
    let mut world = World::new();
    world.enqueue(1, 1, "a.example");
    world.enqueue(2, 1, "a.example");
    world.resolved("a.example", &[target(1, 10)]);
    world.unusable(1, &[(1, refused())]);
    assert_eq!(world.view("a.example").status, HostStatus::Down);
    world.heard();
    probe(&mut world, false);
    world.hears(&["# a.example Up None", "connect 2 slot 0 a.example 192.0.2.1"]);
    assert_eq!(world.view("a.example").status, HostStatus::Up);
    // A probe that is answered and changes nothing is no event.
    probe(&mut world, false);
    world.hears(&[]);
}

#[test]
fn a_probe_of_the_gateways_own_counts_once_until_a_connection_stands() {
    let mut world = World::new();
    world.enqueue(1, 1, "a.example");
    world.resolved("a.example", &[target(1, 10)]);
    world.unusable(1, &[(1, refused())]);
    probe(&mut world, true);
    world.unusable(2, &[(1, refused())]);
    world.heard();
    probe(&mut world, true);
    world.hears(&[]);
    assert_eq!(world.view("a.example").status, HostStatus::Down, "it answers probes and fails every attempt");
    probe(&mut world, false);
    assert_eq!(world.view("a.example").status, HostStatus::Up, "an operator's word counts always");
}

#[test]
fn a_probe_says_nothing_about_what_happens_behind_ehlo() {
    for failure in [failure(Stage::Mail, Cause::SmtpTimeout, 0), banner(421)] {
        let mut world = World::new();
        world.enqueue(1, 1, "a.example");
        world.resolved("a.example", &[target(1, 10)]);
        world.unusable(1, &[(1, failure)]);
        world.heard();
        probe(&mut world, false);
        world.hears(&[]);
        assert!(world.why(1, 0).starts_with("backoff +60s"));
    }
}
