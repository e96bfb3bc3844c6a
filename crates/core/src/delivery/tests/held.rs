//! Operators' orders over recipients that have not entered delivery.

use super::world::*;
use crate::delivery::io::{HeldMessage, HeldSlice, Input, OrderId, Waiting};
use crate::event::Deed;

/// A slice over MID 50 with three recipients, of which the order concerns two, and MID 51 with one.
fn held(world: &World, deed: Deed) -> Input {
    let now = world.now.0;
    let first = vec![waiting(50, 0, "a.example", now), waiting(50, 2, "a.example", now)];
    let second = vec![Waiting { null_sender: true, ..waiting(51, 0, "b.example", now) }];
    let messages = vec![
        HeldMessage { recipients: first, others_wait: true },
        HeldMessage { recipients: second, others_wait: false },
    ];
    Input::Held(HeldSlice { id: OrderId(9), deed, by: "ann".into(), messages })
}

#[test]
fn who_has_not_entered_ends_as_the_others_do_and_is_not_kept() {
    let table: [(Deed, [&str; 4]); 3] = [
        (
            Deed::Delete,
            [
                "end 50.0 deleted by ann",
                "end 50.2 deleted by ann",
                "end 51.0 deleted by ann last",
                "over 9 done 3 seen 3 awaited 0 of 3",
            ],
        ),
        (
            Deed::Bounce,
            [
                "end 50.0 bounced 0 Other Operator",
                "end 50.2 bounced 0 Other Operator",
                "end 51.0 bounced 0 Other Operator unreported NullSender last",
                "over 9 done 3 seen 3 awaited 0 of 3",
            ],
        ),
        (
            Deed::Redirect { to: host("b.example") },
            [
                "redirect 50.0 to b.example attempts 0 +0s",
                "redirect 50.2 to b.example attempts 0 +0s",
                "over 9 done 2 seen 3 awaited 0 of 3",
                "",
            ],
        ),
    ];
    for (deed, told) in table {
        let mut world = World::new();
        let slice = held(&world, deed);
        world.input(slice);
        let told: Vec<&str> = told.into_iter().filter(|line| !line.is_empty()).collect();
        world.hears(&told);
        assert_eq!(world.delivery.gauges().active, 0);
    }
}

#[test]
fn a_slice_of_those_who_have_not_entered_waits_for_the_disk() {
    let mut world = World::new();
    world.input(Input::SpoolSpace { exhausted: true });
    world.heard();
    let slice = held(&world, Deed::Delete);
    world.input(slice);
    world.hears(&[]);
    world.input(Input::SpoolSpace { exhausted: false });
    assert_eq!(world.heard().len(), 4);
}
