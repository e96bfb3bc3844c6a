//! Tries of a recipient, as they are numbered for people.

use super::super::sentences::{Argument, Sentence, sentences};
use super::*;

#[test]
fn the_tries_of_a_recipient_are_numbered_whether_they_count_or_not() {
    let deferred = |rid, attempts| {
        let failure = Failure {
            stage: Stage::Connect,
            cause: Cause::ConnectRefused,
            status: (4, 4, 1),
            code: 0,
            text: vec!["refused".to_owned()],
            address: None,
            at: 0,
        };
        let (dcid, mid, host) = (Dcid(0), Mid(7), Host::new("a.example"));
        let event = Event::Deferred { dcid, mid, rid: Rid(rid), host, failure, next_at: 0, attempts };
        Stamped { at: 0, event }
    };
    // The second of the first recipient was forced, the first of the other one too; then events are missing.
    let events = [deferred(0, 1), deferred(1, 0), deferred(0, 1), deferred(0, 2), deferred(0, 9)];
    let number = |(_, said): (u64, Sentence)| {
        said.arguments.into_iter().find(|(name, _)| *name == "attempt").map(|(_, number)| number)
    };
    let numbers: Vec<_> = sentences(&events).into_iter().filter_map(number).collect();
    assert_eq!(numbers, [1, 1, 2, 3, 9].map(Argument::Number));
}
