//! Length of files and functions, held by the ratchet.

use super::Rule;
use crate::finding::Finding;
use crate::ratchet::{
    FILE_CEILING, FILE_TARGET, FUNCTION_CEILING, PATH, Ratchet, long_files, long_functions,
};
use crate::tree::Tree;

pub(super) const RULE: Rule = Rule {
    name: "length",
    about: "files stay within 300 lines (400 at most) and functions within 70; what is longer may only shrink",
    check,
};

fn check(tree: &Tree) -> Vec<Finding> {
    match Ratchet::of(tree) {
        Ok(ratchet) => files(tree, &ratchet).chain(functions(tree, &ratchet)).collect(),
        Err(error) => vec![Finding::new(PATH, 1, format!("{error:#}"), "mend the file by hand")],
    }
}

fn files<'a>(tree: &'a Tree, ratchet: &'a Ratchet) -> impl Iterator<Item = Finding> + 'a {
    long_files(tree).filter_map(|(file, lines)| {
        let (what, hint) = match ratchet.files.get(&file.path) {
            Some(recorded) if lines <= *recorded => return None,
            Some(recorded) => (
                format!("{lines} lines, was {recorded}: a long file only shrinks"),
                "move the part that is a concept of its own into a file named after it",
            ),
            None if lines > FILE_CEILING => (
                format!("{lines} lines, the ceiling is {FILE_CEILING}"),
                "split it by concept, one noun a file",
            ),
            None => (
                format!("{lines} lines, the target is {FILE_TARGET}"),
                "split it, or record it with `cargo xtask tidy --bless`",
            ),
        };
        Some(Finding::new(&file.path, 1, what, hint))
    })
}

fn functions<'a>(tree: &'a Tree, ratchet: &'a Ratchet) -> impl Iterator<Item = Finding> + 'a {
    long_functions(tree).filter_map(|function| {
        let what = match ratchet.functions.get(&function.key) {
            Some(recorded) if function.lines <= *recorded => return None,
            Some(recorded) => format!("function of {} lines, was {recorded}", function.lines),
            None => format!("function of {} lines, the ceiling is {FUNCTION_CEILING}", function.lines),
        };
        Some(Finding::new(&function.path, function.line, what, "name its steps and give each a function"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    fn lines(count: usize) -> String {
        "//! x\n".repeat(count)
    }

    #[test]
    fn at_the_target_a_file_is_fine_and_above_it_must_be_recorded() {
        assert_eq!(found(&RULE, &[("a.rs", &lines(300)), ("a.md", &lines(900))]), Vec::<String>::new());
        assert_eq!(
            found(&RULE, &[("a.rs", &lines(301)), ("b.py", &lines(401))]),
            ["a.rs:1: 301 lines, the target is 300", "b.py:1: 401 lines, the ceiling is 400"]
        );
    }

    #[test]
    fn a_recorded_file_may_shrink_and_not_grow() {
        let recorded = (PATH, "[files]\n\"a.rs\" = 450\n");
        assert_eq!(found(&RULE, &[("a.rs", &lines(450)), recorded]), Vec::<String>::new());
        assert_eq!(
            found(&RULE, &[("a.rs", &lines(451)), recorded]),
            ["a.rs:1: 451 lines, was 450: a long file only shrinks"]
        );
    }

    #[test]
    fn functions_have_a_ceiling_and_a_record() {
        let text = format!("//! x\nfn f() {{\n{}}}\n", "    x();\n".repeat(69));
        assert_eq!(found(&RULE, &[("a.rs", &text)]), ["a.rs:2: function of 71 lines, the ceiling is 70"]);
        assert_eq!(
            found(&RULE, &[("a.rs", &text), (PATH, "[functions]\n\"a.rs f\" = 71\n")]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_broken_ratchet_is_a_finding_of_its_own() {
        assert_eq!(
            found(&RULE, &[(PATH, "[other]\n")]),
            ["xtask/ratchet.toml:1: xtask/ratchet.toml: unknown table other"]
        );
    }
}
