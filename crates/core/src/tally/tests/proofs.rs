//! A proof holds where nothing is wrong, and says so where something is.

use super::*;

fn proof(events: &[Event]) -> Proof {
    let mut proof = Proof::begin(Tally::default());
    events.iter().zip(1..).for_each(|(event, second)| proof.apply(&at(second, event.clone())));
    proof
}

#[test]
fn a_whole_history_proves_itself_over_every_range() {
    let finished = |mid| Event::Finished { mid: Mid(mid) };
    let events = [
        accepted(1, 3),
        delivered(1, &[0, 1], "a.test"),
        accepted(2, 1),
        bounced(1, 2, "a.test", BounceKind::FiveXx),
        generated(3, 1, GeneratedKind::Bounce, 1),
        finished(1),
        deleted(2, 0, "a.test"),
        finished(2),
    ];
    for start in 0..events.len() {
        let before = fold(&events[..start].iter().cloned().map(|event| at(0, event)).collect::<Vec<_>>());
        let mut proof = Proof::begin(before);
        for event in &events[start..] {
            proof.apply(&at(9, event.clone()));
            assert!(proof.identity().holds(), "{}", proof.identity());
        }
        proof.opened(1);
        proof.opened(2);
        assert_eq!((proof.identity().closing, proof.openings()), (1, (2, 1)));
    }
}

#[test]
fn what_ends_twice_or_not_at_all_is_seen() {
    let twice = [accepted(1, 1), delivered(1, &[0], "a.test"), delivered(1, &[0], "a.test")];
    assert_eq!(proof(&twice).identity().difference(), -1);
    let lost = [accepted(1, 2), delivered(1, &[0], "a.test"), Event::Finished { mid: Mid(1) }];
    assert_eq!(proof(&lost).identity().difference(), 1);
}
