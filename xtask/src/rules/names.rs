//! File names say a noun of the domain.

use super::Rule;
use crate::finding::Finding;
use crate::tree::{File, Tree};

pub(super) const RULE: Rule =
    Rule { name: "names", about: "no file is named after a drawer (manager, utils, helpers, misc)", check };

/// Words that say where things were put and not what they are.
const DRAWERS: [&str; 11] = [
    "common", "handler", "handlers", "helper", "helpers", "manager", "managers", "misc", "util", "utils",
    "stuff",
];

fn check(tree: &Tree) -> Vec<Finding> {
    tree.files().filter_map(finding).collect()
}

fn finding(file: &File) -> Option<Finding> {
    let stem = file.name().split('.').next()?;
    let drawer = stem.split(['_', '-']).find(|word| DRAWERS.contains(&word.to_ascii_lowercase().as_str()))?;
    let what = format!("file named after a drawer: {drawer}");
    Some(Finding::new(&file.path, 1, what, "name it as the operator names the thing, one noun a file"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    #[test]
    fn drawers_are_found_as_whole_words() {
        assert_eq!(
            found(
                &RULE,
                &[("a/route.rs", ""), ("a/queue_manager.rs", ""), ("utils.py", ""), ("commonmark.rs", "")]
            ),
            [
                "a/queue_manager.rs:1: file named after a drawer: manager",
                "utils.py:1: file named after a drawer: utils"
            ]
        );
    }
}
