//! Dialogues: text files in which a session talks with its peer and its caller.
//!
//! ```text
//! # a comment                     * set limits.errors 2      a setting, at the head of the file
//! C: EHLO client.example          the client sends this line, CRLF added
//! C= a\r\n\x00                    the client sends these octets, escapes replaced
//! C* 1000 x\r\n                   the same, repeated
//! S: 250-gw.example.com           the server says this line
//! S: 250 ...                      ... or one that begins so
//! ? mail <a@b.example>            the session asks or tells its caller this; `...` as above
//! ! refuse 550 5.7.1 No           the caller answers
//! * peer closed                   something happens to the connection
//! +31s                            time passes (ms, s, m, h)
//! ```
//! This module knows the format and how input can be cut; what the steps mean is the driver's, one for each
//! side of a session.

pub(crate) mod server;
pub(crate) mod shown;

use std::path::{Path, PathBuf};
use std::time::Duration;

/// One line of a dialogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The client sends octets.
    Client(Vec<u8>),
    /// The server sends a line, given without its CRLF.
    Server(String),
    /// The session asks its caller, or tells it something.
    Asked(String),
    /// The caller answers.
    Answer(String),
    /// Something happens to the connection, or a setting is made.
    Event(String),
    /// Time passes.
    Passes(Duration),
}

/// A dialogue and where its steps stand.
pub(crate) struct Dialogue {
    pub(crate) name: String,
    pub(crate) steps: Vec<(usize, Step)>,
}

/// How a stream of octets is cut into pieces.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    /// As much at once as there is.
    Whole,
    /// Octet by octet.
    Single,
    /// Into pieces of 1 to 40 octets, drawn from this seed on.
    Random(u64),
}

impl Dialogue {
    /// Reads a dialogue file.
    pub(crate) fn read(path: &Path) -> Self {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        #[allow(clippy::disallowed_methods, reason = "the test reads files, the session does not")]
        let text = std::fs::read_to_string(path).unwrap();
        Self::parse(&name, &text)
    }

    /// Parses the text of a dialogue.
    pub(crate) fn parse(name: &str, text: &str) -> Self {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        let steps = lines
            .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
            .map(|(number, line)| match step(line) {
                Some(step) => (number, step),
                None => panic!("{name}:{number}: not a step: {line}"),
            })
            .collect();
        Self { name: name.to_owned(), steps }
    }
}

impl Cut {
    /// Whole, octet by octet, and a few random ways.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        [Self::Whole, Self::Single].into_iter().chain((1..=6).map(Self::Random))
    }

    /// Returns how many of the `available` octets come next.
    pub(crate) fn next(&mut self, available: usize) -> usize {
        match self {
            Self::Whole => available,
            Self::Single => available.min(1),
            Self::Random(seed) => {
                *seed += 1;
                available.min(1 + Random(*seed).below(40))
            }
        }
    }
}

/// A small generator of random numbers; every run draws the same ones.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// Draws a number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (((mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 16) % bound as u64) as usize
    }
}

/// Returns the files of a folder in the order of their names.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    #[allow(clippy::disallowed_methods, reason = "the test reads files, the session does not")]
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect();
    paths.sort();
    paths
}

/// Tells whether a line is the one that was expected; an expectation may end with `...`.
pub(crate) fn fits(expected: &str, actual: &str) -> bool {
    match expected.strip_suffix("...") {
        Some(start) => actual.starts_with(start),
        None => expected == actual,
    }
}

/// Shows octets as they stand behind `C=`.
pub(crate) fn escaped(octets: &[u8]) -> String {
    octets.escape_ascii().to_string()
}

/// Replaces the escapes of a `C=` line: `\r \n \t \\ \" \' \xNN`; anything else stands for itself.
pub(crate) fn unescaped(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'\\' {
            octets.push(first);
            continue;
        }
        let (&kind, tail) = rest.split_first().expect("an escape at the end of a line");
        rest = tail;
        octets.push(match kind {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'x' => {
                let digits = str::from_utf8(&rest[..2]).unwrap();
                rest = &rest[2..];
                u8::from_str_radix(digits, 16).unwrap()
            }
            other => other,
        });
    }
    octets
}

fn step(line: &str) -> Option<Step> {
    if let Some(time) = line.strip_prefix('+') {
        return Some(Step::Passes(duration(time.trim())?));
    }
    let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
    Some(match mark {
        "C:" => Step::Client([rest.as_bytes(), b"\r\n"].concat()),
        "C=" => Step::Client(unescaped(rest)),
        "C*" => {
            let (times, octets) = rest.split_once(' ')?;
            Step::Client(unescaped(octets).repeat(times.parse().ok()?))
        }
        "S:" => Step::Server(rest.to_owned()),
        "?" => Step::Asked(rest.to_owned()),
        "!" => Step::Answer(rest.to_owned()),
        "*" => Step::Event(rest.to_owned()),
        _ => return None,
    })
}

/// Parses `1500ms`, `31s`, `5m`, `2h`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    Some(match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number * 60),
        "h" => Duration::from_secs(number * 3600),
        _ => return None,
    })
}
