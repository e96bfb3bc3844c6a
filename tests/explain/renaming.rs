//! Names and wordings decide nothing: with other names for every host and other replies of the same meaning, the verdict is
//! the same; and no pattern by which replies are read was taken from the lab.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use mailreeve_core::explain::Finding;
use mailreeve_lab::host::{Detail, Reply, Stage, Temper};
use mailreeve_lab::words::{Dice, Topic};
use mailreeve_lab::world::{Plight, World};

use crate::setting::{Setting, whole};
use crate::world::testdata;

#[allow(dead_code, reason = "what belongs to the scoring is used there")]
#[path = "../../crates/core/tests/bounces/corpus.rs"]
mod corpus;

const SEEDS: [u64; 4] = [3, 17, 4242, 20_261_121];
/// Longer replies are told from their beginning.
const LENGTH: usize = 330;
/// Read wrongly, as the scoring of the corpus lists.
const MISSED: [&str; 2] = ["bsd/rhost-cox-01.eml#0", "bsd/rhost-mimecast-02.eml#0"];

/// The replies of the corpus by what a person read in them: code and text.
fn by_meaning() -> Option<BTreeMap<&'static str, Vec<(u16, String)>>> {
    let folder = testdata("bounces/maildir")?;
    let mut found: BTreeMap<&str, Vec<(u16, String)>> = BTreeMap::new();
    let labels = corpus::labels(include_str!("../../crates/core/tests/bounces/second.txt"));
    for label in labels.into_iter().filter(|label| !MISSED.contains(&label.name)) {
        let (file, number) = label.name.split_once('#').unwrap();
        let replies = corpus::replies(&fs::read(folder.join(file)).unwrap());
        let reply = &replies[number.parse::<usize>().unwrap()];
        let text: String = reply.text.chars().take(LENGTH).collect();
        if text.is_ascii() {
            found.entry(label.finding).or_default().push((reply.code, text));
        }
    }
    Some(found)
}

/// Names that mean something else.
const MISLEADING: [&str; 8] = ["greylisted", "virus", "spam", "quota", "dnsbl", "unknown", "policy", "full"];

#[test]
fn other_names_and_other_words_of_the_same_meaning_change_no_verdict() {
    let Some(meanings) = by_meaning() else { return };
    assert!(meanings.len() > 15, "{:?}", meanings.keys());
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for seed in SEEDS {
        let mut dice = Dice::new(seed);
        let net = World::start(seed).unwrap();
        let mut said = Vec::new();
        for (number, (meaning, replies)) in meanings.iter().enumerate() {
            let (code, text) = &replies[dice.below(replies.len())];
            let domain = format!("{}{number}.{}", dice.pick(&MISLEADING), net.domain_name());
            // At RCPT a 552 is a 452 (RFC 5321 section 4.5.3.1.10).
            let stage = if *code == 552 { Stage::Final } else { Stage::Rcpt };
            let temper = Temper::refusing(stage, Reply::new(*code).text(text.as_str()));
            net.establish(&domain, &Plight::Host(temper), Detail::default()).unwrap();
            said.push((domain, *meaning, *code, text));
        }
        let setting = Setting::start(net, "");
        for (domain, ..) in &said {
            setting.send(&format!("{}@{domain}", dice.pick(&MISLEADING)));
        }
        for (domain, meaning, code, text) in &said {
            eprintln!("seed {seed}: {domain} says {code} {text}");
            let state = if *code < 500 { "queued" } else { "bounced" };
            let answer = setting.explained(domain, state, meaning);
            whole(&answer);
            let owner = Finding::from_code(meaning).unwrap().owner().code();
            assert_eq!(answer["verdict"]["owner"], owner, "{answer:#}");
            seen.insert((*text).clone());
        }
    }
    assert!(seen.len() > meanings.len() * 3 / 2, "other words were drawn: {}", seen.len());
}

/// What a source file holds between quotes.
fn quoted(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap();
    let pieces = code.replace("\\\n", "");
    pieces.split('"').skip(1).step_by(2).map(|piece| piece.to_lowercase()).collect()
}

#[test]
fn no_pattern_of_replies_was_taken_from_the_lab() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/core/src/explain/reply");
    let mut patterns = BTreeSet::new();
    for file in ["patterns.rs", "listed.rs", "status.rs"] {
        let source = fs::read_to_string(format!("{folder}/{file}")).unwrap();
        for text in quoted(&source) {
            patterns.extend(text.split('|').map(|pattern| pattern.trim().to_owned()));
        }
    }
    assert!(patterns.len() > 300, "{}", patterns.len());
    let topics = [
        Topic::Busy,
        Topic::Unwelcome,
        Topic::NoMail,
        Topic::Greylisted,
        Topic::BoxFull,
        Topic::NoSuchBox,
        Topic::TooFast,
        Topic::Listed,
    ];
    let mut remarks = BTreeSet::new();
    let mut names = BTreeSet::new();
    for seed in 0..2_000 {
        let mut dice = Dice::new(seed);
        remarks.extend(topics.map(|topic| dice.remark(topic).to_lowercase()));
        names.extend(dice.label().split('-').map(str::to_owned));
        names.insert(dice.list_name());
        remarks.insert(dice.sentence());
    }
    for pattern in &patterns {
        // Up to three words are the field's; a whole phrase of the lab would be its own.
        let phrase = pattern.split_whitespace().filter(|word| *word != "..").count() > 3;
        let taken = remarks.iter().find(|remark| remark.contains(pattern.as_str()));
        assert!(!(phrase && taken.is_some()), "`{pattern}` is what the lab says: {taken:?}");
        assert!(!remarks.contains(pattern) || pattern.split_whitespace().count() < 3, "`{pattern}`");
        for word in pattern.split(|letter: char| !letter.is_alphanumeric()) {
            assert!(!names.contains(word), "`{word}` in `{pattern}` is a name of the lab");
        }
    }
}
