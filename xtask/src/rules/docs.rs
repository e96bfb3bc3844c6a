//! Every Rust file opens with its contract. An out-of-line `tests.rs` has that of the module it tests.

use super::Rule;
use crate::finding::Finding;
use crate::lexer::{CommentKind, Lexed};
use crate::tree::{File, Tree};

pub(super) const RULE: Rule =
    Rule { name: "docs", about: "every Rust file opens with a `//!` that says what it is for", check };

fn check(tree: &Tree) -> Vec<Finding> {
    let described = tree.rust().filter(|(file, _)| file.name() != "tests.rs");
    described.filter_map(|(file, lexed)| finding(file, lexed)).collect()
}

fn finding(file: &File, lexed: &Lexed) -> Option<Finding> {
    let hint = "say what it is for, what it promises and what it is not";
    let Some(opening) = lexed.comments.iter().find(|comment| comment.kind == CommentKind::ModuleDoc) else {
        return Some(Finding::new(&file.path, 1, "no module documentation", hint));
    };
    let first_code = lexed.code.lines().position(|line| !line.trim().is_empty() && !line.starts_with("#!"));
    if first_code.is_some_and(|index| index + 1 < opening.line) {
        return Some(Finding::new(&file.path, opening.line, "module documentation after code", hint));
    }
    if opening.text.trim().is_empty() {
        return Some(Finding::new(
            &file.path,
            opening.line,
            "module documentation opens with an empty line",
            hint,
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    #[test]
    fn the_contract_comes_first() {
        let good = "#![allow(x)]\n// Why.\n//! What it is.\n\nfn f() {}\n";
        assert_eq!(
            found(
                &RULE,
                &[
                    ("empty.rs", "//!\n"),
                    ("good.rs", good),
                    ("late.rs", "use a;\n//! Late.\n"),
                    ("none.rs", "// A.\nfn f() {}\n"),
                    ("route/tests.rs", "use super::*;\n"),
                    ("text.md", "no Rust"),
                ]
            ),
            [
                "empty.rs:1: module documentation opens with an empty line",
                "late.rs:2: module documentation after code",
                "none.rs:1: no module documentation"
            ]
        );
    }
}
