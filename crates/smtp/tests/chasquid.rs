//! The dialogues of chasquid's own test suite, replayed: the codes must be the same, but for the listed
//! ones. Texts are each server's own.
//!
//! They lie outside the tree, under `../shared/testdata`; where that folder is absent this test says so and
//! passes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[allow(dead_code, reason = "each test binary uses its part of the player")]
mod player;

use std::path::{Path, PathBuf};

use player::Cut;
use player::server::{Player, base_settings};

/// Not run: AUTH is not offered, so there is nothing to compare.
const NOT_RUN: &[&str] = &["auth_multi_dialog.cmy", "auth_not_tls.cmy", "auth_too_many_failures.cmy"];

/// Where our code rightly differs: file, line, theirs, ours, why.
const DIFFERENT: &[(&str, usize, &str, &str, &str)] = &[
    ("bad_data.cmy", 35, "554", "250", "whether a header parses is not the session's to judge"),
    ("bad_mail_from.cmy", 8, "500", "501", "MAIL is known, its argument is not (RFC 5321 4.2.4)"),
    ("bad_mail_from.cmy", 11, "500", "501", "MAIL is known, its argument is not (RFC 5321 4.2.4)"),
    ("bad_rcpt_to.cmy", 11, "500", "501", "RCPT is known, its argument is not (RFC 5321 4.2.4)"),
    ("bad_rcpt_to.cmy", 14, "500", "501", "RCPT is known, its argument is not (RFC 5321 4.2.4)"),
    ("bad_rcpt_to.cmy", 41, "550", "553", "RFC 6531 3.5 leaves 550 and 553; the local part is not judged"),
    ("line_too_long.cmy", 5, "554", "500", "RFC 5321 4.5.3.1.9"),
];

#[test]
fn chasquid_dialogues_give_the_same_codes() {
    let folder =
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/testdata/smtp-dialogs/chasquid"));
    if !folder.is_dir() {
        eprintln!("skipped: no ../shared/testdata beside this checkout");
        return;
    }
    let mut differences = Vec::new();
    let mut compared = 0;
    let files: Vec<PathBuf> = player::files(folder, "cmy");
    let run: Vec<&PathBuf> = files.iter().filter(|path| !NOT_RUN.contains(&name(path).as_str())).collect();
    assert_eq!(files.len() - run.len(), NOT_RUN.len(), "a file that is listed as not run is not there");
    for path in run {
        let mut whole = None;
        for cut in [Cut::Whole, Cut::Single, Cut::Random(7)] {
            let replayed = replay(path, cut);
            compared += replayed.compared;
            assert_eq!(whole.get_or_insert_with(|| replayed.clone()), &replayed, "{cut:?}");
        }
        differences.extend(whole.unwrap().differences);
    }
    let known: Vec<(String, usize, String, String)> = DIFFERENT
        .iter()
        .map(|(file, line, theirs, ours, _)| ((*file).into(), *line, (*theirs).into(), (*ours).into()))
        .collect();
    assert_eq!(differences, known);
    assert!(compared >= 250, "only {compared} replies compared");
}

/// What a replay brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Replayed {
    compared: usize,
    /// File, line, their code, ours.
    differences: Vec<(String, usize, String, String)>,
}

fn replay(path: &Path, cut: Cut) -> Replayed {
    #[allow(clippy::disallowed_methods, reason = "the test reads files, the session does not")]
    let (text, verify) = (
        std::fs::read_to_string(path).unwrap(),
        std::fs::read_to_string(path.with_extension("cmy.verify")).ok(),
    );
    let mut replayed = Replayed::default();
    let mut player = None;
    let mut taken = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some(command) = line.strip_prefix("c ") else {
            assert!(line.is_empty() || line.starts_with('#'), "{line}");
            continue;
        };
        if command.starts_with("tcp_connect") || command == "close" {
            player = Some(connect(cut));
            continue;
        }
        let player = player.as_mut().expect("a connection");
        let (kind, rest) = command.split_once(' ').unwrap_or((command, ""));
        match kind {
            "->" => player.send(format!("{rest}\r\n").as_bytes()),
            "~>" => player.send(&octets(rest)),
            "<-" | "<~" => {
                taken.extend(player.agree());
                let got =
                    player.said.pop_front().unwrap_or_else(|| panic!("{path:?}:{}: silence", index + 1));
                compare(&mut replayed, path, index + 1, rest, &got);
            }
            // "read on to this line": the end of the reply to EHLO.
            "<..." => {
                taken.extend(player.agree());
                while player.said.pop_front().unwrap().starts_with("250-") {}
            }
            other => panic!("{path:?}: {other}"),
        }
    }
    if let Some(expected) = verify {
        let [message] = &taken[..] else { panic!("{path:?}: {} messages", taken.len()) };
        assert_eq!(str::from_utf8(&message.tail).unwrap(), expected.replace('\n', "\r\n"), "{path:?}");
    }
    replayed
}

fn connect(cut: Cut) -> Player {
    let mut settings = base_settings();
    settings.limits.message_bytes = 1 << 20;
    settings.limits.command_line_bytes = 1000;
    let mut player = Player::new(settings, cut);
    player.event("greet");
    player
}

fn compare(replayed: &mut Replayed, path: &Path, line: usize, expected: &str, got: &str) {
    let (theirs, ours) = (&expected[..3], &got[..3]);
    replayed.compared += 1;
    if theirs != ours {
        replayed.differences.push((name(path), line, theirs.to_owned(), ours.to_owned()));
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// Evaluates the octets of a `~>` line: `'text'`, `'text' * 3`, `'a' * 3 + 'b'`, `(...) * 3`.
fn octets(expression: &str) -> Vec<u8> {
    let (value, rest) = sum(expression);
    assert_eq!(rest, "", "{expression}");
    value
}

fn sum(text: &str) -> (Vec<u8>, &str) {
    let (mut value, mut rest) = product(text);
    while let Some(more) = rest.trim_start().strip_prefix('+') {
        let (next, after) = product(more);
        value.extend(next);
        rest = after;
    }
    (value, rest)
}

fn product(text: &str) -> (Vec<u8>, &str) {
    let text = text.trim_start();
    let (value, rest) = match text.strip_prefix('(') {
        Some(inner) => {
            let (value, rest) = sum(inner);
            (value, rest.strip_prefix(')').expect("a closing bracket"))
        }
        None => {
            let inner = text.strip_prefix('\'').expect("a quoted text");
            let (quoted, rest) = inner.split_once('\'').expect("a closing quote");
            (player::unescaped(quoted), rest)
        }
    };
    match rest.trim_start().strip_prefix('*') {
        Some(times) => {
            let times = times.trim_start();
            let end = times.find(|c: char| !c.is_ascii_digit()).unwrap_or(times.len());
            (value.repeat(times[..end].parse().unwrap()), &times[end..])
        }
        None => (value, rest),
    }
}
