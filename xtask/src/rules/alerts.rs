//! Every alert code of the source is explained in `docs/operations.md`, and nothing else is explained there.
//!
//! A code is a text that follows a severity (`Severity::Warning, "disk-unknown"`), or the field `code` of an
//! alert. On the page it is the first cell of a row: `` | `disk-unknown` | ``. A file that raises alerts and names
//! no code is a finding too: nobody could look its codes up.

use std::collections::BTreeMap;

use super::Rule;
use crate::finding::Finding;
use crate::lexer::{Lexed, is_word};
use crate::outline::{line_of, test_ranges, words};
use crate::tree::{File, Tree};

pub(super) const RULE: Rule = Rule {
    name: "alerts",
    about: "docs/operations.md explains every alert code, and no code that is gone",
    check,
};

const PAGE: &str = "docs/operations.md";

fn check(tree: &Tree) -> Vec<Finding> {
    let product = tree.rust().filter(|(file, _)| is_product(file) && !file.is_test());
    let mut raised: BTreeMap<String, (&str, usize)> = BTreeMap::new();
    let mut found = Vec::new();
    for (file, lexed) in product {
        let codes = codes(file, lexed);
        if codes.is_empty() && lexed.code.contains(".alert(") {
            let line = line_of(&lexed.code, lexed.code.find(".alert(").unwrap_or(0));
            let hint = "write the code as a text right behind the severity";
            found.push(Finding::new(&file.path, line, "an alert without a code in its file", hint));
        }
        for (code, line) in codes {
            raised.entry(code).or_insert((&file.path, line));
        }
    }
    let explained: BTreeMap<&str, usize> = tree.find(PAGE).into_iter().flat_map(rows).collect();
    for (code, (path, line)) in &raised {
        if !explained.contains_key(code.as_str()) {
            let what = format!("{PAGE} does not explain the alert {code}");
            found.push(Finding::new(path, *line, what, "add a row: what it means, what to do"));
        }
    }
    for (code, line) in explained {
        if !raised.contains_key(code) {
            let what = format!("nothing raises the alert {code}");
            found.push(Finding::new(PAGE, line, what, "take the row out, or mend the code's name"));
        }
    }
    found
}

/// The lab has no operators, and the house rules are not shipped.
fn is_product(file: &File) -> bool {
    let sources =
        file.path.starts_with("src/") || file.path.starts_with("crates/") && file.path.contains("/src/");
    sources && !file.path.starts_with("crates/lab/")
}

/// The codes in a file, each with its line.
fn codes(file: &File, lexed: &Lexed) -> Vec<(String, usize)> {
    let tests = test_ranges(lexed);
    let code = lexed.code.as_str();
    let after_severity = words(code, "Severity").filter_map(|at| {
        let variant = code[at..].strip_prefix("Severity::")?;
        let name = variant.bytes().take_while(|byte| is_word(*byte)).count();
        Some(at + "Severity::".len() + name).filter(|end| code[*end..].starts_with(',')).map(|end| end + 1)
    });
    let field =
        words(code, "code").map(|at| at + "code".len()).filter(|end| code[*end..].starts_with(": \""));
    let starts = after_severity.chain(field.map(|end| end + 1)).collect::<Vec<_>>();
    starts
        .into_iter()
        .filter(|at| !tests.iter().any(|range| range.contains(at)))
        .filter_map(|at| text_at(&file.text, at).map(|text| (text.to_owned(), line_of(code, at))))
        .collect()
}

/// The text literal that begins behind the white space at an offset.
fn text_at(source: &str, at: usize) -> Option<&str> {
    let literal = source.get(at..)?.trim_start().strip_prefix('"')?;
    literal.split_once('"').map(|(text, _)| text).filter(|text| is_code(text))
}

/// The rows of the page that explain a code, each with its line.
fn rows(page: &File) -> impl Iterator<Item = (&str, usize)> {
    page.lines().filter_map(|(number, line)| {
        let (code, _) = line.strip_prefix("| `")?.split_once("` |")?;
        is_code(code).then_some((code, number))
    })
}

/// Small words joined by hyphens, two at least.
fn is_code(text: &str) -> bool {
    text.contains('-')
        && text.split('-').all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    const PAGE_OF_TWO: &str = "# x\n\n| `disk-full` | a | b |\n| `disk-gone` | a | b |\n| `data_dir` | c |\n";
    const SOURCE: &str = "//! x\nfn a(e: E) {\n    e.alert(\n        Severity::Warning,\n        \"disk-full\",\n    );\n}\n\
                          fn b() -> A { A { severity: S, code: \"disk-gone\".to_owned() } }\n";

    #[test]
    fn what_is_raised_and_explained_is_fine() {
        let files = [("crates/a/src/a.rs", SOURCE), (PAGE, PAGE_OF_TWO)];
        assert_eq!(found(&RULE, &files), Vec::<String>::new());
    }

    #[test]
    fn each_side_without_the_other_is_found() {
        let files = [("crates/a/src/a.rs", SOURCE), (PAGE, "# x\n\n| `disk-lost` | a |\n")];
        assert_eq!(
            found(&RULE, &files),
            [
                "crates/a/src/a.rs:4: docs/operations.md does not explain the alert disk-full",
                "crates/a/src/a.rs:8: docs/operations.md does not explain the alert disk-gone",
                "docs/operations.md:3: nothing raises the alert disk-lost",
            ]
        );
    }

    #[test]
    fn a_tuple_counts_and_tests_and_the_lab_do_not() {
        let tuple = "//! x\nfn a() -> T { (Severity::Critical, \"disk-full\", 1) }\n\
                     #[cfg(test)]\nmod tests { const X: T = (Severity::Critical, \"disk-test\", 1); }\n";
        let lab = "//! x\nfn a() -> T { (Severity::Critical, \"disk-lab\", 1) }\n";
        let page = "# x\n| `disk-full` | a |\n";
        let files = [("crates/a/src/a.rs", tuple), ("crates/lab/src/a.rs", lab), (PAGE, page)];
        assert_eq!(found(&RULE, &files), Vec::<String>::new());
    }

    #[test]
    fn an_alert_whose_code_nobody_can_read_is_found() {
        let source = "//! x\nfn a(e: E, code: &str) {\n    e.alert(code);\n}\n";
        assert_eq!(
            found(&RULE, &[("crates/a/src/a.rs", source)]),
            ["crates/a/src/a.rs:3: an alert without a code in its file"]
        );
    }
}
