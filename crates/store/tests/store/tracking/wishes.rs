//! What is asked, and what happens to a house between two stretches of traffic.

use mailreeve_core::ids::{Icid, Mid};
use mailreeve_core::tracking::{Kind, Pattern, Query, State};
use proptest::prelude::*;

use super::traffic::{self, ADDRESSES, SUBJECTS};

fn pattern() -> impl Strategy<Value = Option<Pattern>> {
    let from = |texts: &'static [&'static str]| {
        (
            prop::sample::select(texts),
            any::<prop::sample::Index>(),
            0..6_usize,
            prop::sample::select(vec!["", "^", "="]),
        )
            .prop_map(|(text, start, length, anchor)| {
                let letters: Vec<char> = text.chars().collect();
                let start =
                    if anchor.is_empty() && !letters.is_empty() { start.index(letters.len()) } else { 0 };
                let length = if anchor == "=" { letters.len() } else { length };
                let part: String = letters.iter().skip(start).take(length).collect();
                let part = if length % 2 == 0 { part.to_uppercase() } else { part };
                Pattern::read(&format!("{anchor}{part}"))
            })
    };
    prop_oneof![
        6 => Just(None),
        2 => from(&SUBJECTS).prop_map(Some),
        2 => from(&ADDRESSES).prop_map(Some),
        1 => Just(Some(Pattern::read("<>"))),
        1 => Just(Some(Pattern::read("not there"))),
    ]
}

pub(crate) fn query() -> impl Strategy<Value = Query> {
    let maybe = |chance: f64| prop::bool::weighted(chance);
    let numbers = (maybe(0.1), 1..60_u64, maybe(0.1), 1..40_u64);
    let words = (maybe(0.2), prop::sample::select(Kind::ALL), maybe(0.2), prop::sample::select(State::ALL));
    let places = (maybe(0.15), 0..6_u8, maybe(0.15), prop::sample::select(traffic::HOSTS.as_slice()));
    let times = (maybe(0.2), 0..traffic::SPAN, maybe(0.2), 0..traffic::SPAN, maybe(0.1));
    (pattern(), pattern(), pattern(), numbers, words, places, times).prop_map(
        |(sender, recipient, subject, numbers, words, places, times)| Query {
            sender,
            recipient,
            subject,
            message_id: times.4.then(|| format!("<ID-{}@sender.example>", numbers.1)),
            mid: numbers.0.then_some(Mid(numbers.1)),
            icid: numbers.2.then_some(Icid(numbers.3)),
            ip: places.0.then(|| traffic::address(places.1)),
            host: places.2.then(|| places.3.to_uppercase()),
            from: times.0.then_some(traffic::BEGIN + times.1),
            to: times.2.then_some(traffic::BEGIN + times.3),
            kind: words.0.then_some(words.1),
            state: words.2.then_some(words.3),
        },
    )
}

/// What happens to the house between two stretches of traffic.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Follow,
    Commit,
    Restart,
    Rebuild,
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Follow),
        4 => Just(Step::Commit),
        2 => Just(Step::Restart),
        1 => Just(Step::Rebuild),
    ]
}
