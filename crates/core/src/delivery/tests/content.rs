//! Messages that not every mail server can take.

use super::world::*;
use crate::delivery::io::{Input, PeerFacts, Waiting};
use crate::envelope::ContentFacts;
use crate::event::Cause;

fn message(mid: u64, size: u64, utf8_needed: bool, eight_bit: bool, world: &World) -> Waiting {
    let content = ContentFacts { utf8_needed, eight_bit, ..ContentFacts::default() };
    Waiting { size, content, ..waiting(mid, 0, "a.example", world.now.0) }
}

fn without_utf8() -> PeerFacts {
    PeerFacts { smtputf8: false, ..peer() }
}

fn small() -> PeerFacts {
    PeerFacts { size_limit: Some(1_000), ..peer() }
}

#[test]
fn smtputf8_is_looked_for_at_another_server_and_then_bounced() {
    let mut world = World::new();
    let one = message(1, 10, true, false, &world);
    world.input(Input::Enqueue(vec![one]));
    world.resolved("a.example", &[target(1, 10), target(2, 20)]);
    world.ready_with(1, 1, without_utf8());
    assert_eq!(world.heard().last().unwrap(), "connect 2 slot 1 a.example 192.0.2.2");
    assert_eq!(world.why(1, 0), "connecting 2");
    world.ready_with(2, 2, without_utf8());
    world.hears(&["end 1.0 bounced 0 Other Utf8NotOffered last"]);
}

#[test]
fn smtputf8_goes_to_the_server_that_offers_it_and_holds_nobody_up() {
    let mut world = World::new();
    let one = message(1, 10, true, false, &world);
    world.input(Input::Enqueue(vec![one]));
    world.enqueue(2, 1, "a.example");
    world.resolved("a.example", &[target(1, 10), target(2, 20)]);
    world.ready_with(1, 1, without_utf8());
    assert_eq!(world.why(2, 0), "attempting 1");
    world.heard();
    world.ready(2, 2);
    world.hears(&["# start 2 mid 1", "transact 2 mid 1 [0]"]);
}

#[test]
fn another_server_that_cannot_be_reached_does_not_make_the_destination_down() {
    let mut world = World::new();
    let one = message(1, 10, true, false, &world);
    world.input(Input::Enqueue(vec![one]));
    world.resolved("a.example", &[target(1, 10), target(2, 20)]);
    world.ready_with(1, 1, without_utf8());
    world.closed(1);
    world.heard();
    world.unusable(2, &[(2, refused())]);
    world.hears(&["# failed 2 192.0.2.2 ConnectRefused", "end 1.0 bounced 0 Other Utf8NotOffered last"]);
    world.enqueue(2, 1, "a.example");
    assert_eq!(world.why(2, 0), "connecting 3", "mail that needs nothing special goes on");
}

#[test]
fn a_message_too_large_for_one_server_is_offered_to_the_other() {
    let mut world = World::new();
    let (large, larger) = (message(1, 2_000, false, false, &world), message(2, 9_000, false, false, &world));
    world.input(Input::Enqueue(vec![large, larger]));
    world.resolved("a.example", &[target(1, 10), target(2, 20)]);
    world.ready_with(1, 1, small());
    assert_eq!(world.heard().last().unwrap(), "connect 2 slot 1 a.example 192.0.2.2");
    world.ready_with(2, 2, PeerFacts { size_limit: Some(5_000), ..peer() });
    world.hears(&["# start 2 mid 1", "transact 2 mid 1 [0]", "end 2.0 bounced 0 Other TooBigForPeer last"]);
}

#[test]
fn size_zero_declares_no_limit() {
    let mut world = World::new();
    world.enqueue(1, 1, "a.example");
    world.resolved("a.example", &[target(1, 10)]);
    world.ready_with(1, 1, PeerFacts { size_limit: Some(0), ..peer() });
    assert_eq!(world.why(1, 0), "attempting 1");
}

#[test]
fn eight_bit_content_goes_unchanged_unless_the_setting_says_bounce() {
    for bounce in [false, true] {
        let mut world = World::with(|settings| settings.eight_bit_bounce = bounce);
        let one = message(1, 10, false, true, &world);
        world.input(Input::Enqueue(vec![one]));
        world.resolved("a.example", &[target(1, 10)]);
        world.ready_with(1, 1, PeerFacts { eight_bit: false, ..peer() });
        let expected =
            if bounce { "end 1.0 bounced 0 Other EightBitNotOffered last" } else { "transact 1 mid 1 [0]" };
        assert_eq!(world.heard().last().unwrap(), expected);
    }
}

#[test]
fn the_bounce_tells_size_and_limit() {
    let mut world = World::new();
    let one = message(1, 2_000, false, false, &world);
    world.input(Input::Enqueue(vec![one]));
    world.resolved("a.example", &[target(1, 10)]);
    world.effects();
    world.ready_with(1, 1, small());
    let failure = world.effects().into_iter().find_map(|effect| match effect {
        crate::delivery::io::Effect::End {
            end: crate::delivery::io::End::Bounced { failure, .. }, ..
        } => Some(failure),
        _ => None,
    });
    let failure = failure.unwrap();
    assert_eq!((failure.cause, failure.status), (Cause::TooBigForPeer, (5, 3, 4)));
    assert_eq!(failure.text, ["The message has 2000 octets, the mail server takes at most 1000"]);
}
