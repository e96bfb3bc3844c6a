//! What is longer than the house wants, with its present length: it may only shrink.
//!
//! `xtask/ratchet.toml` has two tables, `files` (path = lines) and `functions` ("path name" = lines). A file
//! above its target stands there; a function above its ceiling should not, and every one that does is a debt
//! with a number. `tidy --bless` lowers and drops entries and takes in files between target and ceiling. It
//! never raises a number: whoever needs that edits the file by hand, where a reviewer sees it.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, bail};

use crate::outline;
use crate::tree::{File, Tree};

/// Where the numbers are kept.
pub(crate) const PATH: &str = "xtask/ratchet.toml";
/// Lines that a source file should stay within.
pub(crate) const FILE_TARGET: usize = 300;
/// Lines that no new source file may pass.
pub(crate) const FILE_CEILING: usize = 400;
/// Lines that no new function may pass.
pub(crate) const FUNCTION_CEILING: usize = 70;

/// The recorded lengths.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ratchet {
    pub(crate) files: BTreeMap<String, usize>,
    pub(crate) functions: BTreeMap<String, usize>,
}

/// A function as the ratchet sees it.
pub(crate) struct Measured {
    /// "path name"; functions of one name in one file share an entry.
    pub(crate) key: String,
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) lines: usize,
}

impl Ratchet {
    /// Reads the tree's ratchet file; none means no exceptions.
    ///
    /// # Errors
    /// When the file is not what this module writes.
    pub(crate) fn of(tree: &Tree) -> anyhow::Result<Self> {
        tree.find(PATH).map_or_else(|| Ok(Self::default()), |file| Self::parse(&file.text))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let table: toml::Table = text.parse().with_context(|| format!("{PATH} is not valid TOML"))?;
        if let Some(unknown) = table.keys().find(|key| !["files", "functions"].contains(&key.as_str())) {
            bail!("{PATH}: unknown table {unknown}");
        }
        Ok(Self { files: numbers(&table, "files")?, functions: numbers(&table, "functions")? })
    }

    /// This ratchet, turned down to what `tree` has now.
    pub(crate) fn lowered(&self, tree: &Tree) -> Self {
        let mut next = Self::default();
        for (file, lines) in long_files(tree) {
            let allowed = self.files.get(&file.path).copied().unwrap_or(FILE_CEILING);
            if lines <= allowed {
                next.files.insert(file.path.clone(), lines);
            } else if let Some(recorded) = self.files.get(&file.path) {
                next.files.insert(file.path.clone(), *recorded);
            }
        }
        for function in long_functions(tree) {
            if let Some(recorded) = self.functions.get(&function.key) {
                let lowered = next.functions.entry(function.key).or_insert(0);
                *lowered = (*lowered).max(function.lines).min(*recorded);
            }
        }
        next
    }

    pub(crate) fn len(&self) -> usize {
        self.files.len() + self.functions.len()
    }

    pub(crate) fn to_toml(&self) -> String {
        let mut out = String::from(
            "# Longer than the house wants, with the present length: a number here only goes down.\n\
             # `cargo xtask tidy --bless` lowers and drops entries; nothing raises one but a hand, in review.\n",
        );
        for (name, entries) in [("files", &self.files), ("functions", &self.functions)] {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "\n[{name}]");
            for (key, lines) in entries {
                let _ = writeln!(out, "\"{key}\" = {lines}");
            }
        }
        out
    }
}

/// Source files above the target, with their lines.
pub(crate) fn long_files(tree: &Tree) -> impl Iterator<Item = (&File, usize)> {
    tree.files()
        .filter(|file| file.path.ends_with(".rs") || file.path.ends_with(".py"))
        .map(|file| (file, file.text.lines().count()))
        .filter(|(_, lines)| *lines > FILE_TARGET)
}

/// Functions above the ceiling.
pub(crate) fn long_functions(tree: &Tree) -> impl Iterator<Item = Measured> {
    tree.rust().flat_map(|(file, lexed)| {
        outline::functions(lexed).into_iter().filter(|function| function.lines > FUNCTION_CEILING).map(|f| {
            Measured {
                key: format!("{} {}", file.path, f.name),
                path: file.path.clone(),
                line: f.line,
                lines: f.lines,
            }
        })
    })
}

fn numbers(table: &toml::Table, name: &str) -> anyhow::Result<BTreeMap<String, usize>> {
    let Some(value) = table.get(name) else {
        return Ok(BTreeMap::new());
    };
    let entries = value.as_table().with_context(|| format!("{PATH}: {name} is not a table"))?;
    entries
        .iter()
        .map(|(key, value)| {
            let lines = value.as_integer().and_then(|lines| usize::try_from(lines).ok());
            Ok((key.clone(), lines.with_context(|| format!("{PATH}: {key} is not a number of lines"))?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn lines(count: usize) -> String {
        "//! x\n".repeat(count)
    }

    fn function(name: &str, count: usize) -> String {
        format!("fn {name}() {{\n{}}}\n", "    x();\n".repeat(count - 2))
    }

    fn ratchet(text: &str) -> Ratchet {
        Ratchet::parse(text).unwrap()
    }

    #[test]
    fn what_it_writes_it_reads() {
        let one = ratchet("[files]\n\"a.rs\" = 410\n[functions]\n\"a.rs f\" = 90\n");
        assert_eq!(ratchet(&one.to_toml()), one);
        assert_eq!(one.len(), 2);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["[file]\n", "[files]\n\"a\" = \"x\"\n", "files = 3\n", "[files]\na = -1\n", "["] {
            assert!(Ratchet::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn files_are_lowered_dropped_and_taken_in_but_never_raised() {
        let recorded =
            ratchet("[files]\n\"less.rs\" = 500\n\"more.rs\" = 450\n\"done.rs\" = 350\n\"gone.rs\" = 350\n");
        let (less, more, done, new, huge) = (lines(450), lines(460), lines(300), lines(301), lines(401));
        let tree = Tree::of(&[
            ("less.rs", &less),
            ("more.rs", &more),
            ("done.rs", &done),
            ("new.py", &new),
            ("huge.rs", &huge),
        ]);
        let expected = ratchet("[files]\n\"less.rs\" = 450\n\"more.rs\" = 450\n\"new.py\" = 301\n");
        assert_eq!(recorded.lowered(&tree), expected);
    }

    #[test]
    fn functions_are_lowered_and_dropped_but_never_taken_in() {
        let recorded = ratchet("[functions]\n\"a.rs less\" = 100\n\"a.rs more\" = 80\n\"a.rs done\" = 90\n");
        let text =
            [function("less", 75), function("more", 90), function("done", 70), function("new", 71)].concat();
        let tree = Tree::of(&[("a.rs", &text)]);
        let expected =
            ratchet("[files]\n\"a.rs\" = 306\n[functions]\n\"a.rs less\" = 75\n\"a.rs more\" = 80\n");
        assert_eq!(recorded.lowered(&tree), expected);
    }
}
