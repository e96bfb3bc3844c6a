//! Every crate takes part in the house: its lints and its one version of everything.

use super::Rule;
use crate::finding::Finding;
use crate::tree::{File, Tree};

pub(super) const RULE: Rule = Rule {
    name: "manifest",
    about: "every crate has the workspace's lints, a description, and its dependencies from the workspace's list",
    check,
};

const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

fn check(tree: &Tree) -> Vec<Finding> {
    tree.files().filter(|file| file.name() == "Cargo.toml").flat_map(findings).collect()
}

fn findings(file: &File) -> Vec<Finding> {
    let table: toml::Table = match file.text.parse() {
        Ok(table) => table,
        Err(error) => {
            return vec![Finding::new(&file.path, 1, format!("not TOML: {}", error.message()), "mend it")];
        }
    };
    // A workspace of its own (the fuzz targets) or a virtual manifest has no part in this one.
    if !table.contains_key("package") || (table.contains_key("workspace") && file.path != "Cargo.toml") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let inherits = |value: Option<&toml::Value>| {
        value.and_then(|value| value.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
    };
    if !inherits(table.get("lints")) {
        let hint = "add `[lints]` with `workspace = true`";
        found.push(Finding::new(&file.path, 1, "the workspace's lints are not used", hint));
    }
    if table["package"].get("description").and_then(toml::Value::as_str).is_none_or(str::is_empty) {
        found.push(Finding::new(&file.path, 1, "no description", "say in one sentence what the crate is"));
    }
    for section in SECTIONS {
        for (name, value) in table.get(section).and_then(toml::Value::as_table).into_iter().flatten() {
            if !inherits(Some(value)) {
                let what = format!("{section}: {name} has a version of its own");
                let hint = "list it under [workspace.dependencies] and write `workspace = true`";
                found.push(Finding::new(&file.path, line_of(file, name), what, hint));
            }
        }
    }
    found
}

/// The first line that starts with a key.
fn line_of(file: &File, key: &str) -> usize {
    file.lines()
        .find(|(_, line)| line.strip_prefix(key).is_some_and(|rest| rest.starts_with([' ', '=', '.'])))
        .map_or(1, |(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    #[test]
    fn a_crate_inherits() {
        let good = "[package]\nname = \"a\"\ndescription = \"A.\"\n[dependencies]\nserde.workspace = true\n\
                    toml = { workspace = true, features = [\"x\"] }\n[lints]\nworkspace = true\n";
        let bad = "[package]\nname = \"b\"\n[dependencies]\nserde = \"1\"\n";
        let alone = "[package]\nname = \"fuzz\"\n[workspace]\n";
        assert_eq!(
            found(&RULE, &[("a/Cargo.toml", good), ("b/Cargo.toml", bad), ("fuzz/Cargo.toml", alone)]),
            [
                "b/Cargo.toml:1: no description",
                "b/Cargo.toml:1: the workspace's lints are not used",
                "b/Cargo.toml:4: dependencies: serde has a version of its own"
            ]
        );
    }

    #[test]
    fn broken_toml_is_a_finding() {
        assert_eq!(found(&RULE, &[("a/Cargo.toml", "[package")]).len(), 1);
    }
}
