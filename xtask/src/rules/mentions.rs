//! What a document names exists: files it links to, source files it mentions, tests it calls as witnesses.
//!
//! A source file may be named by the end of its path, and without `crates` and `src`: `core/policy.rs`. A test is
//! a text in backticks of four words or more joined by `_`. The changelog tells of the past and is left out.

use super::Rule;
use crate::finding::Finding;
use crate::outline::words;
use crate::tree::{File, Tree};

pub(super) const RULE: Rule =
    Rule { name: "mentions", about: "links, source files and tests named in documents exist", check };

const HISTORY: &str = "CHANGELOG.md";
/// Not in the tree that rules see, and there all the same.
const UNREAD: &str = "LICENSE";

fn check(tree: &Tree) -> Vec<Finding> {
    let sources: Vec<String> = tree.rust().map(|(file, _)| shortened(&file.path)).collect();
    let pages = tree.files().filter(|file| file.name().ends_with(".md") && file.name() != HISTORY);
    let mut found = Vec::new();
    for page in pages {
        let mut fenced = false;
        for (number, line) in page.lines() {
            if line.starts_with("```") {
                fenced = !fenced;
            }
            if fenced {
                continue;
            }
            let gone = |what: String| Finding::new(&page.path, number, what, "name what is there now");
            found.extend(dead_links(tree, page, line).map(|to| gone(format!("no file at the link {to}"))));
            for text in quoted(line) {
                if text.ends_with(".rs") && !text.contains(['*', '{', ' ']) && !is_source(&sources, text) {
                    found.push(gone(format!("no source file {text}")));
                }
                if is_test_name(text) && !is_function(tree, text) {
                    found.push(gone(format!("no function {text}")));
                }
            }
        }
    }
    found
}

/// A path without the folders that every crate has.
fn shortened(path: &str) -> String {
    path.strip_prefix("crates/").unwrap_or(path).replace("/src/", "/")
}

fn is_source(sources: &[String], mention: &str) -> bool {
    let mention = shortened(mention);
    sources.iter().any(|path| {
        path.strip_suffix(mention.as_str()).is_some_and(|before| before.is_empty() || before.ends_with('/'))
    })
}

fn is_test_name(text: &str) -> bool {
    text.matches('_').count() >= 3
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn is_function(tree: &Tree, name: &str) -> bool {
    let declared = format!("fn {name}");
    tree.rust().any(|(_, lexed)| words(&lexed.code, &declared).next().is_some())
}

/// The texts in backticks of a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Links of a line that lead to no file of the tree. Those that lead out of it are not followed.
fn dead_links<'a>(tree: &'a Tree, page: &'a File, line: &'a str) -> impl Iterator<Item = &'a str> {
    let links = line.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(to, _)| to));
    links.filter(move |to| {
        let file = to.split('#').next().unwrap_or_default();
        let outside = to.contains("://") || file.is_empty() || file == UNREAD;
        !outside && tree.find(&resolved(&page.path, file)).is_none()
    })
}

/// The path that a link in a page means.
fn resolved(page: &str, link: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    const SOURCE: (&str, &str) = (
        "crates/a/src/b/c.rs",
        "//! x\nfn what_is_there_stays() {}\nconst T: &str = \"fn what_is_only_told()\";\n",
    );

    #[test]
    fn what_is_there_may_be_named_in_short() {
        let page = "See [here](docs/x.md#y), [out](https://a.example/b.rs) and [licence](LICENSE).\n\
                    `crates/a/src/b/c.rs`, `a/b/c.rs`, `b/c.rs`, `c.rs`: `what_is_there_stays`, `not_a_test`.\n\
                    ```\n`gone.rs` [x](gone.md)\n```\n";
        let files = [SOURCE, ("README.md", page), ("docs/x.md", "[back](../README.md)\n")];
        assert_eq!(found(&RULE, &files), Vec::<String>::new());
    }

    #[test]
    fn what_is_gone_is_found() {
        let page = "[x](x.md)\n`b/d.rs` and `bc.rs`\n`what_is_not_there_any_more`, `what_is_only_told`\n";
        assert_eq!(
            found(&RULE, &[SOURCE, ("docs/y.md", page), ("CHANGELOG.md", page)]),
            [
                "docs/y.md:1: no file at the link x.md",
                "docs/y.md:2: no source file b/d.rs",
                "docs/y.md:2: no source file bc.rs",
                "docs/y.md:3: no function what_is_not_there_any_more",
                "docs/y.md:3: no function what_is_only_told",
            ]
        );
    }
}
