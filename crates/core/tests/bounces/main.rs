//! How well refusals of about 90 kinds of mail servers are understood: the replies of a corpus of real bounces against
//! what a person reads in them.
//!
//! The corpus is kept beside the project and is not part of it; where it is absent the test says so and passes.
//! `truth.txt` holds a line for each reply, `FILE#N CLASS`: the N-th reply of a file, and the code of what it means. It
//! began as a draft of the classifier, so `second.txt` is a random sample that was labelled before anything read it; where
//! both differed the text decided.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::print_stdout)]
#![allow(clippy::disallowed_methods, reason = "a test reads its corpus")]

use std::fs;
use std::path::{Path, PathBuf};

use mailreeve_core::explain::Finding;
use mailreeve_core::explain::reply;

mod corpus;

use corpus::{Label, labels, replies};

/// Of all replies, as many in a hundred have to be understood.
const FLOOR: usize = 95;

/// The folder of the corpus; `None`, said aloud, where it is absent.
fn corpus() -> Option<PathBuf> {
    let found = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/testdata/bounces/maildir");
    if !found.exists() {
        eprintln!("skipped: {} is not there", found.display());
        return None;
    }
    Some(found)
}

/// How many of the labelled replies are read as the person read them.
struct Score {
    all: usize,
    class: usize,
    hardness: usize,
}

/// Reads what was labelled, and shows what is read otherwise.
fn score(corpus: &Path, labels: &[Label<'_>]) -> Score {
    let mut score = Score { all: labels.len(), class: 0, hardness: 0 };
    for Label { name, finding: expected, hard } in labels {
        let (file, number) = name.split_once('#').unwrap();
        let replies = replies(&fs::read(corpus.join(file)).unwrap());
        let found = &replies[number.parse::<usize>().unwrap()];
        let read = reply::read(found.stage, found.code, found.status, std::slice::from_ref(&found.text));
        let finding = Finding::of_reply(read.class, read.hard).code();
        let hard = hard.unwrap_or(found.code >= 500);
        score.class += usize::from(finding == *expected);
        score.hardness += usize::from(read.hard == hard);
        let said: String = found.text.chars().take(90).collect();
        if finding != *expected {
            println!("{name}: {} {said}\n    read {finding} ({:?}), is {expected}", found.code, read.basis);
        }
        if read.hard != hard {
            println!("{name}: {} {said}\n    hard is {}, is {hard}", found.code, read.hard);
        }
    }
    println!("replies {}, class right {}, hard or soft right {}", score.all, score.class, score.hardness);
    score
}

#[test]
fn refusals_of_the_world_are_understood() {
    let Some(corpus) = corpus() else { return };
    let score = score(&corpus, &labels(include_str!("truth.txt")));
    assert_eq!(score.hardness, score.all);
    assert!(score.class * 100 >= score.all * FLOOR, "{} of {} are understood", score.class, score.all);
}

/// The first truth began as a draft of the classifier itself; this one did not.
#[test]
fn a_random_sample_labelled_without_the_classifier_is_understood() {
    let Some(corpus) = corpus() else { return };
    let labels = labels(include_str!("second.txt"));
    assert!(labels.len() >= 120);
    let score = score(&corpus, &labels);
    assert!(score.class * 100 >= score.all * FLOOR, "{} of {} are understood", score.class, score.all);
    assert!(score.hardness * 100 >= score.all * 98, "{} of {} are hard or soft", score.hardness, score.all);
}

/// Writes every reply of the corpus with what is read in it, as lines for `truth.txt` to be looked over by a person.
#[test]
#[ignore = "makes a draft of truth.txt"]
fn draft() {
    let Some(corpus) = corpus() else { return };
    for folder in ["bsd", "err"] {
        let mut files: Vec<_> =
            fs::read_dir(corpus.join(folder)).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        for file in files {
            let name = format!("{folder}/{}", file.file_name().unwrap().to_str().unwrap());
            for (number, found) in replies(&fs::read(&file).unwrap()).iter().enumerate() {
                let read =
                    reply::read(found.stage, found.code, found.status, std::slice::from_ref(&found.text));
                let finding = Finding::of_reply(read.class, read.hard).code();
                println!("{name}#{number} {finding}\t{} {:?} {}", found.code, read.basis, found.text);
            }
        }
    }
}
