//! What was meant to go before the commit: reminders, debug prints, switched-off code and tests.

use super::Rule;
use crate::finding::Finding;
use crate::lexer::{Comment, CommentKind, Lexed};
use crate::outline::{line_of, words};
use crate::tree::{File, Tree};

pub(super) const RULE: Rule = Rule {
    name: "leftovers",
    about: "no reminder without an issue number, debug print, unfinished or commented-out code, unexplained ignore",
    check,
};

/// In two halves, so that this file passes its own rule.
const REMINDERS: [(&str, &str); 4] = [("TO", "DO"), ("FIX", "ME"), ("XX", "X"), ("HA", "CK")];

/// Text of code, and what to do about it.
const UNFINISHED: [(&str, &str); 5] = [
    ("dbg!", "take the print out"),
    ("todo!", "write it, or leave the caller without it"),
    ("unimplemented!", "write it, or leave the caller without it"),
    ("allow(dead_code)", "delete what nobody calls; git remembers it"),
    ("#[ignore]", "say why: `#[ignore = \"...\"]`"),
];

/// A comment that starts with one of these and ends like a statement is code.
const STATEMENTS: [&str; 16] = [
    "let ", "use ", "pub ", "fn ", "mod ", "impl ", "struct ", "enum ", "match ", "if ", "for ", "while ",
    "return ", "self.", "assert", "#[",
];

fn check(tree: &Tree) -> Vec<Finding> {
    let texts = tree.files().filter(|file| is_read(file));
    let mut found: Vec<Finding> = texts.flat_map(reminders).collect();
    found.extend(tree.rust().flat_map(|(file, lexed)| unfinished(file, lexed)));
    found.extend(tree.rust().flat_map(|(file, lexed)| commented_out(file, lexed)));
    found
}

fn is_read(file: &File) -> bool {
    let name = file.name();
    [".rs", ".py", ".sh", ".toml", ".md"].iter().any(|end| name.ends_with(end)) || file.text.starts_with("#!")
}

fn reminders(file: &File) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, line) in file.lines() {
        for (head, tail) in REMINDERS {
            let reminder = format!("{head}{tail}");
            let open = words(line, &reminder).any(|at| !line[at + reminder.len()..].starts_with("(#"));
            if open {
                let hint = "do it now, or open an issue and write its number: (#12)";
                found.push(Finding::new(&file.path, number, format!("{reminder} without an issue"), hint));
            }
        }
    }
    found
}

fn unfinished(file: &File, lexed: &Lexed) -> Vec<Finding> {
    let mut found = Vec::new();
    for (text, hint) in UNFINISHED {
        for (at, _) in lexed.code.match_indices(text) {
            if at == 0 || !crate::lexer::is_word(lexed.code.as_bytes()[at - 1]) {
                found.push(Finding::new(
                    &file.path,
                    line_of(&lexed.code, at),
                    format!("leftover `{text}`"),
                    hint,
                ));
            }
        }
    }
    found
}

fn commented_out(file: &File, lexed: &Lexed) -> Vec<Finding> {
    let plain = lexed.comments.iter().filter(|comment| comment.kind == CommentKind::Plain);
    plain
        .filter_map(|comment| Some((comment, code_line(comment)?)))
        .map(|(comment, offset)| {
            let hint = "delete it; git remembers it";
            Finding::new(&file.path, comment.line + offset, "commented-out code", hint)
        })
        .collect()
}

/// Which line of a comment is code, if one is. A guess on the side of prose: sentences end in a full stop.
fn code_line(comment: &Comment) -> Option<usize> {
    comment.text.lines().position(|line| {
        let line = line.trim();
        let statement = line.ends_with(';') || line.ends_with('{') || line.ends_with(']');
        let call = line.ends_with(");") || line.ends_with("});") || line.ends_with(")?;");
        let closing = matches!(line, "}" | "};" | "})" | ");" | "});");
        closing || call || (statement && STATEMENTS.iter().any(|word| line.starts_with(word)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    #[test]
    fn a_reminder_needs_an_issue() {
        for (head, tail) in REMINDERS {
            let text = format!("// {head}{tail}(#12): later.\n# {head}{tail}: now\n// {head}{tail}X\n");
            assert_eq!(found(&RULE, &[("a.sh", &text)]), [format!("a.sh:2: {head}{tail} without an issue")]);
        }
    }

    #[test]
    fn a_script_without_ending_is_read_and_data_is_not() {
        let text = format!("#!/bin/bash\n# {}{}\n", "TO", "DO");
        assert_eq!(found(&RULE, &[("scripts/a", &text)]).len(), 1);
        assert_eq!(found(&RULE, &[("a.eml", &text[11..])]), Vec::<String>::new());
    }

    #[test]
    fn unfinished_code_is_found_in_code_only() {
        for (text, _) in UNFINISHED {
            let source = format!("// {text}\nlet a = \"{text}\";\nmy_{text}\n{text}\n");
            let lines = if text.starts_with('#') { vec![3, 4] } else { vec![4] };
            let found = found(&RULE, &[("a.rs", &source)]);
            let expected: Vec<String> =
                lines.iter().map(|line| format!("a.rs:{line}: leftover `{text}`")).collect();
            assert!(expected.iter().any(|line| found.contains(line)), "{text}: {found:?}");
        }
    }

    #[test]
    fn code_in_comments_is_told_from_prose() {
        for code in ["let x = 3;", "foo.bar(1);", "}", "if x {", "pub fn f() {", "#[test]", "f(x)?;"] {
            assert_eq!(
                found(&RULE, &[("a.rs", &format!("// {code}\n"))]),
                ["a.rs:1: commented-out code"],
                "{code}"
            );
        }
        let prose = [
            "If it waits, the slot goes.",
            "The kernel has it; we do not.",
            "use of `x(y);` is fine.",
            "RFC 5321 [4.5.3]",
        ];
        for prose in prose {
            assert_eq!(found(&RULE, &[("a.rs", &format!("// {prose}\n"))]), Vec::<String>::new(), "{prose}");
        }
        assert_eq!(
            found(&RULE, &[("a.rs", "/// let x = 3;\n/*\n a\n let b = 2;\n*/\n")]),
            ["a.rs:4: commented-out code"]
        );
    }
}
