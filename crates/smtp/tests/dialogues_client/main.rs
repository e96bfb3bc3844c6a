//! The client side of a session, held to dialogues.
//!
//! * Each dialogue goes as written, with the peer's octets whole, one by one, and cut at random.
//! * Each dialogue is cut short at every point, by the peer and by time ([`cuts`]).
//! * Many recipients fill no buffer ([`flights`]).
//! * Nonsense from the peer and from the driver breaks no promise ([`noise`]).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cuts;
mod driver;
mod flights;
mod laws;
mod noise;
#[allow(dead_code, reason = "each test binary uses its part of the player")]
#[path = "../player/mod.rs"]
mod player;
mod script;
mod shown;

use std::path::Path;

use driver::Driver;
use player::Cut;
use script::{Expected, Input, Script};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialogues/client");

fn scripts() -> Vec<Script> {
    player::files(Path::new(FOLDER), "txt").iter().map(|path| Script::read(path)).collect()
}

/// Plays a whole dialogue; tells the first thing that differs.
fn play(script: &Script, mut cut: Cut) -> Result<(), String> {
    let mut driver = Driver::new(script);
    for (number, input, expected) in &script.steps {
        match input {
            Input::Begin => {}
            Input::Octets(octets) => {
                let mut rest = octets.as_slice();
                while !rest.is_empty() {
                    let (piece, later) = rest.split_at(cut.next(rest.len()));
                    driver.receive(piece);
                    rest = later;
                }
            }
            Input::Action(action) => driver.act(action),
        }
        let actual = driver.take_shown();
        let same = actual.len() == expected.len()
            && expected.iter().zip(&actual).all(|(Expected(line), actual)| player::fits(line, actual));
        if !same {
            let lines = |lines: &[String]| lines.iter().map(|l| format!("    {l}\n")).collect::<String>();
            let expected: Vec<String> = expected.iter().map(|Expected(line)| line.clone()).collect();
            return Err(format!(
                "{}:{number}: {cut:?}: expected\n{}  and there was\n{}",
                script.name,
                lines(&expected),
                lines(&actual)
            ));
        }
    }
    Ok(())
}

#[test]
fn every_dialogue_goes_as_written_however_the_input_is_cut() {
    let mut failures = Vec::new();
    for script in scripts() {
        let mut cuts = Cut::all().filter(|cut| !script.whole_only || matches!(cut, Cut::Whole));
        failures.extend(cuts.find_map(|cut| play(&script, cut).err()));
    }
    assert!(failures.is_empty(), "{} dialogues differ:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn there_are_hundreds_of_lines_of_conversation() {
    let scripts = scripts();
    let lines: usize = scripts.iter().map(|script| script.lines_spoken).sum();
    assert!(scripts.len() >= 30 && lines >= 500, "{} dialogues, {lines} lines", scripts.len());
}

#[test]
fn a_dialogue_that_differs_fails() {
    for text in [
        "S: 220 mx.test\nC: EHLO other.test",
        "S: 220 mx.test",
        "S: 220 mx.test\nC: EHLO client.test\n? ready",
        "S: 554 mx.test\n? greeting_rejected 554 mx.test\nC: QUIT\n? closed",
        "S: 220 mx.test\nC: EHLO client.test\nS: 250 mx.test\n? ready\n! transact 1 <> <a@b.test>\n\
         C: MAIL FROM:<>\nC: RCPT TO:<a@b.test>",
    ] {
        assert!(play(&Script::parse("wrong", text), Cut::Whole).is_err(), "{text}");
    }
}
