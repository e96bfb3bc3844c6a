//! The rules of `tidy`: one list, each a name, a sentence and a function over the tree.

mod alerts;
mod direction;
mod docs;
mod leftovers;
mod length;
mod manifest;
mod mentions;
mod names;
mod purity;
mod words;

use crate::finding::Finding;
use crate::tree::Tree;

/// One rule of the house.
pub(crate) struct Rule {
    /// As `tidy --list` prints it.
    pub(crate) name: &'static str,
    /// What it holds, one sentence.
    pub(crate) about: &'static str,
    pub(crate) check: fn(&Tree) -> Vec<Finding>,
}

/// Every rule. A new one is written in a module of its own and named here, nowhere else.
pub(crate) const ALL: [Rule; 10] = [
    alerts::RULE,
    direction::RULE,
    docs::RULE,
    leftovers::RULE,
    length::RULE,
    manifest::RULE,
    mentions::RULE,
    names::RULE,
    purity::RULE,
    words::RULE,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// What a rule finds in a tree of `(path, text)`, each as `path:line: what`.
    pub(super) fn found(rule: &Rule, files: &[(&str, &str)]) -> Vec<String> {
        let mut found = (rule.check)(&Tree::of(files));
        found.sort();
        found.iter().map(|f| format!("{}:{}: {}", f.path, f.line, f.what)).collect()
    }

    #[test]
    fn names_are_unique_words_and_abouts_are_sentences() {
        let mut names: Vec<&str> = ALL.iter().map(|rule| rule.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        for rule in &ALL {
            assert!(rule.name.bytes().all(|byte| byte.is_ascii_lowercase()), "{}", rule.name);
            assert!(!rule.about.is_empty() && !rule.about.ends_with('.'), "{}", rule.name);
        }
    }

    #[test]
    fn an_empty_tree_has_no_findings() {
        for rule in &ALL {
            assert_eq!(found(rule, &[]), Vec::<String>::new(), "{}", rule.name);
        }
    }
}
