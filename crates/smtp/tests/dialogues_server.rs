//! The dialogues of the server side, each played with its input whole, octet by octet, and cut at random:
//! what is said and asked must be the same.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, reason = "each test binary uses its part of the player")]
mod player;

use std::path::Path;

use player::{Cut, Dialogue, Step};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialogues/server");

fn dialogues() -> Vec<Dialogue> {
    player::files(Path::new(FOLDER), "txt").iter().map(|path| Dialogue::read(path)).collect()
}

#[test]
fn every_dialogue_goes_as_written_however_the_input_is_cut() {
    let mut failures = Vec::new();
    for dialogue in dialogues() {
        let first = Cut::all().find_map(|cut| player::server::play(&dialogue, cut).err());
        failures.extend(first);
    }
    assert!(failures.is_empty(), "{} dialogues differ:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn there_are_hundreds_of_lines_of_conversation() {
    let dialogues = dialogues();
    let spoken = dialogues
        .iter()
        .flat_map(|dialogue| &dialogue.steps)
        .filter(|(_, step)| matches!(step, Step::Client(_) | Step::Server(_)))
        .count();
    assert!(dialogues.len() >= 25 && spoken >= 350, "{} dialogues, {spoken} lines", dialogues.len());
}

#[test]
fn a_dialogue_that_differs_fails() {
    for text in [
        "C: NOOP\nS: 250 2.0.0 Not ok",
        "C: NOOP",
        "S: 250 2.0.0 Ok",
        "C: EHLO a.example\n? helo a.example",
        "C: QUIT\nS: 221 ...\n? ended PeerClosed",
    ] {
        let dialogue = Dialogue::parse("wrong", text);
        assert!(player::server::play(&dialogue, Cut::Whole).is_err(), "{text}");
    }
}
