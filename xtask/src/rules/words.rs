//! Words that have no place in the tree: other makers' product names, folders of one machine, and how the
//! text came to be.
//!
//! Each is written in two halves, so that this file passes its own rule.

use super::Rule;
use crate::finding::Finding;
use crate::lexer::is_word;
use crate::tree::{File, Tree};

pub(super) const RULE: Rule = Rule {
    name: "words",
    about: "no other maker's product name, machine path or talk about tools in the tree",
    check,
};

/// Why a word is not wanted.
#[derive(Clone, Copy)]
enum Reason {
    /// A name of somebody else's product: ours describes itself in its own words.
    Product,
    /// A folder that exists on one machine only.
    Machine,
    /// Says who or what wrote the text, which is nothing that a reader needs.
    Origin,
}

impl Reason {
    const fn hint(self) -> &'static str {
        match self {
            Self::Product => "describe the thing in our own words",
            Self::Machine => "use a path relative to the project, or a temporary folder made at run time",
            Self::Origin => "describe the code, not how it was made",
        }
    }
}

/// First half, second half, reason. Compared without case, as whole words.
const UNWANTED: [(&str, &str, Reason); 19] = [
    ("Asy", "ncOS", Reason::Product),
    ("Iron", "Port", Reason::Product),
    ("Sender", "Base", Reason::Product),
    ("Ta", "los", Reason::Product),
    ("Outbreak", " Filters", Reason::Product),
    ("Cisco", " Secure Email", Reason::Product),
    ("/wo", "rk/", Reason::Machine),
    ("/tmp/tar", "get", Reason::Machine),
    ("/ro", "ot/", Reason::Machine),
    ("Cla", "ude", Reason::Origin),
    ("Anth", "ropic", Reason::Origin),
    ("Open", "AI", Reason::Origin),
    ("Chat", "GPT", Reason::Origin),
    ("Co", "pilot", Reason::Origin),
    ("language", " model", Reason::Origin),
    ("AI-", "generated", Reason::Origin),
    ("AI", " agent", Reason::Origin),
    ("AI", " assistant", Reason::Origin),
    ("coding", " agent", Reason::Origin),
];

fn check(tree: &Tree) -> Vec<Finding> {
    let words: Vec<(String, Reason)> = UNWANTED
        .iter()
        .map(|(head, tail, reason)| (format!("{head}{tail}").to_lowercase(), *reason))
        .collect();
    tree.files().flat_map(|file| findings(file, &words)).collect()
}

fn findings(file: &File, words: &[(String, Reason)]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, line) in file.lines() {
        let lower = line.to_lowercase();
        for (word, reason) in words {
            if lower.match_indices(word).any(|(at, _)| is_whole(&lower, at, word)) {
                let what = format!("the tree does not say `{word}`");
                found.push(Finding::new(&file.path, number, what, reason.hint()));
            }
        }
    }
    found
}

/// A path counts only from its root: `src/work/` is ours.
fn is_whole(line: &str, at: usize, word: &str) -> bool {
    let bytes = line.as_bytes();
    let path = word.starts_with('/');
    let before = at.checked_sub(1).map(|before| bytes[before]);
    let after = bytes.get(at + word.len()).copied();
    let starts = before.is_none_or(|byte| !(is_word(byte) || path && is_path(byte)));
    starts && (path || after.is_none_or(|byte| !is_word(byte)))
}

/// Whether a byte before a slash says that the path began earlier.
const fn is_path(byte: u8) -> bool {
    matches!(byte, b'.' | b'*' | b'}' | b'-' | b'/')
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    #[test]
    fn every_word_is_found_in_any_case_and_any_file() {
        for (head, tail, _) in UNWANTED {
            let word = format!("{head}{tail}");
            let text = format!("a\nsee {}.\n", word.to_uppercase());
            let expected = format!("a.md:2: the tree does not say `{}`", word.to_lowercase());
            assert_eq!(found(&RULE, &[("a.md", &text)]), [expected]);
        }
    }

    #[test]
    fn parts_of_words_and_paths_of_ours_are_fine() {
        let text = format!(
            "ta{}e cat{}s src{}b {}s ../{}\n",
            "los",
            "alo",
            "/wo".to_owned() + "rk/",
            "iron ports",
            "wo/rk"
        );
        assert_eq!(found(&RULE, &[("a.md", &text)]), Vec::<String>::new());
    }
}
