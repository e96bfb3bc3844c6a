//! The dependency graph against `deny.toml`: licences, bans, sources, and how many crates the daemon links.
//!
//! Reads the same file as cargo-deny, so that there is one list, and needs no tool but cargo. It looks at the
//! graph that `cargo tree` prints for all platforms: an optional dependency nobody switched on does not count
//! (`cargo metadata` would list it). It knows nothing of security advisories, whose database has to be
//! fetched.

mod graph;
mod licence;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use self::graph::{Graph, Package, Source};
use crate::finding::Finding;

const DENY: &str = "deny.toml";
/// The package that ships.
const DAEMON: &str = "mailreeve";
/// Crates it may link outside of tests, itself included.
const DAEMON_CEILING: usize = 490;

/// Checks the workspace at `root`.
///
/// # Errors
/// When cargo cannot resolve the graph, or `deny.toml` lacks what is read from it.
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let text = std::fs::read_to_string(root.join(DENY)).context("cannot read deny.toml")?;
    let policy = Policy::parse(&text)?;
    let all = Graph::parse(&tree(root, &["--workspace", "--edges=normal,build,dev"])?)?;
    let daemon = Graph::parse(&tree(root, &["--package", DAEMON, "--edges=normal"])?)?;
    let mut found = policy.judge(&all);
    found.extend(lean(&daemon, DAEMON_CEILING));
    Ok(found)
}

fn tree(root: &Path, scope: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--target=all", "--prefix=depth", "--format", graph::FORMAT])
        .args(scope)
        .current_dir(root)
        .output()
        .context("cannot run cargo tree")?;
    if !output.status.success() {
        bail!("cargo tree: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn lean(daemon: &Graph, ceiling: usize) -> Option<Finding> {
    let linked = daemon.packages().count();
    (linked > ceiling).then(|| {
        let what = format!("{DAEMON} links {linked} crates, {ceiling} at most");
        Finding::new("Cargo.toml", 1, what, "see `cargo tree -e normal` for what brings the most")
    })
}

/// What `deny.toml` says.
struct Policy {
    text: String,
    licences: BTreeSet<String>,
    /// Crate to reason.
    bans: BTreeMap<String, String>,
}

impl Policy {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let table: toml::Table = text.parse().context("deny.toml is not valid TOML")?;
        let list = |section: &str, key: &str| {
            let value =
                table.get(section).and_then(|section| section.get(key)).and_then(toml::Value::as_array);
            value.with_context(|| format!("deny.toml has no list {section}.{key}"))
        };
        let licences = list("licenses", "allow")?.iter().filter_map(toml::Value::as_str).map(str::to_owned);
        let licences = licences.collect();
        let mut bans = BTreeMap::new();
        for ban in list("bans", "deny")? {
            let text = |key: &str| ban.get(key).and_then(toml::Value::as_str).map(str::to_owned);
            let name = text("crate").context("an entry of bans.deny names no crate")?;
            let reason = text("reason").with_context(|| format!("the ban of {name} has no reason"))?;
            bans.insert(name, reason);
        }
        Ok(Self { text: text.to_owned(), licences, bans })
    }

    fn judge(&self, graph: &Graph) -> Vec<Finding> {
        let mut found: Vec<Finding> =
            graph.packages().flat_map(|package| self.package(graph, package)).collect();
        found.sort();
        found
    }

    fn package(&self, graph: &Graph, package: &Package) -> Vec<Finding> {
        let mut found = Vec::new();
        if let Some(reason) = self.bans.get(&package.name) {
            let what = format!("{package} is banned ({reason}); it is brought by {}", graph.parents(package));
            found.push(self.finding(&package.name, what, "switch off the feature that brings it"));
        }
        match &package.source {
            Source::Ours => return found,
            Source::CratesIo => {}
            Source::Elsewhere(place) => {
                found.push(self.finding(
                    "[sources]",
                    format!("{package} comes from {place}"),
                    "take it from crates.io",
                ));
            }
        }
        if !licence::is_allowed(&package.licence, &self.licences) {
            let what = format!("{package} has the licence `{}`", package.licence);
            let hint = "permissive licences only: replace the crate, or allow the licence with a reason";
            found.push(self.finding("[licenses]", what, hint));
        }
        found
    }

    /// A finding at the line of `deny.toml` that has `anchor` at its start or in quotes.
    fn finding(&self, anchor: &str, what: String, hint: &'static str) -> Finding {
        let quoted = format!("\"{anchor}\"");
        let line = self.text.lines().position(|line| line.starts_with(anchor) || line.contains(&quoted));
        Finding::new(DENY, line.map_or(1, |index| index + 1), what, hint)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const POLICY: &str = "[licenses]\nallow = [\"MIT\"]\n[bans]\ndeny = [\n\
                          { crate = \"ring\", reason = \"one provider\" },\n]\n[sources]\n";

    fn judged(tree: &str) -> Vec<String> {
        let found = Policy::parse(POLICY).unwrap().judge(&Graph::parse(tree).unwrap());
        found.iter().map(|f| format!("{}:{}: {}", f.path, f.line, f.what)).collect()
    }

    #[test]
    fn a_ban_names_its_reason_and_who_brings_it() {
        assert_eq!(
            judged("0a v1.0.0 (/p)\t\n1b v1.0.0\tMIT\n2ring v0.17.0\tMIT\n1ring v0.17.0\tMIT (*)\n"),
            ["deny.toml:5: ring 0.17.0 is banned (one provider); it is brought by a, b"]
        );
    }

    #[test]
    fn licences_and_sources_are_judged_for_what_is_not_ours() {
        assert_eq!(
            judged(
                "0a v1.0.0 (/p)\t\n1b v1.0.0\tGPL-3.0\n1c v1.0.0 (https://git.example/c#12)\tMIT\n1d v1.0.0\tMIT\n"
            ),
            [
                "deny.toml:1: b 1.0.0 has the licence `GPL-3.0`",
                "deny.toml:7: c 1.0.0 comes from https://git.example/c#12"
            ]
        );
    }

    #[test]
    fn the_daemon_has_a_ceiling() {
        let graph =
            Graph::parse("0a v1.0.0 (/p)\t\n1b v1.0.0\tMIT\n1c v1.0.0\tMIT\n2b v1.0.0\tMIT (*)\n").unwrap();
        assert_eq!(lean(&graph, 3), None);
        assert_eq!(lean(&graph, 2).unwrap().what, "mailreeve links 3 crates, 2 at most");
    }

    #[test]
    fn a_policy_without_reasons_or_lists_is_refused() {
        let without_reason = "[licenses]\nallow = []\n[bans]\ndeny = [{ crate = \"x\" }]\n";
        for text in ["", "[licenses]\nallow = []\n", without_reason] {
            assert!(Policy::parse(text).is_err(), "{text}");
        }
    }
}
