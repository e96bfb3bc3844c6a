//! How well refusals of about 90 kinds of mail servers are understood: the replies of a corpus of real bounces against
//! what a person reads in them.
//!
//! The corpus is kept beside the project and is not part of it; where it is absent the test says so and passes.
//! `truth.txt` holds a line for each reply, `FILE#N CLASS`: the N-th reply of a file, and the code of what it means.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::print_stdout)]
#![allow(clippy::disallowed_methods, reason = "a test reads its corpus")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use mailreeve_core::event::Stage;
use mailreeve_core::explain::Finding;
use mailreeve_core::explain::reply;

/// Of all replies, as many in a hundred have to be understood.
const FLOOR: usize = 90;

struct Reply {
    code: u16,
    status: Option<(u8, u16, u16)>,
    stage: Stage,
    text: String,
}

fn corpus() -> Option<PathBuf> {
    let found = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/testdata/bounces/maildir");
    if !found.exists() {
        eprintln!("skipped: {} is not there", found.display());
        return None;
    }
    Some(found)
}

#[test]
fn refusals_of_the_world_are_understood() {
    let Some(corpus) = corpus() else { return };
    let truth: BTreeMap<&str, &str> = include_str!("truth.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .collect();
    let (mut right, mut named, mut hardness, mut missed) = (0, 0, 0, Vec::new());
    for (name, expected) in &truth {
        let (file, number) = name.split_once('#').unwrap();
        let replies = replies(&fs::read(corpus.join(file)).unwrap());
        let found = &replies[number.parse::<usize>().unwrap()];
        let read = reply::read(found.stage, found.code, found.status, std::slice::from_ref(&found.text));
        let finding = Finding::of_reply(read.class, read.hard).code();
        right += usize::from(finding == *expected);
        named += usize::from(read.class != reply::ReplyClass::Other);
        hardness += usize::from(read.hard == (found.code >= 500));
        if finding != *expected {
            let said: String = found.text.chars().take(90).collect();
            missed.push(format!("{name}: {} {said}\n    read {finding}, is {expected}", found.code));
        }
    }
    println!("{}", missed.join("\n"));
    println!("replies {}, named {named}, right {right}, hard or soft right {hardness}", truth.len());
    assert_eq!(hardness, truth.len());
    assert!(right * 100 >= truth.len() * FLOOR, "{right} of {} are understood", truth.len());
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

/// The refusing replies that a bounce quotes: its diagnostic codes, else the first line of a known kind.
fn replies(octets: &[u8]) -> Vec<Reply> {
    let text = String::from_utf8_lossy(octets).replace("\r\n", "\n").replace('\r', "\n").replace("=\n", "");
    let mut found = Vec::new();
    let unfolded = text.replace("\n ", " ").replace("\n\t", " ");
    for line in unfolded.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("diagnostic-code") {
            let value =
                value.split_once(';').filter(|(kind, _)| kind.len() < 24).map_or(value, |(_, value)| value);
            found.extend(reply_in(value));
        }
    }
    if found.is_empty() {
        const BEFORE: [&str; 5] = ["said: ", "<<< ", "]: ", "reason: ", ">: "];
        let quoted = text.lines().filter(|line| !line.starts_with("Received")).find_map(|line| {
            let line = line.trim();
            let after = BEFORE.iter().find_map(|mark| line.split_once(mark).map(|(_, after)| after));
            after.and_then(reply_at_start).or_else(|| reply_at_start(line))
        });
        found.extend(quoted);
    }
    found
}

fn reply_in(value: &str) -> Option<Reply> {
    let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
    reply_at_start(&value).or_else(|| {
        let after = value.split_once("said: ").map(|(_, after)| after);
        let quoted = value.split_once("error ").map(|(_, after)| after);
        after.or(quoted).and_then(reply_at_start)
    })
}

/// `550 5.1.1 text`, `550-5.1.1 text 550 5.1.1 more text`.
fn reply_at_start(line: &str) -> Option<Reply> {
    let code: u16 = line.get(..3)?.parse().ok().filter(|code| (400..600).contains(code))?;
    let rest = line[3..].strip_prefix(['-', ' ']).unwrap_or_else(|| line[3..].trim_start());
    if line.len() == 3 || line.as_bytes()[3].is_ascii_digit() {
        return None;
    }
    let rest = rest.trim_start_matches(['\'', '=', ' ', '#']);
    let again = [format!("{code}-"), format!("{code} ")];
    let rest = again.iter().fold(rest.to_owned(), |rest, mark| rest.replace(mark.as_str(), ""));
    let status =
        rest.split(|letter: char| letter != '.' && !letter.is_ascii_digit()).next().and_then(|word| {
            let parts: Vec<u16> = word.split('.').filter_map(|part| part.parse().ok()).collect();
            let [class @ (4 | 5), subject, detail] = parts[..] else { return None };
            Some((class as u8, subject, detail))
        });
    let lower = rest.to_lowercase();
    let stage = match () {
        () if lower.contains("data command") => Stage::Final,
        () if lower.contains("mail from command") => Stage::Mail,
        () => Stage::Rcpt,
    };
    Some(Reply { code, status, stage, text: rest })
}
