//! In `smtp` and `core` time is an argument and effects are returned: no clock, socket, file, environment,
//! thread, chance or `async fn`.
//!
//! Clippy holds the calls (`clippy.toml` of those crates); this holds the words, also where clippy is not
//! run and where a path is hidden behind an import. Test code is left out: a test may read its dialogues.

use super::Rule;
use crate::finding::Finding;
use crate::lexer::Lexed;
use crate::outline::{line_of, test_ranges, words};
use crate::tree::{File, Tree};

pub(super) const RULE: Rule =
    Rule { name: "purity", about: "smtp and core have no clock, IO, environment, thread or async fn", check };

const PURE: [&str; 2] = ["crates/smtp/src/", "crates/core/src/"];

/// Word, and what is wrong with it.
const FORBIDDEN: [(&str, &str); 27] = [
    ("async", "waits"),
    ("await", "waits"),
    ("std::env", "reads the environment"),
    ("std::fs", "touches files"),
    // Not all of std::io: its Write is also that of a Vec.
    ("stdin", "talks to the user"),
    ("stdout", "talks to the user"),
    ("stderr", "talks to the user"),
    ("std::process", "starts or ends processes"),
    ("std::thread", "uses threads"),
    ("std::sync::Mutex", "shares state between threads"),
    ("std::sync::RwLock", "shares state between threads"),
    ("std::sync::mpsc", "shares state between threads"),
    ("std::sync::OnceLock", "keeps a global"),
    ("std::sync::LazyLock", "keeps a global"),
    ("thread_local", "keeps a global"),
    ("static mut", "keeps a global"),
    ("SystemTime", "reads a clock"),
    ("Instant::now", "reads a clock"),
    ("Timestamp::now", "reads a clock"),
    ("Zoned::now", "reads a clock"),
    ("TimeZone::system", "reads the machine's zone"),
    ("TcpStream", "opens a socket"),
    ("TcpListener", "opens a socket"),
    ("UdpSocket", "opens a socket"),
    ("UnixStream", "opens a socket"),
    ("ToSocketAddrs", "asks the resolver"),
    ("RandomState", "is different at every run"),
];

fn check(tree: &Tree) -> Vec<Finding> {
    let pure = |file: &File| PURE.iter().any(|folder| file.path.starts_with(folder)) && !file.is_test();
    tree.rust().filter(|(file, _)| pure(file)).flat_map(|(file, lexed)| findings(file, lexed)).collect()
}

fn findings(file: &File, lexed: &Lexed) -> Vec<Finding> {
    let tests = test_ranges(lexed);
    let mut found = Vec::new();
    for (word, does) in FORBIDDEN {
        for at in words(&lexed.code, word).filter(|at| !tests.iter().any(|range| range.contains(at))) {
            let what = format!("`{word}` {does}");
            let hint = "take it as an argument (`now`, a seed, a value) or return the effect";
            found.push(Finding::new(&file.path, line_of(&lexed.code, at), what, hint));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    #[test]
    fn every_word_is_found_in_code_of_the_pure_crates_only() {
        for (word, does) in FORBIDDEN {
            let source = format!("//! x\nuse {word};\n");
            let expected = format!("crates/core/src/a.rs:2: `{word}` {does}");
            let files =
                [("crates/core/src/a.rs", source.as_str()), ("crates/store/src/a.rs", source.as_str())];
            assert_eq!(found(&RULE, &files), [expected]);
        }
    }

    #[test]
    fn comments_texts_longer_words_and_tests_are_left_out() {
        let source = "//! No async fn here.\nconst A: &str = \"async\";\nfn asynchronous() {}\n\
                      use std::net::IpAddr;\n#[cfg(test)]\nmod tests { use std::fs; }\n";
        assert_eq!(found(&RULE, &[("crates/smtp/src/a.rs", source)]), Vec::<String>::new());
        let test_files =
            [("crates/smtp/tests/a.rs", "use std::fs;"), ("crates/smtp/src/a/tests.rs", "use std::fs;")];
        assert_eq!(found(&RULE, &test_files), Vec::<String>::new());
    }
}
